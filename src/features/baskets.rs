//! Orders as sets of products.

use std::borrow::Cow;
use std::ops::Range;

/// Baskets of distinct merchandise; basket `b` holds `product[starts[b]..starts[b + 1]]`, ascending and distinct.
///
/// Baskets stand by customer, then day; those of guests come last with `customer == NONE_IX`.
/// Four bytes an item; returned items are listed apart because they are few.
#[derive(Debug, Clone, Default)]
pub struct Baskets {
    pub starts: Vec<usize>,
    pub customer: Vec<u32>,
    /// Days since 1970-01-01.
    pub day: Vec<i32>,
    pub product: Vec<u32>,
    /// Position in `product` and first day on which it had been returned in full, ascending by position.
    pub returned: Vec<(usize, i32)>,
}

impl Baskets {
    /// Returns the number of baskets.
    pub fn len(&self) -> usize {
        self.customer.len()
    }

    /// Says whether there is no basket.
    pub fn is_empty(&self) -> bool {
        self.customer.is_empty()
    }

    /// Returns the same baskets as they stood at the end of `day`: later baskets left out, items returned by then removed, baskets left empty dropped.
    ///
    /// Nothing is copied where nothing differs; `returned` of what is given may still list items that come back later.
    #[must_use]
    pub fn as_of(&self, day: i32) -> Cow<'_, Self> {
        let gone: Vec<usize> =
            self.returned.iter().filter(|(_, on)| *on <= day).map(|(position, _)| *position).collect();
        if gone.is_empty() && self.day.iter().all(|of_basket| *of_basket <= day) {
            return Cow::Borrowed(self);
        }
        let (n, n_items) = (self.len(), self.product.len());
        let mut kept = Self {
            starts: Vec::with_capacity(n + 1),
            customer: Vec::with_capacity(n),
            day: Vec::with_capacity(n),
            product: Vec::with_capacity(n_items),
            returned: Vec::new(),
        };
        kept.starts.push(0);
        let mut gone = gone.into_iter().peekable();
        // Most baskets stay as they are: they are copied in runs.
        let mut run = 0;
        for basket in 0..n {
            let items = self.starts[basket]..self.starts[basket + 1];
            while gone.next_if(|position| *position < items.start).is_some() {}
            let stays = self.day[basket] <= day;
            if stays && gone.peek().is_none_or(|position| *position >= items.end) {
                continue;
            }
            self.copy_to(&mut kept, run..basket);
            run = basket + 1;
            if !stays {
                continue;
            }
            let before = kept.product.len();
            for item in items {
                if gone.next_if_eq(&item).is_none() {
                    kept.product.push(self.product[item]);
                }
            }
            if kept.product.len() > before {
                kept.starts.push(kept.product.len());
                kept.customer.push(self.customer[basket]);
                kept.day.push(self.day[basket]);
            }
        }
        self.copy_to(&mut kept, run..n);
        Cow::Owned(kept)
    }

    fn copy_to(&self, kept: &mut Self, run: Range<usize>) {
        let (from, to) = (self.starts[run.start], kept.product.len());
        kept.product.extend_from_slice(&self.product[from..self.starts[run.end]]);
        kept.starts.extend(self.starts[run.start + 1..=run.end].iter().map(|end| end - from + to));
        kept.customer.extend_from_slice(&self.customer[run.clone()]);
        kept.day.extend_from_slice(&self.day[run]);
    }
}

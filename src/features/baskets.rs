//! Orders as sets of products.

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
    #[must_use]
    pub fn as_of(&self, day: i32) -> Self {
        let mut kept = Self { starts: vec![0], ..Self::default() };
        let mut returned = self.returned.iter().peekable();
        for basket in 0..self.len() {
            for item in self.starts[basket]..self.starts[basket + 1] {
                while returned.next_if(|(position, _)| *position < item).is_some() {}
                let gone = returned.peek().is_some_and(|(position, on)| *position == item && *on <= day);
                if self.day[basket] <= day && !gone {
                    kept.product.push(self.product[item]);
                }
            }
            if kept.product.len() > kept.starts[kept.len()] {
                kept.starts.push(kept.product.len());
                kept.customer.push(self.customer[basket]);
                kept.day.push(self.day[basket]);
            }
        }
        kept
    }
}

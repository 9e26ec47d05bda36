//! One method for each kind of value that a key may hold: checks it and returns it typed.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::DeValue;

use super::reader::{Misfit, Reader, Value, described};
use super::settings::Placed;
use super::shape::{Key, MAX_DAYS, MAX_MONTHS, MAX_SLUG, Shape};
use crate::analysis::abc::Cuts;
use crate::diagnostic::{codes, nearest};
use crate::units::{Day, Period};

impl Reader<'_, '_> {
    pub fn version(&mut self, key: Key) -> Option<u32> {
        self.value(key, Shape::Version, |value, misfits| {
            let version = whole(value, misfits)?;
            if version != 1 {
                let misfit = out_of_range(value, format!("this program does not know version {version}"));
                misfits.push(misfit);
            }
            Some(1)
        })
    }

    pub fn date(&mut self, key: Key) -> Option<Day> {
        self.value(key, Shape::Date, |value, misfits| {
            let time = match value.get_ref() {
                DeValue::Datetime(time) if time.time.is_none() => time,
                _ => return wrong_type(value, misfits),
            };
            let date = time.date?;
            let day = Day::from_ymd(i32::from(date.year), u32::from(date.month), u32::from(date.day));
            if day.is_none() {
                misfits.push(out_of_range(value, "the calendar has no such day".to_owned()));
            }
            day
        })
    }

    pub fn flag(&mut self, key: Key) -> Option<bool> {
        self.value(key, Shape::Flag, |value, misfits| match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => wrong_type(value, misfits),
        })
    }

    pub fn text(&mut self, key: Key) -> Option<String> {
        self.value(key, Shape::Text, |value, misfits| text(value, misfits).map(str::to_owned))
    }

    /// Reads the header of a column, empty where the column is to be left out.
    pub fn header(&mut self, key: Key) -> Option<String> {
        self.value(key, Shape::Header, |value, misfits| text_or_blank(value, misfits).map(str::to_owned))
    }

    pub fn placed_text(&mut self, key: Key) -> Option<Placed> {
        let name = key.name;
        self.value(key, Shape::Text, |value, misfits| text(value, misfits).map(drop))?;
        self.placed(self.raw(name)?)
    }

    /// Returns a wrong slug too: what refers to it is not wrong because of that.
    pub fn slug(&mut self, key: Key) -> Option<Placed> {
        let name = key.name;
        self.value(key, Shape::Slug, |value, misfits| {
            let slug = text(value, misfits)?;
            let part =
                |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            if slug.len() > MAX_SLUG || !slug.split('-').all(part) {
                misfits.push(out_of_range(value, format!("this is `{slug}`")));
            }
            Some(())
        });
        self.placed(self.raw(name)?)
    }

    pub fn delimiter(&mut self, key: Key) -> Option<char> {
        self.value(key, Shape::Delimiter, |value, misfits| {
            let written = text_or_blank(value, misfits)?;
            match written.as_bytes() {
                [b] if *b == b'\t' || *b == b' ' || (b.is_ascii_punctuation() && *b != b'"') => Some(char::from(*b)),
                _ => {
                    misfits.push(out_of_range(value, format!("this is `{written}`")));
                    None
                }
            }
        })
    }

    pub fn currency_code(&mut self, key: Key) -> Option<String> {
        self.value(key, Shape::CurrencyCode, |value, misfits| {
            let code = text(value, misfits)?;
            if !is_currency_code(code) {
                misfits.push(out_of_range(value, format!("this is `{code}`")));
            }
            Some(code.to_owned())
        })
    }

    pub fn texts(&mut self, key: Key) -> Option<Vec<String>> {
        self.value(key, Shape::Texts { unique: false }, |value, misfits| {
            Some(list(value, misfits)?.into_iter().map(|(text, _)| text).collect())
        })
    }

    /// Returns the texts of a list with a wrong entry too, so that the others are checked further.
    pub fn distinct_texts(&mut self, key: Key) -> Vec<Placed> {
        let name = key.name;
        self.value(key, Shape::Texts { unique: true }, |value, misfits| {
            let texts = list(value, misfits)?;
            refuse_repeats(&texts, misfits);
            Some(())
        });
        let elements = self.raw(name).and_then(|value| value.get_ref().as_array());
        elements.into_iter().flat_map(|elements| elements.iter()).filter_map(|element| self.placed(element)).collect()
    }

    /// Returns the texts of a list in a table below this one, which was read before.
    pub fn texts_below(&self, table: &str, name: &str) -> Vec<Placed> {
        let elements = self.raw(table).and_then(|value| value.get_ref().as_table()?.get(name)?.get_ref().as_array());
        elements.into_iter().flat_map(|elements| elements.iter()).filter_map(|element| self.placed(element)).collect()
    }

    pub fn paths(&mut self, key: Key) -> Option<Vec<String>> {
        self.value(key, Shape::Paths, |value, misfits| {
            if value.get_ref().is_str() {
                return Some(vec![text(value, misfits)?.to_owned()]);
            }
            let paths: Vec<_> = list(value, misfits)?.into_iter().map(|(text, _)| text).collect();
            if paths.is_empty() {
                misfits.push(out_of_range(value, "this list is empty".to_owned()));
            }
            Some(paths)
        })
    }

    pub fn whole(&mut self, key: Key, min: u32, max: u32) -> Option<u32> {
        self.value(key, Shape::Whole { min, max }, |value, misfits| {
            let number = whole(value, misfits)?;
            let fitting = u32::try_from(number).ok().filter(|number| (min..=max).contains(number));
            if fitting.is_none() {
                misfits.push(out_of_range(value, format!("this is {number}")));
            }
            fitting
        })
    }

    pub fn number(&mut self, key: Key, min: f64, max: f64) -> Option<f64> {
        self.value(key, Shape::Number { min, max }, |value, misfits| {
            let number = number(value, misfits)?;
            if !(min..=max).contains(&number) {
                misfits.push(out_of_range(value, format!("this is {number}")));
            }
            Some(number)
        })
    }

    pub fn cuts(&mut self, key: Key) -> Option<Cuts> {
        self.value(key, Shape::Cuts, |value, misfits| {
            let DeValue::Array(elements) = value.get_ref() else {
                return wrong_type(value, misfits);
            };
            let numbers: Vec<_> = elements.iter().filter_map(|element| number(element, misfits)).collect();
            if !misfits.is_empty() {
                return None;
            }
            let problem = match numbers[..] {
                [first, second] if first >= second => "the second must be larger than the first".to_owned(),
                [first, second] if first <= 0.0 || second >= 1.0 => "not between 0 and 1".to_owned(),
                [first, second] => match Cuts::new(first, second) {
                    Ok(cuts) => return Some(cuts),
                    Err(_) => "cuts are told apart to a billionth".to_owned(),
                },
                _ => format!("this list has {} numbers", numbers.len()),
            };
            misfits.push(out_of_range(value, problem));
            None
        })
    }

    pub fn word<T: Copy>(&mut self, key: Key, words: &[(&'static str, T)]) -> Option<T> {
        self.value(key, Shape::Word(names(words)), |value, misfits| {
            let written = text_or_blank(value, misfits)?.to_owned();
            known(&written, &value.span(), words, misfits)
        })
    }

    pub fn words<T: Copy>(&mut self, key: Key, words: &[(&'static str, T)]) -> Option<Vec<(T, Range<usize>)>> {
        self.value(key, Shape::Words(names(words)), |value, misfits| {
            let texts = list(value, misfits)?;
            refuse_repeats(&texts, misfits);
            let known =
                |(text, span): (String, Range<usize>)| known(&text, &span, words, misfits).map(|word| (word, span));
            Some(texts.into_iter().filter_map(known).collect())
        })
    }

    pub fn period(&mut self, key: Key, calendar: bool) -> Option<Period> {
        self.value(key, Shape::Period { calendar }, |value, misfits| {
            let written = text(value, misfits)?;
            let fitting = Period::parse(written).filter(|period| match *period {
                Period::Days(days) => !calendar && days <= MAX_DAYS,
                Period::Months(months) => months <= MAX_MONTHS,
            });
            if fitting.is_none() {
                misfits.push(out_of_range(value, format!("this is `{written}`")));
            }
            fitting
        })
    }

    /// Returns the rate of each currency and where it stands.
    pub fn rates(&mut self, key: Key) -> Option<BTreeMap<String, (f64, Range<usize>)>> {
        self.value(key, Shape::Rates, |value, misfits| {
            let DeValue::Table(table) = value.get_ref() else {
                return wrong_type(value, misfits);
            };
            let mut rates = BTreeMap::new();
            for (code, value) in table.iter() {
                if !is_currency_code(code.get_ref()) {
                    let label = "not a code of three capital letters".to_owned();
                    misfits.push(Misfit { code: codes::OUT_OF_RANGE, span: code.span(), label, help: None });
                }
                let Some(rate) = number(value, misfits) else { continue };
                if rate <= 0.0 {
                    misfits.push(out_of_range(value, format!("this is {rate}")));
                }
                rates.insert(code.get_ref().to_string(), (rate, value.span()));
            }
            Some(rates)
        })
    }
}

fn names<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
    words.iter().map(|(name, _)| *name).collect()
}

fn is_currency_code(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())
}

fn out_of_range(value: &Value<'_>, label: String) -> Misfit {
    Misfit { code: codes::OUT_OF_RANGE, span: value.span(), label, help: None }
}

fn wrong_type<T>(value: &Value<'_>, misfits: &mut Vec<Misfit>) -> Option<T> {
    let label = format!("this is {}", described(value.get_ref()));
    misfits.push(Misfit { code: codes::WRONG_TYPE, span: value.span(), label, help: None });
    None
}

fn text<'v>(value: &'v Value<'_>, misfits: &mut Vec<Misfit>) -> Option<&'v str> {
    let text = text_or_blank(value, misfits)?;
    if text.trim().is_empty() {
        misfits.push(out_of_range(value, "this is empty".to_owned()));
        return None;
    }
    Some(text)
}

fn text_or_blank<'v>(value: &'v Value<'_>, misfits: &mut Vec<Misfit>) -> Option<&'v str> {
    match value.get_ref() {
        DeValue::String(text) => Some(text),
        _ => wrong_type(value, misfits),
    }
}

fn list(value: &Value<'_>, misfits: &mut Vec<Misfit>) -> Option<Vec<(String, Range<usize>)>> {
    let DeValue::Array(elements) = value.get_ref() else {
        return wrong_type(value, misfits);
    };
    let text = |element: &Value<'_>| text(element, misfits).map(|text| (text.to_owned(), element.span()));
    Some(elements.iter().filter_map(text).collect())
}

fn refuse_repeats(texts: &[(String, Range<usize>)], misfits: &mut Vec<Misfit>) {
    for (ix, (text, span)) in texts.iter().enumerate() {
        if texts[..ix].iter().any(|(before, _)| before == text) {
            let (label, help) = (format!("`{text}` stands here again"), Some("remove it".to_owned()));
            misfits.push(Misfit { code: codes::DUPLICATE_KEY, span: span.clone(), label, help });
        }
    }
}

fn known<T: Copy>(
    written: &str,
    span: &Range<usize>,
    words: &[(&'static str, T)],
    misfits: &mut Vec<Misfit>,
) -> Option<T> {
    if let Some((_, word)) = words.iter().find(|(name, _)| *name == written) {
        return Some(*word);
    }
    let help = nearest(written, words.iter().map(|(name, _)| *name)).map(|near| format!("did you mean `{near}`?"));
    let label = format!("`{written}` is not one of them");
    misfits.push(Misfit { code: codes::UNKNOWN_WORD, span: span.clone(), label, help });
    None
}

fn whole(value: &Value<'_>, misfits: &mut Vec<Misfit>) -> Option<i64> {
    let DeValue::Integer(number) = value.get_ref() else {
        return wrong_type(value, misfits);
    };
    let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
    if parsed.is_none() {
        misfits.push(out_of_range(value, "this is too large".to_owned()));
    }
    parsed
}

fn number(value: &Value<'_>, misfits: &mut Vec<Misfit>) -> Option<f64> {
    let parsed = match value.get_ref() {
        DeValue::Integer(_) => return whole(value, misfits).map(|number| number as f64),
        DeValue::Float(number) => number.as_str().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => return wrong_type(value, misfits),
    };
    if parsed.is_none() {
        misfits.push(out_of_range(value, "this is not a finite number".to_owned()));
    }
    parsed
}

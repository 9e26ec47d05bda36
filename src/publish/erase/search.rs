//! What an erasure may have left: everything below the output directory is read again.
//!
//! | what                                                      | where it is looked for                                        |
//! |-----------------------------------------------------------|---------------------------------------------------------------|
//! | ids that no number reads like, what stands for ids, addresses, their hashes | as a word of its own in all bytes, and in the texts of Parquet files, which are compressed |
//! | other ids, such as `4711`                                 | in columns of customer ids, in rows of rejects, and as `"customer_id": "4711"` |
//!
//! The column of customer ids of a CSV file that klientel did not write is that with a header as exports have it. Archives and links are not
//! looked into, and named. An id that reads like a number stands in many a count, amount and product id without being one: all bytes would only tell of those.
//! `O(bytes)`, one window of a file in memory.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use memchr::memmem;

use super::files::{count_csv, count_foreign, count_parquet, each_batch};
use super::wanted::Wanted;
use super::{Outputs, PublishError, below, files_below};
use crate::publish::staging::Pointer;
use crate::publish::tombstones::{KEY, LIST};

/// Bytes that are looked at together.
const WINDOW: u64 = 1 << 22;

/// Searches everything below the output directory; returns what it could not look into.
///
/// # Errors
/// Fails where something is left, or a file cannot be read.
pub(super) fn nothing_is_left(
    output: &Path,
    outputs: &[Outputs],
    wanted: &Wanted,
) -> Result<Vec<PathBuf>, PublishError> {
    let words = wanted.distinctive();
    let named = |id: &str| ["", " "].map(|gap| format!("\"customer_id\":{gap}{}", serde_json::Value::from(id)));
    let pairs: Vec<String> = wanted.ids().flat_map(named).collect();
    let is_number = |id: &&str| id.bytes().all(|byte| byte.is_ascii_digit());
    let bare = |id: &str| ["", " "].map(|gap| format!("\"customer_id\":{gap}{id}"));
    let numbers: Vec<String> = wanted.ids().filter(is_number).flat_map(bare).collect();
    let texts: Vec<Text<'_>> = words
        .iter()
        .map(|word| Text { text: word, is_word: true })
        .chain(numbers.iter().map(|pair| Text { text: pair, is_word: true }))
        .chain(pairs.iter().map(|pair| Text { text: pair, is_word: false }))
        .collect();
    let (mut found, mut not_searched): (Vec<PathBuf>, Vec<PathBuf>) = (Vec::new(), links_below(output)?);
    for path in files_below(output)? {
        if path.file_name().is_some_and(|name| name == LIST || name == KEY) {
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        if ARCHIVES.contains(&ending.as_str()) {
            not_searched.push(path);
            continue;
        }
        let holds = if ending == "parquet" {
            count_parquet(&path, wanted)? > 0 || in_columns(&path, &texts)?
        } else {
            let n_rows = match outputs.iter().find_map(|outputs| outputs.form_of(&path)) {
                Some(form) => count_csv(&path, form, wanted)?,
                None if ending == "csv" => count_foreign(&path, wanted)?,
                None => 0,
            };
            n_rows > 0 || in_file(&path, &texts)?
        };
        if holds {
            found.push(path);
        }
    }
    match found.first() {
        Some(path) => Err(PublishError::NotErased { path: path.clone(), n_files: found.len() }),
        None => Ok(not_searched),
    }
}

/// Endings of files whose bytes say nothing without a program of their own.
const ARCHIVES: [&str; 12] = ["gz", "zip", "zst", "xz", "bz2", "7z", "tar", "tgz", "rar", "xlsx", "ods", "pdf"];

/// Lists the links below a directory, but for those that klientel makes.
fn links_below(output: &Path) -> Result<Vec<PathBuf>, PublishError> {
    let own = [Pointer::Latest, Pointer::Measured].map(|pointer| output.join(pointer.name()));
    let links = below(output)?.into_iter().filter(|(_, kind)| kind.is_symlink()).map(|(path, _)| path);
    Ok(links.filter(|path| !own.contains(path)).collect())
}

/// A text that is looked for.
#[derive(Clone, Copy)]
struct Text<'t> {
    text: &'t str,
    /// Says whether it must not be part of a longer word.
    is_word: bool,
}

fn in_file(path: &Path, texts: &[Text<'_>]) -> Result<bool, PublishError> {
    let file = File::open(path).map_err(PublishError::io("read", path))?;
    in_stream(file, WINDOW, texts).map_err(PublishError::io("read", path))
}

/// Says whether a text holds one of some words.
pub(super) fn has_word(text: &str, words: &[String]) -> bool {
    words.iter().any(|word| in_window(text.as_bytes(), Text { text: word, is_word: true }, true, true))
}

fn in_stream(mut from: impl Read, window: u64, texts: &[Text<'_>]) -> std::io::Result<bool> {
    let longest = texts.iter().map(|text| text.text.len()).max().unwrap_or(0);
    let (mut bytes, mut is_first) = (Vec::new(), true);
    loop {
        let is_over = from.by_ref().take(window).read_to_end(&mut bytes)? == 0;
        if texts.iter().any(|text| in_window(&bytes, *text, is_first, is_over)) {
            return Ok(true);
        }
        if is_over {
            return Ok(false);
        }
        // What touches the end of a window stands in the next one with the byte before it.
        let n_done = bytes.len().saturating_sub(longest + 2);
        bytes.drain(..n_done);
        is_first &= n_done == 0;
    }
}

/// Looks for a text; what touches an end of a window that is not one of the file is left to the window beside it.
fn in_window(bytes: &[u8], Text { text, is_word }: Text<'_>, is_first: bool, is_over: bool) -> bool {
    memmem::find_iter(bytes, text.as_bytes()).any(|at| {
        let end = at + text.len();
        let is_whole = (is_first || at > 0) && (is_over || end < bytes.len());
        let ends = |byte: Option<&u8>| byte.is_none_or(|byte| !is_of_word(*byte));
        is_whole && (!is_word || (ends(at.checked_sub(1).map(|before| &bytes[before])) && ends(bytes.get(end))))
    })
}

/// Says whether a byte makes an id another one; every byte of a character beyond ASCII does.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.@+".contains(&byte) || !byte.is_ascii()
}

fn in_columns(path: &Path, texts: &[Text<'_>]) -> Result<bool, PublishError> {
    let mut holds = false;
    each_batch(path, false, &mut |batch| {
        for column in batch.columns() {
            let is_text = match column.data_type() {
                DataType::Dictionary(_, values) => **values == DataType::Utf8,
                kind => *kind == DataType::Utf8,
            };
            if is_text && !holds {
                let cells = cast(column, &DataType::Utf8)?;
                let mut cells = cells.as_string::<i32>().iter().flatten();
                holds = cells.any(|cell| texts.iter().any(|text| in_window(cell.as_bytes(), *text, true, true)));
            }
        }
        Ok(())
    })?;
    Ok(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_wherever_windows_end() {
        for (text, expected) in [
            ("a,K-4711,b", true),
            ("K-4711", true),
            ("aaaaaaaaa\nK-4711\n", true),
            ("aK-4711", false),
            ("K-47112", false),
            ("K-4711-2,x", false),
            ("xxx K-4711.a K-4711", true),
            ("", false),
        ] {
            for window in [1, 2, 3, 5, 7, 100] {
                let wanted = [Text { text: "K-4711", is_word: true }];
                assert_eq!(in_stream(text.as_bytes(), window, &wanted).unwrap(), expected, "{text} by {window}");
            }
        }
    }
}

//! Every stable code with its meaning in one line; a code never changes its meaning and is never used again.
//!
//! `K01` the pipeline file, `K02` names in it, `K03` export data, `K04` fitting, `K05` publishing.

macro_rules! codes {
    ($($name:ident = $code:literal, $meaning:literal;)*) => {
        $(#[doc = concat!("`", $code, "`: ", $meaning, ".")] pub const $name: &str = $code;)*

        /// Code and meaning of every diagnostic, ascending by code.
        pub const ALL: &[(&str, &str)] = &[$(($code, $meaning)),*];
    };
}

codes! {
    SYNTAX = "K0101", "the pipeline file is not valid TOML";
    UNKNOWN_KEY = "K0102", "a key that this version does not know";
    DUPLICATE_KEY = "K0103", "a key, table or entry that is written twice";
    MISSING_KEY = "K0104", "a required key is missing";
    WRONG_TYPE = "K0105", "a value of the wrong type";
    OUT_OF_RANGE = "K0106", "a value outside its range or not of its form";
    UNKNOWN_WORD = "K0107", "a word that is not one of the known ones";
    CONTRADICTION = "K0108", "keys that contradict or need each other";
    UNREADABLE = "K0109", "the pipeline file cannot be read";
    GENERATE = "K0110", "a setting of the generator that cannot be";

    DUPLICATE_NAME = "K0201", "a segment or campaign name that is used twice";
    UNKNOWN_SEGMENT = "K0202", "a campaign for a segment that does not exist";
    UNKNOWN_COLUMN = "K0203", "a segment over a column that no analysis writes";
    EXPRESSION = "K0204", "a segment expression that cannot be read";
    KIND = "K0205", "a comparison of two different kinds of value";
    UNKNOWN_CAMPAIGN_COLUMN = "K0206", "a campaign with a column that nothing provides";
    MISSING_TABLE = "K0207", "a campaign that needs a table the pipeline does not read";
    UNKNOWN_ATTRIBUTE = "K0208", "a customer attribute that the pipeline does not read";
    ATTRIBUTE_NAME = "K0209", "a customer attribute whose name is taken or empty";
    CAMPAIGN_COLUMNS = "K0210", "a campaign with columns that its target cannot take";
    RESERVED_NAME = "K0211", "a segment called as the tables call those in none";
    SENSITIVE = "K0212", "a sensitive attribute that is used without explicit consent";

    NO_FILE = "K0301", "no file matches a path or pattern";
    DIRECTORY = "K0302", "a path names a directory";
    UNREADABLE_FILE = "K0303", "an export cannot be read";
    NO_ROWS = "K0304", "a table without rows";
    MISSING_COLUMNS = "K0305", "columns that must be there were not found";
    NO_SUCH_HEADER = "K0306", "a header that the export does not have";
    AMBIGUOUS_HEADER = "K0307", "several headers that could be the same column";
    MIXED_NUMBERS = "K0308", "a column that mixes decimal comma and decimal point";
    MIXED_DATES = "K0309", "a column that mixes two forms of dates";
    AMBIGUOUS_DATE = "K0310", "dates whose day and month cannot be told apart";
    DAMAGED_PARQUET = "K0311", "a Parquet file that cannot be read";
    OPEN_QUOTE = "K0312", "a quote that never closes";
    UNREADABLE_TYPE = "K0313", "a Parquet column of a type that does not fit";
    BAD_SETTING = "K0314", "a setting of an input that cannot be";
    CHANGED_FILE = "K0315", "an export that changed while it was being read";
    CURRENCIES = "K0316", "amounts in several currencies without rates";
    NOTHING_BEFORE = "K0317", "no transaction up to as-of";
    NOTHING_LEFT = "K0318", "no transaction that may be used";
    TOO_MANY_REJECTS = "K0319", "more rejected rows than the pipeline allows";
    NO_CAMPAIGN_COLUMN = "K0320", "a campaign with a column that the customer export does not have";
    DAMAGED_ARCHIVE = "K0321", "a compressed export that is damaged or ends too early";
    LONG_RECORD = "K0322", "a text file with a record that does not end";
    SPILL = "K0323", "no room on disk for lines that do not fit into memory";
    NO_ATTRIBUTE = "K0324", "an analysis of an attribute that the customer export does not have";
    UNKNOWN_CELLS = "K0325", "a column of yes and no in words that are not known";
    NO_ROW_LEFT = "K0326", "a table of which no row may be used";
    TOO_MANY_ARMS = "K0327", "more arms in a campaign, or more campaigns, than can be";
    TOO_MANY_FILES = "K0328", "a campaign that is split into more files than can be";
    STALE_SUPPRESSIONS = "K0329", "a suppression list that is older than the pipeline allows";
    NO_SEGMENT_COLUMN = "K0330", "a segment over a column that the customer export does not have";
    PSEUDONYM_KEY = "K0331", "a key of pseudonyms that cannot be read or is too short";
    UNREADABLE_SUPPRESSIONS = "K0332", "a suppression list with entries that name nobody";
    NO_PROBABILITY = "K0333", "a response estimate that is no probability";
    MEMBERSHIPS = "K0340", "segments of an earlier run that are damaged";
    SEGMENT_CELLS = "K0341", "a condition over a customer column whose cells are of another kind";
    ASSIGNMENTS = "K0342", "draws of an earlier run that are damaged";

    ANALYSIS = "K0401", "an analysis that cannot be computed";
    FRAME = "K0402", "scores that cannot be selected or joined";
    UNREADABLE_MODEL = "K0403", "a stored model that cannot be read";
    DAMAGED_MODEL = "K0404", "a stored model that is not one";
    NEWER_MODEL = "K0405", "a stored model of a later version";
    OTHER_MODEL = "K0406", "a stored model that does not fit the pipeline";
    DRIFT = "K0407", "scores that have drifted further from a stored model than the pipeline allows";
    MEASURE = "K0410", "a campaign that cannot be measured or planned";
    EXPLAIN = "K0411", "a customer of whom nothing is held, or no run to tell by";

    LOCKED = "K0501", "another run that holds the lock of the output directory";
    OUTPUT = "K0502", "results that cannot be written";
    AFTER_PUBLISHING = "K0503", "a published run that could not be pointed at or whose predecessors could not be removed";
    ERASURE = "K0504", "customers who cannot be erased, or were not everywhere";
}

/// Returns what a code means, if it is one of [`ALL`].
pub fn meaning(code: &str) -> Option<&'static str> {
    ALL.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_ascending_and_well_formed() {
        assert!(ALL.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (code, meaning) in ALL {
            assert!(code.len() == 5 && code.starts_with("K0") && code[1..].bytes().all(|b| b.is_ascii_digit()));
            assert!(!meaning.ends_with('.'));
        }
        assert_eq!(meaning(UNKNOWN_COLUMN), Some("a segment over a column that no analysis writes"));
        assert_eq!(meaning("K9999"), None);
    }
}

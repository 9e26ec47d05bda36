//! `klientel schema`: what a pipeline file may say, for editors and for people.

use std::io::Write;

use super::args::SchemaArgs;
use super::exit::Exit;

/// Prints the JSON Schema, or a pipeline with every key.
pub fn print(args: &SchemaArgs) -> Exit {
    let text = if args.reference { klientel::pipeline::reference() } else { klientel::pipeline::schema() };
    // A reader that went away, as `head` does, is no error.
    let _ = write!(std::io::stdout(), "{text}");
    Exit::Ok
}

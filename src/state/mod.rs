//! What one night leaves for the next: the model that the scores of a run stand on.
//!
//! A fit depends on everybody in the base, and so does a cut: without a frozen model a customer changes class because the neighbours did. Every
//! run writes what it fitted and chose as `model.json`; a later run can score by it and tell how far the base has drifted from it.
//!
//! | file             | what                                                                                  |
//! |------------------|---------------------------------------------------------------------------------------|
//! | [`model`]        | the model as plain data, and how it is taken from the findings of a run               |
//! | [`distribution`] | how the scores of a run are spread, to compare those of a later one with              |
//! | `model_file`     | `model.json`: its record types, written and read with every bit of every float        |
//! | [`drift`]        | a stored model beside today's base: refit, likelihoods, stability of the scores       |
//!
//! There are no ids in it: parameters, thresholds and counts only, of which a threshold or decile is the value of some customer.

pub mod distribution;
pub mod drift;
pub mod model;

mod drift_table;
mod error;
mod lifetime_record;
mod model_file;

pub use drift::Drift;
pub use error::StateError;
pub use model::{StoredLifetimeValue, StoredModel};
pub use model_file::{FORMAT, MODEL_FILE, read, to_text};

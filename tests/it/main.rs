//! All integration tests in one binary: linking once is most of the cost.

mod architecture;
mod bad_input;
mod cdnow;
mod churn;
mod determinism;
mod face;
mod generated;
mod german_formats;
mod honesty;
mod lifetime_clock;
mod lifetime_groups;
mod next_basket;
mod online_retail;
mod publishing;
mod purchase_models;
mod reuse_model;
mod rfm_orders;
mod sample_data;
mod scale;
mod superstore;
mod support;
mod telco;

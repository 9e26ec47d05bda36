//! All integration tests in one binary: linking once is most of the cost.

mod architecture;
mod bad_input;
mod cdnow;
mod churn;
mod churn_attributes;
mod churn_events;
mod contracts;
mod cross_sell;
mod determinism;
mod face;
mod generated;
mod german_formats;
mod hillstrom;
mod honesty;
mod lifetime_clock;
mod lifetime_groups;
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

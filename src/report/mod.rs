//! What users see: progress and summaries while it runs, and what a results file holds.

pub mod doctor;
pub mod dry_run;
pub mod explain;
pub mod export;
pub mod folder;
pub mod info;
pub mod json;
pub mod logging;
pub mod models;
pub mod network;
pub mod page;
mod plain;
pub mod plot;
pub mod progress;
pub mod put;
mod rows;
pub mod standing;
pub mod step_check;
pub mod table;
pub mod verify;
pub mod view;

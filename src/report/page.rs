//! `qsd report FILE`: everything a results file shows, as one page of HTML that needs no network.
//!
//! Rows are read here, in pieces, and reduced to what a screen can show: means with their errors, a few single
//! trajectories, how often which value occurs at which time, how the error falls with the number of trajectories.
//! The page's scripts draw these numbers and compute none. Nothing in a file can become a script: text is escaped, numbers
//! travel as JSON that the browser does not execute, and the page's own policy lets no other script run.

mod data;
mod density;
mod html;
mod husimi;
mod packed;
mod reduce;
mod tables;
mod times;

pub use html::{escape, folder};
pub(super) use times::Times;

use super::info::Overview;
use crate::store::{Results, StoreError};

/// Where a page lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// In a file of its own.
    File,
    /// Behind `qsd view`, which it asks for news of a run that goes on.
    Server,
}

/// The page of a results file, finished or not.
///
/// # Errors
/// `StoreError` if the file cannot be read.
pub fn of(results: &Results, home: Home) -> Result<String, StoreError> {
    let overview = Overview::of(results)?;
    let data = data::of(results, &overview)?;
    Ok(html::page(&tables::Words::of(results, &overview, &data)?, &data, home))
}

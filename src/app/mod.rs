//! Wires the stages with bounded queues, starts them in the order of a hit's way, and stops them
//! in the same order: nothing that was acknowledged is in a stage that has stopped before the next
//! one has it.
//!
//! ```text
//! edge threads ──submit──► spool thread ──frames──► counting thread ──commit──► outbox ──► store
//! ```
//!
//! *Never* holds logic of its own but this order.

mod counting;
mod folder;
mod live;
mod recover;
mod serve;

pub use folder::{DataFolder, FolderError};
pub use serve::{ServeError, serve};

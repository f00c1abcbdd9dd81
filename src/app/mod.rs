//! Wires the stages with bounded queues, starts them in the order of a hit's way, and stops them
//! in the same order: nothing that was acknowledged is in a stage that has stopped before the next
//! one has it.
//!
//! ```text
//! edge threads ──submit──► spool thread ──frames──► counting thread ──commit──► outbox ──► store
//! ```
//!
//! *Owns* the data folder and the threads. *In*: a [`crate::config::Config`], a command. *Out*: a
//! running collector, or a command's reply. *Never* holds logic of its own but this order.

mod command;
mod counting;
mod folder;
mod import;
mod inherited;
mod live;
mod mailings;
mod metrics;
mod recover;
mod serve;
mod sites;
mod storing;
#[cfg(test)]
mod tests;
mod welcome;

pub use command::{CommandError, command, mint_tokens};
pub use folder::{DataFolder, FolderError};
pub use import::{
    Counted, ExportImport, ExportImported, ImportError, Imported, Ledger, LogImport, Progress,
    Unread, import, import_export,
};
pub use inherited::InheritedError;
pub use serve::{ServeError, serve};

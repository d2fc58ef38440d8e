//! Exports: entries as lines of JSON, each with a checksum.
//!
//! The form is described in `docs/cli.md`. Each checksum covers its own line and the checksum before it, so that a line
//! that was changed, lost, moved or repeated is found where it stands; the last line says how many entries there are, so that
//! an export that was cut off is found, too. It is no signature: whoever wants to forge an export can compute it.

mod line;
mod reader;
mod source;
mod writer;

pub(crate) use self::reader::ExportReader;
pub(crate) use self::source::{lines, open, spooled};
pub(crate) use self::writer::ExportWriter;

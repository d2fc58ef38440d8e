//! Writing an export.

use std::io::{self, Write};

use serde::Serialize;

use super::line::{End, EntryLine, FORMAT, Header, sealed};
use crate::moving::entry::Carried;

/// Writes an export, line by line.
pub(crate) struct ExportWriter<W> {
    out: W,
    sum: u64,
    entries: u64,
}

impl<W: Write> ExportWriter<W> {
    /// Writes the first line.
    pub(crate) fn begin(out: W, prefix: &str) -> io::Result<Self> {
        let mut writer = Self { out, sum: 0, entries: 0 };
        let header = Header { larder: "export".to_owned(), format: FORMAT, prefix: prefix.to_owned() };
        writer.line(&header)?;
        Ok(writer)
    }

    pub(crate) fn entry(&mut self, entry: &Carried) -> io::Result<()> {
        self.entries += 1;
        self.line(&EntryLine::of(entry))
    }

    /// Writes the last line, and gives back what was written to.
    pub(crate) fn end(mut self) -> io::Result<W> {
        self.line(&End { entries: self.entries })?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn line(&mut self, content: &impl Serialize) -> io::Result<()> {
        let (line, sum) = sealed(&serde_json::to_string(content)?, self.sum);
        self.sum = sum;
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")
    }
}

//! Entries one after the other, as they come.

use larder::{Cursor, Entry, EntryInfo, Error};

use super::escape::{escaped, push_escaped};
use super::record::expiry;
use super::table::Rows;
use super::{Encoding, EntryRecord, Format, Output, Reader};
use crate::failure::{Failure, Outcome};
use crate::lifetime;

/// The characters of a value that a table shows.
const SHOWN: usize = 48;

/// What a listing shows of each entry.
pub(crate) trait Listed {
    fn info(&self) -> &EntryInfo;

    fn value(&self) -> Option<&[u8]>;

    fn record(&self, encoding: Encoding) -> Outcome<EntryRecord<'_>>;
}

impl Listed for Entry {
    fn info(&self) -> &EntryInfo {
        self.info()
    }

    fn value(&self) -> Option<&[u8]> {
        Some(self.value())
    }

    fn record(&self, encoding: Encoding) -> Outcome<EntryRecord<'_>> {
        EntryRecord::of(self, encoding)
    }
}

impl Listed for EntryInfo {
    fn info(&self) -> &EntryInfo {
        self
    }

    fn value(&self) -> Option<&[u8]> {
        None
    }

    fn record(&self, _: Encoding) -> Outcome<EntryRecord<'_>> {
        Ok(EntryRecord::of_key(self))
    }
}

/// A listing under way.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    output: &'a Output,
    encoding: Encoding,
    /// Whether an entry was printed already.
    begun: bool,
}

impl<'a> Listing<'a> {
    pub(crate) fn begin(output: &'a Output, encoding: Encoding) -> Outcome<Self> {
        if output.format == Format::Json {
            output.bytes(b"{\"entries\":[")?;
        }
        Ok(Self { output, encoding, begun: false })
    }

    /// Prints some entries.
    pub(crate) fn entries<T: Listed>(&mut self, entries: &[T]) -> Outcome<()> {
        if entries.is_empty() {
            return Ok(());
        }
        match (self.output.format, self.output.reader) {
            (Format::Text, Reader::Person) => self.table(entries)?,
            (Format::Text, Reader::Program) => self.lines(entries)?,
            (Format::Json | Format::Ndjson, _) => self.records(entries)?,
        }
        self.begun = true;
        Ok(())
    }

    fn table<T: Listed>(&self, entries: &[T]) -> Outcome<()> {
        let mut rows = Rows::new(["KEY", "VALUE", "BYTES", "EXPIRES IN"]);
        for entry in entries {
            let (value, bytes) = match entry.value() {
                Some(value) => (shortened(value), value.len().to_string()),
                None => ("-".to_owned(), "-".to_owned()),
            };
            let ttl = entry.info().ttl().map_or_else(|| "never".to_owned(), lifetime::shown);
            rows.push([escaped(entry.info().key().as_bytes()), value, bytes, ttl]);
        }
        self.output.rows(&rows)
    }

    /// The key, the expiry or `-`, the value: with tabs between them, which none of them holds.
    fn lines<T: Listed>(&self, entries: &[T]) -> Outcome<()> {
        let mut text = String::new();
        for entry in entries {
            push_escaped(&mut text, entry.info().key().as_bytes());
            if let Some(value) = entry.value() {
                text.push('\t');
                text.push_str(expiry(entry.info()).as_deref().unwrap_or("-"));
                text.push('\t');
                push_escaped(&mut text, value);
            }
            text.push('\n');
        }
        self.output.bytes(text.as_bytes())
    }

    fn records<T: Listed>(&mut self, entries: &[T]) -> Outcome<()> {
        let mut text = String::new();
        for entry in entries {
            if self.output.format == Format::Json {
                text.push_str(if self.begun { ",\n" } else { "\n" });
            }
            let record = serde_json::to_string(&entry.record(self.encoding)?);
            text.push_str(&record.map_err(|error| Failure::Other(format!("the output: {error}")))?);
            if self.output.format == Format::Ndjson {
                text.push('\n');
            }
            self.begun = true;
        }
        self.output.bytes(text.as_bytes())
    }

    /// Says on stderr that a record cannot be decoded: the listing goes on behind it (E3).
    pub(crate) fn unreadable(&self, error: &Error) {
        self.output.note(&error.to_string());
    }

    pub(crate) fn end(self, cursor: Option<&Cursor>) -> Outcome<()> {
        match (self.output.format, cursor) {
            (Format::Json, Some(cursor)) => {
                self.output.bytes(format!("\n],\"cursor\":\"{cursor}\"}}\n").as_bytes())
            }
            (Format::Json, None) => self.output.bytes(b"\n]}\n"),
            (_, Some(cursor)) => {
                self.output.note(&format!("there may be more: go on with --cursor {cursor}"));
                Ok(())
            }
            (_, None) => Ok(()),
        }
    }
}

fn shortened(value: &[u8]) -> String {
    let text = escaped(value);
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

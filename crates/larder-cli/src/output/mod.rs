//! What is printed: for a person, for a pipe, as JSON.

mod encoding;
mod escape;
mod listing;
mod outcome;
mod record;
mod table;

use std::io::{self, IsTerminal, Write};

use clap::{Args, ValueEnum};
use larder::Entry;
use serde::Serialize;

pub(crate) use self::encoding::{Encoding, EncodingArg};
pub(crate) use self::escape::escaped;
pub(crate) use self::listing::{Listed, Listing};
pub(crate) use self::outcome::{WriteOutcome, WriteRecord};
pub(crate) use self::record::EntryRecord;
pub(crate) use self::table::Rows;

use crate::failure::{Failure, Outcome};

/// How results are printed.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OutputArgs {
    /// How to print: text is a table on a terminal and plain lines in a pipe; ndjson is one object a line.
    #[arg(long, short, global = true, value_enum, default_value_t)]
    output: Format,
}

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people and for the tools of a shell.
    #[default]
    Text,
    /// One document.
    Json,
    /// One object a line.
    Ndjson,
}

/// Who reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reader {
    /// A terminal.
    Person,
    /// A pipe or a file.
    Program,
}

/// Where results go, and in which form.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) reader: Reader,
    /// Whether the terminal is one that shows colours, and nobody has said NO_COLOR.
    colour: bool,
    closed: Closed,
}

/// What it means that whoever reads the output has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Closed {
    /// Enough was read, and the command ends well: printing is all that it does.
    Ends,
    /// Nothing is printed any more, and the command goes on to its own outcome.
    GoesOn,
    /// The same, and so it is where the output cannot be written for another reason, as on a full disk: what was asked for
    /// was done before anything was printed, and an error would say that it was not.
    WasDone,
}

impl Output {
    pub(crate) fn new(arguments: OutputArgs, closed: Closed) -> Self {
        let reader = if io::stdout().is_terminal() { Reader::Person } else { Reader::Program };
        let choice = anstream::AutoStream::choice(&io::stdout());
        Self { format: arguments.output, reader, colour: choice != anstream::ColorChoice::Never, closed }
    }

    /// Prints the value of one entry, or all of the entry as JSON.
    pub(crate) fn value(&self, entry: &Entry, encoding: Encoding) -> Outcome<()> {
        match self.format {
            Format::Text => {
                let text = encoding.text(entry.value(), self.reader)?;
                self.bytes(&text)
            }
            Format::Json | Format::Ndjson => self.json(&EntryRecord::of(entry, encoding)?),
        }
    }

    /// Prints one document: on several lines where that was not forbidden.
    pub(crate) fn json(&self, document: &impl Serialize) -> Outcome<()> {
        let text = match self.format {
            Format::Json => serde_json::to_string_pretty(document),
            Format::Text | Format::Ndjson => serde_json::to_string(document),
        };
        // Only a map with keys that are no strings cannot be written, and there is none.
        let mut text = text.map_err(|error| Failure::Other(format!("the output: {error}")))?;
        text.push('\n');
        self.bytes(text.as_bytes())
    }

    /// Prints one document on a line, since others come before or after it.
    pub(crate) fn json_line(&self, document: &impl Serialize) -> Outcome<()> {
        let text = serde_json::to_string(document);
        self.line(&text.map_err(|error| Failure::Other(format!("the output: {error}")))?)
    }

    /// Prints a line.
    pub(crate) fn line(&self, text: &str) -> Outcome<()> {
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Says something beside the results, on stderr.
    pub(crate) fn note(&self, text: &str) {
        // Who cannot be told need not be told.
        let _ = writeln!(io::stderr(), "larder: {text}");
    }

    /// Prints bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Outcome<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => match self.closed {
                Closed::Ends => Err(Failure::OutputClosed),
                Closed::GoesOn | Closed::WasDone => Ok(()),
            },
            Err(error) if self.closed == Closed::WasDone => {
                self.note(&format!("it was done, but what became of it cannot be printed: {error}"));
                Ok(())
            }
            written => written.map_err(|error| Failure::at("the output", &error)),
        }
    }
}

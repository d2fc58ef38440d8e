//! `larder import`: writes the entries of an export into a store.

use std::fs::File;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::Session;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::moving::file::{ExportReader, lines, open, spooled};
use crate::moving::pace::{BATCH, Pace};
use crate::moving::pipeline::Summary;
use crate::moving::tally::Tally;
use crate::moving::writer::{ExistingArgs, Misfit, Writer};
use crate::output::Format;
use crate::target::Absence;

/// How many batches are written at once.
const CONCURRENT_BATCHES: usize = 4;
/// In bytes. Escaped through and through, and with the longest namespace before it, such a key is within the limit still.
const SHORT_KEY: usize = 128;

/// The arguments of `larder import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file to read, compressed or not; - or nothing is the standard input.
    file: Option<PathBuf>,
    #[command(flatten)]
    existing: ExistingArgs,
    /// The most entries to write in a second.
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
}

pub(crate) async fn run(command: Import, session: &Session) -> Outcome<Exit> {
    let (file, place) = match &command.file {
        Some(path) if path != Path::new("-") => (open(path)?, path.display().to_string()),
        _ => (spooled()?, "the standard input".to_owned()),
    };
    // All of it is checked before any of it is written.
    let Checked { prefix, keys } = check(&file, &place)?;
    let existing = command.existing.existing();
    let kv = session.target.target().open(Absence::Made).await?;
    existing.check(&kv, &prefix).await?;
    let writer = Arc::new(Writer::new(kv, existing, Pace::new(command.rate)));
    if keys == Keys::SomeLong {
        check_keys(&file, &place, &writer)?;
    }
    let tally = write(&file, &place, &writer).await.map_err(|failure| {
        session.output.note(&format!("the import has stopped on its way: {}", existing.again()));
        failure.midway()
    })?;
    match session.output.format {
        Format::Text => session.output.line(&format!("imported {}", tally.shown()))?,
        Format::Json | Format::Ndjson => session.output.json(&Summary { tally, differences: None })?,
    }
    Ok(Exit::Done)
}

/// What is known of an export once all of it was read.
struct Checked {
    prefix: String,
    keys: Keys,
}

/// How long the keys of an export are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// So short that every store takes them.
    AllShort,
    /// Some may be too long for one.
    SomeLong,
}

/// Reads all of an export, and finds it whole.
fn check(file: &File, place: &str) -> Outcome<Checked> {
    let mut reader = reader(file, place)?;
    let mut keys = Keys::AllShort;
    while let Some(entry) = reader.next()? {
        if entry.key.len() > SHORT_KEY {
            keys = Keys::SomeLong;
        }
    }
    Ok(Checked { prefix: reader.prefix().to_owned(), keys })
}

/// Finds the first entry whose key the target does not take. Only an open store can tell.
fn check_keys(file: &File, place: &str, writer: &Writer) -> Outcome<()> {
    let mut reader = reader(file, place)?;
    while let Some(entry) = reader.next()? {
        writer.check(std::slice::from_ref(&entry)).map_err(|Misfit { why, .. }| {
            let line = reader.line();
            Failure::Other(format!(
                "{place}, line {line}: {why}; nothing was written: import with a shorter keyPrefix"
            ))
        })?;
    }
    Ok(())
}

async fn write(file: &File, place: &str, writer: &Arc<Writer>) -> Outcome<Tally> {
    let mut reader = reader(file, place)?;
    let batches = std::iter::from_fn(|| {
        let mut batch = Vec::with_capacity(BATCH as usize);
        while batch.len() < BATCH as usize {
            match reader.next() {
                Ok(Some(entry)) => batch.push(entry),
                Ok(None) => break,
                Err(failure) => return Some(Err(failure)),
            }
        }
        (!batch.is_empty()).then_some(Ok(batch))
    });
    stream::iter(batches)
        .map(|batch| {
            let writer = Arc::clone(writer);
            async move {
                let batch = batch?;
                let work = tokio::spawn(async move { writer.write(batch).await });
                work.await.map_err(|_| Failure::Other("a writing task failed".to_owned()))?
            }
        })
        .buffered(CONCURRENT_BATCHES)
        .try_fold(Tally::default(), |mut sum, tally| async move {
            sum += tally;
            Ok(sum)
        })
        .await
}

fn reader<'a>(file: &'a File, place: &str) -> Outcome<ExportReader<Box<dyn std::io::BufRead + 'a>>> {
    let lines = lines(file).map_err(|error| Failure::at(place, &error))?;
    ExportReader::begin(lines, place)
}

//! `larder export`: writes entries to a file.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::StreamExt;
use larder::{ErrorKind, Kv};

use super::Session;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::moving::destination::{end_of_links, folder, refuse_within, sync_folder};
use crate::moving::file::ExportWriter;
use crate::moving::salvaged::salvaged;
use crate::moving::tally::Tally;
use crate::target::Absence;

/// The arguments of `larder export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The file to write; - or nothing is the standard output. A file is replaced once the export is complete; a
    /// device or a pipe is written into.
    file: Option<PathBuf>,
    /// Exports only the keys that begin with this.
    #[arg(long, default_value = "", value_name = "PREFIX", hide_default_value = true)]
    prefix: String,
    /// Compresses the export with zstd.
    #[arg(long)]
    zstd: bool,
    /// Exports what can be read of an embedded store that is damaged, without changing it. Entries may be in an older state,
    /// and deleted ones may be there again.
    #[arg(long)]
    salvage: bool,
}

pub(crate) async fn run(command: Export, session: &Session) -> Outcome<Exit> {
    if let Some(file) = &command.file {
        refuse_within(file, &session.target.target().binding()?)?;
    }
    if command.salvage {
        let found = salvaged(session).await?;
        session.output.note(&format!(
            "{} records can be read; some may be in an older state, and deleted ones may be there again",
            found.records
        ));
        return export(&command, &found.kv, session).await;
    }
    let kv = session.target.target().open(Absence::Refused).await?;
    export(&command, &kv, session).await
}

async fn export(command: &Export, kv: &Kv, session: &Session) -> Outcome<Exit> {
    let tally = match &command.file {
        Some(path) if path != Path::new("-") => to_file(command, path, kv, session).await?,
        _ => {
            let stdout = BufWriter::new(io::stdout());
            let (_, tally) =
                write(command, stdout, kv, session, |error| Failure::at("the output", error)).await?;
            tally
        }
    };
    session.output.note(&format!("exported {}", tally.shown()));
    Ok(if tally.unreadable == 0 { Exit::Done } else { Exit::Error })
}

async fn to_file(command: &Export, path: &Path, kv: &Kv, session: &Session) -> Outcome<Tally> {
    let at = |error: &io::Error| Failure::at(path.display(), error);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {
            let real = path.canonicalize().map_err(|error| at(&error))?;
            replace(command, &real, kv, session).await
        }
        Ok(_) => {
            // A device or a pipe: it is written into, and stays what it is. It has nothing to be made durable.
            let file = OpenOptions::new().write(true).open(path).map_err(|error| at(&error))?;
            Ok(write(command, BufWriter::new(file), kv, session, at).await?.1)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            replace(command, &end_of_links(path), kv, session).await
        }
        Err(error) => Err(at(&error)),
    }
}

/// Writes beside the file that is there, and puts the new one in its place once it is whole and durable.
async fn replace(command: &Export, path: &Path, kv: &Kv, session: &Session) -> Outcome<Tally> {
    let at = |error: &io::Error| Failure::at(path.display(), error);
    let dir = folder(path);
    let file = tempfile::NamedTempFile::new_in(dir).map_err(|error| at(&error))?;
    let (file, tally) = write(command, BufWriter::new(file), kv, session, at).await?;
    let file = file.into_inner().map_err(|error| at(error.error()))?;
    file.as_file().sync_all().map_err(|error| at(&error))?;
    file.persist(path).map_err(|error| at(&error.error))?;
    sync_folder(dir).map_err(|error| at(&error))?;
    Ok(tally)
}

async fn write<W: Write>(
    command: &Export,
    out: W,
    kv: &Kv,
    session: &Session,
    at: impl Fn(&io::Error) -> Failure,
) -> Outcome<(W, Tally)> {
    let at = |error: io::Error| at(&error);
    if !command.zstd {
        return write_lines(command, out, kv, session, at).await;
    }
    // The level that zstd takes by itself.
    let encoder = zstd::Encoder::new(out, 0).map_err(&at)?;
    let (encoder, tally) = write_lines(command, encoder, kv, session, &at).await?;
    let mut out = encoder.finish().map_err(&at)?;
    // The end of the frame is in a buffer, which would drop it without a word if it cannot be written.
    out.flush().map_err(&at)?;
    Ok((out, tally))
}

async fn write_lines<W: Write>(
    command: &Export,
    out: W,
    kv: &Kv,
    session: &Session,
    at: impl Fn(io::Error) -> Failure,
) -> Outcome<(W, Tally)> {
    let mut writer = ExportWriter::begin(out, &command.prefix).map_err(&at)?;
    let mut tally = Tally::default();
    let mut entries = kv.scan(&command.prefix);
    while let Some(entry) = entries.next().await {
        match entry {
            Ok(entry) => {
                tally.entries += 1;
                tally.bytes += entry.value().len() as u64;
                writer.entry(&entry.into()).map_err(&at)?;
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                session.output.note(&error.to_string());
                tally.unreadable += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((writer.end().map_err(&at)?, tally))
}

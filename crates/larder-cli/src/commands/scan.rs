//! `larder scan`: lists the entries under a prefix, in key order.

use clap::Args;
use larder::{Cursor, ErrorKind, Kv, MAX_PAGE_LIMIT, Page, ScanOptions};

use super::Session;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{EncodingArg, Listed, Listing};
use crate::target::Absence;

/// The arguments of `larder scan`.
#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// What the keys begin with; all keys unless told.
    #[arg(default_value = "")]
    prefix: String,
    /// Lists the keys alone, without transferring values where the platform can avoid it.
    #[arg(long, conflicts_with = "encoding")]
    keys: bool,
    /// The most entries to list; all unless told.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Goes on where another scan of the same prefix ended.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<Cursor>,
    #[command(flatten)]
    encoding: EncodingArg,
}

pub(crate) async fn run(command: Scan, session: &Session) -> Outcome<Exit> {
    let kv = session.target.target().open(Absence::Refused).await?;
    if command.keys {
        list(
            &command,
            session,
            &kv,
            |kv, prefix, options| async move { kv.scan_keys_page(prefix, options).await },
        )
        .await
    } else {
        list(&command, session, &kv, |kv, prefix, options| async move { kv.scan_page(prefix, options).await })
            .await
    }
}

async fn list<T: Listed, F>(
    command: &Scan,
    session: &Session,
    kv: &Kv,
    page: impl Fn(Kv, String, ScanOptions) -> F,
) -> Outcome<Exit>
where
    F: Future<Output = larder::Result<Page<T>>>,
{
    let mut listing = Listing::begin(&session.output, command.encoding.encoding)?;
    let mut cursor = command.cursor.clone();
    let mut missing = command.limit.unwrap_or(u64::MAX);
    let mut exit = Exit::Done;
    loop {
        let limit = usize::try_from(missing).map_or(MAX_PAGE_LIMIT, |missing| missing.min(MAX_PAGE_LIMIT));
        let options = ScanOptions::new().limit(limit).cursor(cursor.take());
        let read = page(kv.clone(), command.prefix.clone(), options).await?;
        missing -= read.items.len() as u64;
        let mut entries = Vec::with_capacity(read.items.len());
        for item in read.items {
            match item {
                Ok(entry) => entries.push(entry),
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    listing.unreadable(&error);
                    exit = Exit::Error;
                }
                Err(error) => return Err(error.into()),
            }
        }
        listing.entries(&entries)?;
        cursor = read.cursor;
        if cursor.is_none() || missing == 0 {
            listing.end(cursor.as_ref())?;
            return Ok(exit);
        }
    }
}

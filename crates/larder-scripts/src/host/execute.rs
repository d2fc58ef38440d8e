//! Making a call.

use std::time::Duration;

use larder_core::{Cursor, DeleteOutcome, Entry, Error, Kv, PutOptions, ScanOptions, Timestamp, Version};

use super::access::{Access, Right};
use super::refusal::refusal;
use crate::limits::MAX_PAGE;
use crate::wire::{Answer, Call, Found, Item, Refusal, When};

/// Makes a call of a script, if its caller may.
pub(crate) async fn execute(access: Access, call: Call) -> Result<Answer, Refusal> {
    access.check(needs(&call))?;
    perform(&access.kv, call).await.map_err(|error| refusal(&error))
}

/// The rights that a call takes, all of them: those that the same takes over HTTP.
fn needs(call: &Call) -> &'static [Right] {
    match call {
        Call::Get { .. } | Call::Entry { .. } | Call::Exists { .. } => &[Right::Read],
        Call::Put { .. } => &[Right::Write],
        Call::Delete { .. } => &[Right::Delete],
        Call::Scan { .. } => &[Right::Scan],
        Call::Increment { .. } => &[Right::Read, Right::Write],
    }
}

async fn perform(kv: &Kv, call: Call) -> Result<Answer, Error> {
    Ok(match call {
        Call::Get { key } => Answer::Value(kv.get(key).await?.map(Into::into)),
        Call::Entry { key } => Answer::Entry(kv.get_entry(key).await?.map(found)),
        Call::Exists { key } => Answer::Flag(kv.exists(key).await?),
        Call::Put { key, value, ttl_millis, when } => {
            let mut options = PutOptions::new();
            options.ttl = ttl_millis.map(Duration::from_millis);
            options = match when {
                When::Always => options,
                When::Absent => options.if_not_exists(),
                When::Version(version) => options.if_version(version.parse::<Version>()?),
            };
            let outcome = kv.put(key, value, options).await?;
            Answer::Stored(outcome.version().map(Version::to_string))
        }
        Call::Delete { key, version: None } => {
            kv.delete(key).await?;
            Answer::Flag(true)
        }
        Call::Delete { key, version: Some(version) } => {
            let outcome = kv.delete_if_version(key, version.parse()?).await?;
            Answer::Flag(matches!(outcome, DeleteOutcome::Deleted))
        }
        Call::Scan { prefix, limit, cursor } => {
            let limit = usize::try_from(limit).unwrap_or(MAX_PAGE).min(MAX_PAGE);
            let cursor = cursor.map(|cursor| cursor.parse::<Cursor>()).transpose()?;
            let page = kv.scan_page(prefix, ScanOptions::new().limit(limit).cursor(cursor)).await?;
            let items = page.items.into_iter().map(item).collect();
            Answer::Page { items, cursor: page.cursor.map(|cursor| cursor.to_string()) }
        }
        Call::Increment { key, delta, ttl_millis } => {
            Answer::Number(kv.increment(key, delta, ttl_millis.map(Duration::from_millis)).await?)
        }
    })
}

fn found(entry: Entry) -> Found {
    let expires_at = entry.expires_at().map(|moment| Timestamp::from(moment).as_millis());
    Found {
        key: entry.key().to_owned(),
        version: entry.version().to_string(),
        expires_at,
        value: entry.into_value().into(),
    }
}

fn item(item: Result<Entry, Error>) -> Item {
    match item {
        Ok(entry) => Item::Found(found(entry)),
        Err(error) => Item::Failed { key: error.key().map(str::to_owned), refusal: refusal(&error) },
    }
}

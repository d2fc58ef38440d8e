//! The reads of the script.

use std::fmt::Write as _;

use futures_util::StreamExt;
use larder_core::{Cursor, Kv, Result, ScanOptions};
use rand::RngExt;

use super::told::{as_entry, as_info, shown, told};
use super::{Player, Space};

impl Player {
    pub(super) async fn get(&mut self, space: &Space, key: &str) -> String {
        let value = self.reader(space).get(key).await;
        format!("get {key:?}: {}", told(value.map(|value| format!("{value:?}"))))
    }

    pub(super) async fn entry(&mut self, space: &Space, key: &str) -> String {
        let entry = self.reader(space).get_entry(key).await;
        if let Ok(Some(entry)) = &entry {
            self.saw(space, key, entry.version());
        }
        let entry = entry.map(|entry| entry.as_ref().map_or("absent".to_owned(), as_entry));
        format!("entry {key:?}: {}", told(entry))
    }

    pub(super) async fn exists(&mut self, space: &Space, key: &str) -> String {
        format!("exists {key:?}: {}", told(self.reader(space).exists(key).await))
    }

    pub(super) async fn get_many(&mut self, space: &Space) -> String {
        let keys: Vec<_> = (0..5).map(|_| self.key()).collect();
        let found = self.reader(space).get_many(&keys).await;
        let found =
            found.map(|found| shown(found, |entry| entry.as_ref().map_or("absent".to_owned(), as_entry)));
        format!("get {keys:?}: {}", told(found))
    }

    /// A scan in one of its forms, of all or of a part.
    pub(super) async fn scan(&mut self, space: &Space) -> String {
        let kv = self.reader(space);
        let prefix = ["", "b", "user:", "user:1", "user-"][self.random.random_range(0..5)];
        let form = if self.random.random_range(0..2) == 0 { Form::Entries } else { Form::Keys };
        match self.random.random_range(0..3) {
            0 => form.stream(&kv, prefix).await,
            1 => {
                let max = self.random.random_range(1..9);
                format!("{form:?} of {prefix:?} up to {max}: {}", told(form.collect(&kv, prefix, max).await))
            }
            _ => form.pages(&kv, prefix, 3).await,
        }
    }
}

/// What a scan gives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Entries,
    Keys,
}

impl Form {
    /// All pages of a prefix, with the text of every cursor: it means the same position everywhere.
    pub(super) async fn pages(self, kv: &Kv, prefix: &str, limit: usize) -> String {
        let mut text = format!("{self:?} of {prefix:?} by {limit}:");
        let mut cursor: Option<Cursor> = None;
        loop {
            let options = ScanOptions::new().limit(limit).cursor(cursor);
            let page = match self {
                Self::Entries => {
                    kv.scan_page(prefix, options).await.map(|page| (shown(page.items, as_entry), page.cursor))
                }
                Self::Keys => kv
                    .scan_keys_page(prefix, options)
                    .await
                    .map(|page| (shown(page.items, as_info), page.cursor)),
            };
            let (items, next) = match page {
                Ok(page) => page,
                Err(error) => return format!("{text} {}", told::<String>(Err(error))),
            };
            let _ = write!(text, " {items} {:?}", next.as_ref().map(ToString::to_string));
            cursor = next;
            if cursor.is_none() {
                return text;
            }
        }
    }

    /// The same as a stream.
    pub(super) async fn stream(self, kv: &Kv, prefix: &str) -> String {
        let items = match self {
            Self::Entries => shown(kv.scan(prefix).collect().await, as_entry),
            Self::Keys => shown(kv.scan_keys(prefix).collect().await, as_info),
        };
        format!("{self:?} of {prefix:?} streamed: {items}")
    }

    /// The first so many, and the cursor behind them.
    pub(super) async fn collect(self, kv: &Kv, prefix: &str, max: usize) -> Result<String> {
        let (items, cursor) = match self {
            Self::Entries => {
                let page = kv.scan_collect(prefix, max).await?;
                (shown(page.items, as_entry), page.cursor)
            }
            Self::Keys => {
                let page = kv.scan_keys_collect(prefix, max).await?;
                (shown(page.items, as_info), page.cursor)
            }
        };
        Ok(format!("{items} {:?}", cursor.as_ref().map(ToString::to_string)))
    }
}

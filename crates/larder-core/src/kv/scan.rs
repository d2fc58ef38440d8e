//! Scanning a prefix in key order: pages, streams, and all at once (S1 to S5).

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::ahead::{Ahead, MAX_ROWS_PER_ENTRY};
use super::attempts::Attempts;
use super::stream::ScanStream;
use super::{Kv, Shared};
use crate::cursor::Cursor;
use crate::driver::{Projection, Read, ScanReply, ScanRequest, ScanRow, ScanStart, Shard, StoredKey};
use crate::entry::{Entry, EntryInfo, Page};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{AFTER_EVERY_KEY, BEFORE_EVERY_KEY, CanonicalKey, SYSTEM_MARK, check_prefix, push_escaped};
use crate::layout::Layout;
use crate::merge::{Merge, Next};
use crate::one_shard::ASTRAY;
use crate::operation::Operation;
use crate::options::{MAX_PAGE_BYTES, MAX_PAGE_LIMIT, ScanOptions};
use crate::record::Record;
use crate::time::Timestamp;
use crate::version::Version;

/// Rounds of requests that a page may take before it comes back short (S2).
const MAX_ROUNDS: usize = 4;

impl Kv {
    /// Reads one page of the live entries under a prefix, in key order (S1, S2).
    ///
    /// The empty prefix is the whole store, or the whole namespace of the handle. A page is full unless the scan is at its
    /// end or has read very many expired rows; its cursor is there exactly when there may be more. It costs one parallel
    /// round of requests in expectation (S5).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, PutOptions, ScanOptions};
    /// # let kv = Kv::new(MemoryDriver::new());
    /// for user in ["user:1", "user:2", "user:3"] {
    ///     kv.put(user, "", PutOptions::new()).await?;
    /// }
    /// let first = kv.scan_page("user:", ScanOptions::new().limit(2)).await?;
    /// assert_eq!(first.items.len(), 2);
    /// let second = kv.scan_page("user:", ScanOptions::new().limit(2).cursor(first.cursor)).await?;
    /// assert_eq!(second.into_entries()?[0].key(), "user:3");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a limit outside 1 to 1000, or a cursor of another prefix; otherwise what keeps the store from
    /// answering. A record that cannot be decoded is an item of the page (E3).
    pub async fn scan_page(&self, prefix: impl AsRef<str>, options: ScanOptions) -> Result<Page<Entry>> {
        self.page(prefix.as_ref(), options).await
    }

    /// Reads one page of keys, without their values where the platform can avoid to transfer them (S4).
    ///
    /// # Errors
    ///
    /// As [`Kv::scan_page`].
    pub async fn scan_keys_page(
        &self,
        prefix: impl AsRef<str>,
        options: ScanOptions,
    ) -> Result<Page<EntryInfo>> {
        self.page(prefix.as_ref(), options).await
    }

    /// Streams the live entries under a prefix, in key order.
    ///
    /// An entry that lives through the whole scan is visited exactly once, also under concurrent writes (S1). Memory stays
    /// within a page, and what was read ahead of it: at most 1,000 rows
    /// of each shard, and about 1 MiB of values where it has several.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, PutOptions};
    /// # let kv = Kv::new(MemoryDriver::new());
    /// # kv.put("user:1", "", PutOptions::new()).await?;
    /// use futures_util::TryStreamExt;
    ///
    /// let mut users = kv.scan("user:");
    /// while let Some(user) = users.try_next().await? {
    ///     println!("{}", user.key());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn scan(&self, prefix: impl AsRef<str>) -> ScanStream<Entry> {
        self.stream(prefix.as_ref())
    }

    /// Streams the keys under a prefix, without their values where the platform can avoid to transfer them (S4).
    pub fn scan_keys(&self, prefix: impl AsRef<str>) -> ScanStream<EntryInfo> {
        self.stream(prefix.as_ref())
    }

    /// Collects at most `max` live entries under a prefix; the page's cursor is there when there may be more.
    ///
    /// # Errors
    ///
    /// As [`Kv::scan_page`].
    pub async fn scan_collect(&self, prefix: impl AsRef<str>, max: usize) -> Result<Page<Entry>> {
        self.collect(prefix.as_ref(), max).await
    }

    /// Collects at most `max` keys under a prefix; the page's cursor is there when there may be more.
    ///
    /// # Errors
    ///
    /// As [`Kv::scan_page`].
    pub async fn scan_keys_collect(&self, prefix: impl AsRef<str>, max: usize) -> Result<Page<EntryInfo>> {
        self.collect(prefix.as_ref(), max).await
    }

    async fn page<T: Item>(&self, prefix: &str, options: ScanOptions) -> Result<Page<T>> {
        let work = pin!(async {
            options.check()?;
            let mut scanner = Scanner::new(self, prefix, options.cursor.as_ref(), T::PROJECTION)?;
            scanner.page(options.limit, options.limit).await
        });
        self.observed(Operation::Scan, work).await
    }

    async fn collect<T: Item>(&self, prefix: &str, max: usize) -> Result<Page<T>> {
        let mut all = Page { items: Vec::new(), cursor: None };
        if max == 0 {
            let reason = "the maximum is 0; ask for at least one entry";
            return self
                .observed(Operation::Scan, async { Err(Error::new(ErrorKind::InvalidInput, reason)) })
                .await;
        }
        let scanner = async { Scanner::new(self, prefix, None, T::PROJECTION) };
        let mut scanner = self.observed(Operation::Scan, scanner).await?;
        while all.items.len() < max {
            let missing = max - all.items.len();
            let limit = missing.min(MAX_PAGE_LIMIT);
            let page = self.observed(Operation::Scan, scanner.page::<T>(limit, missing)).await?;
            all.items.extend(page.items);
            all.cursor = page.cursor;
            if all.cursor.is_none() {
                break;
            }
        }
        Ok(all)
    }
}

/// The longest key that any platform stores: longer than any of Larder's own.
const MAX_STORED_BYTES: usize = 1_024;

/// The position behind what a cursor names. It need not be a key, but is never before them all, where other records are.
fn behind(namespace: &str, after: &str) -> Result<StoredKey> {
    let after = format!("{namespace}{after}");
    let is_among_keys = !namespace.is_empty() || after.starts_with(|first| first >= BEFORE_EVERY_KEY);
    if !is_among_keys || after.len() > MAX_STORED_BYTES {
        return Err(Error::new(ErrorKind::InvalidInput, "the cursor is damaged; start the scan without it"));
    }
    Ok(after.into())
}

/// What a scan makes of a row.
pub(super) trait Item: Sized + Send + 'static {
    const PROJECTION: Projection;

    fn new(value: Bytes, info: EntryInfo) -> Self;

    fn key(&self) -> &str;
}

impl Item for Entry {
    const PROJECTION: Projection = Projection::Full;

    fn new(value: Bytes, info: EntryInfo) -> Self {
        Self::new(value, info)
    }

    fn key(&self) -> &str {
        self.key()
    }
}

impl Item for EntryInfo {
    const PROJECTION: Projection = Projection::Meta;

    fn new(_: Bytes, info: EntryInfo) -> Self {
        info
    }

    fn key(&self) -> &str {
        self.key()
    }
}

/// A scan under way.
pub(super) struct Scanner {
    plan: Plan,
    /// What was read of each shard and not yet given out, and the layout by which keys have their shards; made with the
    /// first page.
    merge: Option<(Merge, Layout)>,
    ahead: Ahead,
}

/// A row that gives no entry.
struct Unreadable {
    error: Error,
    /// Where it is; its error's key may not tell.
    place: StoredKey,
}

/// How much of a scan to read.
struct Size {
    /// The entries of this page.
    limit: usize,
    /// The entries of this page and all that may follow it.
    wanted: usize,
}

/// What a scan is of.
struct Plan {
    shared: Arc<Shared>,
    namespace: Arc<str>,
    /// The prefix in canonical form, relative to the namespace.
    prefix: String,
    start: ScanStart,
    end: String,
    read: Read,
}

impl Scanner {
    pub(super) fn new(
        kv: &Kv,
        prefix: &str,
        cursor: Option<&Cursor>,
        projection: Projection,
    ) -> Result<Self> {
        check_prefix(&kv.namespace, prefix)?;
        let mut canonical = String::new();
        push_escaped(&mut canonical, prefix);
        let whole = format!("{}{canonical}", kv.namespace);
        let start = match cursor {
            None if whole.is_empty() => ScanStart::At(BEFORE_EVERY_KEY.to_string()),
            // The key that is the namespace's own name is the one before the first in it.
            None if canonical.is_empty() => ScanStart::After(whole.as_str().into()),
            None => ScanStart::At(whole.clone()),
            Some(cursor) => ScanStart::After(behind(&kv.namespace, cursor.after(&canonical)?)?),
        };
        let plan = Plan {
            shared: Arc::clone(&kv.shared),
            namespace: Arc::clone(&kv.namespace),
            prefix: canonical,
            start,
            end: format!("{whole}{AFTER_EVERY_KEY}"),
            read: kv.reading(projection),
        };
        Ok(Self { plan, merge: None, ahead: Ahead::NOT })
    }

    /// Reads a page of `limit` entries, of the `wanted` that will be asked for at most.
    pub(super) async fn page<T: Item>(&mut self, limit: usize, wanted: usize) -> Result<Page<T>> {
        let mut deadline = None;
        let (merge, layout) = match &mut self.merge {
            Some(merge) => merge,
            None => {
                let found = self.plan.shared.layout().await?;
                deadline = found.deadline;
                self.merge.insert((Merge::new(self.plan.shards(found.layout)), found.layout.clone()))
            }
        };
        let deadline = deadline.unwrap_or_else(|| Instant::now() + self.plan.shared.policy.deadline);
        let page = self.plan.fill(merge, layout, Size { limit, wanted }, self.ahead, deadline).await;
        self.ahead = self.ahead.grown();
        page
    }
}

impl Plan {
    fn shards(&self, layout: &Layout) -> Vec<Shard> {
        let system = self.namespace.starts_with(SYSTEM_MARK);
        if system { vec![Shard::SYSTEM] } else { layout.all_shards().collect() }
    }

    async fn fill<T: Item>(
        &self,
        merge: &mut Merge,
        layout: &Layout,
        Size { limit, wanted }: Size,
        ahead: Ahead,
        deadline: Instant,
    ) -> Result<Page<T>> {
        let mut items: Vec<Result<T>> = Vec::with_capacity(limit.min(256));
        // The row that was passed last, if no item tells its key.
        let mut skipped = None;
        let mut bytes = 0;
        let mut rounds = 0;
        let mut rows_read = 0;
        let mut now = self.shared.clock.now();
        loop {
            match merge.next() {
                Next::End => return Ok(Page { items, cursor: None }),
                Next::Row(size) => {
                    if items.len() == limit || (bytes + size > MAX_PAGE_BYTES && !items.is_empty()) {
                        let cursor = self.cursor(&items, skipped);
                        return Ok(Page { items, cursor });
                    }
                    let Some((shard, row)) = merge.take() else { continue };
                    if row.is_expired(now) {
                        skipped = Some(row.key);
                        continue;
                    }
                    bytes += size;
                    match self.item(row, now, |key| layout.shard_of(key) == shard) {
                        Ok(item) => {
                            items.push(Ok(item));
                            skipped = None;
                        }
                        Err(unreadable) => {
                            items.push(Err(unreadable.error));
                            skipped = Some(unreadable.place);
                        }
                    }
                }
                Next::Fetch(shards) => {
                    let out_of_budget = rounds == MAX_ROUNDS || rows_read >= MAX_ROWS_PER_ENTRY * limit;
                    if items.len() == limit || (out_of_budget && (skipped.is_some() || !items.is_empty())) {
                        let cursor = self.cursor(&items, skipped);
                        return Ok(Page { items, cursor });
                    }
                    let max_bytes = MAX_PAGE_BYTES.saturating_sub(bytes).max(1);
                    let missing = limit - items.len();
                    // Of what is wanted, this page has some already.
                    let still = wanted - items.len();
                    let (shards, rows, max_bytes) =
                        ahead.requests(merge, shards, limit, missing, max_bytes, still);
                    rows_read += self.fetch(merge, &shards, rows, max_bytes, deadline).await?;
                    rounds += 1;
                    now = self.shared.clock.now();
                }
            }
        }
    }

    /// Reads on in several shards at once (S5), and returns how many rows came.
    async fn fetch(
        &self,
        merge: &mut Merge,
        shards: &[Shard],
        limit: usize,
        max_bytes: usize,
        deadline: Instant,
    ) -> Result<usize> {
        let requests = shards.iter().map(|&shard| {
            let start = merge.position(shard).map_or_else(|| self.start.clone(), ScanStart::After);
            let request =
                ScanRequest { shard, start, end: self.end.clone(), limit, max_bytes, read: self.read };
            let shared = &self.shared;
            async move {
                let mut attempts = Attempts::until(shared, Operation::Scan, deadline);
                let reply = attempts.read(|| shared.driver.scan(&request)).await?;
                self.check(&reply)?;
                Ok::<_, Error>((shard, reply))
            }
        });
        // Only who has news is looked at: with many shards, looking at all of them each time costs more than the merge.
        let mut requests: FuturesUnordered<_> = requests.collect();
        let mut rows = 0;
        while let Some((shard, reply)) = requests.try_next().await? {
            rows += reply.rows.len();
            merge.feed(shard, reply);
        }
        Ok(rows)
    }

    /// Refuses what no driver may answer: an end that is none, and rows that were not asked for.
    fn check(&self, reply: &ScanReply) -> Result<()> {
        let ours = |key: &StoredKey| {
            key.as_str()
                .strip_prefix(&*self.namespace)
                .is_some_and(|relative| relative.starts_with(&self.prefix))
        };
        // In order, so that what lies between them lies within the range, too.
        let ends = [reply.rows.first(), reply.rows.last()];
        if (reply.more && reply.rows.is_empty()) || !ends.into_iter().flatten().all(|row| ours(&row.key)) {
            return Err(Error::new(
                ErrorKind::Internal,
                "the driver answered a scan with rows outside of it, or with none",
            ));
        }
        Ok(())
    }

    /// The item that a row gives, or why it gives none (E3).
    fn item<T: Item>(
        &self,
        row: ScanRow,
        now: Timestamp,
        is_in_its_shard: impl Fn(&CanonicalKey) -> bool,
    ) -> Result<T, Box<Unreadable>> {
        let key = match row.key.canonical() {
            Ok(key) => key,
            Err(place) => {
                let reason = "a row whose key is no key of Larder: something else wrote it; remove it there";
                let text = place.as_str().get(self.namespace.len()..).unwrap_or_default();
                return Err(Box::new(Unreadable { error: self.corrupt(text, reason.to_owned()), place }));
            }
        };
        let relative = |key: CanonicalKey| key.into_key(self.namespace.len()).unwrap_or_default();
        let reason = match row.record {
            Ok(Record { value, expires_at, revision, .. }) if is_in_its_shard(&key) => {
                let version = Version::new(&key, expires_at, revision);
                return Ok(T::new(value, EntryInfo::new(relative(key), version, now)));
            }
            // Reads look for it elsewhere and do not find it.
            Ok(_) => ASTRAY.to_owned(),
            Err(reason) => reason,
        };
        let place = StoredKey::from(key.as_str());
        Err(Box::new(Unreadable { error: self.corrupt(&relative(key), reason), place }))
    }

    fn corrupt(&self, key: &str, reason: String) -> Error {
        Error::new(ErrorKind::Corrupt, reason)
            .with_operation(Operation::Scan)
            .with_binding(Arc::clone(&self.shared.binding))
            .with_key(key, self.shared.show_full_keys)
    }

    /// The position behind the row that was passed last.
    fn cursor<T: Item>(&self, items: &[Result<T>], skipped: Option<StoredKey>) -> Option<Cursor> {
        let mut after = String::new();
        match (skipped, items.last()) {
            (Some(key), _) => after.push_str(key.as_str().strip_prefix(&*self.namespace)?),
            (None, Some(Ok(item))) => _ = push_escaped(&mut after, item.key()),
            (None, Some(Err(_)) | None) => return None,
        }
        Some(Cursor::new(&self.prefix, &after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryDriver;

    #[tokio::test]
    async fn no_cursor_reaches_what_is_not_among_the_keys() {
        let kv = Kv::new(MemoryDriver::new());
        let tenant = kv.with_prefix("tenant").expect("a namespace");
        for (kv, after, is_fine) in [
            (&kv, "a".to_owned(), true),
            (&kv, "b~ not canonical".to_owned(), true),
            (&kv, "!layout".to_owned(), false),
            (&kv, " ".to_owned(), false),
            (&kv, "\u{7f}".to_owned(), false),
            (&kv, "é".to_owned(), false),
            (&kv, "x".repeat(1_024), true),
            (&kv, "x".repeat(1_025), false),
            (&tenant, "!x".to_owned(), true),
            (&tenant, "x".repeat(1_017), true),
            (&tenant, "x".repeat(1_018), false),
        ] {
            let cursor = Cursor::new("", &after).to_string().parse().expect("it is whole");
            let page = kv.scan_page("", ScanOptions::new().cursor(Some(cursor))).await;
            match page {
                Ok(_) => assert!(is_fine, "{after}"),
                Err(error) => {
                    assert!(!is_fine, "{after}: {error}");
                    assert_eq!(error.kind(), ErrorKind::InvalidInput);
                }
            }
        }
    }
}

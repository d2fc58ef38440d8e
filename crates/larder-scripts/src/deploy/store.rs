//! The scripts in a store.

use larder_core::{Entry, Error, ErrorKind, Kv, PutOptions, PutOutcome, Result, Version};

use super::cache::SourceCache;
use super::pieces::Pieces;
use super::record::{Deployed, Kept, Record};
use super::version::VersionId;
use crate::limits::MAX_SOURCE_BYTES;
use crate::name::check_script_name;
use crate::part::part;
use crate::pool::Script;

/// How often a record is read and written anew when others write it, too.
const ATTEMPTS: usize = 16;
/// The most scripts that are listed.
const MOST_LISTED: usize = 1_000;

/// The scripts in a store: of one namespace, or of those who have none. Each sees only its own.
#[derive(Clone, Debug)]
pub struct ScriptStore {
    records: Kv,
    pieces: Pieces,
    cache: SourceCache,
}

/// What a deployment or a rollback expects to find.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Expected {
    /// Anything.
    #[default]
    Any,
    /// No script of that name.
    Absent,
    /// This version, active.
    Active(VersionId),
}

impl Expected {
    /// Whether this is what is active.
    fn is_met_by(self, active: Option<VersionId>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => active.is_none(),
            Self::Active(version) => active == Some(version),
        }
    }
}

/// What became of a deployment or a rollback.
#[derive(Clone, Debug)]
pub enum Deployment {
    /// It was done: the script as it is now.
    Done(Deployed),
    /// Nothing changed: that version is active already.
    Unchanged(Deployed),
    /// Nothing changed: what is active is not what was expected.
    NotAsExpected(Option<VersionId>),
    /// Nothing changed: there is no such script, or it has no such version.
    NotThere,
}

/// What became of a removal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removal {
    /// It is gone with all its versions.
    Done,
    /// Nothing changed: there is no such script.
    NotThere,
}

/// A script of a list that cannot be read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unreadable {
    /// Its name, where that much can be read.
    pub name: Option<String>,
    /// Why.
    pub error: Error,
}

impl ScriptStore {
    /// The scripts in the store that this handle is on, of a namespace or of those who have none. All handles on one store
    /// see the same.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for what is no namespace; `Unsupported` where a gateway stands before the store, which gives out
    /// none of its own records.
    pub fn new(kv: &Kv, namespace: Option<&str>) -> Result<Self> {
        Ok(Self {
            records: part(kv, namespace, "scripts")?,
            pieces: Pieces(part(kv, namespace, "script-sources")?),
            cache: SourceCache::default(),
        })
    }

    /// Looks for sources in a cache before it reads them, and leaves them there.
    #[must_use]
    pub fn with_cache(mut self, cache: SourceCache) -> Self {
        self.cache = cache;
        self
    }

    /// Stores a source and makes it the active version. A version that is kept already is made active without being stored
    /// again, unless what is kept of it is damaged.
    ///
    /// The source should have been read by [`Pool::check`](crate::Pool::check) before.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a name that is none, an empty source, or one that is too long. `Corrupt` for a record that cannot be
    /// read: remove it first. `Ambiguous` when a write may have been applied: deploy it again, and where that is not as
    /// expected any more, look at what is active. With every other kind nothing changed that anybody sees.
    pub async fn deploy(&self, name: &str, source: &str, expected: Expected) -> Result<Deployment> {
        check_script_name(name)?;
        if source.is_empty() || source.len() > MAX_SOURCE_BYTES {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "the source has {} bytes; a script has 1 to {MAX_SOURCE_BYTES}: leave out what it does not use, or \
                     make two of it",
                    source.len()
                ),
            ));
        }
        let mut written = None;
        let outcome = self.activate(name, source, expected, &mut written).await;
        // Nobody knows whether an ambiguous write names them. An hour later somebody does, as for those who died here.
        let may_be_named = outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Ambiguous);
        if let (Some(kept), false) = (written, may_be_named) {
            warn_of_leftovers(name, self.pieces.remove(name, &[kept]).await);
        }
        outcome
    }

    /// Makes a source the active version. What it leaves in `written` no record names, unless it ends as ambiguous.
    async fn activate(
        &self,
        name: &str,
        source: &str,
        expected: Expected,
        written: &mut Option<Kept>,
    ) -> Result<Deployment> {
        let version = VersionId::of(source);
        for _ in 0..ATTEMPTS {
            let (mut record, found) = self.record(name).await?;
            let active = record.active().map(|kept| kept.version);
            if !expected.is_met_by(active) {
                return Ok(Deployment::NotAsExpected(active));
            }
            let named = record.find(version).cloned();
            let whole = match &named {
                Some(kept) if self.is_whole(name, kept).await? => named.clone(),
                _ => None,
            };
            if active == Some(version)
                && whole.is_some()
                && let Some(deployed) = record.shown(name)
            {
                warn_of_leftovers(name, self.pieces.clear(name, &record.versions).await);
                return Ok(Deployment::Unchanged(deployed));
            }
            let kept = match (whole, &*written) {
                (Some(kept), _) => kept,
                (None, Some(kept)) => kept.clone(),
                (None, None) => written.insert(self.pieces.write(name, version, source).await?).clone(),
            };
            let damaged = named.filter(|named| named.blob != kept.blob);
            // Somebody else stored the same meanwhile, and theirs is taken.
            let spare = written.clone().filter(|written| written.blob != kept.blob);
            let mut gone = record.activate(kept);
            gone.extend(damaged.into_iter().chain(spare));
            if self.store(name, &record, found).await? {
                *written = None;
                warn_of_leftovers(name, self.tidy(name, &record.versions, &gone).await);
                return record.shown(name).map(Deployment::Done).ok_or_else(defect);
            }
        }
        Err(busy())
    }

    /// Makes an earlier version the active one: this one, or the one that was active before.
    ///
    /// Which one was before is settled once: if another is active when it comes to the change, that is not as expected. Of two
    /// that go back at once, neither undoes what the other did. But done twice, one after the other, it is undone: who
    /// repeats it names the version, or what they expect.
    ///
    /// # Errors
    ///
    /// As [`ScriptStore::deploy`], but an ambiguous one without a version is not to be repeated before a look at what is
    /// active now. `Corrupt` when the version cannot be read any more, which changes nothing: what runs
    /// now is worth more than what cannot.
    pub async fn rollback(
        &self,
        name: &str,
        to: Option<VersionId>,
        expected: Expected,
    ) -> Result<Deployment> {
        check_script_name(name)?;
        let (mut to, mut expected) = (to, expected);
        for _ in 0..ATTEMPTS {
            let (mut record, found) = self.record(name).await?;
            let Some(active) = record.active().map(|kept| kept.version) else {
                return Ok(Deployment::NotThere);
            };
            if !expected.is_met_by(Some(active)) {
                return Ok(Deployment::NotAsExpected(Some(active)));
            }
            let kept = match to {
                Some(version) => record.find(version),
                None => record.versions.get(1),
            };
            let Some(kept) = kept.cloned() else { return Ok(Deployment::NotThere) };
            if to.is_none() {
                // The one before this one, whatever others do until it is written.
                (to, expected) = (Some(kept.version), Expected::Active(active));
            }
            if active == kept.version {
                return record.shown(name).map(Deployment::Unchanged).ok_or_else(defect);
            }
            if !self.is_whole(name, &kept).await? {
                // Or a deployment that came meanwhile had no room for it any more.
                if self.record(name).await?.1 == found {
                    return Err(not_whole(name));
                }
                continue;
            }
            record.activate(kept);
            if self.store(name, &record, found).await? {
                return record.shown(name).map(Deployment::Done).ok_or_else(defect);
            }
        }
        Err(busy())
    }

    /// Removes a script with all its versions.
    ///
    /// # Errors
    ///
    /// As [`ScriptStore::deploy`]. A record that cannot be read is removed, too: after that, the name can be deployed again.
    pub async fn remove(&self, name: &str) -> Result<Removal> {
        check_script_name(name)?;
        for _ in 0..ATTEMPTS {
            let found = match self.records.get_entry(name).await {
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    // It has no version that a condition could name, and nobody deploys over it.
                    self.records.delete(name).await?;
                    warn_of_leftovers(name, self.pieces.clear(name, &[]).await);
                    return Ok(Removal::Done);
                }
                found => found?,
            };
            let Some(entry) = found else {
                // Who died over its first deployment may have left pieces, and nobody else may ever come for them.
                warn_of_leftovers(name, self.pieces.clear(name, &[]).await);
                return Ok(Removal::NotThere);
            };
            if !self.records.delete_if_version(name, entry.version().clone()).await?.is_deleted() {
                continue;
            }
            // Of a record that cannot be read nobody knows any more which were its pieces; those of the last hour may be those
            // of a new one.
            let gone =
                Record::read(name, entry.value()).map_or_else(|_| Vec::new(), |record| record.versions);
            warn_of_leftovers(name, self.tidy(name, &[], &gone).await);
            return Ok(Removal::Done);
        }
        Err(busy())
    }

    /// The scripts, by name: up to 1,000. What cannot be read is an error at its place.
    ///
    /// # Errors
    ///
    /// What keeps the store from answering.
    pub async fn list(&self) -> Result<Vec<Result<Deployed, Unreadable>>> {
        let page = self.records.scan_collect("", MOST_LISTED).await?;
        Ok(page.items.into_iter().map(shown).collect())
    }

    /// What is deployed under a name; `None` if nothing is.
    ///
    /// # Errors
    ///
    /// What keeps the store from answering; `Corrupt` for a record that cannot be read.
    pub async fn get(&self, name: &str) -> Result<Option<Deployed>> {
        check_script_name(name)?;
        Ok(self.record(name).await?.0.shown(name))
    }

    /// A version to run: this one, or the active one; `None` if it is not there.
    ///
    /// # Errors
    ///
    /// What keeps the store from answering; `Corrupt` for what is not what was deployed.
    pub async fn load(&self, name: &str, version: Option<VersionId>) -> Result<Option<Script>> {
        check_script_name(name)?;
        for _ in 0..ATTEMPTS {
            let (record, _) = self.record(name).await?;
            let kept = match version {
                Some(version) => record.find(version),
                None => record.active(),
            };
            let Some(kept) = kept else { return Ok(None) };
            if let Some(script) = self.cache.get(name, kept.version) {
                return Ok(Some(script));
            }
            if let Some(source) = self.pieces.read(name, kept).await? {
                let script = Script::new(name, kept.version.to_string(), source);
                self.cache.put(kept.version, &script);
                return Ok(Some(script));
            }
            // Its pieces went after the record was read: another deployment came, or a removal.
        }
        Err(not_whole(name))
    }

    /// Whether the source of a version can be read.
    async fn is_whole(&self, name: &str, kept: &Kept) -> Result<bool> {
        match self.pieces.read(name, kept).await {
            Ok(source) => Ok(source.is_some()),
            Err(error) if error.kind() == ErrorKind::Corrupt => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn record(&self, name: &str) -> Result<(Record, Option<Version>)> {
        match self.records.get_entry(name).await? {
            None => Ok((Record::new(), None)),
            Some(entry) => Ok((Record::read(name, entry.value())?, Some(entry.version().clone()))),
        }
    }

    /// Writes a record unless somebody else has since.
    async fn store(&self, name: &str, record: &Record, found: Option<Version>) -> Result<bool> {
        let options = match found {
            None => PutOptions::new().if_not_exists(),
            Some(version) => PutOptions::new().if_version(version),
        };
        let outcome = self.records.put(name, record.to_bytes()?, options).await?;
        Ok(matches!(outcome, PutOutcome::Stored(_)))
    }

    /// Removes pieces that no record names any more, and what others left; these are named.
    async fn tidy(&self, name: &str, named: &[Kept], gone: &[Kept]) -> Result<()> {
        self.pieces.remove(name, gone).await?;
        self.pieces.clear(name, named).await
    }
}

/// Pieces that were not removed harm nobody, and a later deployment or removal comes for them: what was asked for is done.
fn warn_of_leftovers(name: &str, removed: Result<()>) {
    if let Err(error) = removed {
        tracing::warn!(target: "larder", script = name, %error, "pieces of a script were left");
    }
}

fn shown(entry: Result<Entry>) -> Result<Deployed, Unreadable> {
    // Of a row that cannot be read its key is known all the same.
    let entry = entry.map_err(|error| Unreadable { name: error.key().map(str::to_owned), error })?;
    let name = entry.key();
    let deployed = Record::read(name, entry.value()).and_then(|record| record.shown(name).ok_or_else(defect));
    deployed.map_err(|error| Unreadable { name: Some(name.to_owned()), error })
}

fn defect() -> Error {
    Error::new(ErrorKind::Corrupt, "the record of a script names no version: deploy it again")
}

fn not_whole(name: &str) -> Error {
    let what = format!(
        "the source of the script {name:?} is not there as it was deployed: deploy it again, or name another version"
    );
    Error::new(ErrorKind::Corrupt, what)
}

fn busy() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "others deploy this script at the same time, again and again; try again later",
    )
}

//! Sources in pieces that fit a value.

use larder_core::{Clock, Error, ErrorKind, Kv, MAX_VALUE_BYTES, PutOptions, Result, SystemClock};

use super::record::Kept;
use super::version::VersionId;

/// How long pieces may be there that no record names: for longer than anybody takes to deploy.
const ORPHANED_AFTER_MILLIS: u64 = 3_600_000;
/// The most leftovers that one deployment clears away.
const MOST_LEFTOVERS: usize = 1_000;

/// The pieces of the sources of a store.
#[derive(Clone, Debug)]
pub(super) struct Pieces(pub(super) Kv);

impl Pieces {
    /// Writes the source of a version under a new name, all of it or, as far as that can be done, nothing.
    pub(super) async fn write(&self, script: &str, version: VersionId, source: &str) -> Result<Kept> {
        // The time says how old it is, should its writer never come to name it.
        let blob = format!("{:012x}-{:016x}", SystemClock.now().as_millis(), rand::random::<u64>());
        let pieces: Vec<&[u8]> = source.as_bytes().chunks(MAX_VALUE_BYTES).collect();
        let kept = Kept { version, blob, pieces: pieces.len(), bytes: source.len(), activated_at: 0 };
        for (number, piece) in pieces.iter().enumerate() {
            let put = self.0.put(key(script, &kept.blob, number), piece.to_vec(), PutOptions::new()).await;
            if let Err(error) = put {
                // The one that failed, too: it may have been applied. The store may well be out of reach now.
                drop(self.remove(script, &[Kept { pieces: number + 1, ..kept }]).await);
                return Err(error);
            }
        }
        Ok(kept)
    }

    /// Reads a source; `None` when it is not there whole, as when it was removed meanwhile.
    pub(super) async fn read(&self, script: &str, kept: &Kept) -> Result<Option<String>> {
        let mut source = Vec::with_capacity(kept.bytes);
        for number in 0..kept.pieces {
            let Some(piece) = self.0.get(key(script, &kept.blob, number)).await? else { return Ok(None) };
            source.extend_from_slice(&piece);
        }
        let source = String::from_utf8(source).ok().filter(|source| VersionId::of(source) == kept.version);
        source.map(Some).ok_or_else(|| {
            let what =
                format!("the source of the script {script:?} is not what was deployed: deploy it again");
            Error::new(ErrorKind::Corrupt, what)
        })
    }

    /// Removes pieces that no record names any more.
    pub(super) async fn remove(&self, script: &str, kept: &[Kept]) -> Result<()> {
        for one in kept {
            for number in 0..one.pieces {
                self.0.delete(key(script, &one.blob, number)).await?;
            }
        }
        Ok(())
    }

    /// Removes what those left who died before they named it, or could not learn whether they had.
    pub(super) async fn clear(&self, script: &str, named: &[Kept]) -> Result<()> {
        let oldest = SystemClock.now().as_millis().saturating_sub(ORPHANED_AFTER_MILLIS);
        let found = self.0.scan_keys_collect(format!("{script}:"), MOST_LEFTOVERS).await?;
        for info in found.items.into_iter().flatten() {
            let Some(blob) = info.key().split(':').nth(1) else { continue };
            let written = blob.split('-').next().and_then(|time| u64::from_str_radix(time, 16).ok());
            let is_named = named.iter().any(|kept| kept.blob == blob);
            if !is_named && written.is_some_and(|written| written < oldest) {
                self.0.delete(info.key()).await?;
            }
        }
        Ok(())
    }
}

fn key(script: &str, blob: &str, number: usize) -> String {
    format!("{script}:{blob}:{number:03}")
}

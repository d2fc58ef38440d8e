//! How far a copy has come, in a file that outlives the process.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use larder::{Cursor, Timestamp};
use serde::{Deserialize, Serialize};

use super::destination::{folder, sync_folder};
use super::tally::Tally;
use super::writer::Existing;
use crate::failure::{Failure, Outcome};

/// How often the file is written at most.
const EVERY: Duration = Duration::from_millis(200);
const FORMAT: u32 = 1;

/// What a copy is of: a file of another is not gone on with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) prefix: String,
    pub(crate) existing: Existing,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Content {
    larder_copy: u32,
    identity: Identity,
    /// Not there before the first page.
    cursor: Option<String>,
    #[serde(default)]
    stage: Stage,
    tally: Tally,
    /// Until when something of it lives, in milliseconds since 1970.
    #[serde(default)]
    lasts: u64,
}

/// What a copy is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// Entries are still carried over.
    #[default]
    Copying,
    /// All are in the target, and what is asked for beside that is still to be done.
    Copied,
}

/// Whether a copy begins, or goes on where a killed one stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Start {
    Anew,
    Resumed,
}

/// How far a copy has come. All entries before the cursor are durable in the target.
#[derive(Debug)]
pub(crate) struct Position {
    path: PathBuf,
    identity: Identity,
    start: Start,
    pub(crate) cursor: Option<Cursor>,
    stage: Stage,
    pub(crate) tally: Tally,
    lasts: u64,
    /// How long ago the file was written that was found.
    age: Option<Duration>,
    saved: Option<Instant>,
}

/// A page that is durable in the target.
#[derive(Debug)]
pub(crate) struct Passed {
    /// Where the next page begins; `None` for the last one.
    pub(crate) cursor: Option<Cursor>,
    pub(crate) tally: Tally,
    /// The moment at which the last entry of it expires; `None` when it holds none, the last there is for never.
    pub(crate) lasts: Option<Timestamp>,
}

impl Position {
    /// Finds out whether the file can be written, before anything is made for the copy.
    pub(crate) fn try_place(path: &Path) -> Outcome<()> {
        let tried = match path.is_dir() {
            true => Err(io::ErrorKind::IsADirectory.into()),
            false => tempfile::NamedTempFile::new_in(folder(path)),
        };
        tried.map(|_| ()).map_err(|error| Failure::at(path.display(), &error))
    }

    /// Reads the file, if there is one. It is refused when it is of another copy.
    pub(crate) fn open(path: &Path, identity: Identity) -> Outcome<Self> {
        let mut position = Self {
            path: path.to_owned(),
            identity,
            start: Start::Anew,
            cursor: None,
            stage: Stage::Copying,
            tally: Tally::default(),
            lasts: 0,
            age: None,
            saved: None,
        };
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(position),
            Err(error) => return Err(Failure::at(path.display(), &error)),
        };
        // Written whole or not at all, so that it is damaged only if somebody else wrote it.
        let content: Content = serde_json::from_slice(&text).map_err(|_| position.is_none_of_ours())?;
        if content.larder_copy != FORMAT {
            return Err(position.is_none_of_ours());
        }
        if content.identity != position.identity {
            return Err(position.is_of_another(&content.identity));
        }
        let cursor = content.cursor.map(|text| text.parse()).transpose();
        position.cursor = cursor.map_err(|_| position.is_none_of_ours())?;
        position.stage = content.stage;
        position.tally = content.tally;
        position.lasts = content.lasts;
        position.start = Start::Resumed;
        // A clock that was set back since then tells none.
        let written = fs::metadata(path).and_then(|file| file.modified()).ok();
        position.age = written.and_then(|at| SystemTime::now().duration_since(at).ok());
        Ok(position)
    }

    pub(crate) fn start(&self) -> Start {
        self.start
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// How long ago the file was written, in whole seconds; `None` where that cannot be told.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.age.map(|age| Duration::from_secs(age.as_secs()))
    }

    /// Goes back to the beginning.
    pub(crate) fn begin_anew(&mut self) {
        self.start = Start::Anew;
        self.cursor = None;
        self.stage = Stage::Copying;
        self.tally = Tally::default();
        self.lasts = 0;
    }

    /// Whether something that was carried over is in the target still, if nobody has removed it.
    pub(crate) fn is_in_target(&self, now: Timestamp) -> bool {
        self.tally.entries > 0 && self.lasts > now.as_millis()
    }

    /// Notes that a page is in the target, and all before it; writes that down when it is time, and at the end.
    ///
    /// Returns whether it was written down. What was not is copied again after a kill, to the same effect.
    pub(crate) fn advance(&mut self, page: Passed) -> Outcome<bool> {
        self.tally += page.tally;
        self.lasts = self.lasts.max(page.lasts.map_or(0, Timestamp::as_millis));
        match page.cursor {
            Some(cursor) => self.cursor = Some(cursor),
            // The cursor stays: none would be the beginning.
            None => self.stage = Stage::Copied,
        }
        if self.stage == Stage::Copying && self.saved.is_some_and(|at| at.elapsed() < EVERY) {
            return Ok(false);
        }
        self.save()?;
        Ok(true)
    }

    /// Replaces the file in one step: whoever looks sees the old position or the new one.
    pub(crate) fn save(&mut self) -> Outcome<()> {
        let content = Content {
            larder_copy: FORMAT,
            identity: self.identity.clone(),
            cursor: self.cursor.as_ref().map(ToString::to_string),
            stage: self.stage,
            tally: self.tally,
            lasts: self.lasts,
        };
        let text = serde_json::to_vec(&content).map_err(|error| Failure::Other(error.to_string()))?;
        replace(&self.path, &text).map_err(|error| Failure::at(self.path.display(), &error))?;
        self.saved = Some(Instant::now());
        Ok(())
    }

    /// Removes the file: the copy is complete.
    pub(crate) fn finish(self) -> Outcome<Tally> {
        self.forget()?;
        Ok(self.tally)
    }

    /// Removes the file: there is nothing to go on with.
    pub(crate) fn forget(&self) -> Outcome<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::at(self.path.display(), &error))
            }
            _ => Ok(()),
        }
    }

    fn is_none_of_ours(&self) -> Failure {
        Failure::Other(format!(
            "{} is no cursor file of a copy: name another with --cursor",
            self.path.display()
        ))
    }

    fn is_of_another(&self, other: &Identity) -> Failure {
        Failure::Other(format!(
            "{} is of another copy, of {:?} from {} to {} ({}): finish that one, remove the file to give it up, or name \
             another with --cursor",
            self.path.display(),
            other.prefix,
            other.from,
            other.to,
            other.existing.flag()
        ))
    }
}

/// Writes a file beside the old one, and puts it in its place once it is durable. A cursor holds a key, so that nobody
/// else may read it.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = folder(path);
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(to: &str) -> Identity {
        Identity { from: "a".into(), to: to.into(), prefix: String::new(), existing: Existing::Refused }
    }

    /// As a handle gives it.
    async fn a_cursor() -> Cursor {
        let dir = tempfile::tempdir().expect("a directory");
        let driver = larder_sled::SledDriver::open(dir.path(), larder_sled::SledOptions::new()).await;
        let kv = larder::Kv::new(driver.expect("it opens"));
        for key in ["a", "b"] {
            kv.put(key, "v", larder::PutOptions::new()).await.expect("a put");
        }
        let page = kv.scan_keys_page("", larder::ScanOptions::new().limit(1)).await.expect("a page");
        page.cursor.expect("there is more")
    }

    #[tokio::test]
    async fn a_position_is_gone_on_with_by_the_same_copy_alone() {
        let cursor = a_cursor().await;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("cursor");
        let mut position = Position::open(&path, identity("b")).expect("none yet");
        assert_eq!(position.start(), Start::Anew);
        let tally = Tally { entries: 7, ..Tally::default() };
        let lasts = Some(Timestamp::from_millis(1_000));
        assert!(
            position.advance(Passed { cursor: Some(cursor.clone()), tally, lasts }).expect("it is written")
        );

        let resumed = Position::open(&path, identity("b")).expect("the same");
        assert_eq!((resumed.start(), resumed.stage()), (Start::Resumed, Stage::Copying));
        assert_eq!((&resumed.cursor, resumed.tally), (&Some(cursor.clone()), tally));
        assert!(resumed.is_in_target(Timestamp::from_millis(999)));
        assert!(!resumed.is_in_target(Timestamp::from_millis(1_000)), "it has expired");
        for other in [
            identity("c"),
            Identity { prefix: "user:".into(), ..identity("b") },
            Identity { existing: Existing::Overwritten, ..identity("b") },
        ] {
            let refused = Position::open(&path, other).expect_err("another copy");
            assert!(refused.to_string().contains("is of another copy"), "{refused}");
        }
        assert_eq!(resumed.finish().expect("removed"), tally);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn the_end_is_written_at_once_and_is_not_the_beginning() {
        let first = a_cursor().await;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("cursor");
        let mut position = Position::open(&path, identity("b")).expect("none yet");
        let tally = Tally { entries: 1, ..Tally::default() };
        for cursor in [Some(first.clone()), None] {
            assert!(position.advance(Passed { cursor, tally, lasts: None }).expect("it is written"));
        }
        // As when the pipeline fails after that.
        position.save().expect("written");
        let resumed = Position::open(&path, identity("b")).expect("the same");
        assert_eq!((resumed.stage(), resumed.tally.entries), (Stage::Copied, 2));
        assert_eq!(resumed.cursor, Some(first));
    }

    #[test]
    fn what_is_no_cursor_file_is_refused_and_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("cursor");
        for text in ["", "{}", "hello", r#"{"larderCopy":2}"#] {
            fs::write(&path, text).expect("written");
            assert!(Position::open(&path, identity("b")).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
        }
    }
}

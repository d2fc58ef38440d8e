//! Which store a command is about.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use larder::{Binding, Bindings, Kv, RetryPolicy};

use crate::clock::HeldClock;
use crate::failure::{Failure, Outcome};
use crate::lifetime;

/// The directory of the store that commands use when they are told of none.
pub(crate) const DEFAULT_DIR: &str = ".larder";

/// The name that a store has in messages when it was not named by an id.
const UNNAMED: &str = "store";

/// The store of a command: a binding by its id, or a URL; without either the embedded store in `./.larder`.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TargetArgs {
    /// The store that this resource id is bound to, as services find it: LARDER_<ID>_BINDING, ALIEN_<ID>_BINDING, or the
    /// file that LARDER_BINDINGS names.
    #[arg(long, short, global = true, value_name = "NAME", conflicts_with = "url")]
    binding: Option<String>,
    /// The store at this URL: dynamodb://…, firestore://…, tablestorage://…, local-kv:…, gateway://….
    #[arg(long, short, global = true, value_name = "URL")]
    url: Option<String>,
    /// How long to try before an operation is given up; 10s unless told. A page of a scan has that time, and so has a chunk
    /// of a batch. For plan, up and down: how long each thing is waited for; 5m unless told.
    #[arg(long, global = true, value_name = "LIFETIME", value_parser = lifetime::parse)]
    timeout: Option<Duration>,
}

/// The name that a gateway gives a store that was not named by an id.
const SERVED: &str = "default";

/// Whether a store may be made where there is none yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Absence {
    /// A directory that is not there is made: the command writes.
    Made,
    /// A directory that is not there, or has no store in it, is an error, never an empty store (G3): the command reads.
    Refused,
}

/// A store that was named, and not yet opened.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    bindings: Bindings,
    id: String,
}

impl TargetArgs {
    /// The store that the command line names.
    pub(crate) fn target(&self) -> Target {
        match (&self.binding, &self.url) {
            (Some(id), _) => self.bound(id),
            (None, Some(url)) => self.at(url),
            (None, None) => self.at(&format!("local-kv:{DEFAULT_DIR}")),
        }
    }

    /// A store by the text that names it where there are several: a URL, which has a colon, or a resource id.
    pub(crate) fn named(&self, text: &str) -> Target {
        if text.contains(':') { self.at(text) } else { self.bound(text) }
    }

    /// The bindings that a gateway serves, and their names in it: those that are named, or the one store that a command
    /// would use without a name.
    pub(crate) fn served(&self, named: &[String]) -> (Bindings, Vec<String>) {
        if !named.is_empty() {
            return (self.set(Bindings::from_env()), named.to_vec());
        }
        let store = self.url.clone().unwrap_or_else(|| format!("local-kv:{DEFAULT_DIR}"));
        (self.set(Bindings::from_map([(SERVED, store)])), vec![SERVED.to_owned()])
    }

    /// Whether a store was named.
    pub(crate) fn is_given(&self) -> bool {
        self.binding.is_some() || self.url.is_some()
    }

    fn bound(&self, id: &str) -> Target {
        Target { bindings: self.set(Bindings::from_env()), id: id.to_owned() }
    }

    /// A store by its binding: a URL or JSON.
    pub(crate) fn at(&self, url: &str) -> Target {
        Target { bindings: self.set(Bindings::from_map([(UNNAMED, url)])), id: UNNAMED.to_owned() }
    }

    /// How long requests are tried.
    pub(crate) fn policy(&self) -> RetryPolicy {
        self.within(RetryPolicy::default())
    }

    /// The same limits, within the time that was given.
    pub(crate) fn within(&self, mut policy: RetryPolicy) -> RetryPolicy {
        if let Some(timeout) = self.timeout {
            policy.deadline = timeout;
            policy.attempt_timeout = policy.attempt_timeout.min(timeout);
            policy.connect_timeout = policy.connect_timeout.min(timeout);
        }
        policy
    }

    fn set(&self, bindings: Bindings) -> Bindings {
        bindings.with_clock(Arc::new(HeldClock)).with_retry(self.policy())
    }
}

impl Target {
    /// What is known of the store before it is opened.
    pub(crate) fn binding(&self) -> Outcome<Binding> {
        Ok(self.bindings.binding(&self.id)?)
    }

    /// Opens the store.
    pub(crate) async fn open(&self, absence: Absence) -> Outcome<Kv> {
        if absence == Absence::Refused
            && let Binding::LocalKv(local) = self.binding()?
            && !is_store(&local.data_dir)
        {
            return Err(no_directory(&local.data_dir));
        }
        Ok(self.bindings.load_kv(&self.id).await?)
    }
}

/// Whether there is something of a store in a directory, whole or damaged. An empty one may be a disk that is not mounted.
fn is_store(dir: &Path) -> bool {
    // What is no directory, and what may not be looked into, the driver has better words for.
    let is_unseen = !dir.is_dir() && dir.symlink_metadata().is_ok();
    is_unseen || (dir.join("db").exists() && dir.join("conf").exists())
}

fn no_directory(dir: &Path) -> Failure {
    Failure::Other(format!(
        "there is no store in {}: the first write makes one; or name another with --binding or --url",
        dir.display()
    ))
}

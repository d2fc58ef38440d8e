//! Which store a command is about.

use std::path::Path;

use clap::Args;
use larder::{Binding, Bindings, Kv};

use crate::failure::{Failure, Outcome};

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
    /// The store at this URL: dynamodb://…, firestore://…, tablestorage://…, local-kv:….
    #[arg(long, short, global = true, value_name = "URL")]
    url: Option<String>,
}

/// Whether a store may be made where there is none yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Absence {
    /// A directory that is not there is an error, never an empty store (G3): the command reads.
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
            (Some(id), _) => Target::bound(id),
            (None, Some(url)) => Target::at(url),
            (None, None) => Target::at(&format!("local-kv:{DEFAULT_DIR}")),
        }
    }
}

impl Target {
    fn bound(id: &str) -> Self {
        Self { bindings: Bindings::from_env(), id: id.to_owned() }
    }

    fn at(url: &str) -> Self {
        Self { bindings: Bindings::from_map([(UNNAMED, url)]), id: UNNAMED.to_owned() }
    }

    /// What is known of the store before it is opened.
    pub(crate) fn binding(&self) -> Outcome<Binding> {
        Ok(self.bindings.binding(&self.id)?)
    }

    /// Opens the store.
    pub(crate) async fn open(&self, absence: Absence) -> Outcome<Kv> {
        if absence == Absence::Refused
            && let Binding::LocalKv(local) = self.binding()?
            && !local.data_dir.exists()
        {
            return Err(no_directory(&local.data_dir));
        }
        Ok(self.bindings.load_kv(&self.id).await?)
    }
}

fn no_directory(dir: &Path) -> Failure {
    Failure::File(format!(
        "there is no store in {}: the first write makes one; or name another with --binding or --url",
        dir.display()
    ))
}

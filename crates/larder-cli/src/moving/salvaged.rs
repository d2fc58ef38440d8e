//! What can be read of a damaged embedded store, as a store.

use larder::{Binding, Kv};
use tempfile::TempDir;

use crate::commands::Session;
use crate::failure::{Failure, Outcome};
#[cfg(feature = "local")]
use crate::interrupt;
use crate::target::Absence;

/// A store that goes with the process.
#[derive(Debug)]
pub(crate) struct Salvaged {
    // Closed before its directory is removed.
    pub(crate) kv: Kv,
    pub(crate) records: usize,
    _dir: TempDir,
}

/// Reads the store that the command line names, and puts what was found into a temporary one.
#[cfg(feature = "local")]
pub(crate) async fn salvaged(session: &Session) -> Outcome<Salvaged> {
    let Binding::LocalKv(local) = session.target.target().binding()? else {
        return Err(Failure::Usage("--salvage is for embedded stores: name one of local-kv".to_owned()));
    };
    let dir = private_dir().map_err(|error| Failure::at("a temporary directory", &error))?;
    interrupt::remove_at_the_end(dir.path());
    let found = larder::salvage(&local.data_dir, dir.path()).await?;
    let mut binding = serde_json::json!({ "service": "local-kv", "dataDir": dir.path() });
    if let Some(prefix) = local.key_prefix {
        binding["keyPrefix"] = prefix.into();
    }
    let kv = session.target.at(&binding.to_string()).open(Absence::Refused).await?;
    Ok(Salvaged { kv, records: found.records, _dir: dir })
}

/// A directory that nobody else can look into: what is salvaged may be secret.
#[cfg(feature = "local")]
fn private_dir() -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("larder-salvage-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir()
}

/// There are no embedded stores in this build.
#[cfg(not(feature = "local"))]
pub(crate) async fn salvaged(_: &Session) -> Outcome<Salvaged> {
    Err(Failure::Usage(
        "--salvage is for embedded stores, which this build does not know (feature \"local\")".to_owned(),
    ))
}

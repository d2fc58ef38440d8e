//! The scripts that a gateway runs.

use larder_gateway::Scripts;
use larder_scripts::{Pool, ScriptDirectory};

use super::settings::Settings;
use crate::commands::script::pool_options;
use crate::failure::Outcome;

/// Scripts from the store of the first binding, or from a directory; none where there are to be no workers.
pub(super) fn scripts(settings: &Settings) -> Outcome<Option<Scripts>> {
    // Other systems have nothing that keeps a worker in.
    if settings.script_workers == Some(0) || !cfg!(unix) {
        return Ok(None);
    }
    let mut options = pool_options()?;
    if let Some(workers) = settings.script_workers {
        options = options.workers(workers.into());
    }
    let pool = Pool::new(options);
    Ok(Some(match &settings.scripts_dir {
        Some(directory) => Scripts::in_directory(pool, ScriptDirectory::open(directory)?),
        None => Scripts::deployed(pool),
    }))
}

//! What a gateway runs scripts with.

use std::sync::Arc;

use larder::Kv;
use larder_scripts::{
    Access, Pool, Request, Right, RunLogs, Script, ScriptDirectory, ScriptStore, SourceCache,
};
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use crate::caller::{Caller, Identity};
use crate::gateway::Gateway;
use crate::permission::Permission;
use crate::problem::{Code, Problem};

/// What a gateway runs scripts with: workers, and where the scripts are. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Scripts {
    pub(super) pool: Pool,
    directory: Option<ScriptDirectory>,
    cache: SourceCache,
    /// Held for reading by each run.
    runs: Arc<RwLock<()>>,
}

/// A run; it counts as one until this is dropped.
pub(super) type UnderWay = OwnedRwLockReadGuard<()>;

impl Scripts {
    /// Scripts that are deployed to the store of the first binding.
    pub fn deployed(pool: Pool) -> Self {
        Self { pool, directory: None, cache: SourceCache::default(), runs: Arc::default() }
    }

    /// Scripts in a directory, and no others: for development. Nothing can be deployed then.
    pub fn in_directory(pool: Pool, directory: ScriptDirectory) -> Self {
        Self { pool, directory: Some(directory), cache: SourceCache::default(), runs: Arc::default() }
    }
}

impl Scripts {
    /// Counts a run more.
    pub(super) async fn under_way(&self) -> UnderWay {
        Arc::clone(&self.runs).read_owned().await
    }

    /// Waits for the runs, also for those whose callers have left. There must be nobody who begins any more, so that two
    /// gateways cannot share one of these.
    pub(crate) async fn finish(&self) {
        drop(self.runs.write().await);
    }
}

/// The scripts as one caller may use them.
pub(super) struct Opened<'a> {
    pub(super) scripts: &'a Scripts,
    pub(super) place: Place,
    caller: &'a Caller,
    kv: Kv,
}

/// Where a caller's scripts are.
pub(super) enum Place {
    Store(ScriptStore),
    Directory(ScriptDirectory),
}

impl<'a> Opened<'a> {
    /// Opens the scripts for something that the caller may do.
    pub(super) async fn open(
        gateway: &'a Gateway,
        caller: &'a Caller,
        permission: Permission,
    ) -> Result<Self, Problem> {
        let kv = caller.open(gateway, gateway.stores().primary(), permission).await?;
        let scripts = gateway
            .scripts()
            .ok_or_else(|| Problem::new(Code::RouteNotFound, "this gateway runs no scripts"))?;
        let place = match &scripts.directory {
            Some(directory) => Place::Directory(directory.clone()),
            None => {
                let store = ScriptStore::new(&kv, caller.namespace())?;
                Place::Store(store.with_cache(scripts.cache.clone()))
            }
        };
        Ok(Self { scripts, place, caller, kv })
    }

    /// The store of deployed scripts, for changes.
    pub(super) fn store(&self) -> Result<&ScriptStore, Problem> {
        match &self.place {
            Place::Store(store) => Ok(store),
            Place::Directory(_) => Err(Problem::new(
                Code::Conflict,
                "this gateway takes its scripts from a directory: change the files there",
            )),
        }
    }

    /// The logs of the caller's scripts.
    pub(super) fn logs(&self) -> Result<RunLogs, Problem> {
        Ok(RunLogs::new(&self.kv, self.caller.namespace())?)
    }

    /// The active version of a script.
    pub(super) async fn load(&self, name: &str) -> Result<Script, Problem> {
        let script = match &self.place {
            Place::Store(store) => store.load(name, None).await?,
            Place::Directory(directory) => directory.load(name)?,
        };
        script.ok_or_else(not_found)
    }

    /// A run that reaches what the caller reaches.
    pub(super) fn request(&self, script: Script, input: Option<String>) -> Request {
        Request {
            script,
            input,
            access: self.access(),
            tenant: self.caller.namespace().unwrap_or_default().to_owned(),
            caller: match self.caller.identity() {
                Identity::Loopback => String::new(),
                Identity::Key(id) => id.to_string(),
            },
        }
    }

    fn access(&self) -> Access {
        let rights = [
            (Permission::Read, Right::Read),
            (Permission::Write, Right::Write),
            (Permission::Delete, Right::Delete),
            (Permission::Scan, Right::Scan),
        ];
        let permissions = self.caller.permissions();
        let allowed = rights.into_iter().filter(|(permission, _)| permissions.allows(*permission));
        allowed.fold(Access::none(self.kv.clone()), |access, (_, right)| access.allow(right))
    }
}

pub(super) fn not_found() -> Problem {
    Problem::new(Code::ScriptNotFound, "there is no such script, or it has no such version")
}

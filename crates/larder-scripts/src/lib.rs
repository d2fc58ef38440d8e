//! Serverless scripts over a store: JavaScript modules, each run in a worker process that reaches nothing but the calls
//! that it is given.
//!
//! A program holds a [`Pool`] of workers and the deployed scripts of a [`ScriptStore`]. The pool gives a script to a
//! worker, which has no environment, no files and no network, and makes every call of it on the caller's own store, with
//! the caller's own rights ([`Access`]) and within [`Limits`]. The program that is started as a worker calls
//! [`serve_worker`] and does nothing else. What scripts can do is described in `docs/scripts.md`.

mod deploy;
mod directory;
mod engine;
mod host;
mod limits;
mod name;
mod outcome;
mod part;
mod pool;
mod run_log;
mod wire;
mod worker;

pub use deploy::{
    Deployed, Deployment, Expected, KeptVersion, MAX_VERSIONS, Removal, ScriptStore, SourceCache, Unreadable,
    VersionId,
};
pub use directory::ScriptDirectory;
pub use host::{Access, Right};
pub use limits::{Limits, MAX_LOG_BYTES, MAX_PAGE, MAX_SOURCE_BYTES};
pub use name::check_script_name;
pub use outcome::{Failure, LogLevel, LogLine, Refused, Report, SyntaxError, Thrown};
pub use pool::{Pool, PoolOptions, Request, Running, Script, WorkerProgram};
pub use run_log::{LoggedRun, RunLogs};
pub use wire::Confinement;
pub use worker::serve_worker;

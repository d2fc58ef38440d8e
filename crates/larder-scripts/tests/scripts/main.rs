//! Scripts in real worker processes, on a store in memory.

mod calls;
mod deploy;
mod deploy_failures;
mod hostile;
mod hostile_scripts;
mod isolation;
mod language;
mod limits;
mod pool;
mod support;

//! A pool of real workers, and what its runs come to.

use larder_core::{Kv, MemoryDriver};
use larder_scripts::{
    Access, Failure, Limits, Pool, PoolOptions, Refused, Report, Request, Script, Thrown, WorkerProgram,
};
use serde_json::Value;

/// A pool and a store.
pub(crate) struct Bench {
    pub(crate) pool: Pool,
    pub(crate) kv: Kv,
}

pub(crate) fn options() -> PoolOptions {
    let program = WorkerProgram::new(env!("CARGO_BIN_EXE_larder-script-worker"));
    // Machines that test are busy: what takes no time elsewhere may take some here.
    let limits = Limits::new().wall(std::time::Duration::from_secs(20));
    PoolOptions::new(program).workers(2).limits(limits)
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(options())
    }

    pub(crate) fn with(options: PoolOptions) -> Self {
        Self { pool: Pool::new(options), kv: Kv::new(MemoryDriver::new()) }
    }

    /// A run of a whole module.
    pub(crate) fn request(&self, source: &str, input: Option<Value>) -> Request {
        Request {
            script: Script::new("test", "v1", source),
            input: input.map(|input| input.to_string()),
            access: Access::all(self.kv.clone()),
            tenant: String::new(),
            caller: "tests".to_owned(),
        }
    }

    pub(crate) async fn run(&self, source: &str, input: Option<Value>) -> Result<Report, Refused> {
        self.pool.run(self.request(source, input)).await
    }

    /// Runs the body of a function of `input`, `kv` and so on, which must return.
    #[track_caller]
    pub(crate) fn returns(&self, body: &str) -> impl Future<Output = Value> {
        self.returns_of(body, None)
    }

    #[track_caller]
    pub(crate) fn returns_of(&self, body: &str, input: Option<Value>) -> impl Future<Output = Value> {
        let source = module(body);
        async move {
            let report = self.run(&source, input).await.expect("it is begun");
            let json = report.result.unwrap_or_else(|failure| panic!("{source}: {}", shown(&failure)));
            serde_json::from_str(json.get()).expect("JSON")
        }
    }

    /// Runs the body of a function, which must not return.
    #[track_caller]
    pub(crate) fn fails(&self, body: &str) -> impl Future<Output = Failure> {
        let source = module(body);
        async move { self.run(&source, None).await.expect("it is begun").result.expect_err(&source) }
    }

    /// The same, and it must be for what it threw.
    #[track_caller]
    pub(crate) fn throws(&self, body: &str) -> impl Future<Output = Thrown> {
        let failure = self.fails(body);
        async move {
            match failure.await {
                Failure::Threw(thrown) => thrown,
                failure => panic!("{failure:?}"),
            }
        }
    }
}

pub(crate) fn module(body: &str) -> String {
    format!("export default async function (input, {{ kv, log, script }}) {{\n{body}\n}}")
}

/// A failure with what the script said, which its `Debug` hides.
pub(crate) fn shown(failure: &Failure) -> String {
    match failure {
        Failure::Threw(thrown) => format!("{}: {}\n{}", thrown.name, thrown.message, thrown.stack),
        failure => format!("{failure:?}"),
    }
}

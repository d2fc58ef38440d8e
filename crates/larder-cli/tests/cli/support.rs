//! Running the program, and reading what it says.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use larder_core::CanonicalKey;
use larder_core::driver::{RowKey, Shard};
use larder_sled::{SledDriver, SledOptions};
use tempfile::TempDir;

/// A working directory, and the program run in it.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) dir: TempDir,
    variables: Vec<(String, String)>,
}

/// What the program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) errors: String,
}

impl Shell {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().expect("a directory"), variables: Vec::new() }
    }

    /// Sets a variable for all that is run from here on.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
        command.args(arguments).current_dir(&self.dir).env_remove("LARDER_BINDINGS");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().expect("it runs").into()
    }

    /// Runs it to its end with something on its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Said {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // It may have ended by now, and closed its end.
        let _ = stdin.write_all(input);
        drop(stdin);
        child.wait_with_output().expect("it ends").into()
    }

    /// Runs it to its end, which must be a good one, and returns what it printed.
    #[track_caller]
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        self.run(arguments).done()
    }

    /// Starts it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("it starts")
    }
}

impl Said {
    /// What it printed, if it ended well.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.text()
    }

    /// Fails unless it ended with that code and said that on stderr.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, why: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.errors.contains(why), "{why:?} is not in {:?}", self.errors);
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).expect("UTF-8")
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            bytes: output.stdout,
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Overwrites a record of an embedded store that nobody has open with what cannot be decoded.
pub(crate) fn spoil(dir: &Path, key: &str) {
    let key = CanonicalKey::from_canonical(key).expect("a canonical key");
    let row = RowKey { shard: Shard(0), key };
    held(dir, |driver| async move { driver.plant(&row, b"no record").await.expect("it is planted") });
}

/// Does something while this process has an embedded store open.
pub(crate) fn held<T, F: Future<Output = T>>(dir: &Path, work: impl FnOnce(SledDriver) -> F) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { work(SledDriver::open(dir, SledOptions::new()).await.expect("it opens")).await })
}

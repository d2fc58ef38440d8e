//! A server that is measured, as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Outcome;

/// A server that runs; it is ended when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    /// The address of it.
    pub(super) address: String,
    /// The key that it wants.
    pub(super) key: Option<String>,
}

/// Who is let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    Everybody,
    Keys,
}

impl Server {
    /// `larder serve` over an embedded store.
    pub(super) fn larder(store: &Path, access: Access) -> Outcome<Self> {
        let url = format!("local-kv:{}", store.display());
        let (auth, key) = match access {
            Access::Everybody => ("loopback", None),
            Access::Keys => ("keys", Some(new_key(&url)?)),
        };
        let program = std::env::current_exe()?;
        let mut command = Command::new(program);
        command.args(["--larder", "serve", "--listen", "127.0.0.1:0", "--auth", auth, "--log-level", "warn"]);
        let (process, line) = start(command.args(["--url", &url]))?;
        let (_, address) = line.split_once("://").ok_or("it does not say where it listens")?;
        Ok(Self { process, address: address.to_owned(), key })
    }

    /// The bare handler.
    pub(super) fn bare() -> Outcome<Self> {
        let (process, address) = start(Command::new(std::env::current_exe()?).arg("--bare-server"))?;
        Ok(Self { process, address, key: None })
    }

    /// What it holds in memory now, in KiB.
    pub(super) fn resident_kib(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let line = line.ok_or("the kernel tells no memory use")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An embedded store can be opened again once the process is gone, however it went.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn new_key(url: &str) -> Outcome<String> {
    let mut command = Command::new(std::env::current_exe()?);
    let output =
        command.args(["--larder", "keys", "create", "--allow", "read,write", "--url", url]).output()?;
    if !output.status.success() {
        return Err(format!("no key was made: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let printed = String::from_utf8(output.stdout)?;
    Ok(printed.lines().next().ok_or("no key was printed")?.to_owned())
}

/// Starts a program, and waits for its first line.
fn start(command: &mut Command) -> Outcome<(Child, String)> {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    let mut line = String::new();
    if let Some(stdout) = &mut process.stdout {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    if line.is_empty() {
        process.wait()?;
        return Err("the server did not start".into());
    }
    Ok((process, line.trim().to_owned()))
}

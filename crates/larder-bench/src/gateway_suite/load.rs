//! Load by `wrk`.

use std::path::Path;
use std::process::{Command, Stdio};

use super::server::Server;
use super::{ENTRIES, VALUE_BYTES};
use crate::Outcome;

/// Requests to a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load<'a> {
    pub(super) server: &'a Server,
    pub(super) connections: usize,
    /// How many threads `wrk` has, of which each keeps a core busy.
    pub(super) threads: usize,
    pub(super) seconds: u32,
}

/// What is wanted of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Figure {
    /// Requests in a second.
    Rate,
    /// The median of the latencies, in µs.
    Median,
    /// The 99th percentile of the latencies, in µs.
    Tail,
}

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mix {
    Reads,
    /// Every tenth a write.
    Some,
}

/// Says how to get `wrk` where it is not.
pub(super) fn check() -> Outcome<()> {
    let found = Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match found {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(format!("wrk cannot be run ({error}): install it, as with `apt-get install wrk`").into())
        }
    }
}

impl Load<'_> {
    /// Loads the server with reads.
    pub(super) fn run(self, figure: Figure, dir: &Path) -> Outcome<f64> {
        let printed = self.send(Mix::Reads, dir)?;
        let wanted = match figure {
            Figure::Rate => "Requests/sec:",
            Figure::Median => "50%",
            Figure::Tail => "99%",
        };
        let found = printed.lines().find_map(|line| line.trim().strip_prefix(wanted));
        let found = found.ok_or_else(|| format!("wrk printed no {wanted}: {printed}"))?.trim();
        if figure == Figure::Rate { Ok(found.parse()?) } else { micros(found) }
    }

    /// Loads the server, and returns what `wrk` printed.
    pub(super) fn send(self, mix: Mix, dir: &Path) -> Outcome<String> {
        let script = dir.join(format!("load-{}.lua", std::process::id()));
        std::fs::write(&script, lua(self.server.key.as_deref(), mix))?;
        let output = Command::new("wrk")
            .args([
                format!("-t{}", self.threads),
                format!("-c{}", self.connections),
                format!("-d{}s", self.seconds),
            ])
            .args(["--latency", "-s"])
            .arg(&script)
            .arg(format!("http://{}", self.server.address))
            .stderr(Stdio::inherit())
            .output()?;
        let printed = String::from_utf8(output.stdout)?;
        // Refusals are fast, and would look good.
        if !output.status.success() || printed.contains("Non-2xx") || printed.contains("Socket errors") {
            return Err(format!("not every request was answered well: {printed}").into());
        }
        Ok(printed)
    }
}

/// The requests: keys in turn, as many bytes written as read.
fn lua(key: Option<&str>, mix: Mix) -> String {
    let header = key.map_or_else(String::new, |key| format!("headers['Authorization'] = 'Bearer {key}'\n"));
    let every = match mix {
        Mix::Reads => 0,
        Mix::Some => 10,
    };
    format!(
        "local headers = {{}}\n{header}\
         local turn = 0\n\
         local every = {every}\n\
         local rest = string.rep('x', {VALUE_BYTES} - 8)\n\
         headers['Content-Type'] = 'application/octet-stream'\n\
         request = function()\n\
           turn = turn + 1\n\
           local path = string.format('/v1/kv/default/entry?key=user:%08d', (turn * 7919) % {ENTRIES})\n\
           if every > 0 and turn % every == 0 then\n\
             return wrk.format('PUT', path, headers, string.format('%08d', turn) .. rest)\n\
           end\n\
           return wrk.format('GET', path, headers)\n\
         end\n"
    )
}

/// Reads `812.00us`, `1.20ms` or `1.00s`.
fn micros(text: &str) -> Outcome<f64> {
    for (unit, factor) in [("us", 1.0), ("ms", 1e3), ("s", 1e6)] {
        if let Some(number) = text.strip_suffix(unit) {
            return Ok(number.parse::<f64>()? * factor);
        }
    }
    Err(format!("{text:?} is no time").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_their_units() {
        for (text, found) in [("812.00us", 812.0), ("1.20ms", 1_200.0), ("1.00s", 1_000_000.0)] {
            let read = micros(text).expect("a time");
            assert!((read - found).abs() < 0.001, "{text}");
        }
        assert!(micros("12").is_err());
    }
}

//! The memory of a server under load.

use std::path::Path;

use super::MANY;
use super::load::{Load, Mix};
use super::server::Server;
use crate::Outcome;

const KIB_IN_A_MIB: f64 = 1_024.0;
const SECONDS_IN_A_MINUTE: u32 = 60;

/// MiB that the server holds more at the end of so many minutes of load than in the middle: caches are full by then.
pub(super) fn growth(server: &Server, minutes: u32, dir: &Path) -> Outcome<f64> {
    let half =
        Load { server, connections: MANY, threads: 2, seconds: (minutes * SECONDS_IN_A_MINUTE / 2).max(1) };
    half.send(Mix::Some, dir)?;
    let middle = server.resident_kib()?;
    half.send(Mix::Some, dir)?;
    let end = server.resident_kib()?;
    eprintln!("  {:.1} MiB in the middle, {:.1} MiB at the end", middle / KIB_IN_A_MIB, end / KIB_IN_A_MIB);
    Ok((end - middle) / KIB_IN_A_MIB)
}

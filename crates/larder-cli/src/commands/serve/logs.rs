//! What a gateway says while it runs, on stderr.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use serde::Deserialize;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::failure::{Failure, Outcome};

/// How much is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogLevel {
    /// Defects only.
    Error,
    /// What operators have to see to.
    Warn,
    /// When it starts and ends, too.
    Info,
    /// A line for every request, too.
    Debug,
}

/// In which form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// An object a line.
    Json,
}

/// JSON, but on a terminal.
pub(super) fn usual_format() -> LogFormat {
    if io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json }
}

/// Says on stderr what happens, and tells it to those who collect it, too.
pub(super) fn install(
    level: LogLevel,
    format: LogFormat,
    mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>>,
) -> Outcome<()> {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    // Libraries below say what they send and receive when they say much: values and credentials.
    let targets = Targets::new().with_default(LevelFilter::WARN.min(level)).with_target("larder", level);
    // A span for each operation costs more than a read of memory, and is not printed.
    let events = filter_fn(|metadata| metadata.is_event());
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // In one list: an empty one of its own would turn everything off.
    // Both in one filter: what one of two in a row drops would be put together for the other.
    layers.push(lines.with_filter(targets.and(events)).boxed());
    tracing_subscriber::registry()
        .with(layers)
        .try_init()
        .map_err(|error| Failure::Other(format!("the log: {error}")))
}

//! How far a move is, for whoever waits for it.

use std::io::IsTerminal;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{BinaryBytes, ProgressBar, ProgressStyle};

use super::tally::Tally;

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum ProgressMode {
    /// A bar on a terminal, else nothing.
    #[default]
    Auto,
    /// A line on stderr whenever the position is written down.
    Lines,
    /// Nothing.
    None,
}

/// How far a move is.
#[derive(Debug)]
pub(crate) enum Progress {
    Bar(ProgressBar),
    Lines,
    None,
}

impl Progress {
    /// Progress of a move of `total` entries, where that is known, of which some were moved by an earlier run.
    pub(crate) fn new(mode: ProgressMode, total: Option<u64>, before: &Tally) -> Self {
        match mode {
            ProgressMode::Lines => Self::Lines,
            ProgressMode::Auto if std::io::stderr().is_terminal() => Self::Bar(bar(total, before)),
            ProgressMode::Auto | ProgressMode::None => Self::None,
        }
    }

    /// Shows what has been done so far.
    pub(crate) fn at(&self, tally: &Tally) {
        if let Self::Bar(bar) = self {
            bar.set_position(tally.readable());
            bar.set_message(BinaryBytes(tally.bytes).to_string());
        }
    }

    /// Says that the position was written down.
    pub(crate) fn saved(&self, tally: &Tally) {
        if matches!(self, Self::Lines) {
            eprintln!("larder: so far {}", tally.shown());
        }
    }

    /// Says something without tearing the bar.
    pub(crate) fn note(&self, text: &str) {
        match self {
            Self::Bar(bar) => bar.suspend(|| eprintln!("larder: {text}")),
            Self::Lines | Self::None => eprintln!("larder: {text}"),
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: Option<u64>, before: &Tally) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => {
            (ProgressBar::new(total), "{wide_bar} {pos}/{len} entries, {msg}, {per_sec}, {eta} left")
        }
        None => (ProgressBar::no_length(), "{spinner} {pos} entries, {msg}, {per_sec}, {elapsed}"),
    };
    // What an earlier run did says nothing of the pace of this one: it is told once, and the estimate begins behind it.
    let bar = bar.with_position(before.readable()).with_message(BinaryBytes(before.bytes).to_string());
    bar.tick();
    bar.reset_eta();
    bar.enable_steady_tick(Duration::from_millis(200));
    // The template is the program's own; without it the bar has indicatif's.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_of_a_resumed_copy_begins_where_that_stopped_and_counts_its_own_pace() {
        let before = Tally { entries: 90_000, skipped: 1, ..Tally::default() };
        let bar = bar(Some(100_000), &before);
        assert_eq!((bar.position(), bar.length()), (90_001, Some(100_000)));
        // Those were none of this run's.
        assert!(bar.per_sec() < 1.0, "{}", bar.per_sec());
        assert!(!bar.is_finished());
    }
}

//! The figures of a run, for its report.

use std::fmt;
use std::thread;

use super::history::History;
use super::judgement::{Judgement, Verdict};
use super::log::Record;

/// What was played, and what the checkers say of it.
#[derive(Clone, Default, Debug)]
pub struct Figures {
    /// Histories.
    pub histories: usize,
    /// Their operations, the late duplicates that there may be included.
    pub operations: usize,
    /// The longest history.
    pub longest: usize,
    /// Operations that were under way together with another one on the same key.
    pub overlapping: usize,
    /// Operations that may take effect at any time, or never; the late duplicates included.
    pub open: usize,
    /// Attempts of puts that may take effect besides the put.
    pub duplicates: usize,
    /// Operations that were left out, since they had no effect and saw nothing.
    pub void: usize,
    /// Histories that ended early, since they had as many open operations as they may.
    pub cut_short: usize,
    /// Histories that both checkers accept.
    pub accepted: usize,
    /// Histories that both checkers reject.
    pub rejected: Vec<History>,
    /// Histories that one accepts and the other rejects.
    pub contradictory: Vec<History>,
    /// Histories that the depth-first search gave up, and what is said of them.
    pub undecided: Vec<(History, Judgement)>,
}

impl Figures {
    /// Has all histories judged.
    pub fn of(record: Record) -> Self {
        let mut figures = Self {
            histories: record.histories.len(),
            duplicates: record.duplicates,
            void: record.void,
            cut_short: record.cut_short,
            ..Self::default()
        };
        for (history, judgement) in judged(record.histories) {
            figures.operations += history.ops.len();
            figures.longest = figures.longest.max(history.ops.len());
            figures.overlapping += history.overlapping();
            figures.open += history.open();
            if judgement.is(Verdict::Linearizable) {
                figures.accepted += 1;
            } else if judgement.is(Verdict::NotLinearizable) {
                figures.rejected.push(history);
            } else if judgement.is_contradictory() {
                figures.contradictory.push(history);
            } else {
                figures.undecided.push((history, judgement));
            }
        }
        figures
    }

    /// Whether both checkers accept every history.
    pub fn all_accepted(&self) -> bool {
        self.accepted == self.histories
    }
}

/// On two threads, since that is what takes the time.
fn judged(mut histories: Vec<History>) -> Vec<(History, Judgement)> {
    let others = histories.split_off(histories.len() / 2);
    let judge = |histories: Vec<History>| {
        histories
            .into_iter()
            .map(|history| {
                let judgement = Judgement::of(&history);
                (history, judgement)
            })
            .collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let others = scope.spawn(|| judge(others));
        let mut all = judge(histories);
        all.extend(others.join().expect("no checker panics"));
        all
    })
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} histories, {} operations (longest {}), {} overlapping, {} open ({} possible duplicates), {} void, \
             {} cut short; both accept {}, both reject {}, contradictory {}, undecided {}",
            self.histories,
            self.operations,
            self.longest,
            self.overlapping,
            self.open,
            self.duplicates,
            self.void,
            self.cut_short,
            self.accepted,
            self.rejected.len(),
            self.contradictory.len(),
            self.undecided.len(),
        )
    }
}

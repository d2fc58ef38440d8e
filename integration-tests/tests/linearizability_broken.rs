//! The checkers notice what is wrong with a store: each of these has one fault, and both checkers reject what it shows.

use std::sync::Arc;

use integration_tests::linear::{Broken, Fault, Figures, Losses, Plan, play};
use larder_core::driver::Driver;

/// A fault has to show, among others' operations, in one of so many plays of some two dozen histories each.
const PLAYS: u64 = 20;

async fn played(fault: Fault, seed: u64, losses: Losses) -> Figures {
    let store = Broken::new(fault, seed);
    let plan = Plan { rounds: 8, losses, seed, ..Plan::default() };
    Figures::of(play(&plan, async || Arc::new(store.clone()) as Arc<dyn Driver>).await)
}

/// Plays until both checkers reject a history, which they must do together.
async fn is_noticed(fault: Fault, losses: Losses) -> bool {
    for seed in 1..=PLAYS {
        let figures = played(fault, seed, losses).await;
        println!("{fault:?}, play {seed}: {figures}");
        assert!(figures.contradictory.is_empty(), "{fault:?}: {:#?}", figures.contradictory);
        assert!(figures.undecided.is_empty(), "{fault:?}: {:#?}", figures.undecided);
        if !figures.rejected.is_empty() {
            return true;
        }
    }
    false
}

async fn every_fault_is_noticed(losses: Losses) {
    let mut unnoticed = Vec::new();
    for fault in Fault::ALL {
        if !is_noticed(fault, losses).await {
            unnoticed.push(fault);
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:?} are not noticed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_noticed_by_both_checkers() {
    every_fault_is_noticed(Losses::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_replies_hide_no_fault() {
    every_fault_is_noticed(Losses { before: 20, after: 20, dropped: 20 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_whole_is_not_called_broken() {
    assert!(!is_noticed(Fault::None, Losses::default()).await);
    assert!(!is_noticed(Fault::None, Losses { before: 20, after: 20, dropped: 20 }).await);
}

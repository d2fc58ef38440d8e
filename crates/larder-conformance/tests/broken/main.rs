//! The suite notices what is wrong with a driver: stores in memory, each with one fault, each caught.

mod faults;

use larder_conformance::{Report, report};

use crate::faults::{BrokenHarness, Fault};

/// Every fault, and a case that must notice it.
const FAULTS: &[(Fault, &str)] = &[
    (Fault::StaleRead, "reads::a_read_sees_every_write_before_it"),
    (Fault::MissForCorrupt, "errors::a_corrupt_record_fails_its_read"),
    (Fault::MissForOutage, "keys::every_ascii_character_is_a_key"),
    (Fault::ExpiredSatisfiesVersion, "expiry::conditions_end_to_the_millisecond"),
    (Fault::FactsWithoutExpiry, "expiry::reads_end_to_the_millisecond"),
    (Fault::LosesLastZero, "values::every_byte_comes_back"),
    (Fault::FoldsCase, "keys::texts_that_look_alike_are_different_keys"),
    (Fault::ExpiryInSeconds, "expiry::reads_end_to_the_millisecond"),
    (Fault::KeepsOldExpiry, "expiry::a_put_without_a_lifetime_stays"),
    (Fault::AbsentTooEarly, "expiry::conditions_end_to_the_millisecond"),
    (Fault::AbsentIgnored, "races::one_of_many_creates"),
    (Fault::LiveIgnoresExpiry, "touch::what_is_absent_is_reported_absent"),
    (Fault::RevisionIgnored, "conditions::if_version_replaces_that_version_only"),
    (Fault::RevisionIgnoredByDeletes, "conditions::a_delete_may_need_a_version"),
    (Fault::RevisionByValue, "versions::a_key_made_again_has_another_version"),
    (Fault::CheckThenWrite, "races::one_of_many_replaces_a_version"),
    (Fault::AppliedReportedAsRefused, "conditions::a_delete_may_need_a_version"),
    (Fault::UnconditionalNeedsDecodable, "errors::an_unconditional_put_mends_a_corrupt_record"),
    (Fault::TouchDropsValue, "touch::a_touch_keeps_the_value"),
    (Fault::TouchDropsRegister, "guards::a_touch_keeps_the_register"),
    (Fault::TouchKeepsRevision, "touch::a_touch_is_a_write"),
    (Fault::StampWithoutTime, "guards::a_record_comes_back_as_it_was_written"),
    (Fault::AddsTwice, "counters::every_addition_returns_its_own_sum"),
    (Fault::AddsDuplicates, "late_writes::a_late_increment_is_counted_once"),
    (Fault::ForgetsRegister, "guards::a_counter_remembers_its_last_writes"),
    (Fault::AdditionRenewsLifetime, "counters::a_lifetime_is_set_on_creation_only"),
    (Fault::AdditionWraps, "counters::an_overflow_changes_nothing"),
    (Fault::ReadThenAdd, "races::additions_are_never_lost"),
    (Fault::ScanUnordered, "scans::random_keys_come_in_order"),
    (Fault::ScanTwice, "scans::pages_streams_and_collections_agree"),
    (Fault::ScanEndsEarly, "scans::a_driver_gives_its_rows_in_order"),
    (Fault::ScanIgnoresLimit, "scans::a_driver_gives_its_rows_in_order"),
    (Fault::ScanSkipsCorrupt, "errors::a_scan_gives_a_corrupt_record_in_its_place"),
    (Fault::ScanStartsBehind, "scans::a_prefix_selects_what_begins_with_it"),
    (Fault::BatchReadsInAnotherOrder, "batches::every_position_has_its_own_answer"),
    (Fault::BatchWritesInAnotherOrder, "batches::versions_from_a_batch_hold"),
    (Fault::BatchForgetsLast, "batches::batches_of_every_size"),
    (Fault::SweepByOldHints, "sweeps::a_sweep_goes_by_the_present_expiry"),
    (Fault::SweepRemovesFreshWrite, "sweeps::a_sweep_never_removes_a_fresh_write"),
    (Fault::ForgetsAtRestart, "writes::what_was_acknowledged_survives_a_restart"),
    (Fault::ShowsKeyInErrors, "secrecy::no_error_shows_a_value_or_a_key"),
    (Fault::ShowsValuesInDebug, "secrecy::no_debug_output_shows_a_value_or_a_key"),
];

/// Keeps the cases that fail here, as they must, from filling the output with backtraces.
fn silence_tasks() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_task = std::thread::current().name().is_some_and(|name| name.starts_with("tokio"));
        if !is_task {
            usual(panic);
        }
    }));
}

fn notices(report: &Report, case: &str) -> bool {
    report.failed.iter().any(|failure| failure.case == case)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_noticed() {
    silence_tasks();
    let runs = FAULTS.iter().map(|&(fault, case)| {
        tokio::spawn(async move { (fault, case, report(&BrokenHarness::new(fault)).await) })
    });
    let mut unnoticed = Vec::new();
    for run in runs.collect::<Vec<_>>() {
        let (fault, case, report) = run.await.expect("the run ends well");
        if !notices(&report, case) {
            let others: Vec<_> = report.failed.iter().map(|failure| failure.case).collect();
            unnoticed.push(format!("{fault:?} is not noticed by {case}, but by {others:?}"));
        }
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_whole_is_not_called_broken() {
    let report = report(&BrokenHarness::new(Fault::None)).await;
    assert!(report.failed.is_empty(), "{report}");
}

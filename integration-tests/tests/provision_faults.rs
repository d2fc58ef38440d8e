//! Stores that are made, mended and removed while replies are lost: what was asked for is done, and is asked for again.
//!
//! Azure's are in `larder-tables/tests/provision.rs`, and those of Firestore's Admin API, which no emulator has, in
//! `larder-firestore/tests/provision.rs`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use integration_tests::firestore::PROJECT;
use integration_tests::proxy::{Answer, Exchange, Fault, FaultProxy, Rule};
use larder_conformance::emulator;
use larder_core::provision::{Change, Goal, Plan, Provisioner, Reaper, default_patience};
use larder_core::{Kv, RetryPolicy};
use larder_dynamodb::testing::{admin_client, create_provisioned_table, switch_ttl};
use larder_dynamodb::{
    Credentials, DynamoDbDriver, DynamoDbOptions, DynamoDbProvisioner, Protection, TableSpec,
};
use larder_firestore::{CollectionSpec, FirestoreDriver, FirestoreOptions, FirestoreProvisioner};

fn proxy(server: &str) -> FaultProxy {
    FaultProxy::start(env!("CARGO_BIN_EXE_fault-proxy"), &emulator(server))
}

fn fresh_name() -> String {
    static STORES: AtomicU32 = AtomicU32::new(0);
    format!("provision-{}-{}", std::process::id(), STORES.fetch_add(1, Ordering::Relaxed))
}

fn patience() -> RetryPolicy {
    let mut patience = default_patience();
    patience.deadline = Duration::from_secs(20);
    patience.attempt_timeout = Duration::from_secs(1);
    patience.backoff_min = Duration::from_millis(1);
    patience.backoff_max = Duration::from_millis(50);
    patience
}

/// The first reply to each of these is lost.
async fn lose(proxy: &FaultProxy, operations: &[&str], fault: &Fault) {
    proxy.rules(operations.iter().map(|operation| Rule::on(operation).first(1).with(fault.clone()))).await;
}

/// How often an operation was carried out, and how often it was answered.
fn counted(log: &[Exchange], operation: &str) -> (usize, usize) {
    let of = log.iter().filter(|exchange| exchange.operation == operation);
    let done = of.clone().filter(|exchange| exchange.upstream.is_some()).count();
    (done, of.filter(|exchange| exchange.answered_at.is_some()).count())
}

#[track_caller]
fn assert_lost_and_sent_again(log: &[Exchange], operations: &[&str]) {
    for operation in operations {
        let (done, answered) = counted(log, operation);
        assert!(
            done > answered && answered > 0,
            "{operation}: carried out {done} times, answered {answered} times"
        );
    }
}

#[track_caller]
fn assert_nothing_is_left_to_do(plan: &Plan) {
    assert!(!plan.has_changes() && !plan.is_pending() && plan.is_usable(), "{plan}");
}

fn options(name: &str, url: &str) -> DynamoDbOptions {
    let keys = Credentials::Keys { id: "test".into(), secret: "test".into(), session_token: None };
    DynamoDbOptions::new(name, "eu-central-1").endpoint_url(url).credentials(keys).shards(4)
}

async fn table(name: &str, url: &str, spec: TableSpec) -> DynamoDbProvisioner {
    let spec = spec.tag("larder:id", "cache");
    DynamoDbProvisioner::open(options(name, url), spec)
        .await
        .expect("the options are right")
        .patience(patience())
}

/// All that a provisioner asks DynamoDB for, questions as well.
const QUESTIONS: [&str; 4] =
    ["DescribeTable", "DescribeTimeToLive", "DescribeContinuousBackups", "ListTagsOfResource"];

#[tokio::test]
async fn a_table_is_made_and_removed_once_when_replies_are_lost() {
    for fault in [Fault::DropReply, Fault::WithholdReply] {
        let (proxy, name) = (proxy("ministack"), fresh_name());
        let made = ["CreateTable", "UpdateTimeToLive", "UpdateContinuousBackups", "PutItem"];
        lose(&proxy, &[&made[..], &QUESTIONS].concat(), &fault).await;
        let through = table(&name, proxy.url(), TableSpec::new()).await;
        let done = through.apply().await.expect("made");
        assert!(done.has_changes() && !done.is_pending() && done.is_usable(), "{done}");
        assert_lost_and_sent_again(&proxy.settled().await, &[&made[..], &QUESTIONS].concat());
        // As somebody else sees it, who loses nothing.
        let direct = table(&name, &emulator("ministack"), TableSpec::new()).await;
        let plan = direct.plan(Goal::Present).await.expect("a plan");
        assert_nothing_is_left_to_do(&plan);
        assert!(plan.to_string().contains("= layout record: version 1, 4 shards"), "{plan}");

        proxy.reset().await;
        lose(&proxy, &["DeleteTable"], &fault).await;
        let gone = through.destroy(&name).await.expect("removed");
        assert!(gone.has_changes() && !gone.is_pending(), "{gone}");
        let (done, _) = counted(&proxy.settled().await, "DeleteTable");
        assert!(done > 0, "it was asked for");
        assert!(!direct.destroy(&name).await.expect("it is gone").has_changes());
    }
}

#[tokio::test]
async fn a_table_is_mended_when_replies_are_lost() {
    // What DynamoDB says to a request whose first reply was lost, and the emulators do not.
    let done_already = Answer::dynamodb(400, "ValidationException", "TimeToLive is as was asked for already");
    let server = "dynoxide";
    for ttl_fault in [Fault::DropReply, Fault::AnswerAfter(done_already)] {
        let (proxy, name) = (proxy(server), fresh_name());
        let driver =
            DynamoDbDriver::open(options(&name, &emulator(server))).await.expect("the options are right");
        create_provisioned_table(&driver).await.expect("a table");
        switch_ttl(&driver, "expires").await.expect("another attribute");
        // Both the switch off and the switch on, which are one operation.
        let mended = ["UpdateTable", "TagResource"];
        let ttl = |text: &str| Rule::on("UpdateTimeToLive").containing(text).first(1).with(ttl_fault.clone());
        let rules = mended.map(|operation| Rule::on(operation).first(1).with(Fault::DropReply));
        proxy.rules(rules.into_iter().chain([ttl("\"Enabled\":false"), ttl("\"Enabled\":true")])).await;
        let spec = || TableSpec::new().protection(Protection::On);
        let done = table(&name, proxy.url(), spec()).await.apply().await.expect("mended");
        assert!(!done.is_pending(), "{server}: {done}");
        let log = proxy.settled().await;
        assert_lost_and_sent_again(&log, &mended);
        let lost = log.iter().filter(|exchange| {
            exchange.operation == "UpdateTimeToLive"
                && exchange.upstream.is_some()
                && !exchange.faults.is_empty()
        });
        assert_eq!(lost.count(), 2, "{server}");

        let direct = table(&name, &emulator(server), spec()).await;
        assert_nothing_is_left_to_do(&direct.plan(Goal::Present).await.expect("a plan"));
        assert_eq!(direct.reaper().await.expect("an answer"), Reaper::On, "{server}");
        let there = admin_client(&driver).describe_table().table_name(&name).send().await;
        let there = there.expect("described").table.expect("there");
        assert_eq!(there.deletion_protection_enabled(), Some(true), "{server}");
    }
}

#[tokio::test]
async fn a_collection_is_made_and_removed_when_replies_are_lost() {
    for fault in [Fault::DropReply, Fault::WithholdReply] {
        let (proxy, name) = (proxy("hidane"), fresh_name());
        let at =
            |url: &str| FirestoreOptions::new(PROJECT, name.clone()).database(name.clone()).endpoint_url(url);
        let through = FirestoreProvisioner::open(at(proxy.url()), CollectionSpec::new()).await;
        let through = through.expect("the options are right").patience(patience());
        let made = ["BatchGetDocuments", "RunQuery", "Commit"];
        lose(&proxy, &made, &fault).await;
        let done = through.apply().await.expect("made");
        let layout = done.steps.iter().find(|step| step.part == "layout record").expect("a layout record");
        assert!(matches!(layout.change, Change::Create(_)), "{done}");
        assert_lost_and_sent_again(&proxy.settled().await, &made);

        let direct =
            Kv::new(FirestoreDriver::open(at(&emulator("hidane"))).await.expect("the options are right"));
        assert_eq!(direct.settled_layout().await.expect("a layout").shards, 1);
        let many =
            direct.put_many((0..1_234).map(|at| (format!("k{at}"), "value")), None).await.expect("puts");
        many.into_iter().for_each(|put| drop(put.expect("a put")));

        // The first batch, and others later on.
        proxy.reset().await;
        proxy
            .rules([
                Rule::on("BatchWrite").every(2).with(fault.clone()),
                Rule::on("RunQuery").every(2).with(fault.clone()),
            ])
            .await;
        let removed = through.destroy(&name).await.expect("removed");
        let documents = removed.steps.iter().find(|step| step.part == "documents").expect("documents");
        // Those of a batch that was removed and not told so count once.
        assert_eq!(documents.change, Change::Delete("1235".to_owned()), "{removed}");
        assert_lost_and_sent_again(&proxy.settled().await, &["BatchWrite", "RunQuery"]);
        let left =
            Kv::new(FirestoreDriver::open(at(&emulator("hidane"))).await.expect("the options are right"));
        assert!(left.stored_layout().await.expect("a look").is_none(), "it is empty");
        assert!(!through.destroy(&name).await.expect("it is gone").has_changes());
    }
}

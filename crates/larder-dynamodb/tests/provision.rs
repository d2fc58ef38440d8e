//! Making, mending and removing tables, on emulators: ministack has all that a table has, dynoxide no recovery.

mod support;

use std::time::Duration;

use larder_conformance::emulator;
use larder_core::provision::{Change, Goal, Plan, Provisioner, Reaper, default_patience};
use larder_core::{ErrorKind, Kv, PutOptions, RetryPolicy};
use larder_dynamodb::testing::{admin_client, create_table_with, put_raw, remove_layout};
use larder_dynamodb::{DynamoDbOptions, DynamoDbProvisioner, Protection, TableSpec};

use support::{REGION, answering, fresh_name, keys, open, scripted};

fn missing(server: &str) -> DynamoDbOptions {
    DynamoDbOptions::new(fresh_name(), REGION).endpoint_url(emulator(server)).credentials(keys())
}

fn spec() -> TableSpec {
    TableSpec::new().tag("larder:id", "cache").tag("managed-by", "larder")
}

async fn provisioner(options: &DynamoDbOptions, spec: TableSpec) -> DynamoDbProvisioner {
    DynamoDbProvisioner::open(options.clone(), spec).await.expect("the options are right")
}

fn change<'a>(plan: &'a Plan, part: &str) -> &'a Change {
    let step = plan.steps.iter().find(|step| step.part == part);
    &step.unwrap_or_else(|| panic!("{part:?} is not in {plan}")).change
}

fn short_patience() -> RetryPolicy {
    let mut patience = default_patience();
    patience.deadline = Duration::from_millis(1_500);
    patience
}

#[tokio::test]
async fn a_table_is_made_with_all_that_it_has_and_only_once() {
    let options = missing("ministack").shards(4);
    let made = provisioner(&options, spec().protection(Protection::On)).await;
    let plan = made.plan(Goal::Present).await.expect("a plan");
    assert!(plan.steps.iter().all(|step| matches!(step.change, Change::Create(_))), "{plan}");
    assert_eq!(plan.steps.len(), 6, "{plan}");
    assert_eq!(made.plan(Goal::Present).await.expect("a plan"), plan, "a plan makes nothing");

    let done = made.apply().await.expect("it is made");
    assert!(!done.is_pending(), "{done}");
    let again = made.apply().await.expect("it is there");
    assert!(!again.has_changes() && !again.is_pending(), "{again}");
    for (part, is) in [
        ("table", "is there"),
        ("billing", "on demand"),
        ("time to live", "on the attribute ttl"),
        ("point-in-time recovery", "on"),
        ("tags", "larder:id, managed-by"),
        ("deletion protection", "on"),
        ("layout record", "version 1, 4 shards"),
    ] {
        assert_eq!(change(&again, part), &Change::Keep(is.to_owned()), "{again}");
    }
    // As the service itself tells it.
    let described =
        admin_client(&open(&options).await).describe_table().table_name(&options.table).send().await;
    let table = described.expect("it is there").table.expect("described");
    assert_eq!(table.deletion_protection_enabled(), Some(true));
    let kv = Kv::new(open(&options.clone().shards(16)).await);
    kv.put("key", "value", PutOptions::new()).await.expect("a put");
    assert_eq!(kv.settled_layout().await.expect("a layout").shards, 4);

    let error = made.destroy(&options.table).await.expect_err("it is protected");
    assert!(error.to_string().contains("deletion protection"), "{error}");
    let open_again = provisioner(&options, spec().protection(Protection::Off)).await;
    let mended = open_again.apply().await.expect("mended");
    assert_eq!(
        change(&mended, "deletion protection"),
        &Change::Update { from: "on".to_owned(), to: "off".to_owned() }
    );
    assert_eq!(open_again.destroy("cache").await.expect_err("another name").kind(), ErrorKind::InvalidInput);
    let removed = open_again.destroy(&options.table).await.expect("removed");
    assert!(removed.has_changes() && !removed.is_pending(), "{removed}");
    assert!(!open_again.destroy(&options.table).await.expect("it is gone").has_changes());
    assert_eq!(kv.get("key").await.expect_err("no table").kind(), ErrorKind::NotProvisioned);
    // The same provisioner makes it anew, layout record and all.
    let anew = open_again.apply().await.expect("made anew");
    assert!(anew.to_string().contains("+ layout record: 4 shards"), "{anew}");
    assert!(!open_again.apply().await.expect("there").has_changes());
    open_again.destroy(&options.table).await.expect("removed");
}

#[tokio::test]
async fn what_differs_is_shown_and_mended() {
    let options = missing("ministack");
    let driver = open(&options).await;
    let client = admin_client(&driver);
    larder_dynamodb::testing::create_provisioned_table(&driver).await.expect("a table");
    larder_dynamodb::testing::switch_ttl(&driver, "expires").await.expect("another attribute");
    let arn = client.describe_table().table_name(&options.table).send().await.expect("described");
    let arn = arn.table.and_then(|table| table.table_arn).expect("an ARN");
    let tag = |key: &str, value: &str| {
        aws_sdk_dynamodb::types::Tag::builder().key(key).value(value).build().expect("a tag")
    };
    let tags = [tag("larder:id", "other"), tag("owner", "somebody")];
    client.tag_resource().resource_arn(&arn).set_tags(Some(tags.to_vec())).send().await.expect("tagged");

    let provisioner = provisioner(&options, spec()).await;
    let plan = provisioner.plan(Goal::Present).await.expect("a plan");
    for (part, from, to) in [
        ("billing", "provisioned capacity", "on demand"),
        ("time to live", "on the attribute expires", "on the attribute ttl"),
        ("tags", "other values of larder:id", "larder:id, managed-by"),
    ] {
        assert_eq!(change(&plan, part), &Change::Update { from: from.into(), to: to.into() }, "{plan}");
    }
    assert_eq!(change(&plan, "point-in-time recovery"), &Change::Create("on".to_owned()), "{plan}");
    let done = provisioner.apply().await.expect("mended");
    assert!(!done.is_pending(), "{done}");
    let again = provisioner.plan(Goal::Present).await.expect("a plan");
    assert!(!again.has_changes() && !again.is_pending(), "{again}");
    let tags =
        client.list_tags_of_resource().resource_arn(&arn).send().await.expect("tags").tags.expect("tags");
    assert!(tags.contains(&tag("owner", "somebody")), "what others tagged stays: {tags:?}");
}

#[tokio::test]
async fn a_server_without_recovery_is_told_so() {
    let options = missing("dynoxide");
    let provisioner = provisioner(&options, spec()).await;
    let done = provisioner.apply().await.expect("it is made");
    let Change::Leave(why) = change(&done, "point-in-time recovery") else { panic!("{done}") };
    assert!(why.contains("this server"), "{why}");
    assert_eq!(change(&done, "time to live"), &Change::Create("on the attribute ttl".to_owned()), "{done}");
    let again = provisioner.apply().await.expect("it is there");
    assert!(!again.has_changes(), "{again}");
    provisioner.destroy(&options.table).await.expect("removed");
}

#[tokio::test]
async fn two_who_apply_at_once_make_one_table() {
    let options = missing("dynoxide");
    let (one, two) = (provisioner(&options, spec()).await, provisioner(&options, spec()).await);
    let (first, second) = tokio::join!(one.apply(), two.apply());
    first.expect("made");
    second.expect("made");
    assert!(!one.apply().await.expect("there").has_changes());
    let (first, second) = tokio::join!(one.destroy(&options.table), two.destroy(&options.table));
    first.expect("removed");
    second.expect("removed");
}

#[tokio::test]
async fn a_table_with_another_key_is_neither_mended_nor_removed() {
    let options = missing("dynoxide");
    let driver = open(&options).await;
    create_table_with(&driver, "id", None).await.expect("the table is made");
    let provisioner = provisioner(&options, spec()).await;
    let plan = provisioner.plan(Goal::Present).await.expect("a plan");
    let Change::Conflict(why) = change(&plan, "primary key") else { panic!("{plan}") };
    assert!(why.contains("is id") && why.contains("pk and sk"), "{why}");
    for result in [provisioner.apply().await, provisioner.destroy(&options.table).await] {
        let error = result.expect_err("not Larder's");
        assert_eq!(error.kind(), ErrorKind::NotProvisioned);
        assert!(
            error.to_string().contains("pk and sk") && error.to_string().contains(&options.table),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_table_of_other_rows_or_other_shards_is_left_alone() {
    let options = missing("dynoxide");
    let driver = open(&options).await;
    larder_dynamodb::testing::create_table(&driver).await.expect("the table is made");
    put_raw(&driver, "CUSTOMER#1", "ORDER#1").await.expect("a row");
    let strange = provisioner(&options, spec()).await;
    for result in [strange.apply().await, strange.destroy(&options.table).await] {
        let error = result.expect_err("not Larder's");
        assert!(error.to_string().contains("no layout record"), "{error}");
    }

    let options = missing("dynoxide").shards(4);
    provisioner(&options, spec()).await.apply().await.expect("made");
    let other = provisioner(&options.clone().shards(16), spec()).await;
    let plan = other.plan(Goal::Present).await.expect("a plan");
    assert!(matches!(change(&plan, "layout record"), Change::Conflict(_)), "{plan}");
    let error = other.apply().await.expect_err("for good");
    assert!(error.to_string().contains("4 shards for good"), "{error}");
    // An empty store whose record is gone gets the shards that are asked for.
    remove_layout(&open(&options).await).await.expect("it is removed");
    assert!(other.apply().await.expect("settled").to_string().contains("+ layout record: 16 shards"));
}

#[tokio::test]
async fn a_table_that_is_never_ready_is_reported_and_not_awaited_for_ever() {
    let creating = r#"{"Table":{"TableName":"cache","TableStatus":"CREATING",
        "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
        "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}]}}"#;
    let deleting: &'static str = Box::leak(creating.replace("CREATING", "DELETING").into_boxed_str());
    for (body, made) in [(creating, 0), (deleting, 1)] {
        let url = answering("200 OK", "", body).await;
        let options = DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys());
        let provisioner = provisioner(&options, spec()).await.patience(short_patience());
        // Nothing is asked of a table that is not there yet; all that it is to have is shown.
        let plan = provisioner.plan(Goal::Present).await.expect("a plan");
        assert!(plan.is_pending() && plan.has_changes() && plan.is_usable(), "{plan}");
        let tables = plan.steps.iter().filter(|step| step.part == "table" && step.is_change());
        assert_eq!(tables.count(), made, "{plan}");
        for part in ["time to live", "point-in-time recovery", "tags", "layout record"] {
            assert!(matches!(change(&plan, part), Change::Create(_)), "{part}: {plan}");
        }
        let done = provisioner.apply().await.expect("no error");
        assert!(
            done.to_string().contains("not ready yet: run `larder up` again, or apply the plan again"),
            "{done}"
        );
        assert!(!done.is_usable() && !done.to_string().contains("layout record"), "{done}");
    }
}

#[tokio::test]
async fn a_ttl_that_is_being_switched_off_is_reported() {
    let active = r#"{"Table":{"TableName":"cache","TableStatus":"ACTIVE","BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"},
        "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
        "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}]}}"#;
    let ttl = r#"{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLING","AttributeName":"expires"}}"#;
    let backups = r#"{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED",
        "PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"ENABLED"}}}"#;
    // The layout record is not there, and the table is empty.
    let answers = [active, ttl, backups, "{}", r#"{"Items":[],"Count":0,"ScannedCount":0}"#];
    let (url, _requests) = scripted(answers.map(str::to_owned).to_vec()).await;
    let options = DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys());
    let plan = provisioner(&options, TableSpec::new()).await.plan(Goal::Present).await.expect("a plan");
    let Change::Pending(what) = change(&plan, "time to live") else { panic!("{plan}") };
    assert!(what.contains("an hour"), "{what}");
}

#[tokio::test]
async fn whether_rows_are_removed_is_seen_on_the_table() {
    for server in ["dynoxide", "ministack"] {
        let options = missing(server);
        let driver = open(&options).await;
        larder_dynamodb::testing::create_table(&driver).await.expect("the table is made");
        let table = provisioner(&options, TableSpec::new()).await;
        let off = Reaper::Off("time to live is off".to_owned());
        assert_eq!(table.reaper().await.expect("an answer"), off, "{server}");
        larder_dynamodb::testing::switch_ttl(&driver, "ttl").await.expect("switched on");
        assert_eq!(table.reaper().await.expect("an answer"), Reaper::On, "{server}");

        let options = missing(server);
        let driver = open(&options).await;
        larder_dynamodb::testing::create_table(&driver).await.expect("the table is made");
        larder_dynamodb::testing::switch_ttl(&driver, "expires").await.expect("switched on");
        let answer = provisioner(&options, TableSpec::new()).await.reaper().await.expect("an answer");
        assert_eq!(answer, Reaper::Off("time to live is on the attribute expires".to_owned()), "{server}");
    }
    let none = missing("dynoxide");
    let error = provisioner(&none, TableSpec::new()).await.reaper().await.expect_err("no table");
    assert_eq!(error.kind(), ErrorKind::NotProvisioned, "{error}");
}

#[tokio::test]
async fn whether_rows_are_removed_is_told_in_every_state() {
    let described = |status: &str, attribute: &str| {
        let body = format!(
            r#"{{"TimeToLiveDescription":{{"TimeToLiveStatus":"{status}","AttributeName":"{attribute}"}}}}"#
        );
        &*Box::leak(body.into_boxed_str())
    };
    for (body, expected) in [
        (described("ENABLING", "ttl"), Reaper::Starting),
        (
            described("ENABLING", "expires"),
            Reaper::Off("time to live is on the attribute expires".to_owned()),
        ),
        (described("DISABLING", "ttl"), Reaper::Off("time to live is being switched off".to_owned())),
        (
            r#"{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}"#,
            Reaper::Off("time to live is off".to_owned()),
        ),
    ] {
        let url = answering("200 OK", "", body).await;
        let options = DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys());
        let answer = provisioner(&options, TableSpec::new()).await.reaper().await.expect("an answer");
        assert_eq!(answer, expected, "{body}");
    }
    let refusal = |code: &str, message: &str| {
        let body = format!(r#"{{"__type":"com.amazon.coral.service#{code}","Message":"{message}"}}"#);
        &*Box::leak(body.into_boxed_str())
    };
    let asked = |body| async move {
        let url = answering("400 Bad Request", "", body).await;
        let options = DynamoDbOptions::new("cache", REGION).endpoint_url(url).credentials(keys());
        provisioner(&options, TableSpec::new()).await.reaper().await
    };
    let error = asked(refusal("AccessDeniedException", "hunter2")).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let unseen = asked(refusal("UnknownOperationException", "")).await.expect("no error");
    assert!(matches!(&unseen, Reaper::Unseen(why) if why.contains("this server")), "{unseen:?}");
}

#[tokio::test]
async fn refusals_are_told_and_show_no_secret() {
    let denied = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"hunter2"}"#;
    let options =
        DynamoDbOptions::new("cache", REGION).endpoint_url(answering("400 Bad Request", "", denied).await);
    let provisioner = provisioner(&options.credentials(keys()), spec()).await;
    for result in
        [provisioner.plan(Goal::Present).await, provisioner.apply().await, provisioner.destroy("cache").await]
    {
        let error = result.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
        assert!(!format!("{error} {error:?} {provisioner:?}").contains("hunter2"), "{error:?}");
    }
}

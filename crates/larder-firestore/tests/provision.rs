//! Making, mending and removing collections: the data on the emulator, the settings on a server of the Admin API that is
//! written from Google's published description, since no emulator has it.

mod support;

use std::fs;
use std::time::Duration;

use larder_core::provision::{Change, Goal, Plan, Provisioner, Reaper, default_patience};
use larder_core::{ErrorKind, Kv, PutOptions};
use larder_firestore::testing::put_raw;
use larder_firestore::{CollectionSpec, Credentials, DatabaseSource, FirestoreOptions, FirestoreProvisioner};
use serde_json::json;

use support::admin::{AdminServer, Pace};
use support::description::{read, revision};
use support::{PROJECT, answering, at, collection, http, open};

const NATIVE: &str = "FIRESTORE_NATIVE";
const FIELDS: [&str; 4] = ["v", "exp", "w", "h"];

fn database(options: &FirestoreOptions) -> String {
    format!("projects/{PROJECT}/databases/{}", options.database)
}

fn field(options: &FirestoreOptions, field: &str) -> String {
    format!("{}/collectionGroups/{}/fields/{field}", database(options), options.collection)
}

async fn provisioner(options: &FirestoreOptions, admin: &AdminServer) -> FirestoreProvisioner {
    with_spec(options, CollectionSpec::new().admin_url(&admin.url)).await
}

async fn with_spec(options: &FirestoreOptions, spec: CollectionSpec) -> FirestoreProvisioner {
    let mut patience = default_patience();
    patience.deadline = Duration::from_secs(3);
    patience.backoff_min = Duration::from_millis(2);
    patience.backoff_max = Duration::from_millis(20);
    let spec = spec.field_wait(Duration::from_millis(200));
    FirestoreProvisioner::open(options.clone(), spec).await.expect("the options are right").patience(patience)
}

fn change<'a>(plan: &'a Plan, part: &str) -> &'a Change {
    let step = plan.steps.iter().find(|step| step.part == part);
    &step.unwrap_or_else(|| panic!("{part:?} is not in {plan}")).change
}

#[tokio::test]
async fn settings_are_made_once_and_taken_back_once() {
    let (options, admin) = (collection(), AdminServer::start(Pace::After(2)).await);
    admin.add_database(&database(&options), "eur3", NATIVE);
    let provisioner = provisioner(&options, &admin).await;
    let plan = provisioner.plan(Goal::Present).await.expect("a plan");
    assert_eq!(change(&plan, "database"), &Change::Keep("in eur3".to_owned()));
    assert_eq!(plan.steps.iter().filter(|step| step.is_change()).count(), 6, "{plan}");
    assert!(admin.calls().iter().all(|call| call.ends_with(".get")), "a plan changes nothing");

    let done = provisioner.apply().await.expect("made");
    assert!(!done.is_pending(), "{done}");
    assert!(FIELDS.iter().all(|name| admin.is_exempt(&field(&options, name))));
    assert_eq!(admin.ttl(&field(&options, "exp")), Some(json!({ "state": "ACTIVE" })));
    admin.calls();
    let again = provisioner.apply().await.expect("there");
    assert!(!again.has_changes() && !again.is_pending(), "{again}");
    assert!(admin.calls().iter().all(|call| call.ends_with(".get")), "nothing is sent twice");

    let kv = Kv::new(open(&options).await);
    kv.put("key", "value", PutOptions::new()).await.expect("a put");
    // One that has expired is there all the same.
    let soon = PutOptions::new().ttl(Duration::from_millis(1));
    kv.put("gone", "value", soon).await.expect("a put");
    assert_eq!(provisioner.destroy("cache").await.expect_err("another name").kind(), ErrorKind::InvalidInput);
    let removed = provisioner.destroy(&options.collection).await.expect("removed");
    assert_eq!(change(&removed, "documents"), &Change::Delete("3".to_owned()), "{removed}");
    assert!(matches!(change(&removed, "database"), Change::Leave(_)), "{removed}");
    assert!(FIELDS.iter().all(|name| !admin.is_exempt(&field(&options, name))));
    assert_eq!(admin.ttl(&field(&options, "exp")), None);
    assert!(Kv::new(open(&options).await).stored_layout().await.expect("a look").is_none(), "it is empty");
    let again = provisioner.destroy(&options.collection).await.expect("it is gone");
    assert!(!again.has_changes(), "{again}");
    admin.assert_was_asked_as_described();
}

#[tokio::test]
async fn many_documents_are_removed_and_strangers_are_left() {
    let (options, admin) = (collection(), AdminServer::start(Pace::AtOnce).await);
    admin.add_database(&database(&options), "eur3", NATIVE);
    let provisioner = provisioner(&options, &admin).await;
    provisioner.apply().await.expect("made");
    let kv = Kv::new(open(&options).await);
    let many = kv.put_many((0..1_234).map(|at| (format!("k{at}"), "value")), None).await.expect("puts");
    many.into_iter().for_each(|put| drop(put.expect("a put")));
    // No key of Larder's is written so; the others might be, but no record has such fields.
    for id in ["ka b", "kcustomer-7", "sorders"] {
        put_raw(&open(&options).await, id).await.expect("a document");
    }
    let removed = provisioner.destroy(&options.collection).await.expect("removed");
    let Change::Delete(what) = change(&removed, "documents") else { panic!("{removed}") };
    assert_eq!(what, "1235; 3 that are none of Larder's were left");
    let error = provisioner.apply().await.expect_err("the stranger is still there");
    assert!(error.to_string().contains("no layout record"), "{error}");
}

#[tokio::test]
async fn a_removal_that_fails_at_a_setting_is_gone_on_with() {
    let (options, admin) = (collection(), AdminServer::start(Pace::AtOnce).await);
    admin.add_database(&database(&options), "eur3", NATIVE);
    let provisioner = provisioner(&options, &admin).await;
    provisioner.apply().await.expect("made");
    let kv = Kv::new(open(&options).await);
    kv.put("key", "value", PutOptions::new()).await.expect("a put");
    // A stranger makes a collection without a layout record one that nobody may remove.
    put_raw(&open(&options).await, "somebody").await.expect("a document");
    admin.set_pace(Pace::Failing);
    provisioner.destroy(&options.collection).await.expect_err("a setting comes to nothing");
    let there = Kv::new(open(&options).await).stored_layout().await.expect("a look");
    assert!(there.is_some(), "the layout record is there while there is something left to remove");

    admin.set_pace(Pace::AtOnce);
    let removed = provisioner.destroy(&options.collection).await.expect("the rest is removed");
    assert!(removed.has_changes(), "{removed}");
    assert!(FIELDS.iter().all(|name| !admin.is_exempt(&field(&options, name))));
    assert_eq!(admin.ttl(&field(&options, "exp")), None);
}

#[tokio::test]
async fn replies_of_the_admin_api_that_were_lost_are_no_error() {
    for pace in [Pace::AtOnce, Pace::After(2)] {
        let (options, admin) = (collection(), AdminServer::start(pace).await);
        let spec = CollectionSpec::new().admin_url(&admin.url);
        let spec = spec.database(DatabaseSource::CreateIn("eur3".to_owned()));
        let provisioner = with_spec(&options, spec).await;
        admin.lose_first_replies();
        let done = provisioner.apply().await.expect("made");
        // The database, two questions and five settings, and what became of them.
        assert!(admin.lose_first_replies() >= 8);
        assert!(!done.is_pending() && done.is_usable(), "{done}");
        assert!(FIELDS.iter().all(|name| admin.is_exempt(&field(&options, name))));
        assert_eq!(admin.ttl(&field(&options, "exp")), Some(json!({ "state": "ACTIVE" })));
        let again = provisioner.apply().await.expect("there");
        assert!(!again.has_changes() && !again.is_pending(), "{again}");
        assert_eq!(provisioner.reaper().await.expect("an answer"), Reaper::On);

        admin.lose_first_replies();
        let removed = provisioner.destroy(&options.collection).await.expect("removed");
        assert!(removed.has_changes() && !removed.is_pending(), "{removed}");
        assert!(admin.lose_first_replies() >= 6);
        assert!(FIELDS.iter().all(|name| !admin.is_exempt(&field(&options, name))));
        assert_eq!(admin.ttl(&field(&options, "exp")), None);
        admin.assert_was_asked_as_described();
    }
}

#[tokio::test]
async fn a_ttl_policy_that_takes_its_time_is_reported() {
    let (options, admin) = (collection(), AdminServer::start(Pace::Never).await);
    admin.add_database(&database(&options), "eur3", NATIVE);
    let provisioner = provisioner(&options, &admin).await;
    let done = provisioner.apply().await.expect("asked for");
    let Change::Pending(what) = change(&done, "TTL policy on exp") else { panic!("{done}") };
    assert!(what.contains("by itself"), "{what}");
    // The rest is done all the same.
    assert!(matches!(change(&done, "layout record"), Change::Create(_)), "{done}");
    let plan = provisioner.plan(Goal::Present).await.expect("a plan");
    assert!(matches!(change(&plan, "TTL policy on exp"), Change::Pending(_)), "{plan}");
    admin.assert_was_asked_as_described();
}

#[tokio::test]
async fn settings_that_differ_are_mended() {
    let (options, admin) = (collection(), AdminServer::start(Pace::AtOnce).await);
    admin.add_database(&database(&options), "eur3", NATIVE);
    let provisioner = provisioner(&options, &admin).await;
    for (ttl, from) in [
        (json!({ "state": "NEEDS_REPAIR" }), "needs repair"),
        (json!({ "state": "ACTIVE", "expirationOffset": "3600s" }), "3600s after exp"),
    ] {
        admin.set_ttl(&field(&options, "exp"), ttl);
        let plan = provisioner.plan(Goal::Present).await.expect("a plan");
        let Change::Update { from: found, .. } = change(&plan, "TTL policy on exp") else { panic!("{plan}") };
        assert_eq!(found, from);
        provisioner.apply().await.expect("mended");
        assert_eq!(admin.ttl(&field(&options, "exp")), Some(json!({ "state": "ACTIVE" })));
    }
    admin.set_ttl(&field(&options, "exp"), json!({ "state": "ACTIVE", "expirationOffset": "0s" }));
    assert!(!provisioner.plan(Goal::Present).await.expect("a plan").has_changes());

    let other = collection();
    admin.add_database(&database(&other), "eur3", NATIVE);
    admin.set_own_index(&field(&other, "v"));
    let provisioner = self::provisioner(&other, &admin).await;
    let kept = provisioner.plan(Goal::Absent).await.expect("a plan");
    assert!(matches!(change(&kept, "index of v"), Change::Leave(_)), "not ours to take back: {kept}");
    let plan = provisioner.plan(Goal::Present).await.expect("a plan");
    assert!(matches!(change(&plan, "index of v"), Change::Update { .. }), "{plan}");
    provisioner.apply().await.expect("mended");
    assert!(admin.is_exempt(&field(&other, "v")));
    admin.assert_was_asked_as_described();
}

#[tokio::test]
async fn a_database_is_made_only_where_that_was_asked_for() {
    let (options, admin) = (collection(), AdminServer::start(Pace::After(1)).await);
    let error = provisioner(&options, &admin).await.apply().await.expect_err("there is none");
    assert_eq!(error.kind(), ErrorKind::NotProvisioned, "{error}");
    assert!(error.to_string().contains("is not there") && error.to_string().contains("location"), "{error}");

    let spec = |location: &str| {
        CollectionSpec::new().admin_url(&admin.url).database(DatabaseSource::CreateIn(location.to_owned()))
    };
    let maker = with_spec(&options, spec("eur3")).await;
    let plan = maker.plan(Goal::Present).await.expect("a plan");
    assert_eq!(change(&plan, "database"), &Change::Create("in native mode, in eur3".to_owned()));
    let done = maker.apply().await.expect("made");
    assert!(!done.is_pending(), "{done}");
    assert!(!maker.apply().await.expect("there").has_changes());

    let elsewhere = with_spec(&options, spec("nam5")).await.apply().await.expect_err("for good");
    assert!(elsewhere.to_string().contains("eur3 for good"), "{elsewhere}");
    admin.add_database(&database(&options), "eur3", "DATASTORE_MODE");
    let error = maker.apply().await.expect_err("another mode");
    assert!(error.to_string().contains("Datastore mode"), "{error}");
    admin.assert_was_asked_as_described();
}

#[tokio::test]
async fn a_database_that_takes_its_time_is_reported_and_failures_are_errors() {
    let (options, admin) = (collection(), AdminServer::start(Pace::Never).await);
    let spec = CollectionSpec::new().admin_url(&admin.url);
    let maker = with_spec(&options, spec.database(DatabaseSource::CreateIn("eur3".to_owned()))).await;
    let done = maker.apply().await.expect("asked for");
    assert!(
        done.to_string().contains("still being made: run `larder up` again, or apply the plan again"),
        "{done}"
    );
    admin.set_pace(Pace::Failing);
    let error = maker.apply().await.expect_err("it comes to nothing");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn whether_documents_are_removed_is_told_in_every_state() {
    let (options, admin) = (collection(), AdminServer::start(Pace::AtOnce).await);
    let provisioner = provisioner(&options, &admin).await;
    let error = provisioner.reaper().await.expect_err("no database");
    assert_eq!(error.kind(), ErrorKind::NotProvisioned, "{error}");
    admin.add_database(&database(&options), "eur3", NATIVE);
    let off = |why: &str| Reaper::Off(why.to_owned());
    assert_eq!(provisioner.reaper().await.expect("an answer"), off("there is no TTL policy on exp"));
    for (ttl, expected) in [
        (json!({ "state": "ACTIVE" }), Reaper::On),
        (json!({ "state": "CREATING" }), Reaper::Starting),
        (json!({ "state": "NEEDS_REPAIR" }), off("the TTL policy on exp needs repair")),
        (
            json!({ "state": "ACTIVE", "expirationOffset": "3600s" }),
            off("the TTL policy removes 3600s after exp"),
        ),
    ] {
        admin.set_ttl(&field(&options, "exp"), ttl);
        assert_eq!(provisioner.reaper().await.expect("an answer"), expected);
    }
    assert!(admin.calls().iter().all(|call| call.ends_with(".get")), "a look changes nothing");
    admin.assert_was_asked_as_described();

    let denied = json!({ "error": { "code": 403, "status": "PERMISSION_DENIED", "message": "hunter2" } });
    let server = answering(move || http(403, denied.to_string())).await;
    let refused = with_spec(&at(&server.url), CollectionSpec::new()).await.reaper().await;
    let error = refused.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let emulator = with_spec(&collection(), CollectionSpec::new()).await.reaper().await;
    let unseen = emulator.expect("no error");
    assert!(matches!(&unseen, Reaper::Unseen(why) if why.contains("no Admin API")), "{unseen:?}");
}

#[tokio::test]
async fn an_emulator_has_no_admin_api_and_is_told_so() {
    let options = collection();
    let provisioner = with_spec(&options, CollectionSpec::new()).await;
    let done = provisioner.apply().await.expect("the layout is written");
    let Change::Leave(why) = change(&done, "database") else { panic!("{done}") };
    assert!(why.contains("no Admin API"), "{why}");
    assert!(matches!(change(&done, "layout record"), Change::Create(_)), "{done}");
    assert!(!provisioner.apply().await.expect("there").has_changes());
    let removed = provisioner.destroy(&options.collection).await.expect("removed");
    assert_eq!(change(&removed, "documents"), &Change::Delete("1".to_owned()));
}

#[tokio::test]
async fn the_admin_api_is_asked_with_the_drivers_own_credentials() {
    let token =
        json!({ "access_token": "hunter2-token", "token_type": "Bearer", "expires_in": 3_600 }).to_string();
    let tokens = answering(move || http(200, token.clone())).await;
    let admin = AdminServer::start(Pace::AtOnce).await;
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("credentials.json");
    let user = json!({
        "type": "authorized_user",
        "client_id": "client",
        "client_secret": "hunter2-secret",
        "refresh_token": "hunter2-refresh",
        "token_uri": format!("{}/token", tokens.url),
    });
    fs::write(&file, user.to_string()).expect("a file");
    // There is no database, so that nobody asks the emulator, which refuses tokens that are real.
    let options = collection().credentials(Credentials::File(file));
    let provisioner = provisioner(&options, &admin).await;
    provisioner.plan(Goal::Present).await.expect("a plan");
    let sent = admin.authorizations();
    assert!(!sent.is_empty() && sent.iter().all(|sent| sent == "Bearer hunter2-token"), "{sent:?}");
    assert!(!format!("{provisioner:?}").contains("hunter2"));
    // A token goes nowhere in the clear.
    let spec = CollectionSpec::new().admin_url("http://elsewhere.example");
    let error = FirestoreProvisioner::open(options, spec).await.expect_err("in the clear");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

#[tokio::test]
async fn refusals_of_the_admin_api_have_their_kinds() {
    for (status, code, kind) in [
        (401, "UNAUTHENTICATED", ErrorKind::Unauthorized),
        (403, "PERMISSION_DENIED", ErrorKind::Unauthorized),
        (400, "INVALID_ARGUMENT", ErrorKind::Internal),
        (429, "RESOURCE_EXHAUSTED", ErrorKind::Throttled),
        (409, "ABORTED", ErrorKind::Unavailable),
        (503, "UNAVAILABLE", ErrorKind::Unavailable),
    ] {
        let body = json!({ "error": { "code": status, "status": code, "message": "hunter2" } }).to_string();
        let server = answering(move || http(status, body.clone())).await;
        let mut patience = default_patience();
        patience.deadline = Duration::from_millis(200);
        let provisioner = with_spec(&at(&server.url), CollectionSpec::new()).await.patience(patience);
        let error = provisioner.plan(Goal::Present).await.expect_err("refused");
        assert_eq!(error.kind(), kind, "{code}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        assert_eq!(server.asked().len() > 1, error.is_retryable(), "{code}");
    }
}

#[test]
fn the_server_refuses_what_the_description_does_not_have() {
    assert_eq!(revision(), "20260928");
    let path = "/v1/projects/p/databases/(default)/collectionGroups/c/fields/v";
    let body = json!({ "name": "x", "indexConfig": { "indexes": [] } }).to_string();
    let good =
        read("PATCH", &format!("{path}?updateMask=indexConfig"), body.as_bytes()).expect("as described");
    assert_eq!(good.method, "projects.databases.collectionGroups.fields.patch");
    for (method, path, body) in [
        ("POST", path.to_owned(), body.as_str()),
        ("PATCH", format!("{path}/more"), &body),
        ("PATCH", format!("{path}?mask=indexConfig"), &body),
        ("PATCH", format!("{path}?updateMask=index"), &body),
        ("PATCH", path.to_owned(), r#"{"indexConfig":{"index":[]}}"#),
        ("PATCH", path.to_owned(), r#"{"ttlConfig":{"state":"ACTIVE"}}"#),
        ("PATCH", path.to_owned(), r#"{"indexConfig":{"indexes":[{"queryScope":"EVERYWHERE"}]}}"#),
        ("PATCH", path.to_owned(), "no JSON"),
        ("GET", path.to_owned(), "{}"),
        ("POST", "/v1/projects/p/databases".to_owned(), r#"{"type":"NATIVE"}"#),
    ] {
        assert!(read(method, &path, body.as_bytes()).is_err(), "{method} {path} {body}");
    }
}

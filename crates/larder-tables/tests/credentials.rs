//! Who asks: keys and signatures checked by Azurite, tokens from token services played on loopback.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use larder_conformance::emulator;
use larder_conformance::server::{Reply, Seen, Server, answering, nowhere, silent};
use larder_core::driver::{Driver, Effect, Projection, Read, RowKey, Shard};
use larder_core::{CanonicalKey, Consistency, Error, ErrorKind, Kv, PutOptions, RetryPolicy};
use larder_tables::testing::{EMULATOR_ACCOUNT, EMULATOR_KEY, signature};
use larder_tables::{Credentials, TablesDriver, TablesOptions};

use support::server::{SERVICE, empty_table};
use support::{impatient, open, table, table_at};

const ALL: &str = "rwdlacup";

async fn assert_works(kv: &Kv) {
    kv.put("key", "value", PutOptions::new()).await.expect("a put");
    assert_eq!(kv.get_text("key").await.expect("a get").as_deref(), Some("value"));
    let many = kv.put_many((0..20).map(|at| (format!("k{at}"), "value")), None).await.expect("a batch");
    many.into_iter().for_each(|put| drop(put.expect("a put")));
    assert_eq!(kv.scan_collect("", 100).await.expect("a scan").items.len(), 21);
}

#[tokio::test]
async fn a_shared_access_signature_lets_in_as_far_as_it_goes() {
    let options = table().await;
    let with = |permissions: &str, lifetime: i64| {
        options.clone().credentials(Credentials::Sas(signature(permissions, lifetime).expect("a signature")))
    };
    assert_works(&impatient(&with(ALL, 3_600)).await).await;
    let mut marked = with(ALL, 3_600);
    let Credentials::Sas(text) = &marked.credentials else { panic!("a signature") };
    marked.credentials = Credentials::Sas(format!("?{text}"));
    assert_works(&impatient(&marked).await).await;

    let reader = impatient(&with("rl", 3_600)).await;
    assert_eq!(reader.get_text("key").await.expect("it may read").as_deref(), Some("value"));
    let error = reader.put("key", "other", PutOptions::new()).await.expect_err("it may not write");
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(error.to_string().contains("shared access signature"), "{error}");

    let expired = impatient(&with(ALL, -3_600)).await;
    let error = expired.get("key").await.expect_err("it has expired");
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(!format!("{error} {error:?}").contains("sig="), "{error:?}");
}

#[tokio::test]
async fn a_connection_string_is_read_as_the_portal_gives_it() {
    let options = table().await;
    let endpoint = format!("{}/{EMULATOR_ACCOUNT}", emulator("azurite"));
    let sas = signature(ALL, 3_600).expect("a signature");
    for text in [
        format!(
            "DefaultEndpointsProtocol=http;AccountName={EMULATOR_ACCOUNT};AccountKey={EMULATOR_KEY};TableEndpoint={endpoint};"
        ),
        format!("TableEndpoint={endpoint}/;SharedAccessSignature={sas};AccountName={EMULATOR_ACCOUNT}"),
    ] {
        let options =
            TablesOptions::from_connection_string(&text, &options.table).expect("a connection string");
        assert_works(&impatient(&options).await).await;
    }
}

/// A token service: gives out `token-1`, `token-2` and so on, each good for that many seconds.
async fn token_service(lifetime: u32) -> Server {
    let given = AtomicUsize::new(0);
    Server::start(move |_| {
        let number = given.fetch_add(1, Ordering::SeqCst) + 1;
        let body = format!(
            r#"{{"token_type":"Bearer","expires_in":{lifetime},"ext_expires_in":{lifetime},"access_token":"token-{number}"}}"#
        );
        ("200 OK", "content-type: application/json\r\n".to_owned(), body)
    })
    .await
}

/// A metadata service, which writes numbers as texts.
async fn metadata_service() -> Server {
    Server::start(|_| {
        let soon = std::time::SystemTime::now() + Duration::from_secs(86_400);
        let until = soon.duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
        let body = format!(
            r#"{{"token_type":"Bearer","expires_in":"86400","expires_on":"{until}","resource":"r","access_token":"token-1"}}"#
        );
        ("200 OK", "content-type: application/json\r\n".to_owned(), body)
    })
    .await
}

/// A table that lets in who has one of these tokens.
async fn guarded_table(lets_in: impl Fn(&str) -> bool + Send + Sync + 'static) -> Server {
    Server::start(move |request: &Seen| -> Reply {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if token.is_some_and(&lets_in) {
            return empty_table(request);
        }
        let headers = format!("{SERVICE}x-ms-error-code: InvalidAuthenticationInfo\r\n");
        ("401 Unauthorized", headers, String::new())
    })
    .await
}

fn secret(authority: &str) -> Credentials {
    Credentials::ClientSecret {
        tenant_id: "tenant".into(),
        client_id: "client".into(),
        secret: "hunter2secret".into(),
        authority_url: Some(authority.to_owned()),
    }
}

#[tokio::test]
async fn a_client_secret_is_changed_for_one_token() {
    let tokens = token_service(3_600).await;
    let guarded = guarded_table(|token| token == "token-1").await;
    let kv = impatient(&table_at(&guarded.url).credentials(secret(&tokens.url))).await;
    for _ in 0..3 {
        let found = kv.get_many((0..30).map(|at| format!("k{at}"))).await.expect("a batch");
        assert!(found.iter().all(|entry| matches!(entry, Ok(None))), "{found:?}");
    }
    let asked = tokens.seen();
    assert_eq!(asked.len(), 1, "one token for all");
    assert_eq!(asked[0].line(), "POST /tenant/oauth2/v2.0/token HTTP/1.1");
    for pair in [
        "client_id=client",
        "client_secret=hunter2secret",
        "grant_type=client_credentials",
        "scope=https%3A%2F%2Fstorage.azure.com%2F.default",
    ] {
        assert!(asked[0].body.split('&').any(|sent| sent == pair), "{pair} is not in {}", asked[0].body);
    }
    assert!(guarded.seen().iter().all(|request| !request.head.contains("hunter2secret")));
}

#[tokio::test]
async fn a_workload_identity_shows_the_token_of_its_file() {
    let file = std::env::temp_dir().join(format!("larder-tables-{}-federated", std::process::id()));
    std::fs::write(&file, "federated-token").expect("a file");
    let tokens = token_service(3_600).await;
    let guarded = guarded_table(|token| token == "token-1").await;
    let identity = |token_file: &std::path::Path| Credentials::WorkloadIdentity {
        tenant_id: "tenant".into(),
        client_id: "client".into(),
        token_file: token_file.to_owned(),
        authority_url: Some(tokens.url.clone()),
    };
    let kv = impatient(&table_at(&guarded.url).credentials(identity(&file))).await;
    assert!(kv.get("key").await.expect("it is let in").is_none());
    let asked = tokens.seen();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].body.contains("client_assertion=federated-token"), "{}", asked[0].body);
    std::fs::remove_file(&file).expect("it is there");

    let error = refused(table_at(&guarded.url).credentials(identity(&file))).await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(error.to_string().contains("token file"), "{error}");
}

#[tokio::test]
async fn a_managed_identity_is_asked_for_at_the_metadata_service() {
    let metadata = metadata_service().await;
    let guarded = guarded_table(|token| token == "token-1").await;
    let identity = Credentials::ManagedIdentity {
        client_id: Some("identity".into()),
        metadata_url: Some(metadata.url.clone()),
    };
    let kv = impatient(&table_at(&guarded.url).credentials(identity)).await;
    assert!(kv.get("key").await.expect("it is let in").is_none());
    let asked = metadata.seen();
    assert_eq!(asked.len(), 1);
    let line = asked[0].line();
    assert!(line.starts_with("GET /metadata/identity/oauth2/token?"), "{line}");
    assert!(
        line.contains("resource=https%3A%2F%2Fstorage.azure.com") && line.contains("client_id=identity"),
        "{line}"
    );
    assert_eq!(asked[0].header("metadata"), Some("true"));
}

async fn refused(options: TablesOptions) -> Error {
    let started = Instant::now();
    let error = TablesDriver::open(options).await.expect_err("there is no token");
    assert!(started.elapsed() < Duration::from_secs(8), "it took {:?}", started.elapsed());
    error
}

#[tokio::test]
async fn a_token_service_that_does_not_help_is_told_by_how() {
    const WRONG: &str = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret hunter2","error_codes":[7000215]}"#;
    let json = "content-type: application/json\r\n";
    for (url, kind, words) in [
        (answering("401 Unauthorized", json, WRONG).await, ErrorKind::Unauthorized, "AADSTS7000215"),
        (
            answering("400 Bad Request", "", "<html>hunter2").await,
            ErrorKind::Unauthorized,
            "refused the identity",
        ),
        (answering("503 Service Unavailable", "", "").await, ErrorKind::Unavailable, "503"),
        (answering("429 Too Many Requests", "", "").await, ErrorKind::Unavailable, "429"),
        (answering("200 OK", "", "<html>hunter2").await, ErrorKind::Unavailable, "could not be read"),
        (nowhere().await, ErrorKind::Unavailable, "cannot be reached"),
        (silent().await, ErrorKind::Unavailable, "in time"),
    ] {
        let error = refused(table_at("http://127.0.0.1:1").credentials(secret(&url))).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{words:?} is not in {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    let plain = secret("http://login.example.com");
    let error = refused(table_at("http://127.0.0.1:1").credentials(plain)).await;
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

/// A token is renewed five minutes before it ends; one that lives shorter is renewed for every request.
#[tokio::test]
async fn a_token_that_ends_is_followed_by_another() {
    let tokens = token_service(60).await;
    let used = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&used);
    let guarded = guarded_table(move |token| {
        log.lock().expect("no panic").push(token.to_owned());
        true
    })
    .await;
    let kv = impatient(&table_at(&guarded.url).credentials(secret(&tokens.url))).await;
    for _ in 0..3 {
        kv.get("key").await.expect("it is let in");
    }
    let used = used.lock().expect("no panic");
    assert_eq!(used.len(), 4, "the layout, and three reads");
    assert!(used.windows(2).all(|pair| pair[0] != pair[1]), "{used:?}");
}

#[tokio::test]
async fn a_token_that_is_withdrawn_is_replaced_once() {
    let tokens = token_service(3_600).await;
    let uses = AtomicUsize::new(0);
    // The first token is taken for five requests.
    let guarded =
        guarded_table(move |token| token != "token-1" || uses.fetch_add(1, Ordering::SeqCst) < 5).await;
    let kv = impatient(&table_at(&guarded.url).credentials(secret(&tokens.url))).await;
    for _ in 0..3 {
        let found = kv.get_many((0..10).map(|at| format!("k{at}"))).await.expect("a batch");
        assert!(found.iter().all(Result::is_ok), "{found:?}");
    }
    assert_eq!(tokens.seen().len(), 2);
}

#[tokio::test]
async fn a_token_that_is_never_taken_is_not_asked_for_again() {
    let tokens = token_service(3_600).await;
    let guarded = guarded_table(|_| false).await;
    let kv = impatient(&table_at(&guarded.url).credentials(secret(&tokens.url))).await;
    let error = kv.get("key").await.expect_err("it is not let in");
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert_eq!((guarded.seen().len(), tokens.seen().len()), (1, 1), "nothing is tried again");
}

/// A token service that gives out so many tokens, each good for that many seconds, and then answers with this status, or
/// never where it is none.
async fn failing_token_service(tokens: usize, lifetime: u32, status: &'static str) -> Server {
    let given = AtomicUsize::new(0);
    Server::start(move |_| {
        let json = "content-type: application/json\r\n".to_owned();
        if given.fetch_add(1, Ordering::SeqCst) < tokens {
            let body = format!(
                r#"{{"token_type":"Bearer","expires_in":{lifetime},"ext_expires_in":{lifetime},"access_token":"token"}}"#
            );
            return ("200 OK", json, body);
        }
        (status, json, String::new())
    })
    .await
}

/// A handle that gives up after one attempt that takes as long as one may.
async fn patient(options: &TablesOptions) -> Kv {
    let mut policy = RetryPolicy::default();
    policy.deadline = policy.attempt_timeout;
    Kv::builder(open(options).await).binding("cache").retry(policy).build()
}

/// What never answers would end an attempt, and an attempt that ended leaves a write in doubt.
#[tokio::test]
async fn a_token_service_that_hangs_later_leaves_no_write_in_doubt() {
    // One attempt; a second one that begins to ask again shortly before the end; three.
    let deadlines = [2_000, 2_950, 4_200].map(Duration::from_millis);
    // One for the opening, and for each handle's layout and read, each good for its one request.
    let tokens = failing_token_service(1 + 2 * deadlines.len(), 0, "").await;
    let guarded = guarded_table(|_| true).await;
    let driver = open(&table_at(&guarded.url).credentials(secret(&tokens.url))).await;
    let mut handles = Vec::new();
    for deadline in deadlines {
        let mut policy = RetryPolicy::default();
        policy.deadline = deadline;
        let kv = Kv::builder(driver.clone()).binding("cache").retry(policy).build();
        assert!(!kv.exists("key").await.expect("there are tokens"));
        handles.push((kv, deadline));
    }
    for (kv, deadline) in handles {
        let error = kv.put("key", "value", PutOptions::new()).await.expect_err("no token");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{deadline:?}: {error}");
        assert!(error.to_string().contains("did not answer in time"), "{deadline:?}: {error}");
    }
    assert!(tokens.seen().len() > 2 + 2 * deadlines.len(), "it was asked again");
    let tables = guarded.seen();
    assert!(tables.iter().all(|request| request.line().starts_with("GET")), "no write was sent: {tables:?}");
}

#[tokio::test]
async fn one_asks_for_a_token_and_all_share_its_failure() {
    let tokens = failing_token_service(2, 0, "").await;
    let guarded = guarded_table(|_| true).await;
    let driver = open(&table_at(&guarded.url).credentials(secret(&tokens.url))).await;
    let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
    let key = CanonicalKey::from_canonical("key").expect("canonical");
    let row = RowKey { shard: Shard(0), key };
    driver.get(&row, read).await.expect("the second token");
    let started = Instant::now();
    let reads = futures_util::future::join_all((0..50).map(|_| driver.get(&row, read))).await;
    assert!(reads.iter().all(|got| got.as_ref().is_err_and(|error| error.effect == Effect::NotApplied)));
    assert!(started.elapsed() < Duration::from_millis(1_900), "it took {:?}", started.elapsed());
    let asked_again = Instant::now();
    driver.get(&row, read).await.expect_err("it has just failed");
    assert!(asked_again.elapsed() < Duration::from_millis(100), "it took {:?}", asked_again.elapsed());
    assert_eq!(tokens.seen().len(), 3);
}

#[tokio::test]
async fn an_old_token_is_used_to_its_end_while_the_token_service_is_down() {
    for status in ["503 Service Unavailable", ""] {
        let tokens = failing_token_service(1, 60, status).await;
        let guarded = guarded_table(|token| token == "token").await;
        let kv = patient(&table_at(&guarded.url).credentials(secret(&tokens.url))).await;
        for _ in 0..3 {
            assert!(kv.get("key").await.expect("the old token is good").is_none());
        }
        assert_eq!(tokens.seen().len(), 2, "nobody asks again so soon");
    }
    // Whoever is refused may have been locked out, and does not go on with what was given before.
    let tokens = failing_token_service(1, 60, "401 Unauthorized").await;
    let guarded = guarded_table(|token| token == "token").await;
    let kv = impatient(&table_at(&guarded.url).credentials(secret(&tokens.url))).await;
    assert_eq!(kv.get("key").await.expect_err("refused").kind(), ErrorKind::Unauthorized);
}

/// The token runs out while the token service is down: reads and writes say so, and nothing was applied.
#[tokio::test]
async fn a_token_service_that_goes_down_later_is_unavailable() {
    // One for the opening and one for the layout.
    let tokens = failing_token_service(2, 0, "503 Service Unavailable").await;
    let guarded = guarded_table(|_| true).await;
    let options = table_at(&guarded.url).credentials(secret(&tokens.url));
    let kv = impatient(&options).await;
    kv.exists("warm").await.expect_err("the second token was for the layout");
    let error = kv.put("key", "value", PutOptions::new()).await.expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("token service is down"), "{error}");
}

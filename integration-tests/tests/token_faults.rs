//! Token services behind a network that loses, cuts off and withholds: no write is left in doubt, and all goes on when they
//! answer again.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use integration_tests::entra::{ACCOUNT, Entra};
use integration_tests::firestore::{Collection, PROJECT};
use integration_tests::google::{self, TokenServer};
use integration_tests::proxy::{Answer, Fault, FaultProxy, Rule};
use larder_conformance::emulator;
use larder_core::driver::Driver;
use larder_core::{ErrorKind, Kv, PutOptions, Result, RetryPolicy};
use larder_firestore::{FirestoreDriver, FirestoreOptions};
use larder_tables::{TablesDriver, TablesOptions};
use tempfile::TempDir;

/// How long a store looks for a first token, and some time for a busy machine.
const OPENING: Duration = Duration::from_millis(6_500);
/// Longer than it takes until an identity asks again: Google's library lets ten seconds pass.
const LATER: Duration = Duration::from_secs(12);
/// As long again, and as long as an attempt takes.
const RECOVERY: Duration = Duration::from_secs(30);

fn faults() -> Vec<(&'static str, Fault)> {
    vec![
        ("request dropped", Fault::DropRequest),
        ("reply dropped", Fault::DropReply),
        ("reply cut short", Fault::CutReply { keep: 20 }),
        ("reply withheld", Fault::WithholdReply),
        ("503", Fault::Answer(Answer::status(503))),
    ]
}

/// A store that takes tokens, with a proxy before it and one before who gives them.
struct Bench {
    tokens: FaultProxy,
    store: FaultProxy,
    cloud: Cloud,
}

enum Cloud {
    Azure(Entra),
    Google { server: TokenServer, collection: Box<Collection>, folder: TempDir },
}

/// Who asks Google for a token.
#[derive(Clone, Copy, Debug)]
enum Identity {
    User,
    Workload,
}

impl Bench {
    async fn azure() -> Self {
        let entra = Entra::start().await;
        Self { tokens: proxy(entra.url()), store: proxy(entra.url()), cloud: Cloud::Azure(entra) }
    }

    async fn google(identity: Identity) -> Self {
        let server = TokenServer::start(200).await;
        let (tokens, store) = (proxy(&server.url()), proxy(&emulator("hidane")));
        let folder = TempDir::new().expect("a directory");
        let file = match identity {
            Identity::User => google::user(tokens.url()),
            Identity::Workload => google::workload(folder.path(), tokens.url()),
        };
        fs::write(folder.path().join("credentials.json"), file.to_string()).expect("a file");
        Self {
            tokens,
            store,
            cloud: Cloud::Google { server, collection: Box::new(Collection::create_empty()), folder },
        }
    }

    /// Every cloud with every fault, each on a bench of its own.
    async fn all() -> Vec<(String, Fault, Self)> {
        let mut all = Vec::new();
        for (name, fault) in faults() {
            all.push((format!("Azure, {name}"), fault.clone(), Self::azure().await));
            for identity in [Identity::User, Identity::Workload] {
                let bench = Self::google(identity).await;
                all.push((format!("Google, {identity:?}, {name}"), fault.clone(), bench));
            }
        }
        all
    }

    async fn open(&self) -> Result<Arc<dyn Driver>> {
        Ok(match &self.cloud {
            Cloud::Azure(_) => {
                let secret = larder_tables::Credentials::ClientSecret {
                    tenant_id: "tenant".into(),
                    client_id: "client".into(),
                    secret: "hunter2".into(),
                    authority_url: Some(self.tokens.url().to_owned()),
                };
                let options = TablesOptions::new(ACCOUNT, "cache").endpoint_url(self.store.url());
                Arc::new(TablesDriver::open(options.credentials(secret)).await?)
            }
            Cloud::Google { collection, folder, .. } => {
                let name = collection.name();
                let file = larder_firestore::Credentials::File(folder.path().join("credentials.json"));
                let options = FirestoreOptions::new(PROJECT, name).database(name);
                let options = options.endpoint_url(self.store.url()).credentials(file);
                Arc::new(FirestoreDriver::open(options).await?)
            }
        })
    }

    fn lifetime(&self, seconds: u32) {
        match &self.cloud {
            Cloud::Azure(entra) => entra.lifetime(seconds),
            Cloud::Google { server, .. } => server.lifetime(seconds),
        }
    }

    async fn fail_with(&self, fault: Fault) {
        self.tokens.reset().await;
        self.tokens.rules([Rule::any().with(fault)]).await;
    }
}

fn proxy(upstream: &str) -> FaultProxy {
    FaultProxy::start(env!("CARGO_BIN_EXE_fault-proxy"), upstream)
}

fn handle(driver: &Arc<dyn Driver>, deadline: Duration) -> Kv {
    let mut policy = RetryPolicy::default();
    policy.deadline = deadline;
    Kv::builder(Arc::clone(driver)).binding("cache").retry(policy).build()
}

async fn assert_works(kv: &Kv, what: &str) {
    assert!(kv.put("key", "written", PutOptions::new()).await.expect(what).is_stored(), "{what}");
    assert_eq!(kv.get_text("key").await.expect(what).as_deref(), Some("written"), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_service_that_fails_at_first_is_unavailable_and_is_asked_again() {
    join_all(Bench::all().await.into_iter().map(|(what, fault, bench)| async move {
        bench.fail_with(fault).await;
        let started = Instant::now();
        let error = bench.open().await.expect_err(&what);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error}");
        assert!(started.elapsed() < OPENING, "{what}: {:?}", started.elapsed());
        assert!(bench.tokens.counts().await.total().requests > 0, "{what}: nobody asked");
        assert_eq!(bench.store.counts().await.total().requests, 0, "{what}: something was sent");
        bench.tokens.rules([]).await;
        assert_works(&handle(&bench.open().await.expect(&what), RECOVERY), &what).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_service_that_fails_later_leaves_nothing_in_doubt_and_is_asked_again() {
    join_all(Bench::all().await.into_iter().map(|(what, fault, bench)| async move {
        bench.lifetime(4);
        let driver = bench.open().await.expect(&what);
        let (kv, patient) = (handle(&driver, LATER), handle(&driver, RECOVERY));
        // The connection and the layout are there: what is asked for from here on is the operation's own.
        for kv in [&kv, &patient] {
            assert_works(kv, &what).await;
        }
        bench.fail_with(fault).await;
        // For longer than it waits for the next token before it goes on with the present one.
        let is_good = handle(&driver, Duration::from_secs(3));
        while is_good.exists("key").await.is_ok() {}
        bench.store.reset().await;
        let started = Instant::now();
        let error = kv.put("key", "lost", PutOptions::new()).await.expect_err(&what);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error}");
        let took = started.elapsed();
        assert!(took < LATER + Duration::from_millis(1_500), "{what}: {took:?}");
        assert!(bench.tokens.counts().await.total().requests > 0, "{what}: nobody asked");
        assert_eq!(bench.store.counts().await.total().requests, 0, "{what}: something was sent");
        bench.lifetime(3_600);
        bench.tokens.rules([]).await;
        assert_works(&patient, &what).await;
        assert_works(&kv, &what).await;
        println!("{what}: {took:?}, and {:?} until it worked again", started.elapsed() - took);
    }))
    .await;
}

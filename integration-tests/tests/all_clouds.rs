//! All clouds in one process: one service with bindings on each, and every conformance suite at once.

use futures_util::future::join_all;
use integration_tests::service::{Platform, Service};
use larder::PutOptions;
use larder_conformance::run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_service_uses_all_of_them_at_once() {
    let service = Service::new();
    let work = Platform::ALL.map(|platform| {
        let service = service.clone();
        async move {
            let id = &*service.add(platform).await;
            let kv = service.context().bindings().load_kv(id).await.expect(id);
            let entries = (0..100).map(|number| (format!("user:{number:03}"), format!("{id} {number}")));
            for stored in kv.put_many(entries, None).await.expect(id) {
                stored.expect(id);
            }
            let lock = PutOptions::new().if_not_exists();
            assert!(kv.put("lock", id, lock.clone()).await.expect(id).is_stored());
            assert!(!kv.put("lock", "another", lock).await.expect(id).is_stored());
            assert_eq!(kv.increment("visits", 3, None).await.expect(id), 3);
            let page = kv.scan_collect("user:", 1_000).await.expect(id).into_entries().expect(id);
            assert_eq!(page.len(), 100);
            assert!(
                page.iter().all(|entry| entry.value().starts_with(id.as_bytes())),
                "{id}: another store's"
            );
        }
    });
    join_all(work).await;
}

/// Every store is one that a binding of the service opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_suite_runs_beside_the_others() {
    let service = Service::new();
    let [local, aws, gcp, azure] = Platform::ALL.map(|platform| service.harness(platform));
    tokio::join!(run(&local), run(&aws), run(&gcp), run(&azure));
}

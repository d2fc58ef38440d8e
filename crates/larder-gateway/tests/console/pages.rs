//! What people do at the console.

use larder::{Kv, MemoryDriver, PutOptions};
use larder_core::CanonicalKey;
use larder_core::driver::{RowKey, Shard};
use larder_gateway::{Grant, Permission, Scripts};

use crate::run::{script, with_keys};
use crate::support::{Server, pool};

fn data() -> Grant {
    Grant::new([Permission::Read, Permission::Write, Permission::Delete, Permission::Scan])
}

#[tokio::test(flavor = "multi_thread")]
async fn its_parts_do_what_they_say() {
    let server = Server::start().await;
    script("parts.mjs", &server, None, &["bytes", "json", "lifetimes", "prefixes", "numbers"]).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tries_to_be_markup_stays_text() {
    let server = Server::start().await;
    script("hostile.mjs", &server, None, &["keys", "values", "folders", "large", "binary", "guard"]).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_made_changed_and_removed() {
    let server = Server::start().await;
    let did = ["create", "taken", "edit", "bytes kept", "lifetime", "delete", "pages", "stores"];
    script("entries.mjs", &server, None, &did).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_one_entry_lose_nothing() {
    let server = Server::start().await;
    let did = [
        "both shown",
        "overwritten",
        "gone",
        "taken",
        "deleted meanwhile",
        "lost reply",
        "no answer",
        "under way",
    ];
    script("conflict.mjs", &server, None, &did).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lifetimes_count_down_by_the_clock_of_the_gateway() {
    let server = Server::start().await;
    script("expiry.mjs", &server, None, &["counts", "expires", "given more", "draft kept"]).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_hides_nothing_and_can_be_removed() {
    let memory = MemoryDriver::new();
    let kv = Kv::new(memory.clone());
    for key in ["a", "b", "c", "d"] {
        kv.put(key, "x", PutOptions::new()).await.expect("stored");
    }
    for key in ["b", "d"] {
        let key = CanonicalKey::from_canonical(key).expect("a key");
        memory.corrupt(&RowKey { shard: Shard(0), key });
    }
    let server = Server::over(kv).await;
    script("damaged.mjs", &server, None, &["listed", "told", "mended", "mended meanwhile"]).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_nowhere_but_in_memory() {
    let mut tenant = Grant::new([Permission::Read, Permission::Scan]);
    tenant.namespace = Some("tenant-1".to_owned());
    let reader = Grant::new([Permission::Read]);
    let (server, [all, tenant, reader]) = with_keys([data(), tenant, reader]).await;
    let keys = format!("{all} {tenant} {reader}");
    let did = ["wrong key", "let in", "nowhere", "forgotten", "narrow key", "without scan"];
    script("keys.mjs", &server, Some(&keys), &did).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_others_do_not_get_in() {
    let server = Server::start().await;
    script("elsewhere.mjs", &server, None, &["rebound", "framed", "asked"]).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_is_enough() {
    let server = Server::start().await;
    let did = ["walk", "folders", "entry", "edit", "escape", "delete", "create"];
    script("keyboard.mjs", &server, None, &did).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_is_drawn_and_told_in_numbers() {
    let server = Server::start().await;
    script("traffic.mjs", &server, None, &["drawn", "numbers", "cursor", "paused", "scripts"]).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_are_run_and_say_what_they_did() {
    let kv = Kv::new(MemoryDriver::new());
    let records = kv.system("scripts").expect("a part");
    records.put("torn", "no record", PutOptions::new()).await.expect("a put");
    let server = Server::with_scripts_over(kv, Scripts::deployed(pool())).await;
    let did = ["listed", "damaged", "returned", "failed", "refused", "keyboard", "looks"];
    script("scripts.mjs", &server, None, &did).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_can_read_it() {
    let server = Server::start().await;
    let did = ["light wide", "light narrow", "dark wide", "dark narrow"];
    script("looks.mjs", &server, None, &did).await;
    server.end().await;
}

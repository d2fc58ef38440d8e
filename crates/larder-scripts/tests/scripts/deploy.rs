//! Deployed scripts in a store.

use std::sync::Arc;

use futures_util::future::join_all;
use larder_conformance::wrap::Plain;
use larder_core::driver::{RowKey, Shard};
use larder_core::{CanonicalKey, ErrorKind, Kv, ManualClock, MemoryDriver, PutOptions};
use larder_scripts::{
    Deployed, Deployment, Expected, MAX_VERSIONS, Removal, ScriptStore, SourceCache, VersionId,
};

fn store() -> (Kv, ScriptStore) {
    let kv = Kv::builder(MemoryDriver::new()).clock(Arc::new(ManualClock::default())).build();
    let scripts = ScriptStore::new(&kv, None).expect("a store");
    (kv, scripts)
}

#[track_caller]
fn done(deployment: Deployment) -> Deployed {
    match deployment {
        Deployment::Done(deployed) => deployed,
        other => panic!("{other:?}"),
    }
}

async fn source(scripts: &ScriptStore, name: &str) -> Option<String> {
    let script = scripts.load(name, None).await.expect("an answer")?;
    assert_eq!(script.version(), VersionId::of(script.source()).to_string());
    Some(script.source().to_owned())
}

/// A source that takes several pieces, with letters that are cut between two.
fn long(text: &str) -> String {
    format!("// {text}\n// {}", "é€".repeat(20_000))
}

#[tokio::test]
async fn a_source_of_any_length_comes_back_and_no_data_handle_sees_it() {
    let (kv, scripts) = store();
    let most = format!("// {}", "x".repeat(larder_scripts::MAX_SOURCE_BYTES - 3));
    for (name, text) in [("short", "export default () => 1".to_owned()), ("long", long("a")), ("most", most)]
    {
        let deployed = done(scripts.deploy(name, &text, Expected::Any).await.expect("it is deployed"));
        assert_eq!((deployed.name.as_str(), deployed.active), (name, VersionId::of(&text)));
        assert_eq!(deployed.versions[0].bytes, text.len());
        assert_eq!(source(&scripts, name).await.as_deref(), Some(text.as_str()));
    }
    assert!(kv.scan_keys_collect("", 10).await.expect("a scan").items.is_empty());
    assert_eq!(source(&scripts, "none").await, None);
    let names: Vec<_> =
        scripts.list().await.expect("a list").into_iter().map(|one| one.expect("one").name).collect();
    assert_eq!(names, ["long", "most", "short"]);
}

#[tokio::test]
async fn names_and_sizes_are_checked_before_anything_is_written() {
    let (_, scripts) = store();
    let too_long = "x".repeat(larder_scripts::MAX_SOURCE_BYTES + 1);
    for (name, source) in
        [("", "x"), ("a:b", "x"), ("../a", "x"), (&"a".repeat(65), "x"), ("a", ""), ("a", &too_long)]
    {
        let error = scripts.deploy(name, source, Expected::Any).await.expect_err(name);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert!(scripts.list().await.expect("a list").is_empty());
    assert_eq!(scripts.load("a:b", None).await.expect_err("no name").kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_rollback_goes_to_the_one_before_or_to_any_that_is_kept() {
    let (_, scripts) = store();
    for text in ["1", "2", "3"] {
        done(scripts.deploy("s", text, Expected::Any).await.expect("it is deployed"));
    }
    assert_eq!(
        done(scripts.rollback("s", None, Expected::Any).await.expect("back")).active,
        VersionId::of("2")
    );
    // And to and fro.
    assert_eq!(
        done(scripts.rollback("s", None, Expected::Any).await.expect("back")).active,
        VersionId::of("3")
    );
    assert_eq!(
        done(scripts.rollback("s", Some(VersionId::of("1")), Expected::Any).await.expect("back")).active,
        VersionId::of("1")
    );
    assert_eq!(source(&scripts, "s").await.as_deref(), Some("1"));
    let unchanged = scripts.rollback("s", Some(VersionId::of("1")), Expected::Any).await.expect("an answer");
    assert!(matches!(unchanged, Deployment::Unchanged(_)), "{unchanged:?}");
    for (name, to) in [("s", Some(VersionId::of("4"))), ("none", None)] {
        let there = scripts.rollback(name, to, Expected::Any).await.expect("an answer");
        assert!(matches!(there, Deployment::NotThere), "{there:?}");
    }
    assert_eq!(scripts.get("s").await.expect("an answer").expect("it is there").versions.len(), 3);
    let again = scripts.deploy("s", "1", Expected::Any).await.expect("an answer");
    assert!(matches!(again, Deployment::Unchanged(_)), "{again:?}");
}

#[tokio::test]
async fn a_rollback_may_say_from_which_version() {
    let (_, scripts) = store();
    for text in ["1", "2", "3"] {
        done(scripts.deploy("s", text, Expected::Any).await.expect("it is deployed"));
    }
    let from = Expected::Active(VersionId::of("3"));
    for to in [None, Some(VersionId::of("1"))] {
        for wrong in [Expected::Active(VersionId::of("2")), Expected::Absent] {
            let refused = scripts.rollback("s", to, wrong).await.expect("an answer");
            assert!(
                matches!(refused, Deployment::NotAsExpected(Some(active)) if active == VersionId::of("3")),
                "{refused:?}"
            );
        }
    }
    assert_eq!(done(scripts.rollback("s", None, from).await.expect("back")).active, VersionId::of("2"));
    // A repeat of the same undoes nothing.
    let repeated = scripts.rollback("s", None, from).await.expect("an answer");
    assert!(
        matches!(repeated, Deployment::NotAsExpected(Some(active)) if active == VersionId::of("2")),
        "{repeated:?}"
    );
    let there = scripts.rollback("none", None, from).await.expect("an answer");
    assert!(matches!(there, Deployment::NotThere), "{there:?}");
}

#[tokio::test]
async fn a_deployment_may_say_what_it_replaces() {
    let (_, scripts) = store();
    let first = VersionId::of("1");
    let refused = scripts.deploy("s", "1", Expected::Active(first)).await.expect("an answer");
    assert!(matches!(refused, Deployment::NotAsExpected(None)), "{refused:?}");
    done(scripts.deploy("s", "1", Expected::Absent).await.expect("it is deployed"));
    let refused = scripts.deploy("s", "2", Expected::Absent).await.expect("an answer");
    assert!(matches!(refused, Deployment::NotAsExpected(Some(active)) if active == first), "{refused:?}");
    done(scripts.deploy("s", "2", Expected::Active(first)).await.expect("it is deployed"));
}

/// A store whose driver lets others go on between its steps, as a real one does, and says no more than it must.
fn slow() -> (Kv, ScriptStore) {
    let kv = Kv::new(Plain::over(MemoryDriver::new()));
    let scripts = ScriptStore::new(&kv, None).expect("a store");
    (kv, scripts)
}

#[tokio::test]
async fn of_many_at_once_each_is_a_version_and_one_is_active() {
    let (kv, scripts) = slow();
    let texts: Vec<_> = (0..8).map(|number| long(&number.to_string())).collect();
    let all = join_all(texts.iter().map(|text| scripts.deploy("s", text, Expected::Any))).await;
    let active: Vec<_> =
        all.into_iter().map(|deployed| done(deployed.expect("it is deployed")).active).collect();
    let deployed = scripts.get("s").await.expect("an answer").expect("it is there");
    assert_eq!(deployed.versions.len(), 8);
    assert!(active.contains(&deployed.active));
    for text in &texts {
        let version = VersionId::of(text);
        let script = scripts.load("s", Some(version)).await.expect("an answer").expect("it is there");
        assert_eq!(script.source(), text);
    }
    // No pieces but those of the versions: nobody's attempts were left.
    let pieces = kv.system("script-sources").expect("a part");
    let found = pieces.scan_keys_collect("", 1_000).await.expect("a scan").items.len();
    let each = texts[0].len().div_ceil(larder_core::MAX_VALUE_BYTES);
    assert_eq!(found, 8 * each);
}

#[tokio::test]
async fn of_the_same_at_once_none_leaves_a_copy() {
    let (kv, scripts) = slow();
    let text = long("the same");
    let all = join_all((0..8).map(|_| scripts.deploy("s", &text, Expected::Any))).await;
    for deployment in all {
        let deployment = deployment.expect("an answer");
        assert!(matches!(deployment, Deployment::Done(_) | Deployment::Unchanged(_)), "{deployment:?}");
    }
    assert_eq!(source(&scripts, "s").await.as_deref(), Some(text.as_str()));
    let pieces = kv.system("script-sources").expect("a part");
    let found = pieces.scan_keys_collect("", 1_000).await.expect("a scan").items.len();
    assert_eq!(found, text.len().div_ceil(larder_core::MAX_VALUE_BYTES));
}

#[tokio::test]
async fn while_others_deploy_go_back_and_read_what_runs_is_whole() {
    let (_, scripts) = slow();
    let texts: Vec<_> = (0..4).map(|number| long(&number.to_string())).collect();
    done(scripts.deploy("s", &texts[0], Expected::Any).await.expect("it is deployed"));
    let deployments = join_all(texts.iter().map(|text| scripts.deploy("s", text, Expected::Any)));
    let rollbacks = join_all((0..4).map(|_| scripts.rollback("s", None, Expected::Any)));
    let reads = async {
        for _ in 0..20 {
            let source = source(&scripts, "s").await.expect("it is there");
            assert!(texts.contains(&source));
        }
    };
    let (deployments, rollbacks, ()) = tokio::join!(deployments, rollbacks, reads);
    for deployment in deployments.into_iter().chain(rollbacks) {
        let deployment = deployment.expect("an answer");
        assert!(!matches!(deployment, Deployment::NotAsExpected(_)), "{deployment:?}");
    }
    let deployed = scripts.get("s").await.expect("an answer").expect("it is there");
    let mut versions: Vec<_> = deployed.versions.iter().map(|kept| kept.version).collect();
    assert_eq!(versions[0], deployed.active);
    versions.sort();
    let mut wanted: Vec<_> = texts.iter().map(|text| VersionId::of(text)).collect();
    wanted.sort();
    assert_eq!(versions, wanted);
}

#[tokio::test]
async fn who_dies_before_the_record_is_written_has_changed_nothing() {
    let (kv, scripts) = store();
    done(scripts.deploy("s", "old", Expected::Any).await.expect("it is deployed"));
    let pieces = kv.system("script-sources").expect("a part");
    // What is left of one who died half way: some long ago, some just now.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("later").as_millis();
    let (recent, ancient) =
        (format!("s:{now:012x}-0000000000000001:000"), "s:000000000001-0000000000000002:000");
    for key in [recent.as_str(), ancient] {
        pieces.put(key, "half of a new one", PutOptions::new()).await.expect("a put");
    }
    assert_eq!(source(&scripts, "s").await.as_deref(), Some("old"));
    done(scripts.deploy("s", "new", Expected::Any).await.expect("it is deployed"));
    assert!(!pieces.exists(ancient).await.expect("an answer"), "leftovers go");
    assert!(pieces.exists(&recent).await.expect("an answer"), "somebody may be about to name it");
    assert_eq!(
        scripts.load("s", Some(VersionId::of("old"))).await.expect("an answer").expect("kept").source(),
        "old"
    );
    // Nor does it take a new version to clear them away.
    pieces.put(ancient, "half of a new one", PutOptions::new()).await.expect("a put");
    let again = scripts.deploy("s", "new", Expected::Any).await.expect("an answer");
    assert!(matches!(again, Deployment::Unchanged(_)), "{again:?}");
    assert!(!pieces.exists(ancient).await.expect("an answer"));
    assert_eq!(source(&scripts, "s").await.as_deref(), Some("new"));
    for removal in [Removal::Done, Removal::NotThere] {
        pieces.put(ancient, "half of a new one", PutOptions::new()).await.expect("a put");
        assert_eq!(scripts.remove("s").await.expect("an answer"), removal);
        assert!(!pieces.exists(ancient).await.expect("an answer"));
    }
}

#[tokio::test]
async fn so_many_versions_are_kept_and_what_is_removed_is_gone_whole() {
    let (kv, scripts) = store();
    for number in 0..MAX_VERSIONS + 3 {
        done(scripts.deploy("s", &number.to_string(), Expected::Any).await.expect("it is deployed"));
    }
    let deployed = scripts.get("s").await.expect("an answer").expect("it is there");
    assert_eq!(deployed.versions.len(), MAX_VERSIONS);
    assert!(scripts.load("s", Some(VersionId::of("0"))).await.expect("an answer").is_none());
    let pieces = kv.system("script-sources").expect("a part");
    assert_eq!(pieces.scan_keys_collect("", 100).await.expect("a scan").items.len(), MAX_VERSIONS);
    assert_eq!(scripts.remove("s").await.expect("it is removed"), Removal::Done);
    assert!(pieces.scan_keys_collect("", 100).await.expect("a scan").items.is_empty());
    assert_eq!(scripts.remove("s").await.expect("an answer"), Removal::NotThere);
    assert_eq!(source(&scripts, "s").await, None);
}

#[tokio::test]
async fn a_tenant_has_scripts_of_its_own() {
    let (kv, whole) = store();
    let a = ScriptStore::new(&kv, Some("a")).expect("a store");
    let b = ScriptStore::new(&kv.with_prefix("x").expect("a namespace"), Some("b")).expect("a store");
    for (scripts, text) in [(&whole, "of all"), (&a, "of a")] {
        done(scripts.deploy("s", text, Expected::Any).await.expect("it is deployed"));
    }
    assert_eq!(source(&whole, "s").await.as_deref(), Some("of all"));
    assert_eq!(source(&a, "s").await.as_deref(), Some("of a"));
    assert_eq!(source(&b, "s").await, None);
    assert!(b.list().await.expect("a list").is_empty());
    assert_eq!(whole.list().await.expect("a list").len(), 1);
    assert_eq!(a.remove("s").await.expect("it is removed"), Removal::Done);
    assert_eq!(source(&whole, "s").await.as_deref(), Some("of all"));
}

#[tokio::test]
async fn what_is_damaged_is_an_error_and_is_mended_by_a_removal() {
    let (kv, scripts) = store();
    done(scripts.deploy("s", &long("a"), Expected::Any).await.expect("it is deployed"));
    let pieces = kv.system("script-sources").expect("a part");
    let key =
        pieces.scan_keys_collect("", 1).await.expect("a scan").items.remove(0).expect("a key").into_key();
    pieces.put(&key, "something else", PutOptions::new()).await.expect("a put");
    assert_eq!(scripts.load("s", None).await.expect_err("damaged").kind(), ErrorKind::Corrupt);
    pieces.delete(&key).await.expect("a delete");
    assert_eq!(scripts.load("s", None).await.expect_err("damaged").kind(), ErrorKind::Corrupt);
    kv.system("scripts").expect("a part").put("s", "no record", PutOptions::new()).await.expect("a put");
    let error = scripts.get("s").await.expect_err("damaged");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(!error.to_string().contains("no record of one,\""), "{error}");
    let listed = scripts.list().await.expect("a list").remove(0);
    assert_eq!(listed.expect_err("damaged").name.as_deref(), Some("s"));
    assert_eq!(scripts.remove("s").await.expect("it is removed"), Removal::Done);
    assert_eq!(scripts.remove("s").await.expect("an answer"), Removal::NotThere);
    done(scripts.deploy("s", "new", Expected::Absent).await.expect("it is deployed"));
}

#[tokio::test]
async fn a_row_that_is_damaged_is_listed_by_name_and_mended_by_a_removal() {
    let memory = MemoryDriver::new();
    let kv = Kv::new(memory.clone());
    let scripts = ScriptStore::new(&kv, None).expect("a store");
    for name in ["a-long-name-of-a-script", "whole"] {
        done(scripts.deploy(name, "old", Expected::Any).await.expect("it is deployed"));
    }
    let key = CanonicalKey::from_canonical("!scripts:a-long-name-of-a-script").expect("a key");
    memory.corrupt(&RowKey { shard: Shard::SYSTEM, key });
    let listed = scripts.list().await.expect("a list");
    let [Err(damaged), Ok(whole)] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!(damaged.name.as_deref(), Some("a-long-name-of-a-script"));
    assert_eq!((damaged.error.kind(), whole.name.as_str()), (ErrorKind::Corrupt, "whole"));
    // What is active is not known, and so nothing is made active instead.
    let name = "a-long-name-of-a-script";
    let error = scripts.deploy(name, "new", Expected::Any).await.expect_err("damaged");
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(scripts.remove(name).await.expect("it is removed"), Removal::Done);
    assert_eq!(scripts.remove(name).await.expect("an answer"), Removal::NotThere);
    done(scripts.deploy(name, "new", Expected::Absent).await.expect("it is deployed"));
    assert_eq!(source(&scripts, name).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn what_is_damaged_is_mended_by_the_same_deployment() {
    let (kv, scripts) = store();
    let pieces = kv.system("script-sources").expect("a part");
    let keys = async || {
        let found = pieces.scan_keys_collect("", 100).await.expect("a scan").items;
        found.into_iter().map(|info| info.expect("a key").into_key()).collect::<Vec<_>>()
    };
    let text = long("a");
    for is_active in [true, false] {
        for is_removed in [true, false] {
            done(scripts.deploy("s", &text, Expected::Any).await.expect("it is deployed"));
            let damaged = keys().await;
            if is_removed {
                pieces.delete(&damaged[0]).await.expect("a delete");
            } else {
                pieces.put(&damaged[0], "something else", PutOptions::new()).await.expect("a put");
            }
            // One that has read nothing before.
            let fresh = ScriptStore::new(&kv, None).expect("a store");
            assert_eq!(fresh.load("s", None).await.expect_err("damaged").kind(), ErrorKind::Corrupt);
            if !is_active {
                done(scripts.deploy("s", "another", Expected::Any).await.expect("it is deployed"));
            }
            done(scripts.deploy("s", &text, Expected::Any).await.expect("it is deployed"));
            assert_eq!(source(&fresh, "s").await.as_deref(), Some(text.as_str()));
            let left = keys().await;
            assert!(damaged.iter().all(|key| !left.contains(key)), "what was damaged is gone");
            let again = scripts.deploy("s", &text, Expected::Any).await.expect("an answer");
            assert!(matches!(again, Deployment::Unchanged(_)), "{again:?}");
            assert_eq!(scripts.remove("s").await.expect("it is removed"), Removal::Done);
            assert!(keys().await.is_empty());
        }
    }
}

#[tokio::test]
async fn a_cache_knows_what_was_read_and_never_what_was_active() {
    let (_, scripts) = store();
    let scripts = scripts.with_cache(SourceCache::default());
    for text in ["1", "2", "1", "3"] {
        done(scripts.deploy("s", text, Expected::Any).await.expect("it is deployed"));
        for _ in 0..2 {
            assert_eq!(source(&scripts, "s").await.as_deref(), Some(text));
        }
    }
}

#[tokio::test]
async fn a_rollback_to_what_is_damaged_changes_nothing() {
    let (kv, scripts) = store();
    let pieces = kv.system("script-sources").expect("a part");
    done(scripts.deploy("s", "old", Expected::Any).await.expect("it is deployed"));
    let old =
        pieces.scan_keys_collect("", 1).await.expect("a scan").items.remove(0).expect("a key").into_key();
    done(scripts.deploy("s", "new", Expected::Any).await.expect("it is deployed"));
    let before = scripts.get("s").await.expect("an answer").expect("it is there");
    for is_removed in [false, true] {
        if is_removed {
            pieces.delete(&old).await.expect("a delete");
        } else {
            pieces.put(&old, "something else", PutOptions::new()).await.expect("a put");
        }
        for to in [None, Some(VersionId::of("old"))] {
            let error = scripts.rollback("s", to, Expected::Any).await.expect_err("it cannot be run");
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        }
        let after = scripts.get("s").await.expect("an answer").expect("it is there");
        assert_eq!(format!("{after:?}"), format!("{before:?}"));
        assert_eq!(source(&scripts, "s").await.as_deref(), Some("new"));
    }
}

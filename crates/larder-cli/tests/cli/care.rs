//! sweep, check, stats.

use serde_json::Value;

use crate::support::{Shell, held};

#[test]
fn a_sweep_removes_what_has_expired_and_nothing_else() {
    let shell = Shell::new();
    shell.done(&["put", "stays", "x"]);
    shell.done(&["put", "lives", "x", "--ttl", "1h"]);
    for number in 0..3 {
        shell.done(&["put", &format!("gone:{number}"), "x", "--ttl", "1ms"]);
    }
    let stats: Value = serde_json::from_str(&shell.done(&["stats", "-o", "json"])).expect("JSON");
    let expired = stats["expired"].as_u64().expect("a number");
    let swept = shell.done(&["sweep", "-o", "ndjson"]);
    let swept: Value = serde_json::from_str(&swept).expect("JSON");
    assert_eq!(swept["outcome"], "swept");
    // The store sweeps by itself only when it has been open for a minute.
    assert_eq!((expired, swept["removed"].as_u64()), (3, Some(3)));
    let stats: Value = serde_json::from_str(&shell.done(&["stats", "-o", "json"])).expect("JSON");
    assert_eq!((stats["expired"].as_u64(), stats["entries"].as_u64()), (Some(0), Some(2)));
    assert!(shell.done(&["sweep"]).starts_with("removed 0"));
}

#[test]
fn a_check_of_a_sound_store_is_good_and_leaves_nothing_behind() {
    let shell = Shell::new();
    shell.done(&["put", "k", "v"]);
    let before = shell.done(&["export"]);
    let text = shell.done(&["check"]);
    for check in ["binding", "reachable", "layout", "clock", "read", "write", "removal"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("good\t{check}\t"))), "{check}: {text}");
    }
    let json: Value =
        serde_json::from_str(&shell.done(&["check", "--read-only", "-o", "json"])).expect("JSON");
    assert_eq!(json["good"], true);
    let write = json["checks"].as_array().expect("checks").iter().find(|check| check["check"] == "write");
    assert_eq!(write.expect("there")["status"], "unknown");
    assert_eq!(shell.done(&["export"]), before);
}

#[test]
fn a_check_says_what_is_wrong_and_what_to_do() {
    let shell = Shell::new();
    // A file where the directory should be.
    std::fs::write(shell.path().join("file"), "x").expect("written");
    let said = shell.run(&["check", "-u", "local-kv:file"]);
    assert_eq!(said.code, 1);
    assert!(said.text().contains("bad\treachable\tnot provisioned"), "{said:?}");
    assert!(said.text().contains("make the store"), "{said:?}");
}

#[test]
fn stats_count_by_prefix_size_and_lifetime() {
    let shell = Shell::new();
    shell.done(&["put", "user:1", "12345", "--ttl", "30m"]);
    shell.done(&["put", "user:2", "123"]);
    shell.run_with(&["put", "blob:1"], &[1; 20_000]).done();
    let text = shell.done(&["stats"]);
    for line in [
        "all\tentries\t3",
        "all\tbytes of values\t20008",
        "prefix\tblob:\t1\t20006\t0",
        "prefix\tuser:\t2\t20\t0",
        "size\t1-64 B\t2\t████████████████████████████████████████",
        "size\t16-24 KiB\t1\t████████████████████",
        "lifetime\t1 min-1 h\t1\t████████████████████",
        "lifetime\tnever expires\t2\t████████████████████████████████████████",
        "cost\tFirestore\t2592000\tdocument reads",
        // 1 unit for each of the small ones, and 20 for the large one.
        "cost\tDynamoDB\t19008000\twrite units",
    ] {
        assert!(text.lines().any(|has| has == line), "{line}: {text}");
    }
    let of_users: Value =
        serde_json::from_str(&shell.done(&["stats", "user:", "-o", "json", "--reads", "2"])).expect("JSON");
    assert_eq!(of_users["entries"], 2);
    assert_eq!(of_users["costs"][3]["aMonth"], 5_184_000.0);
}

#[test]
fn a_check_of_a_store_without_a_layout_leaves_it_without() {
    for flags in [&["check"][..], &["check", "--read-only"]] {
        let shell = Shell::new();
        // An empty store, that nobody has used.
        held(&shell.path().join(".larder"), |driver| async move { drop(driver) });
        let said = shell.run(flags);
        said.failed(0, "");
        assert!(said.text().contains("good\tlayout\tnot there yet"), "{said:?}");
        assert!(said.text().contains("run `larder up`"), "{said:?}");
        for check in ["clock", "read", "write"] {
            assert!(said.text().contains(&format!("unknown\t{check}\tnot looked at")), "{check}: {said:?}");
        }
        let layout = held(&shell.path().join(".larder"), |driver| async move {
            larder_core::Kv::new(driver).stored_layout().await.expect("a look")
        });
        assert!(layout.is_none(), "{flags:?}");
    }
}

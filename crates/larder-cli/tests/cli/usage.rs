//! Command lines that are wrong, and stores that are not there.

use std::net::TcpListener;

use crate::support::{Shell, held};

#[test]
fn a_wrong_command_line_is_refused_before_anything_is_done() {
    let shell = Shell::new();
    for (arguments, why) in [
        (&["get"][..], "<KEY>"),
        (&["--what"], "--what"),
        (&["put", "k", "v", "--tll", "3s"], "--ttl"),
        (&["fetch", "k"], "fetch"),
        (&["get", "k", "--output", "xml"], "ndjson"),
        (&["get", "k", "--binding", "a", "--url", "local-kv:x"], "cannot be used with"),
        (&["copy", "local-kv:x"], "<TO>"),
        (&["copy", "local-kv:x", "local-kv:y", "--url", "local-kv:z"], "FROM and TO"),
        (&["copy", "local-kv:x", "local-kv:y", "--overwrite", "--skip-existing"], "cannot be used with"),
        (&["copy", "local-kv:x", "local-kv:y", "--rate", "0"], "--rate"),
        (&["stats", "--reads=-1"], "--reads"),
    ] {
        shell.run(arguments).failed(2, why);
    }
    assert_eq!(std::fs::read_dir(shell.path()).expect("a directory").count(), 0);
}

#[test]
fn ids_and_keys_out_of_bounds_are_refused() {
    let shell = Shell::new();
    for id in ["no such", "", "a:b", "ümlaut", &"x".repeat(65)] {
        shell.run(&["get", "k", &format!("--binding={id}")]).failed(2, "A-Z");
    }
    shell.run(&["copy", "no such", "local-kv:y"]).failed(2, "A-Z");
    shell.run(&["put", "", "x"]).failed(2, "the key is empty");
    shell.run(&["put", &"k".repeat(513), "x"]).failed(2, "the limit is 512");
    assert!(!shell.path().join("y").exists());
}

#[test]
fn a_binding_that_is_not_there_or_wrong_says_where_to_look() {
    let mut shell = Shell::new();
    shell.run(&["get", "k", "--binding", "my-cache"]).failed(1, "LARDER_MY_CACHE_BINDING");
    shell.run(&["get", "k", "--url", "redis://host"]).failed(1, "redis");
    shell.run(&["get", "k", "--url", "dynamodb://table"]).failed(1, "region");
    let secret = "dynamodb://table?region=x&secretAccessKey=hush-hush";
    let said = shell.run(&["get", "k", "--url", secret]);
    said.failed(1, "a URL takes no secret");
    assert!(!said.errors.contains("hush-hush"), "{said:?}");
    shell.set("LARDER_MY_CACHE_BINDING", "local-kv:here?keyPrefix=c");
    shell.done(&["put", "k", "v", "--binding", "my-cache"]);
    assert_eq!(shell.done(&["get", "c:k", "--url", "local-kv:here"]), "v");
}

#[test]
fn reading_makes_no_store() {
    let shell = Shell::new();
    for arguments in [
        &["get", "k"][..],
        &["exists", "k"],
        &["scan"],
        &["delete", "k"],
        &["touch", "k", "--persist"],
        &["export"],
        &["sweep"],
        &["check"],
        &["stats"],
        &["copy", "local-kv:.larder", "local-kv:new"],
    ] {
        shell.run(arguments).failed(1, "there is no store in");
    }
    assert_eq!(std::fs::read_dir(shell.path()).expect("a directory").count(), 0);
}

#[test]
fn an_empty_directory_is_no_store_and_stays_empty() {
    let shell = Shell::new();
    let mount = shell.path().join(".larder");
    std::fs::create_dir(&mount).expect("a directory");
    for arguments in [&["get", "k"][..], &["export"], &["copy", "local-kv:.larder", "local-kv:new"]] {
        shell.run(arguments).failed(1, "there is no store in");
        assert_eq!(std::fs::read_dir(&mount).expect("a directory").count(), 0, "{arguments:?}");
    }
    assert!(!shell.path().join("new").exists());
    // The first write makes one there.
    shell.done(&["put", "k", "v"]);
    assert_eq!(shell.done(&["get", "k"]), "v");
}

#[test]
fn a_store_that_another_process_has_open_says_so() {
    let shell = Shell::new();
    shell.done(&["put", "k", "v"]);
    held(&shell.path().join(".larder"), |driver| async {
        shell.run(&["get", "k"]).failed(1, "in use by another process");
        drop(driver);
    });
    assert_eq!(shell.done(&["get", "k"]), "v");
}

#[cfg(feature = "aws")]
#[test]
fn a_server_that_cannot_be_reached_is_unavailable() {
    // A port that nobody listens on: it was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let mut shell = Shell::new();
    shell.set(
        "LARDER_CACHE_BINDING",
        format!(
            r#"{{"service":"dynamodb","tableName":"t-t","region":"eu-central-1","accessKeyId":"a",
                "secretAccessKey":"hush-hush","endpointUrl":"http://127.0.0.1:{port}"}}"#
        ),
    );
    let said = shell.run(&["get", "k", "--binding", "cache", "--timeout", "1s"]);
    said.failed(1, "unavailable");
    assert!(!said.errors.contains("hush-hush"), "{said:?}");
    shell.run(&["copy", "cache", "local-kv:y", "--timeout", "1s"]).failed(1, "unavailable");
    let check = shell.run(&["check", "--binding", "cache", "--timeout", "1s"]);
    assert_eq!(check.code, 1);
    assert!(check.text().contains("bad\treachable\tunavailable"), "{check:?}");
}

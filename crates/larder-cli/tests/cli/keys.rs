//! `larder keys`, and a gateway that asks for them.

use crate::serving::Serving;
use crate::support::Shell;

const GET: &str = "GET /v1/operations/data?key=k";

fn create(shell: &Shell, arguments: &[&str]) -> String {
    let created = shell.run(&[&["keys", "create"], arguments].concat());
    assert!(created.errors.contains("not shown again"), "{created:?}");
    created.done().trim().to_owned()
}

fn id(key: &str) -> &str {
    key.split('_').nth(1).expect("an id")
}

#[test]
fn a_key_is_shown_once_and_listed_without_its_secret() {
    let shell = Shell::new();
    let all = ["--allow", "read,write", "--namespace", "tenant", "--rate", "100/s", "--expires-in", "30d"];
    let key = create(&shell, &[&all[..], &["--only", "cache", "--label", "ci"]].concat());
    assert!(key.starts_with("kv_") && key.len() == 84, "{key}");
    let listed = shell.done(&["keys", "list", "--output", "json"]);
    let secret = key.rsplit('_').next().expect("a secret");
    assert!(!listed.contains(secret));
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let listed = &listed["keys"][0];
    assert_eq!(listed["id"], id(&key));
    assert_eq!(listed["label"], "ci");
    assert_eq!(listed["namespace"], "tenant");
    assert_eq!(listed["bindings"], serde_json::json!(["cache"]));
    assert_eq!(listed["permissions"], serde_json::json!(["read", "write"]));
    assert_eq!(listed["rate"], "100/s");
    assert!(listed["expiresAt"].is_string());
    // No file of the store has it either.
    for file in std::fs::read_dir(shell.path().join(".larder")).expect("a directory") {
        let path = file.expect("a file").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("a file");
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{path:?}");
        }
    }
}

#[test]
fn no_command_for_data_reaches_keys() {
    let shell = Shell::new();
    let key = create(&shell, &["--allow", "read"]);
    assert_eq!(shell.done(&["scan"]), "");
    let name = format!("!gateway-keys:{}", id(&key));
    shell.run(&["get", &name]).failed(3, "");
    let export = shell.done(&["export", "-"]);
    assert!(!export.contains(id(&key)), "{export}");
}

#[test]
fn a_revoked_key_is_gone_and_revoking_again_says_so() {
    let shell = Shell::new();
    let key = create(&shell, &["--allow", "read"]);
    shell.run(&["keys", "revoke", id(&key)]).done();
    assert_eq!(shell.done(&["keys", "list"]), "");
    shell.run(&["keys", "revoke", id(&key)]).failed(3, "there is no key");
    // Given whole by mistake, it is not repeated.
    let refused = shell.run(&["keys", "revoke", &key]);
    refused.failed(2, "no id of a key");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let shell = Shell::new();
    for (arguments, why) in [
        (&["keys", "create"][..], "--allow"),
        (&["keys", "create", "--allow", "admin"], "no permission"),
        (&["keys", "create", "--allow", "read", "--rate", "5"], "a rate is"),
        (&["keys", "create", "--allow", "read", "--namespace", "a:b"], "resource id"),
        (&["keys", "create", "--allow", "read", "--only", "a b"], "resource id"),
        (&["keys", "create", "--allow", "read", "--expires-in", "30"], "a lifetime is"),
    ] {
        shell.run(arguments).failed(2, why);
    }
}

#[test]
fn a_gateway_asks_for_keys_once_there_are_any() {
    let shell = Shell::new();
    let open = Serving::start(&shell, &["--listen", "127.0.0.1:0"]);
    assert_eq!(open.said["keys"], false);
    assert_eq!(open.ask(GET, &[], "").0, 404);
    open.terminate();
    assert!(open.ended().status.success());

    let key = create(&shell, &["--allow", "read,write", "--namespace", "tenant"]);
    let closed = Serving::start(&shell, &["--listen", "127.0.0.1:0"]);
    assert_eq!(closed.said["keys"], true);
    assert_eq!(closed.ask(GET, &[], "").0, 401);
    let bearer = format!("Bearer {key}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let put = closed.ask("POST /v1/operations/data", &headers, r#"{"key":"k","value":1}"#);
    assert_eq!(put.0, 200, "{put:?}");
    assert_eq!(closed.ask(GET, &headers, "").0, 200);
    assert_eq!(closed.ask("DELETE /v1/operations/data?key=k", &headers, "").0, 403);
    closed.terminate();
    assert!(closed.ended().status.success());
    assert_eq!(shell.done(&["get", "tenant:k"]), "1");
}

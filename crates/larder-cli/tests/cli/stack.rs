//! `larder plan`, `up`, `down` and `template`, as processes.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().expect("a directory"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
        command.args(arguments).current_dir(&self.0);
        for name in ["LARDER_BINDINGS", "AWS_REGION", "AWS_DEFAULT_REGION", "GOOGLE_CLOUD_PROJECT"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// Runs what has to work, and returns what it printed.
    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        done(&self.run(arguments))
    }

    /// Runs what has to be refused with that code, and returns why.
    #[track_caller]
    fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).expect("a file")
    }

    fn has(&self, name: &str) -> bool {
        self.0.path().join(name).exists()
    }
}

#[track_caller]
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

const LOCAL: [&str; 2] = ["--platform", "local"];
const STORE: &str = "cache-5e1ecee0";

#[test]
fn up_needs_nothing_and_its_store_is_found_in_every_form() {
    let place = Place::new();
    let plan = place.done(&["plan", "--platform", "local"]);
    assert!(plan.contains("+ directory") && plan.contains("+ layout record: 1 shard"), "{plan}");
    assert!(!place.has(".larder-stores") && !place.has("bindings.toml"), "a plan makes nothing");

    let up = place.done(&["up", "--platform", "local", "--yes"]);
    assert!(up.contains("+ store: empty"), "{up}");
    assert!(place.has(&format!(".larder-stores/{STORE}/db")));
    for name in ["b.json", "b.env", "b.yaml"] {
        let again = place.done(&["up", "--platform", "local", "--yes", "--bindings", name]);
        assert!(!again.contains("+ "), "{again}");
    }
    // Nothing to do: nobody is asked.
    place.done(&["up", "--platform", "local"]);

    // Put by another program, as a service would; `get` is the program's own.
    let put = "larder-cli-test";
    let dir = place.0.path().join(".larder-stores").join(STORE);
    put_directly(&dir, put);
    for name in ["bindings.toml", "b.json"] {
        let output =
            place.command(&["get", "key", "--binding", "cache"]).env("LARDER_BINDINGS", name).output();
        assert_eq!(done(&output.expect("it runs")), put, "{name}");
    }
    let script =
        format!("set -a; . ./b.env; exec {:?} get key --binding cache", env!("CARGO_BIN_EXE_larder"));
    let output = Command::new("sh").args(["-c", &script]).current_dir(&place.0).output();
    assert_eq!(done(&output.expect("a shell")), put);
    assert!(place.read("b.yaml").contains("LARDER_CACHE_BINDING: \"{"));
}

fn put_directly(dir: &std::path::Path, value: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let url = format!("local-kv://{}", dir.display());
        let kv = larder::Bindings::from_map([("cache", url)]).load_kv("cache").await.expect("a handle");
        kv.put("key", value, larder::PutOptions::new()).await.expect("a put");
    });
}

#[cfg(unix)]
#[test]
fn bindings_are_for_the_owners_eyes() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    for name in ["b.toml", "b.json", "b.env", "b.yaml"] {
        place.done(&["up", "--platform", "local", "--yes", "--bindings", name]);
        let mode = fs::metadata(place.0.path().join(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn nothing_is_done_without_a_yes() {
    let place = Place::new();
    let said = place.refused(2, &["up", "--platform", "local"]);
    assert!(said.contains("--yes"), "{said}");
    assert!(!place.has(".larder-stores") && !place.has("bindings.toml"));
    // A file that says something else is replaced only where that was shown and agreed to.
    place.done(&["up", "--platform", "local", "--yes"]);
    place.write("bindings.toml", "# mine\n");
    let said = place.refused(2, &["up", "--platform", "local"]);
    assert!(said.contains("~ bindings: bindings.toml"), "{said}");
    assert_eq!(place.read("bindings.toml"), "# mine\n");
}

#[test]
fn down_wants_every_name_and_removes_nothing_before() {
    let place = Place::new();
    place.write("stack.json", r#"[{"type":"kv","id":"a-b"},{"type":"kv","id":"ab"}]"#);
    place.done(&["up", "--platform", "local", "--yes"]);
    let said = place.refused(2, &["down", "--platform", "local", "--confirm", "a-b-d44362d6"]);
    assert!(said.contains("--confirm ab-fb8e20fc"), "{said}");
    let said = place.refused(2, &["down", "--platform", "local", "--confirm", "a-b"]);
    assert!(said.contains("a-b-d44362d6, ab-fb8e20fc"), "{said}");
    assert!(place.has(".larder-stores/a-b-d44362d6/db") && place.has(".larder-stores/ab-fb8e20fc/db"));
    let names = ["--confirm", "a-b-d44362d6", "--confirm", "ab-fb8e20fc"];
    let down = place.done(&[&["down", "--platform", "local"][..], &names].concat());
    assert_eq!(down.matches("- store: with all that is in it").count(), 4, "planned and done: {down}");
    assert_eq!(fs::read_dir(place.0.path().join(".larder-stores")).expect("a directory").count(), 0);
    let again = place.done(&["down", "--platform", "local"]);
    assert!(again.contains("is not there"), "{again}");
}

#[test]
fn plans_are_json_where_a_program_reads() {
    let place = Place::new();
    let plan: Value =
        serde_json::from_str(&place.done(&["plan", "--platform", "local", "-o", "json"])).expect("JSON");
    let store = &plan[0];
    assert_eq!(
        (&store["id"], &store["name"], &store["changes"]),
        (&"cache".into(), &STORE.into(), &true.into())
    );
    assert_eq!(store["steps"].as_array().expect("steps").len(), 3);
    let lines = place.done(&["plan", "--platform", "local", "-o", "ndjson"]);
    assert_eq!(lines.lines().count(), 1);
}

#[test]
fn bad_input_is_named_and_has_its_code() {
    let place = Place::new();
    place.write("dup.json", r#"[{"type":"kv","id":"a"},{"type":"kv","id":"a"}]"#);
    place.write("meets.json", r#"[{"type":"kv","id":"a-b"},{"type":"kv","id":"a_b"}]"#);
    place.write("id.toml", "type = \"kv\"\nid = \"a b\"\n");
    place.write("key.toml", "type = \"kv\"\nid = \"a\"\nttl = 3\n");
    let plan = |stack: &'static str| ["plan", "--platform", "local", "--stack", stack];
    for (code, arguments, words) in [
        (2, &plan("dup.json")[..], "\"a\" is there twice"),
        (2, &plan("meets.json"), "LARDER_A_B_BINDING"),
        (2, &plan("id.toml"), "no resource id"),
        (2, &plan("key.toml"), "the key \"ttl\" is unknown"),
        (1, &plan("absent.toml"), "absent.toml cannot be read"),
        (2, &["plan", "--platform", "amazon"], "local, aws, gcp and azure"),
        (2, &["plan"], "--platform"),
        (2, &["plan", "--platform", "aws"], "--region"),
        (2, &["plan", "--platform", "gcp"], "GOOGLE_CLOUD_PROJECT"),
        (2, &["plan", "--platform", "local", "--region", "x"], "--region means nothing on local"),
        (2, &["up", "--platform", "local", "--bindings", "b.txt"], ".env, .toml, .json"),
        (2, &["template", "bicep", "--platform", "aws", "--region", "x"], "Bicep is for azure"),
        (2, &["template", "terraform"], "--platform"),
        (2, &["plan", "--platform", "local", "--binding", "cache"], "plan is about the stores of a stack"),
        (2, &["up", "--platform", "local", "--yes", "--url", "local-kv:x"], "takes no --binding or --url"),
        (2, &["down", "--platform", "local", "-b", "cache", "--confirm", STORE], "down is about the stores"),
        (
            2,
            &["-u", "local-kv:x", "template", "cloudformation", "--region", "x"],
            "template is about the stores",
        ),
    ] {
        let said = place.refused(code, arguments);
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    place.write("stack.toml", "type = \"kv\"\nid = \"a\"\n");
    place.write("stack.json", "[]");
    assert!(place.refused(2, &[&["plan"][..], &LOCAL].concat()).contains("both here"));
    assert!(!place.has(".larder-stores"));
}

#[test]
fn templates_are_printed_for_every_cloud() {
    let place = Place::new();
    let aws = ["--region", "eu-central-1"];
    let json = place.done(&[&["template", "cloudformation"][..], &aws].concat());
    let template: Value = serde_json::from_str(&json).expect("JSON");
    assert!(template["Resources"].is_object());
    let terraform = place.done(&[&["template", "terraform", "--platform", "aws"][..], &aws].concat());
    assert!(terraform.contains("resource \"aws_dynamodb_table\" \"kv_cache_5e1ecee0\""), "{terraform}");
    let gcp = place.done(&["template", "terraform", "--platform", "gcp", "--project", "p"]);
    assert!(gcp.contains("no narrower scope than a database"), "{gcp}");
    let bicep = place.done(&["template", "bicep", "--account", "shopprod"]);
    assert!(bicep.contains("param principalId string"), "{bicep}");
}

#[test]
fn bindings_that_cannot_be_written_are_told_before_anything_is_made() {
    let shell = crate::support::Shell::new();
    let said = shell.run(&["up", "--platform", "local", "--yes", "--bindings", "none/bindings.toml"]);
    said.failed(1, "none/bindings.toml cannot be written");
    assert!(!shell.path().join(".larder-stores").exists());
}

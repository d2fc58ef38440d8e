//! Where a binding is found: variables, then the file; and what is said when it is not.

mod support;

use std::path::{Path, PathBuf};

use larder::{Binding, Bindings, Environment};
use tempfile::TempDir;

use support::refusal;

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().copied().collect()
}

fn from_env(variables: &[(&str, &str)]) -> Bindings {
    Bindings::from_env().with_environment(environment(variables))
}

/// The directory of a `local-kv` binding, which tells the places apart.
#[track_caller]
fn dir(bindings: &Bindings, id: &str) -> PathBuf {
    match bindings.binding(id).expect("a binding") {
        Binding::LocalKv(binding) => binding.data_dir,
        other => panic!("{other:?}"),
    }
}

fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    (folder, path)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn the_places_are_tried_in_order() {
    let (_folder, path) = file("bindings.toml", r#"cache = "local-kv:file""#);
    let all = [
        ("LARDER_CACHE_BINDING", "local-kv:larder"),
        ("ALIEN_CACHE_BINDING", "local-kv:alien"),
        ("LARDER_BINDINGS", text(&path)),
    ];
    assert_eq!(dir(&from_env(&all), "cache"), Path::new("larder"));
    assert_eq!(dir(&from_env(&all[1..]), "cache"), Path::new("alien"));
    assert_eq!(dir(&from_env(&all[2..]), "cache"), Path::new("file"));
}

#[test]
fn the_variable_is_the_id_in_upper_case_with_underscores() {
    let bindings = from_env(&[("LARDER_SESSION_CACHE_2_BINDING", "local-kv:here")]);
    for id in ["session-cache-2", "session_cache_2", "Session-Cache_2", "SESSION_CACHE_2"] {
        assert_eq!(dir(&bindings, id), Path::new("here"));
    }
}

#[test]
fn nothing_found_names_all_places() {
    let message = refusal(from_env(&[]).binding("session-cache").map(drop), "session-cache");
    assert_eq!(
        message,
        "no binding: LARDER_SESSION_CACHE_BINDING and ALIEN_SESSION_CACHE_BINDING are not set, \
         and neither is LARDER_BINDINGS, which names a bindings file (.toml or .json)"
    );
    let (_folder, path) = file("bindings.json", r#"{"a":"local-kv:a","b":{"apiKey":"hunter2"}}"#);
    let bindings = from_env(&[("LARDER_BINDINGS", text(&path))]);
    assert_eq!(
        refusal(bindings.binding("cache").map(drop), "cache"),
        format!(
            "no binding: LARDER_CACHE_BINDING and ALIEN_CACHE_BINDING are not set, and the bindings file {} has \
             no \"cache\": it has \"a\", \"b\" (LARDER_BINDINGS)",
            path.display()
        )
    );
}

#[test]
fn a_malformed_variable_is_an_error_and_not_passed_over() {
    let bindings =
        from_env(&[("LARDER_CACHE_BINDING", "hunter2"), ("ALIEN_CACHE_BINDING", "local-kv:alien")]);
    let message = refusal(bindings.binding("cache").map(drop), "cache");
    assert!(message.starts_with("LARDER_CACHE_BINDING: the binding is neither"), "{message}");
    let bindings = from_env(&[("LARDER_CACHE_BINDING", ""), ("ALIEN_CACHE_BINDING", "local-kv:alien")]);
    let message = refusal(bindings.binding("cache").map(drop), "cache");
    assert!(message.starts_with("LARDER_CACHE_BINDING: the binding is empty"), "{message}");
}

#[test]
fn env_ref_belongs_to_the_alien_variable() {
    let text = r#"{"service":"local-kv","dataDir":{"envRef":"DIR"},"keyPrefix":{"env":"PREFIX"}}"#;
    let variables = [("ALIEN_CACHE_BINDING", text), ("DIR", "referred"), ("PREFIX", "p")];
    assert_eq!(dir(&from_env(&variables), "cache"), Path::new("referred"));

    let message = refusal(from_env(&variables[..1]).binding("cache").map(drop), "cache");
    assert_eq!(message, r#"ALIEN_CACHE_BINDING: dataDir: the variable "DIR" is not set"#);

    let elsewhere = from_env(&[("LARDER_CACHE_BINDING", text), ("DIR", "hunter2"), ("PREFIX", "p")]);
    let message = refusal(elsewhere.binding("cache").map(drop), "cache");
    assert_eq!(message, r#"LARDER_CACHE_BINDING: dataDir is an "envRef"; here that is {"env":"VAR"}"#);

    let other = r#"{"service":"local-kv","dataDir":{"secretRef":{"name":"hunter2","key":"k"}}}"#;
    let message = refusal(from_env(&[("ALIEN_CACHE_BINDING", other)]).binding("cache").map(drop), "cache");
    assert!(message.ends_with(r#"it must be a string, {"env":"VAR"} or {"envRef":"VAR"}"#), "{message}");
}

#[cfg(unix)]
#[test]
fn variables_that_are_not_utf8_are_named() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    for variable in ["LARDER_CACHE_BINDING", "ALIEN_CACHE_BINDING", "LARDER_BINDINGS"] {
        let environment = [(variable, OsString::from_vec(b"hunter2\xff".to_vec()))].into_iter().collect();
        let bindings = Bindings::from_env().with_environment(environment);
        let message = refusal(bindings.binding("cache").map(drop), "cache");
        assert_eq!(message, format!("{variable} is not UTF-8"));
    }
}

#[test]
fn a_file_is_toml_or_json() {
    let (_folder, toml) = file(
        "bindings.TOML",
        r#"
        cache = "local-kv:url"
        text = '{"service":"local-kv","dataDir":"text"}'

        [sessions]
        service = "local-kv"
        dataDir = { env = "DIR" }
        "#,
    );
    let (_other_folder, json) = file(
        "bindings.json",
        r#"{"cache":"local-kv:url",
            "text":"{\"service\":\"local-kv\",\"dataDir\":\"text\"}",
            "sessions":{"service":"local-kv","dataDir":{"env":"DIR"}}}"#,
    );
    for path in [toml, json] {
        for bindings in [
            Bindings::from_file(&path).with_environment(environment(&[("DIR", "here")])),
            from_env(&[("LARDER_BINDINGS", text(&path)), ("DIR", "here")]),
        ] {
            assert_eq!(dir(&bindings, "cache"), Path::new("url"));
            assert_eq!(dir(&bindings, "text"), Path::new("text"));
            assert_eq!(dir(&bindings, "sessions"), Path::new("here"));
        }
    }
}

#[test]
fn a_file_without_the_id_says_what_it_has() {
    let (_folder, path) = file("empty.json", "{}");
    let message = refusal(Bindings::from_file(&path).binding("cache").map(drop), "cache");
    let place = format!("the bindings file {}", path.display());
    assert_eq!(message, format!(r#"no binding: {place} has no "cache": it has nothing"#));

    let many: Vec<_> = (0..12).map(|n| format!(r#""id-{n:02}":"local-kv:d""#)).collect();
    let (_folder, path) = file("many.json", &format!("{{{}}}", many.join(",")));
    let message = refusal(Bindings::from_file(&path).binding("cache").map(drop), "cache");
    assert!(message.ends_with(r#""id-09", 2 more"#), "{message}");

    let message = refusal(Bindings::from_map([("a", "local-kv:a")]).binding("cache").map(drop), "cache");
    assert_eq!(message, r#"no binding: the map of bindings has no "cache": it has "a""#);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().expect("a directory");
    let missing = folder.path().join("missing.toml");
    let message = refusal(Bindings::from_file(&missing).binding("cache").map(drop), "cache");
    assert_eq!(message, format!("the bindings file {} cannot be read (entity not found)", missing.display()));
    let message =
        refusal(from_env(&[("LARDER_BINDINGS", text(&missing))]).binding("cache").map(drop), "cache");
    assert!(message.starts_with("LARDER_BINDINGS: the bindings file "), "{message}");

    let (_folder, path) = file("bindings.toml", "");
    std::fs::write(&path, b"cache = \"\xff\"").expect("a file");
    let message = refusal(Bindings::from_file(&path).binding("cache").map(drop), "cache");
    assert!(message.ends_with("is not UTF-8"), "{message}");
}

#[test]
fn a_file_that_cannot_be_parsed_is_not_quoted() {
    let (_folder, path) = file("bindings.toml", "cache = \"local-kv:a\"\nb = hunter2\nc = \"hunter2\"");
    let message = refusal(Bindings::from_file(&path).binding("cache").map(drop), "cache");
    let place = format!("the bindings file {}", path.display());
    assert_eq!(message, format!("{place}: it is not valid TOML (line 2)"));

    let (_folder, path) = file("bindings.json", "{\"cache\":\n\"hunter2}");
    let message = refusal(Bindings::from_file(&path).binding("cache").map(drop), "cache");
    assert!(message.contains("it is not valid JSON (line 2, column "), "{message}");

    let (_folder, path) = file("bindings.json", r#"["hunter2"]"#);
    let message = refusal(Bindings::from_file(&path).binding("cache").map(drop), "cache");
    assert!(message.ends_with("holds a list; it must map ids to bindings"), "{message}");
}

#[test]
fn what_is_put_in_place_of_a_file_is_not_shown() {
    for path in
        [r#"{"cache":{"service":"gateway","apiKey":"hunter2"}}"#, "/etc/hunter2", "/etc/hunter2.yaml", ""]
    {
        let message = refusal(from_env(&[("LARDER_BINDINGS", path)]).binding("cache").map(drop), "cache");
        assert_eq!(message, "LARDER_BINDINGS: the path of a bindings file must end in .toml or .json");
    }
    let url = "https://user:hunter2@host/bindings.json";
    let message = refusal(from_env(&[("LARDER_BINDINGS", url)]).binding("cache").map(drop), "cache");
    assert_eq!(message, "LARDER_BINDINGS: a bindings file is named by its path, not by a URL");
}

#[test]
fn an_entry_that_is_no_binding_breaks_only_itself() {
    let (_folder, path) = file(
        "bindings.toml",
        "number = 5\nwhen = 2026-01-01\nlist = [\"hunter2\"]\nyes = true\nurl = \"redis://:hunter2@host\"\ngood = \"local-kv:d\"",
    );
    let bindings = Bindings::from_file(&path);
    assert_eq!(dir(&bindings, "good"), Path::new("d"));
    for (id, what) in [
        ("number", "the binding is a number"),
        ("list", "the binding is a list"),
        ("yes", "the binding is a boolean"),
        ("when", "service is missing"),
        ("url", "is unknown"),
    ] {
        let message = refusal(bindings.binding(id).map(drop), id);
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn ids_that_meet_in_one_variable_are_refused_in_files_too() {
    let (_folder, path) =
        file("bindings.json", r#"{"a-b":"local-kv:x","A_b":"local-kv:y","c":"local-kv:z"}"#);
    let bindings = Bindings::from_file(&path);
    for (id, other) in [("a-b", "A_b"), ("A_b", "a-b")] {
        let message = refusal(bindings.binding(id).map(drop), id);
        let expected =
            format!("{id:?} and {other:?} would both be found in LARDER_A_B_BINDING; rename one of them");
        assert!(message.ends_with(&expected), "{message}");
    }
    assert_eq!(dir(&bindings, "c"), Path::new("z"));
}

#[test]
fn an_id_is_in_a_file_or_map_once() {
    let (_folder, path) = file("bindings.json", r#"{"cache":"local-kv:x","cache":"local-kv:y"}"#);
    let message = refusal(Bindings::from_file(&path).binding("cache").map(drop), "cache");
    assert!(message.ends_with(r#""cache" is there twice"#), "{message}");
    let map = Bindings::from_map([("cache", "local-kv:x"), ("cache", "local-kv:y")]);
    assert!(refusal(map.binding("cache").map(drop), "cache").ends_with(r#""cache" is there twice"#));
}

#[test]
fn a_context_reads_nothing_before_a_binding_is_loaded() {
    let context = larder::Context::from_env();
    assert!(format!("{context:?}").contains("environment"));
}

//! Stacks on a real embedded store: planned, made, loaded through the bindings that were written, and removed.

use larder::{Bindings, Environment, ErrorKind, PutOptions};
use larder_provision::{
    AwsTarget, AzureTarget, BindingsForm, GcpTarget, Goal, LocalTarget, Stack, Store, Target,
    default_patience, stores, write_bindings,
};
use saphyr::{LoadableYamlNode, Yaml};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

async fn on(folder: &TempDir, json: &str) -> Vec<Store> {
    let target = Target::Local(LocalTarget { data_dir: folder.path().join("stores") });
    let stack = Stack::from_json(json).expect("a stack");
    stores(&stack, &target, &Environment::default(), &default_patience()).await.expect("stores")
}

/// The variables that `envFrom` makes of a Secret of Kubernetes.
fn variables_of_secret(manifest: &str) -> Environment {
    let documents = Yaml::load_from_str(manifest).expect("YAML");
    let data =
        documents[0].as_mapping_get("stringData").and_then(|data| data.as_mapping()).expect("a mapping");
    let text = |node: &Yaml<'_>| node.as_str().expect("a string").to_owned();
    data.iter().map(|(name, value)| (text(name), text(value))).collect()
}

#[tokio::test]
async fn a_stack_is_made_loaded_and_removed() {
    let folder = folder();
    let stack = r#"[{"type":"kv","id":"a-b"},{"type":"kv","id":"ab","shards":4,"deletionProtection":true}]"#;
    let stores = on(&folder, stack).await;
    for store in &stores {
        assert!(store.plan(Goal::Present).await.expect("a plan").has_changes());
        store.apply().await.expect("made");
    }
    let noted = stores[1].apply().await.expect("there");
    assert!(!noted.has_changes(), "{noted}");
    assert!(noted.to_string().contains(". shards: a store on local has one"), "{noted}");
    assert!(noted.to_string().contains(". deletion protection: local has none"), "{noted}");
    assert_eq!(std::fs::read_dir(folder.path().join("stores")).expect("a directory").count(), 2);

    for name in ["bindings.toml", "bindings.json", "bindings.yaml"] {
        let path = folder.path().join(name);
        let text = BindingsForm::of_path(&path).expect("a form").render(&stores).expect("text");
        write_bindings(&path, &text).expect("written");
        let bindings = match name.strip_suffix(".yaml") {
            Some(_) => Bindings::from_env().with_environment(variables_of_secret(&text)),
            None => Bindings::from_file(&path),
        };
        let kv = bindings.load_kv("a-b").await.expect("a handle");
        kv.put("key", name, PutOptions::new()).await.expect("a put");
        assert!(!bindings.load_kv("ab").await.expect("a handle").exists("key").await.expect("a read"));
    }
    for store in &stores {
        assert_eq!(
            store.destroy(store.id()).await.expect_err("the id is no name").kind(),
            ErrorKind::InvalidInput
        );
        store.destroy(store.name()).await.expect("removed");
    }
    assert_eq!(std::fs::read_dir(folder.path().join("stores")).expect("a directory").count(), 0);
}

#[tokio::test]
async fn an_error_names_the_resource() {
    let folder = folder();
    let stores = on(&folder, r#"{"type":"kv","id":"cache"}"#).await;
    std::fs::write(folder.path().join("stores"), "in the way").expect("a file");
    let error = stores[0].apply().await.expect_err("a file is in the way");
    assert_eq!((error.kind(), error.binding()), (ErrorKind::NotProvisioned, Some("cache")), "{error}");
}

#[tokio::test]
async fn settings_that_make_no_binding_are_refused_before_anything_is_asked() {
    let stack = Stack::default();
    for (target, words) in [
        (Target::Aws(AwsTarget::default()), "region"),
        (Target::Gcp(GcpTarget::default()), "projectId"),
        (Target::Azure(AzureTarget { account: "No".to_owned(), ..AzureTarget::default() }), "accountName"),
        (
            Target::Azure(AzureTarget {
                account: "shopprod".to_owned(),
                account_key_variable: Some("ABSENT".to_owned()),
                ..AzureTarget::default()
            }),
            "ABSENT",
        ),
    ] {
        let none: Environment = std::iter::empty::<(String, String)>().collect();
        let error = stores(&stack, &target, &none, &default_patience()).await.expect_err("refused");
        assert_eq!((error.kind(), error.binding()), (ErrorKind::NotConfigured, Some("cache")), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

//! The bindings of a stack's stores, in the forms in which services are given them.

mod file;

use std::path::Path;

use larder::{Error, ErrorKind, Result, variable_of};
use serde_json::{Map, Value};

pub use self::file::{Written, write_bindings};
use crate::store::Store;

/// A form in which services are given bindings. None of them holds a secret: bindings name the variables that do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BindingsForm {
    /// Lines for a shell, `docker compose` or systemd: `LARDER_CACHE_BINDING='…'`.
    Env,
    /// A bindings file in TOML, which `LARDER_BINDINGS` names.
    Toml,
    /// A bindings file in JSON, which `LARDER_BINDINGS` names.
    Json,
    /// A Secret of Kubernetes, whose entries become variables with `envFrom`.
    Kubernetes,
}

/// The name of the Secret.
const SECRET: &str = "larder-bindings";

impl BindingsForm {
    /// The form of a file, by the end of its name: `.env`, `.toml`, `.json`, `.yaml` or `.yml`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for another end.
    pub fn of_path(path: &Path) -> Result<Self> {
        let name =
            path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        match name.rsplit_once('.').map(|(_, end)| end) {
            Some("env") => Ok(Self::Env),
            Some("toml") => Ok(Self::Toml),
            Some("json") => Ok(Self::Json),
            Some("yaml" | "yml") => Ok(Self::Kubernetes),
            _ => Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "{}: the name of a file of bindings ends in .env, .toml, .json or .yaml, for a Secret of Kubernetes",
                    path.display()
                ),
            )),
        }
    }

    /// The bindings of stores, in this form.
    ///
    /// # Errors
    ///
    /// `Internal` when TOML cannot be written, which no binding gives reason to.
    pub fn render(self, stores: &[Store]) -> Result<String> {
        let bindings = stores.iter().map(|store| (store.id().to_owned(), store.binding().clone()));
        self.render_bindings(&bindings.collect())
    }

    fn render_bindings(self, bindings: &Map<String, Value>) -> Result<String> {
        let internal = |error: String| Error::new(ErrorKind::Internal, error);
        match self {
            Self::Env => Ok(bindings.iter().map(|(id, binding)| env_line(id, binding)).collect()),
            Self::Toml => toml::to_string(bindings).map_err(|error| internal(error.to_string())),
            Self::Json => {
                let json =
                    serde_json::to_string_pretty(bindings).map_err(|error| internal(error.to_string()))?;
                Ok(json + "\n")
            }
            Self::Kubernetes => Ok(secret(bindings)),
        }
    }
}

fn env_line(id: &str, binding: &Value) -> String {
    // In single quotes nothing has a meaning to a shell but the quote.
    let text = binding.to_string().replace('\'', r"'\''");
    format!("{}='{text}'\n", variable_of(id))
}

fn secret(bindings: &Map<String, Value>) -> String {
    let mut yaml =
        format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: {SECRET}\ntype: Opaque\nstringData:\n");
    for (id, binding) in bindings {
        // A string of JSON is one of YAML.
        let text = Value::from(binding.to_string());
        yaml.push_str(&format!("  {}: {text}\n", variable_of(id)));
    }
    yaml
}

#[cfg(test)]
mod tests {
    use larder::{Binding, Bindings, Environment};
    use saphyr::{LoadableYamlNode, Yaml};
    use serde_json::json;

    use super::*;

    /// What is awkward in one form or another.
    const DIR: &str = "/srv/it's \"here\": #1\\ ${HOME} é/cache";

    fn bindings() -> Map<String, Value> {
        let mut bindings = Map::new();
        bindings.insert("my-cache".to_owned(), json!({ "service": "local-kv", "dataDir": DIR }));
        let table = json!({
            "service": "tablestorage",
            "accountName": "shopprod",
            "tableName": "sessions",
            "accountKey": { "env": "KEY" },
        });
        bindings.insert("sessions".to_owned(), table);
        bindings
    }

    fn assert_loads(bindings: &Bindings) {
        let Binding::LocalKv(local) = bindings.binding("my-cache").expect("a binding") else {
            panic!("another")
        };
        assert_eq!(local.data_dir, Path::new(DIR));
        let Binding::TableStorage(table) = bindings.binding("sessions").expect("a binding") else {
            panic!("another")
        };
        assert_eq!(table.table_name, "sessions");
        assert!(table.credential.is_some());
    }

    fn key() -> (String, String) {
        ("KEY".to_owned(), "aHVudGVyMg==".to_owned())
    }

    #[test]
    fn files_of_bindings_can_be_read() {
        let folder = tempfile::tempdir().expect("a directory");
        for name in ["bindings.toml", "bindings.json"] {
            let path = folder.path().join(name);
            let form = BindingsForm::of_path(&path).expect("a form");
            std::fs::write(&path, form.render_bindings(&bindings()).expect("text")).expect("a file");
            let environment: Environment = [key()].into_iter().collect();
            assert_loads(&Bindings::from_file(path).with_environment(environment));
        }
    }

    #[test]
    fn a_shell_reads_the_lines() {
        let lines = BindingsForm::Env.render_bindings(&bindings()).expect("text");
        assert_eq!(lines.lines().count(), 2);
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("bindings.env");
        std::fs::write(&path, lines).expect("a file");
        let script = r#"set -a; . "$1"; env -0"#;
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(&path).env_clear();
        let output =
            shell.env("PATH", std::env::var_os("PATH").unwrap_or_default()).output().expect("a shell");
        assert!(output.status.success(), "{output:?}");
        let variables = String::from_utf8(output.stdout).expect("UTF-8");
        let variables = variables.split('\0').filter_map(|pair| pair.split_once('='));
        let variables: Environment =
            variables.map(|(name, value)| (name.to_owned(), value.to_owned())).chain([key()]).collect();
        assert_loads(&Bindings::from_env().with_environment(variables));
    }

    #[test]
    fn a_secret_of_kubernetes_holds_the_variables() {
        let manifest = BindingsForm::Kubernetes.render_bindings(&bindings()).expect("text");
        let documents = Yaml::load_from_str(&manifest).expect("YAML");
        let [secret] = documents.as_slice() else { panic!("{manifest}") };
        let at = |key: &str| secret.as_mapping_get(key).unwrap_or_else(|| panic!("{key} is missing"));
        assert_eq!(at("kind").as_str(), Some("Secret"));
        assert_eq!(at("apiVersion").as_str(), Some("v1"));
        let name = at("metadata").as_mapping_get("name").and_then(|name| name.as_str());
        // As Kubernetes wants names.
        assert!(
            name.is_some_and(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')),
            "{name:?}"
        );
        let data = at("stringData").as_mapping().expect("a mapping").iter();
        let variables: Environment = data
            .map(|(name, value)| {
                let text = |node: &Yaml<'_>| node.as_str().expect("a string").to_owned();
                (text(name), text(value))
            })
            .chain([key()])
            .collect();
        assert_loads(&Bindings::from_env().with_environment(variables));
    }

    #[test]
    fn the_form_is_that_of_the_name() {
        for (name, form) in [
            (".env", BindingsForm::Env),
            ("larder.ENV", BindingsForm::Env),
            ("a.b.toml", BindingsForm::Toml),
            ("b.json", BindingsForm::Json),
            ("b.yml", BindingsForm::Kubernetes),
            ("b.yaml", BindingsForm::Kubernetes),
        ] {
            assert_eq!(BindingsForm::of_path(Path::new(name)).expect(name), form);
        }
        for name in ["bindings", "bindings.txt", "", ".."] {
            assert_eq!(
                BindingsForm::of_path(Path::new(name)).expect_err(name).kind(),
                ErrorKind::InvalidInput
            );
        }
    }
}

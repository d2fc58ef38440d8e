//! The stack: which resources there are to be.

use std::path::Path;

use larder::{Error, ErrorKind, Result, check_resource_id, variable_of};
use serde_json::{Map, Value};

/// How many shards can be asked for.
const SHARDS: [u64; 3] = [1, 4, 16];

/// The resources of an application.
///
/// Read from TOML or JSON: one resource, a list of them, or an object or table whose `resources` lists them. Ids differ, and
/// so do the variables that their bindings are found by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stack {
    resources: Vec<Resource>,
}

/// A key-value store that there is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Resource {
    /// The id that services load it by.
    pub id: String,
    /// How many shards its keys are spread over, on the platforms that have shards; 16 unless told.
    pub shards: u16,
    /// Whether it can be removed, on the platforms that have such a thing.
    pub protection: Protection,
}

/// Whether a store can be removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protection {
    /// As it is; a new one can.
    #[default]
    AsIs,
    /// It cannot.
    On,
    /// It can.
    Off,
}

impl Resource {
    fn new(id: &str) -> Self {
        Self { id: id.to_owned(), shards: 16, protection: Protection::AsIs }
    }
}

impl Default for Stack {
    /// One store, `cache`.
    fn default() -> Self {
        Self { resources: vec![Resource::new("cache")] }
    }
}

impl Stack {
    /// Its resources, in the order in which they were listed; at least one.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Reads a file whose name ends in `.toml` or `.json`.
    ///
    /// # Errors
    ///
    /// `NotConfigured`, naming the file, the resource and the rule.
    pub fn from_file(path: &Path) -> Result<Self> {
        let parse = match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if extension.eq_ignore_ascii_case("toml") => Self::from_toml,
            Some(extension) if extension.eq_ignore_ascii_case("json") => Self::from_json,
            _ => return Err(fault(format!("{}: a stack file ends in .toml or .json", path.display()))),
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| fault(format!("{} cannot be read ({})", path.display(), error.kind())))?;
        parse(&text).map_err(|error| fault(format!("{}: {}", path.display(), error.message())))
    }

    /// Reads TOML.
    ///
    /// # Errors
    ///
    /// `NotConfigured`, naming the line, or the resource and the rule.
    pub fn from_toml(text: &str) -> Result<Self> {
        let stack: Value = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            fault(format!("it is not valid TOML (line {})", before.matches('\n').count() + 1))
        })?;
        Self::of(stack)
    }

    /// Reads JSON. What `new Kv("cache").build()` of the TypeScript SDK gives, `{"type":"kv","id":"cache"}`, is taken as
    /// it is, alone or in a list.
    ///
    /// # Errors
    ///
    /// `NotConfigured`, naming the line, or the resource and the rule.
    pub fn from_json(text: &str) -> Result<Self> {
        let stack: Value = serde_json::from_str(text).map_err(|error| {
            fault(format!("it is not valid JSON (line {}, column {})", error.line(), error.column()))
        })?;
        Self::of(stack)
    }

    fn of(stack: Value) -> Result<Self> {
        let listed = match stack {
            Value::Array(listed) => listed,
            Value::Object(members) if members.contains_key("type") || members.contains_key("id") => {
                vec![Value::Object(members)]
            }
            Value::Object(mut members) => {
                let resources = members.remove("resources");
                if let Some(other) = members.keys().next() {
                    return Err(fault(format!("the key {} is unknown; a stack has resources", shown(other))));
                }
                match resources {
                    Some(Value::Array(listed)) => listed,
                    Some(_) => return Err(fault("resources must be a list")),
                    None => return Err(fault("it lists no resources: give resources, or one resource")),
                }
            }
            _ => return Err(fault("it must be a resource, a list of them, or an object with resources")),
        };
        if listed.is_empty() {
            return Err(fault(
                "it lists no resources: give at least one, as {\"type\":\"kv\",\"id\":\"cache\"}",
            ));
        }
        let mut resources: Vec<Resource> = Vec::new();
        for (place, resource) in listed.into_iter().enumerate() {
            let resource = read(resource)
                .map_err(|error| fault(format!("resource {}: {}", place + 1, error.message())))?;
            for other in &resources {
                if other.id == resource.id {
                    return Err(fault(format!("resource {}: {:?} is there twice", place + 1, resource.id)));
                }
                let variable = variable_of(&resource.id);
                if variable_of(&other.id) == variable {
                    return Err(fault(format!(
                        "resource {}: {:?} and {:?} would both be found in {variable}; rename one of them",
                        place + 1,
                        other.id,
                        resource.id
                    )));
                }
            }
            resources.push(resource);
        }
        Ok(Self { resources })
    }
}

const KEYS: &str = "type, id, shards and deletionProtection";

fn read(resource: Value) -> Result<Resource> {
    let Value::Object(members) = resource else { return Err(fault("it must be an object")) };
    for key in members.keys() {
        if !["type", "id", "shards", "deletionProtection"].contains(&key.as_str()) {
            return Err(fault(format!("the key {} is unknown; known are {KEYS}", shown(key))));
        }
    }
    match text(&members, "type")? {
        "kv" => {}
        other => return Err(fault(format!("the type {} is unknown; known is kv", shown(other)))),
    }
    let id = text(&members, "id")?;
    check_resource_id(id).map_err(|error| fault(error.message().to_owned()))?;
    let mut read = Resource::new(id);
    if let Some(shards) = members.get("shards") {
        let shards = shards.as_u64().filter(|shards| SHARDS.contains(shards));
        let shards = shards.and_then(|shards| u16::try_from(shards).ok());
        read.shards = shards.ok_or_else(|| fault(format!("{id:?}: shards must be 1, 4 or 16")))?;
    }
    if let Some(protected) = members.get("deletionProtection") {
        read.protection = match protected.as_bool() {
            Some(true) => Protection::On,
            Some(false) => Protection::Off,
            None => return Err(fault(format!("{id:?}: deletionProtection must be true or false"))),
        };
    }
    Ok(read)
}

fn text<'a>(members: &'a Map<String, Value>, key: &str) -> Result<&'a str> {
    let value = members.get(key).ok_or_else(|| fault(format!("{key} is missing; known are {KEYS}")))?;
    value.as_str().ok_or_else(|| fault(format!("{key} must be a string")))
}

/// A name as it may stand in an error.
fn shown(name: &str) -> String {
    format!("{:?}", name.chars().take(64).collect::<String>())
}

fn fault(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::NotConfigured, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(stack: &Stack) -> Vec<&str> {
        stack.resources().iter().map(|resource| resource.id.as_str()).collect()
    }

    #[test]
    fn what_the_sdk_serialises_is_a_stack() {
        for json in [
            r#"{"type":"kv","id":"cache"}"#,
            r#"[{"type":"kv","id":"cache"}]"#,
            r#"{"resources":[{"type":"kv","id":"cache"}]}"#,
        ] {
            assert_eq!(Stack::from_json(json).expect(json), Stack::default());
        }
        let list = r#"[{"type":"kv","id":"cache"},{"id":"sessions","type":"kv","shards":4,"deletionProtection":true}]"#;
        let stack = Stack::from_json(list).expect("a stack");
        assert_eq!(ids(&stack), ["cache", "sessions"]);
        let sessions = &stack.resources()[1];
        assert_eq!((sessions.shards, sessions.protection), (4, Protection::On));
        assert_eq!((stack.resources()[0].shards, stack.resources()[0].protection), (16, Protection::AsIs));
    }

    #[test]
    fn toml_says_the_same() {
        let toml = "[[resources]]\ntype = \"kv\"\nid = \"cache\"\n\n[[resources]]\ntype = \"kv\"\nid = \"flags\"\n\
                    shards = 1\ndeletionProtection = false\n";
        let stack = Stack::from_toml(toml).expect("a stack");
        assert_eq!(ids(&stack), ["cache", "flags"]);
        assert_eq!((stack.resources()[1].shards, stack.resources()[1].protection), (1, Protection::Off));
        assert_eq!(Stack::from_toml("type = \"kv\"\nid = \"cache\"\n").expect("one"), Stack::default());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let kv = r#"{"type":"kv","id":"a-b"}"#;
        for (json, words) in [
            ("{".to_owned(), "not valid JSON (line 1, column 1)"),
            ("[]".to_owned(), "no resources"),
            ("{}".to_owned(), "no resources"),
            ("3".to_owned(), "must be a resource"),
            (r#"{"stores":[]}"#.to_owned(), "the key \"stores\" is unknown"),
            (r#"{"resources":{}}"#.to_owned(), "must be a list"),
            (format!(r#"[{kv},{{"type":"kv"}}]"#), "resource 2: id is missing"),
            (r#"{"id":"a"}"#.to_owned(), "type is missing"),
            (r#"{"type":"queue","id":"a"}"#.to_owned(), "the type \"queue\" is unknown"),
            (r#"{"type":"kv","id":7}"#.to_owned(), "id must be a string"),
            (r#"{"type":"kv","id":"a b"}"#.to_owned(), "no resource id"),
            (r#"{"type":"kv","id":"a","shard":4}"#.to_owned(), "the key \"shard\" is unknown"),
            (r#"{"type":"kv","id":"a","shards":2}"#.to_owned(), "1, 4 or 16"),
            (r#"{"type":"kv","id":"a","shards":"4"}"#.to_owned(), "1, 4 or 16"),
            (r#"{"type":"kv","id":"a","deletionProtection":"yes"}"#.to_owned(), "true or false"),
            (format!("[{kv},{kv}]"), "resource 2: \"a-b\" is there twice"),
            (format!(r#"[{kv},{{"type":"kv","id":"A_B"}}]"#), "both be found in LARDER_A_B_BINDING"),
        ] {
            let error = Stack::from_json(&json).expect_err(&json);
            assert_eq!(error.kind(), ErrorKind::NotConfigured, "{error}");
            assert!(error.to_string().contains(words), "{words:?} is not in {error}");
        }
        let error = Stack::from_toml("type = \"kv\"\nid = \n").expect_err("no TOML");
        assert!(error.to_string().contains("line 2"), "{error}");
        for path in ["stack.yaml", "absent.toml"] {
            let error = Stack::from_file(Path::new(path)).expect_err(path);
            assert!(error.to_string().contains(path), "{error}");
        }
    }
}

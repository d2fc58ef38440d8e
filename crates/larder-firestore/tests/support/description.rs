//! Google's published description of the Admin API, and whether a request or an answer keeps to it.
//!
//! `fixtures/firestore-v1.json` is the part of the discovery document of `firestore` v1, revision 20260928, that the
//! provisioner uses, without the descriptions.

use std::sync::LazyLock;

use serde_json::{Map, Value};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../fixtures/firestore-v1.json")).expect("the fixture is JSON")
});

pub(crate) fn revision() -> &'static str {
    DOCUMENT["revision"].as_str().expect("a revision")
}

/// A method of the description that a request was for.
#[derive(Debug)]
pub(crate) struct Call {
    /// As `projects.databases.get`.
    pub(crate) method: &'static str,
    /// What stands in the path: `projects/p/databases/d`.
    pub(crate) name: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Call {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The method that a request is for, if all of it is as the description says.
pub(crate) fn read(method: &str, path_and_query: &str, body: &[u8]) -> Result<Call, String> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let path = decoded(path);
    let methods = DOCUMENT["methods"].as_object().expect("methods");
    let found = methods.iter().find_map(|(id, description)| {
        let name = name_in(description, &path)?;
        (description["httpMethod"] == method).then_some((id, description, name))
    });
    let (id, description, name) = found.ok_or_else(|| format!("there is no {method} {path}"))?;
    let query: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect();
    for (name, _) in &query {
        let of_method = &description["parameters"][name];
        if of_method["location"] != "query" && DOCUMENT["parameters"][name].is_null() {
            return Err(format!("{id} has no query parameter {name}"));
        }
    }
    let schema = description["request"]["$ref"].as_str();
    let body = match (schema, body) {
        (None, []) => Value::Null,
        (None, _) => return Err(format!("{id} takes no body")),
        (Some(schema), body) => {
            let body = serde_json::from_slice(body).map_err(|_| format!("the body of {id} is no JSON"))?;
            check(&body, schema, Direction::Request)?;
            body
        }
    };
    let call = Call { method: id, name, query, body };
    if let (Some(mask), Some(schema)) = (call.query("updateMask"), schema) {
        for field in mask.split(',') {
            let first = field.split('.').next().unwrap_or_default();
            if DOCUMENT["schemas"][schema]["properties"][first].is_null() {
                return Err(format!("updateMask names {field}, which {schema} has not"));
            }
        }
    }
    Ok(call)
}

/// Checks an answer of the server's own: it has to be one that Google could give.
pub(crate) fn assert_answers(method: &str, answer: &Value) {
    let schema = DOCUMENT["methods"][method]["response"]["$ref"].as_str().expect("a schema");
    check(answer, schema, Direction::Answer).expect("the answer is as described");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Request,
    Answer,
}

fn check(value: &Value, schema: &str, direction: Direction) -> Result<(), String> {
    let description = &DOCUMENT["schemas"][schema];
    assert!(description.is_object(), "{schema} is not in the fixture");
    check_object(value, description, schema, direction)
}

fn check_object(value: &Value, description: &Value, place: &str, direction: Direction) -> Result<(), String> {
    let members = value.as_object().ok_or_else(|| format!("{place} is no object"))?;
    let none = Map::new();
    let properties = description["properties"].as_object().unwrap_or(&none);
    for (name, member) in members {
        let place = format!("{place}.{name}");
        match properties.get(name) {
            Some(property) => check_value(member, property, &place, direction)?,
            None if description["additionalProperties"].is_object() => {}
            None => return Err(format!("{place} is not in the description")),
        }
    }
    Ok(())
}

fn check_value(value: &Value, property: &Value, place: &str, direction: Direction) -> Result<(), String> {
    if direction == Direction::Request && property["readOnly"] == true {
        return Err(format!("{place} is for answers only"));
    }
    if let Some(schema) = property["$ref"].as_str() {
        return check(value, schema, direction);
    }
    let fits = match property["type"].as_str() {
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64(),
        Some("array") => value.is_array(),
        Some("object") => return check_object(value, property, place, direction),
        Some("any") => true,
        other => return Err(format!("{place} has the type {other:?}, which nobody knows")),
    };
    if !fits {
        return Err(format!("{place} is not of the type {}", property["type"]));
    }
    if let (Some(allowed), Some(text)) = (property["enum"].as_array(), value.as_str())
        && !allowed.iter().any(|allowed| allowed == text)
    {
        return Err(format!("{place} is {text}, which is none of its values"));
    }
    for item in value.as_array().into_iter().flatten() {
        check_value(item, &property["items"], place, direction)?;
    }
    Ok(())
}

/// What stands in the path for `{+name}` or `{+parent}`, if it fits the pattern of the parameter.
fn name_in(description: &Value, path: &str) -> Option<String> {
    let template = description["path"].as_str()?;
    let (before, rest) = template.split_once("{+")?;
    let (parameter, after) = rest.split_once('}')?;
    let name = path.strip_prefix('/')?.strip_prefix(before)?.strip_suffix(after)?;
    let pattern = description["parameters"][parameter]["pattern"].as_str()?;
    let pattern: Vec<_> = pattern.trim_start_matches('^').trim_end_matches('$').split("/[^/]+").collect();
    // `projects/[^/]+/databases/[^/]+` is every second segment.
    let wanted: Vec<_> =
        pattern.iter().map(|part| part.trim_matches('/')).filter(|part| !part.is_empty()).collect();
    let segments: Vec<_> = name.split('/').collect();
    let fits = segments.len() == 2 * wanted.len()
        && segments.iter().all(|segment| !segment.is_empty())
        && segments.iter().step_by(2).eq(wanted.iter());
    fits.then(|| name.to_owned())
}

fn pair(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (decoded(name), decoded(&value.replace('+', " ")))
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (byte, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

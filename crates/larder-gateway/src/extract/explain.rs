//! What serde says of a wrong field, without what the field held.

/// The field, and what is wrong with it.
///
/// Serde's messages quote the input: `invalid type: string "…", expected f64`. What is expected comes from our types, and
/// stands behind the last `expected`.
pub(super) fn explain(path: &str, message: &str) -> (String, String) {
    // serde_json adds the place, which means nothing to people who did not write the text by hand.
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let place = if path.is_empty() || path == "." || path == "?" { "body" } else { path };
    if let Some(name) = quoted(message, "missing field `") {
        return (within(place, name), "is missing".to_owned());
    }
    if let Some(name) = quoted(message, "duplicate field `") {
        // The path may name the field already.
        let field = if place.ends_with(name) { place.to_owned() } else { within(place, name) };
        return (field, "is there twice".to_owned());
    }
    let expected = message.rsplit_once("expected ").map(|(_, expected)| expected);
    if message.starts_with("unknown field") {
        // The path ends with the unknown name, which is not ours to repeat.
        let parent = place.rsplit_once('.').map_or("body", |(parent, _)| parent);
        let known = expected.unwrap_or("none");
        return (parent.to_owned(), format!("there is a field that is not known; known: {}", list(known)));
    }
    match expected {
        Some(expected) => (place.to_owned(), format!("must be {}", in_words(expected))),
        None => (place.to_owned(), "is not as the documentation says".to_owned()),
    }
}

/// What serde calls by the names of Rust's types.
fn in_words(expected: &str) -> &str {
    match expected {
        "f64" => "a number",
        "i64" => "a whole number within 64 bits",
        "u64" | "usize" => "a whole number, 0 or more",
        "a boolean" => "true or false",
        structure if structure.starts_with("struct ") => "an object",
        expected => expected,
    }
}

fn quoted<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    message.strip_prefix(before)?.strip_suffix('`')
}

fn within(place: &str, name: &str) -> String {
    if place == "body" { name.to_owned() } else { format!("{place}.{name}") }
}

/// `one of `a`, `b`` and `` `a` or `b` `` as a list.
fn list(known: &str) -> String {
    known.trim_start_matches("one of ").replace(" or ", ", ")
}

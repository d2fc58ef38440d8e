//! Resource ids and namespaces (K4, K5).

use crate::error::{Error, InvalidInput};

/// The longest resource id, in characters (K4).
pub const MAX_ID_CHARS: usize = 64;

/// Refuses an id that is not `[A-Za-z0-9-_]{1,64}` (K4).
///
/// ```
/// assert!(larder_core::check_resource_id("session-cache").is_ok());
/// assert!(larder_core::check_resource_id("session cache").is_err());
/// ```
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), naming the id and the rule.
pub fn check_resource_id(id: &str) -> Result<(), Error> {
    let fits = (1..=MAX_ID_CHARS).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if fits {
        return Ok(());
    }
    Err(InvalidInput::new(format!(
        "{:?} is no resource id; an id has 1 to {MAX_ID_CHARS} characters of A-Z a-z 0-9 - _",
        id.chars().take(MAX_ID_CHARS + 1).collect::<String>()
    ))
    .into())
}

/// The canonical text of a namespace: its id and a colon, which no id holds, so that no two overlap (K5).
///
/// The colon may be given already: `tenant` and `tenant:` are the same namespace.
pub(crate) fn namespace(id: &str) -> Result<String, Error> {
    let id = id.strip_suffix(':').unwrap_or(id);
    check_resource_id(id)?;
    Ok(format!("{id}:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_plain() {
        assert!(check_resource_id(&"a".repeat(64)).is_ok());
        for id in ["", "a b", "a:b", "a.b", "ä", &"a".repeat(65)] {
            assert!(check_resource_id(id).is_err(), "{id}");
        }
    }

    #[test]
    fn a_namespace_ends_with_one_colon() {
        assert_eq!(namespace("a").expect("namespace"), "a:");
        assert_eq!(namespace("a:").expect("namespace"), "a:");
        assert!(namespace("a::").is_err());
        assert!(namespace(":").is_err());
    }
}

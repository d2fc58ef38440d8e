//! The names of the variables that bindings are found by.

/// The variable that names the bindings file.
pub(crate) const BINDINGS_FILE: &str = "LARDER_BINDINGS";

/// The variable that the binding of an id is found in: `LARDER_SESSION_CACHE_BINDING` for `session-cache`.
///
/// Two ids that meet in one variable cannot be used together.
pub fn variable_of(id: &str) -> String {
    larder(id)
}

/// The variable of a binding.
pub(crate) fn larder(id: &str) -> String {
    format!("LARDER_{}_BINDING", stem(id))
}

/// The variable that another platform gives its services for the same purpose.
pub(crate) fn alien(id: &str) -> String {
    format!("ALIEN_{}_BINDING", stem(id))
}

/// Whether two ids have the same variable.
pub(crate) fn share_variable(one: &str, other: &str) -> bool {
    let folded = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_uppercase() };
    one.len() == other.len()
        && one.bytes().zip(other.bytes()).all(|(one, other)| folded(one) == folded(other))
}

/// The part of the names that is made from the id. Different ids can have the same.
pub(crate) fn stem(id: &str) -> String {
    id.to_ascii_uppercase().replace('-', "_")
}

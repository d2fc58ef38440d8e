//! Keys: their canonical form, their limits, and where in a store they live (K1, K2, K3).

use std::fmt;

use smol_str::SmolStr;

use crate::error::InvalidInput;

/// The longest canonical form of a key, in bytes, its namespaces included (K1).
pub const MAX_KEY_BYTES: usize = 512;

/// The byte that no canonical key holds and that sorts after all that it can hold.
///
/// A prefix followed by it is the exclusive end of the range of keys under that prefix.
pub const AFTER_EVERY_KEY: char = '\u{7f}';

/// The first character that a canonical key can begin with; internal records' names sort before it.
pub const BEFORE_EVERY_KEY: char = '-';

/// The byte that the names of internal records begin with, and no canonical key can (K5).
pub const SYSTEM_MARK: char = '!';

const ESCAPE: u8 = b'~';
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// A key in canonical form: what every backend stores, compares and orders (K1, K2).
///
/// `A-Z a-z 0-9 - _ : .` stand for themselves; every other byte of the UTF-8 text is `~XX`. The form is
/// injective, holds no character that any platform forbids, and sorts by its bytes.
///
/// A record of Larder's own has a name that begins with `!`, which no user's key can produce.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonicalKey {
    /// Keys are mostly short: up to 23 bytes are held in place, without an allocation.
    text: SmolStr,
    /// Whether the text holds no escape and no mark, so that it is the key itself.
    is_plain: bool,
}

impl CanonicalKey {
    /// Takes text that is in canonical form already: what a backend returned, or a record's name.
    ///
    /// Returns `None` for text that no key encodes to.
    pub fn from_canonical(text: impl AsRef<str>) -> Option<Self> {
        Self::from_text(text.as_ref().into()).ok()
    }

    /// The same of text that is at hand, which comes back if it is no canonical form.
    pub(crate) fn from_text(text: SmolStr) -> Result<Self, SmolStr> {
        let is_plain = !text.is_empty() && all_plain(text.as_bytes());
        if !is_plain {
            let body = text.strip_prefix(SYSTEM_MARK).unwrap_or(&text);
            if text.is_empty() || unescape(body).is_none() {
                return Err(text);
            }
        }
        Ok(Self { text, is_plain })
    }

    /// The canonical form of a key in a namespace.
    pub(crate) fn from_parts(namespace: &str, key: &str) -> Self {
        if namespace.is_empty() && all_plain(key.as_bytes()) {
            return Self { text: key.into(), is_plain: true };
        }
        let mut text = String::with_capacity(namespace.len() + key.len());
        text.push_str(namespace);
        let is_plain = push_escaped(&mut text, key) && !namespace.starts_with(SYSTEM_MARK);
        Self { text: text.into(), is_plain }
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The canonical text as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The key that this is the canonical form of, without the first `namespace` bytes; `None` for a record's name.
    pub(crate) fn into_key(self, namespace: usize) -> Option<SmolStr> {
        match namespace {
            _ if !self.is_plain => unescape(self.text.get(namespace..)?).map(SmolStr::from),
            0 => Some(self.text),
            _ => self.text.get(namespace..).map(SmolStr::from),
        }
    }

    /// Whether this names a record of Larder's own.
    pub fn is_system(&self) -> bool {
        self.text.starts_with(SYSTEM_MARK)
    }
}

impl fmt::Debug for CanonicalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys of sessions are secrets: a key in a log is shortened (E1).
        write!(f, "CanonicalKey({})", shorten(&self.text))
    }
}

impl AsRef<str> for CanonicalKey {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// Refuses a key that is empty or too long in canonical form, before any I/O (K3).
pub(crate) fn check_key(namespace: &str, key: &str) -> Result<(), InvalidInput> {
    if key.is_empty() {
        return Err(InvalidInput::new(format!(
            "the key is empty; a key has 1 to {MAX_KEY_BYTES} bytes in canonical form"
        )));
    }
    check_length("key", namespace, key)
}

/// Refuses a prefix that is longer than a key can be.
pub(crate) fn check_prefix(namespace: &str, prefix: &str) -> Result<(), InvalidInput> {
    check_length("prefix", namespace, prefix)
}

fn check_length(what: &str, namespace: &str, text: &str) -> Result<(), InvalidInput> {
    // Escaping at most triples the length, so that short texts need no second look.
    if namespace.len() + 3 * text.len() <= MAX_KEY_BYTES {
        return Ok(());
    }
    let length = namespace.len() + escaped_len(text);
    if length <= MAX_KEY_BYTES {
        return Ok(());
    }
    let of_namespace = if namespace.is_empty() {
        String::new()
    } else {
        format!(", {} of them its namespace", namespace.len())
    };
    Err(InvalidInput::new(format!(
        "the {what} has {length} bytes in canonical form{of_namespace}; the limit is {MAX_KEY_BYTES} \
         (letters, digits and - _ : . count one byte, every other byte counts three): shorten or hash it"
    )))
}

/// The order in which scans visit two keys: that of the bytes of their canonical forms (K2).
///
/// ```
/// use std::cmp::Ordering;
///
/// // A slash is escaped, and escapes come behind all plain characters.
/// assert_eq!(larder_core::key_order("a/", "ab"), Ordering::Greater);
/// ```
pub fn key_order(one: &str, other: &str) -> std::cmp::Ordering {
    // An escape's digits are in the order of the bytes that they stand for.
    let canonical = |byte: u8| if is_plain(byte) { (byte, 0) } else { (ESCAPE, byte) };
    one.bytes().map(canonical).cmp(other.bytes().map(canonical))
}

/// Appends the canonical form of `text`, and returns whether that is the text itself.
pub(crate) fn push_escaped(into: &mut String, text: &str) -> bool {
    if all_plain(text.as_bytes()) {
        into.push_str(text);
        return true;
    }
    for byte in text.bytes() {
        if is_plain(byte) {
            into.push(char::from(byte));
        } else {
            into.push(char::from(ESCAPE));
            into.push(char::from(HEX[usize::from(byte >> 4)]));
            into.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    false
}

/// The key that a canonical text encodes, or `None` when it encodes none.
pub(crate) fn unescape(canonical: &str) -> Option<String> {
    if !canonical.as_bytes().contains(&ESCAPE) {
        return all_plain(canonical.as_bytes()).then(|| canonical.to_owned());
    }
    let mut bytes = Vec::with_capacity(canonical.len());
    let mut rest = canonical.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == ESCAPE {
            let (digits, tail) = tail.split_at_checked(2)?;
            let decoded = hex_digit(digits[0])? << 4 | hex_digit(digits[1])?;
            if is_plain(decoded) {
                return None;
            }
            bytes.push(decoded);
            rest = tail;
        } else if is_plain(byte) {
            bytes.push(byte);
            rest = tail;
        } else {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

fn escaped_len(text: &str) -> usize {
    text.bytes().map(|byte| if is_plain(byte) { 1 } else { 3 }).sum()
}

/// Without leaving early, which keys seldom give reason to: the loop is on the way of every read.
fn all_plain(text: &[u8]) -> bool {
    text.iter().fold(true, |all, &byte| all & is_plain(byte))
}

fn is_plain(byte: u8) -> bool {
    PLAIN[usize::from(byte)]
}

static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let it = byte as u8;
        plain[byte] = it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b':' | b'.');
        byte += 1;
    }
    plain
};

fn hex_digit(byte: u8) -> Option<u8> {
    HEX.iter().position(|&digit| digit == byte).and_then(|value| u8::try_from(value).ok())
}

/// A key as it may stand in a log or an error: its first characters, and how long it is (E1).
pub(crate) fn shorten(key: &str) -> String {
    const SHOWN: usize = 8;
    if key.chars().count() <= SHOWN {
        return key.to_owned();
    }
    let shown: String = key.chars().take(SHOWN).collect();
    format!("{shown}…({} bytes)", key.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        push_escaped(&mut out, text);
        out
    }

    #[test]
    fn plain_bytes_stand_for_themselves() {
        assert_eq!(escaped("user:123_a-b.C"), "user:123_a-b.C");
    }

    #[test]
    fn every_other_byte_is_escaped() {
        assert_eq!(escaped("a/b"), "a~2Fb");
        assert_eq!(escaped("~"), "~7E");
        assert_eq!(escaped("é"), "~C3~A9");
        assert_eq!(escaped("x🥫y"), "x~F0~9F~A5~ABy");
        assert_eq!(escaped("!layout"), "~21layout");
        assert_eq!(escaped("\u{0}"), "~00");
    }

    #[test]
    fn texts_that_no_key_encodes_to_are_refused() {
        for text in ["a/b", "~2f", "~41", "~2", "~", "~C3", "!", "a b"] {
            assert_eq!(unescape(text), None, "{text}");
        }
        assert_eq!(CanonicalKey::from_canonical(""), None);
        assert_eq!(CanonicalKey::from_canonical("a!b"), None);
        assert!(CanonicalKey::from_canonical("!layout").is_some_and(|key| key.is_system()));
    }

    #[test]
    fn lengths_count_the_canonical_form() {
        assert!(check_key("", &"a".repeat(512)).is_ok());
        assert!(check_key("", &"a".repeat(513)).is_err());
        assert!(check_key("", &"/".repeat(170)).is_ok());
        assert!(check_key("", &"/".repeat(171)).is_err());
        assert!(check_key("ns:", &"a".repeat(509)).is_ok());
        assert!(check_key("ns:", &"a".repeat(510)).is_err());
    }

    #[test]
    fn a_long_key_is_shortened_where_people_read_it() {
        assert_eq!(shorten("user:1"), "user:1");
        assert_eq!(shorten("session:abcdef"), "session:…(14 bytes)");
    }

    proptest! {
        #[test]
        fn encoding_is_injective(text in any::<String>()) {
            let canonical = escaped(&text);
            let decoded = unescape(&canonical);
            prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
            prop_assert_eq!(escaped_len(&text), canonical.len());
        }

        #[test]
        fn a_prefix_stays_a_prefix(text in any::<String>(), tail in any::<String>()) {
            let whole = escaped(&format!("{text}{tail}"));
            prop_assert_eq!(whole, escaped(&text) + &escaped(&tail));
        }

        #[test]
        fn arbitrary_text_decodes_only_when_it_is_canonical(text in "[~A-F0-9a-z:]{0,12}") {
            if let Some(key) = unescape(&text) {
                prop_assert_eq!(escaped(&key), text);
            }
        }
    }
}

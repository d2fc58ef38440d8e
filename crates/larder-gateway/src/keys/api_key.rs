//! An API key as callers present it: `kv_<id>_<secret>`.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// What every key begins with, so that programs that look for leaked secrets find it.
const MARK: &str = "kv_";
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;
/// The mark, the id in hex, a `_`, the secret in hex.
const KEY_CHARS: usize = MARK.len() + 2 * ID_BYTES + 1 + 2 * SECRET_BYTES;

/// The name of a key: 16 hex digits. It is no secret; logs, metrics and lists show it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; ID_BYTES]);

/// A whole key, with its secret of 256 random bits. It is shown once, when it is made, and nowhere else.
#[derive(Clone)]
pub struct ApiKey {
    id: KeyId,
    secret: [u8; SECRET_BYTES],
}

/// What is stored of a key: the SHA-256 of its whole text. 256 random bits need no slow hash.
pub(super) type KeyHash = [u8; 32];

impl ApiKey {
    /// A new key, from the process's random numbers for cryptography.
    pub fn generate() -> Self {
        Self { id: KeyId(rand::random()), secret: rand::random() }
    }

    /// Takes a key apart. Only the text that [`ApiKey::expose`] gives is one.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != KEY_CHARS {
            return None;
        }
        let (id, secret) = text.strip_prefix(MARK)?.split_once('_')?;
        let mut key = Self { id: id.parse().ok()?, secret: [0; SECRET_BYTES] };
        decode(secret, &mut key.secret)?;
        Some(key)
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The whole text, with the secret.
    pub fn expose(&self) -> String {
        format!("{MARK}{}_{}", self.id, hex::encode(self.secret))
    }

    pub(super) fn hash(&self) -> KeyHash {
        Sha256::digest(self.expose()).into()
    }
}

impl fmt::Debug for ApiKey {
    /// Without the secret (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({MARK}{}_…)", self.id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; ID_BYTES];
        // Whoever gives the whole key by mistake must not read it again in an error.
        decode(text, &mut id).ok_or_else(|| {
            format!(
                "that is no id of a key: an id is the {} hex digits between kv_ and the next _",
                2 * ID_BYTES
            )
        })?;
        Ok(Self(id))
    }
}

/// Reads hex digits, which are in lower case: each key has one text.
fn decode(text: &str, into: &mut [u8]) -> Option<()> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    hex::decode_to_slice(text, into).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_its_own_text_and_no_other() {
        let key = ApiKey::generate();
        let text = key.expose();
        let read = ApiKey::parse(&text).expect("a key");
        assert_eq!((read.id(), read.hash()), (key.id(), key.hash()));
        let upper = format!("kv_{}", text[3..].to_uppercase());
        for other in [
            "",
            "kv_",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}0"),
            &upper,
            &text.replacen('_', "-", 1),
        ] {
            assert!(ApiKey::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn keys_differ_and_so_do_their_hashes() {
        let (one, other) = (ApiKey::generate(), ApiKey::generate());
        assert_ne!(one.id(), other.id());
        assert_ne!(one.hash(), other.hash());
    }

    #[test]
    fn no_output_holds_the_secret() {
        let key = ApiKey::generate();
        let secret = hex::encode(key.secret);
        assert!(!format!("{key:?} {:?} {}", key.id(), key.id()).contains(&secret));
        let error = key.expose().parse::<KeyId>().expect_err("a whole key is no id");
        assert!(!error.contains(&secret));
    }

    #[test]
    fn the_hash_is_the_sha_256_of_the_text() {
        let text = format!("kv_{}_{}", "00".repeat(8), "11".repeat(32));
        let key = ApiKey::parse(&text).expect("a key");
        // printf kv_0000000000000000_1111…1111 | sha256sum
        assert_eq!(
            hex::encode(key.hash()),
            "93660eb5929f25f628d90380b97fdeeab3ee6746e8bf4fb138c92e7bead4531a"
        );
    }
}

//! The names of stores, made from the ids of resources.

use sha2::{Digest, Sha256};

use crate::platform::Platform;

/// The longest name of a table of Azure, the shortest limit of all.
const AZURE: usize = 63;
/// Hexadecimal digits of the hash.
const DIGITS: usize = 8;

/// The name of a resource's store: the id as far as the platform takes it, and the first 8 hexadecimal digits of the id's
/// SHA-256, so that ids that differ have names that differ.
///
/// It is fixed for good: `docs/provisioning.md` has test vectors.
///
/// ```
/// use larder_provision::{Platform, store_name};
///
/// assert_ne!(store_name(Platform::Azure, "a-b"), store_name(Platform::Azure, "ab"));
/// ```
pub fn store_name(platform: Platform, id: &str) -> String {
    let hash = short_hash(id);
    match platform {
        // Ids are 1 to 64 letters, digits, - and _, which all three take.
        Platform::Local | Platform::Aws | Platform::Gcp => format!("{id}-{hash}"),
        Platform::Azure => {
            let mut name: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
            if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
                name.insert(0, 't');
            }
            name.truncate(AZURE - DIGITS);
            name + &hash
        }
    }
}

fn short_hash(id: &str) -> String {
    Sha256::digest(id.as_bytes()).iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The table of the page, which must never change.
    fn vectors() -> Vec<[String; 3]> {
        let page = include_str!("../../../docs/provisioning.md");
        let rows = page.lines().skip_while(|line| !line.starts_with("| Id | ")).skip(2);
        rows.take_while(|line| line.starts_with('|'))
            .map(|line| {
                let cells: Vec<_> =
                    line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
                [cells[1].clone(), cells[2].clone(), cells[3].clone()]
            })
            .collect()
    }

    #[test]
    fn names_are_those_of_the_page() {
        let vectors = vectors();
        assert!(vectors.len() >= 8, "{vectors:?}");
        for [id, plain, azure] in vectors {
            let id = if id == "64 × z" { "z".repeat(64) } else { id };
            let plain = plain.replace("64 × z", &"z".repeat(64));
            let azure = azure.replace("55 × z", &"z".repeat(55));
            for platform in [Platform::Local, Platform::Aws, Platform::Gcp] {
                assert_eq!(store_name(platform, &id), plain);
            }
            assert_eq!(store_name(Platform::Azure, &id), azure);
        }
    }

    #[test]
    fn ids_that_look_alike_have_names_of_their_own_everywhere() {
        let ids = ["ab", "a-b", "a_b", "AB", "a--b", "-ab", "1ab", "t1ab"];
        for platform in Platform::ALL {
            // As a file system or Azure compares them, without regard to case.
            let names: HashSet<_> = ids.iter().map(|id| store_name(platform, id).to_lowercase()).collect();
            assert_eq!(names.len(), ids.len(), "{platform}: {names:?}");
        }
    }

    #[test]
    fn azure_takes_every_name() {
        for id in ["-", "_", "0", "A", &"9".repeat(64), &"-".repeat(64), &"a-".repeat(32)] {
            let name = store_name(Platform::Azure, id);
            assert!((3..=63).contains(&name.len()), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
            assert!(name.starts_with(|first: char| first.is_ascii_alphabetic()), "{name}");
        }
    }
}

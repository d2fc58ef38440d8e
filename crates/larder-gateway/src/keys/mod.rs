//! API keys: what they look like, where they are kept, and who presents a good one.

mod allowance;
mod api_key;
mod grant;
mod keyring;
mod rate;
mod store;

pub use self::api_key::{ApiKey, KeyId};
pub use self::grant::{Grant, GrantedBindings};
pub use self::keyring::{Keyring, REVOKED_WITHIN, Verified};
pub use self::rate::{Rate, RatePeriod};
pub use self::store::{KeyStore, ListedKey, MAX_KEYS};

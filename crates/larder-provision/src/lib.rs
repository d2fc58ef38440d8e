//! Making the stores of a stack, and what goes with them.
//!
//! A [`Stack`] lists resources. For a [`Target`], which is a platform and a place on it, each becomes a [`Store`]: a name
//! made from its id, a provisioner that plans, makes and removes it, and the binding that `load_kv` then finds. The
//! bindings are written as lines of an environment, TOML, JSON or a Secret of Kubernetes ([`BindingsForm`]), and the same
//! stores come as infrastructure code ([`Template`]). `docs/provisioning.md` tells all of it.
//!
//! ```
//! use larder_provision::{Platform, Stack, store_name};
//!
//! let stack = Stack::from_json(r#"{"type":"kv","id":"cache"}"#)?;
//! assert_eq!(stack.resources()[0].id, "cache");
//! assert_eq!(store_name(Platform::Aws, "cache"), "cache-5e1ecee0");
//! # Ok::<(), larder::Error>(())
//! ```

mod bindings_file;
mod names;
mod platform;
mod platforms;
mod reaper;
mod stack;
mod store;
mod target;
mod template;

pub use bindings_file::{BindingsForm, Written, write_bindings};
pub use names::store_name;
pub use platform::Platform;
pub use reaper::reaper;
pub use stack::{Protection, Resource, Stack};
pub use store::{Store, stores};
pub use target::{AwsTarget, AzureTarget, GcpTarget, LocalTarget, Target};
pub use template::Template;

pub use larder_core::provision::{Change, Goal, Plan, Provisioner, Reaper, Step, default_patience};

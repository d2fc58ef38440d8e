//! The entry point of a service.

use crate::Bindings;

/// What a service is given by where it runs: its bindings.
///
/// Cheap to clone; clones share the handles that were opened.
#[derive(Clone, Debug)]
pub struct Context {
    bindings: Bindings,
}

impl Context {
    /// The context that this process's environment describes.
    ///
    /// Nothing is read before a binding is loaded, so this cannot fail and needs no runtime. The variables are listed
    /// at [`Bindings::from_env`].
    pub fn from_env() -> Self {
        Self::new(Bindings::from_env())
    }

    /// A context with bindings from elsewhere: a test's, a tool's.
    pub fn new(bindings: Bindings) -> Self {
        Self { bindings }
    }

    /// The bindings.
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }
}

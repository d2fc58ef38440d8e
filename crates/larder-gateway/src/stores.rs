//! The stores that a gateway may open.

use larder::{Context, Error, ErrorKind, Kv, Result};

use crate::problem::{Code, Problem};

/// The bindings that a gateway was started with. A request never makes it open another.
#[derive(Clone, Debug)]
pub struct Stores {
    context: Context,
    ids: Vec<String>,
}

impl Stores {
    /// The stores of these bindings, each opened when it is first asked for.
    ///
    /// The first one is where the routes are that name no binding.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when there are no ids, or one twice. What [`larder::Bindings::binding`] says of an id whose binding
    /// is not there or malformed, so that a gateway does not start and then refuse every request.
    pub fn new<I: Into<String>>(context: Context, ids: impl IntoIterator<Item = I>) -> Result<Self> {
        let ids: Vec<String> = ids.into_iter().map(Into::into).collect();
        if ids.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a gateway serves at least one binding; name it",
            ));
        }
        for (at, id) in ids.iter().enumerate() {
            context.bindings().binding(id)?;
            if ids[..at].contains(id) {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!("the binding {id:?} is named twice"),
                ));
            }
        }
        Ok(Self { context, ids })
    }

    /// The binding of the routes that name none: the first.
    pub fn primary(&self) -> &str {
        // `new` refuses an empty list.
        self.ids.first().map_or("", String::as_str)
    }

    /// Every binding, in the order given.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Opens a store, or gives the handle that was opened before.
    ///
    /// # Errors
    ///
    /// 404 when the gateway was not started with this binding, without a look at where bindings are; otherwise what keeps
    /// the store from opening.
    pub(crate) async fn open(&self, id: &str) -> Result<Kv, Problem> {
        if !self.ids.iter().any(|known| known == id) {
            return Err(unknown_binding());
        }
        Ok(self.context.bindings().load_kv(id).await?)
    }
}

/// The answer for a binding that is not served, and for one that is not the caller's: nobody can tell them apart.
pub(crate) fn unknown_binding() -> Problem {
    Problem::new(Code::BindingNotFound, "there is no such binding here that you may use")
}

//! The stores that a gateway may open.

use std::collections::BTreeMap;

use larder::{Context, Error, ErrorKind, Kv, Result, check_resource_id};

use crate::problem::{Code, Problem};

/// The bindings that a gateway was started with. A request never makes it open another.
#[derive(Clone, Debug)]
pub struct Stores {
    source: Source,
    ids: Vec<String>,
}

/// Where the handles are from.
#[derive(Clone, Debug)]
enum Source {
    /// A process's bindings, each opened when it is first asked for.
    Bindings(Context),
    /// The program, which has opened them itself.
    Handles(BTreeMap<String, Kv>),
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
        let ids = checked(ids.into_iter().map(Into::into).collect())?;
        for id in &ids {
            context.bindings().binding(id)?;
        }
        Ok(Self { source: Source::Bindings(context), ids })
    }

    /// Stores that the program has opened itself, by the ids that requests name them by. The first one is where the routes
    /// are that name no binding.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when there are none, for an id twice, and for what is no resource id.
    pub fn of_handles<I: Into<String>>(handles: impl IntoIterator<Item = (I, Kv)>) -> Result<Self> {
        let (ids, handles): (Vec<String>, Vec<Kv>) =
            handles.into_iter().map(|(id, kv)| (id.into(), kv)).unzip();
        let ids = checked(ids)?;
        for id in &ids {
            check_resource_id(id)?;
        }
        Ok(Self { source: Source::Handles(ids.iter().cloned().zip(handles).collect()), ids })
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
        Ok(self.handle(id).await?)
    }

    /// Asks a store whether it is there.
    pub(crate) async fn check(&self, id: &str) -> Result<()> {
        self.handle(id).await?.check().await.map(drop)
    }

    async fn handle(&self, id: &str) -> Result<Kv> {
        match &self.source {
            Source::Bindings(context) => context.bindings().load_kv(id).await,
            Source::Handles(handles) => handles
                .get(id)
                .cloned()
                .ok_or_else(|| Error::new(ErrorKind::NotConfigured, "the gateway has no such handle")),
        }
    }
}

/// At least one, and each once.
fn checked(ids: Vec<String>) -> Result<Vec<String>> {
    if ids.is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, "a gateway serves at least one binding; name it"));
    }
    for (at, id) in ids.iter().enumerate() {
        if ids[..at].contains(id) {
            return Err(Error::new(ErrorKind::InvalidInput, format!("the binding {id:?} is named twice")));
        }
    }
    Ok(ids)
}

/// The answer for a binding that is not served, and for one that is not the caller's: nobody can tell them apart.
pub(crate) fn unknown_binding() -> Problem {
    Problem::new(Code::BindingNotFound, "there is no such binding here that you may use")
}

//! Who asks, and what they may reach.

use std::fmt;
use std::sync::{Arc, LazyLock};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use larder::Kv;
use larder_core::OneShard;

use crate::gateway::Gateway;
use crate::keys::{Grant, GrantedBindings, KeyId};
use crate::permission::Permissions;
use crate::problem::{Code, Problem};
use crate::stores::unknown_binding;

/// Who sent a request: set by the authentication layer, and read by every route.
///
/// It is the only way from a request to a store.
#[derive(Clone)]
pub struct Caller(Arc<Inner>);

struct Inner {
    identity: Identity,
    namespace: Option<String>,
    bindings: Reach,
    permissions: Permissions,
}

/// What a request was let in by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Identity {
    /// It came over loopback to a gateway without keys.
    Loopback,
    /// The API key with this id.
    Key(KeyId),
}

/// Which of the gateway's bindings a caller may use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// All of them.
    All,
    /// These.
    Only(Vec<String>),
}

impl Caller {
    /// Who asks a gateway without keys: everything is allowed, and what keeps strangers out is that it listens on loopback.
    pub(crate) fn loopback() -> Self {
        static LOOPBACK: LazyLock<Caller> =
            LazyLock::new(|| Caller::new(Identity::Loopback, None, Reach::All, Permissions::all()));
        LOOPBACK.clone()
    }

    /// Who presents a good key.
    pub(crate) fn of_key(id: KeyId, grant: &Grant) -> Self {
        let bindings = match &grant.bindings {
            GrantedBindings::All => Reach::All,
            GrantedBindings::Only(ids) => Reach::Only(ids.iter().cloned().collect()),
        };
        Self::new(Identity::Key(id), grant.namespace.clone(), bindings, grant.permissions)
    }

    pub(crate) fn new(
        identity: Identity,
        namespace: Option<String>,
        bindings: Reach,
        permissions: Permissions,
    ) -> Self {
        Self(Arc::new(Inner { identity, namespace, bindings, permissions }))
    }

    /// Whether the caller reaches all that the gateway serves, and so may see what concerns everybody.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.namespace.is_none() && self.0.bindings == Reach::All
    }

    /// The part of every store that the caller reaches; `None` is all of it.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.0.namespace.as_deref()
    }

    /// What the caller may do.
    pub(crate) fn permissions(&self) -> Permissions {
        self.0.permissions
    }

    /// Who it is, for limits that each caller has.
    pub(crate) fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Opens a store for something that the caller may do, in the caller's namespace.
    ///
    /// # Errors
    ///
    /// 403 without the permissions; 404 for a binding that is not served or not the caller's; otherwise what keeps the
    /// store from opening.
    pub(crate) async fn open(
        &self,
        gateway: &Gateway,
        binding: &str,
        permissions: impl Into<Permissions>,
    ) -> Result<Kv, Problem> {
        self.check(permissions.into())?;
        self.reach(gateway, binding).await
    }

    /// Opens the driver behind a store for something that takes all of these permissions, within the caller's namespace.
    ///
    /// # Errors
    ///
    /// As [`Caller::open`].
    pub(crate) async fn open_driver(
        &self,
        gateway: &Gateway,
        binding: &str,
        permissions: Permissions,
    ) -> Result<OneShard, Problem> {
        self.check(permissions)?;
        Ok(self.reach(gateway, binding).await?.one_shard().await?)
    }

    /// The store, as far as it is the caller's.
    async fn reach(&self, gateway: &Gateway, binding: &str) -> Result<Kv, Problem> {
        if let Reach::Only(bindings) = &self.0.bindings
            && !bindings.iter().any(|allowed| allowed == binding)
        {
            return Err(unknown_binding());
        }
        let kv = gateway.stores().open(binding).await?;
        match &self.0.namespace {
            Some(namespace) => Ok(kv.with_prefix(namespace)?),
            None => Ok(kv),
        }
    }

    fn check(&self, permissions: Permissions) -> Result<(), Problem> {
        let Some(permission) = permissions.iter().find(|one| !self.0.permissions.allows(*one)) else {
            return Ok(());
        };
        Err(Problem::new(
            Code::Forbidden,
            format!("this key may not do that: it lacks the permission {:?}", permission.as_str()),
        ))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // A route outside the authentication layer must not answer as if everybody were let in.
        parts.extensions.get().cloned().ok_or_else(|| {
            tracing::error!("a request came to a route that nobody authenticates");
            Problem::new(Code::Internal, "the gateway has a defect")
        })
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("identity", &self.0.identity)
            .field("namespace", &self.0.namespace)
            .field("bindings", &self.0.bindings)
            .field("permissions", &self.0.permissions)
            .finish()
    }
}

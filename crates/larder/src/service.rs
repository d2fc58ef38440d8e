//! The services that a binding can name, and which of them this build has a driver for.

use std::fmt;
use std::pin::Pin;

use larder_core::{Error, ErrorKind, KvBuilder, Result};

use crate::binding::{Binding, Fields, UrlForm, dynamodb, firestore, gateway, local_kv, tablestorage};
#[cfg(any(feature = "aws", feature = "azure", feature = "gateway", feature = "gcp", feature = "local"))]
use crate::drivers;
use crate::fault::Fault;
use crate::settings::Settings;

/// Every service, whether its driver is compiled in or not.
pub const SERVICES: &[Service] = &[
    Service {
        name: dynamodb::NAME,
        feature: "aws",
        fields: dynamodb::FIELDS,
        url: UrlForm::Segments(dynamodb::IN_PATH),
        read: dynamodb::read,
        #[cfg(feature = "aws")]
        open: Some(drivers::aws::open),
        #[cfg(not(feature = "aws"))]
        open: None,
    },
    Service {
        name: firestore::NAME,
        feature: "gcp",
        fields: firestore::FIELDS,
        url: UrlForm::Segments(firestore::IN_PATH),
        read: firestore::read,
        #[cfg(feature = "gcp")]
        open: Some(drivers::gcp::open),
        #[cfg(not(feature = "gcp"))]
        open: None,
    },
    Service {
        name: tablestorage::NAME,
        feature: "azure",
        fields: tablestorage::FIELDS,
        url: UrlForm::Segments(tablestorage::IN_PATH),
        read: tablestorage::read,
        #[cfg(feature = "azure")]
        open: Some(drivers::azure::open),
        #[cfg(not(feature = "azure"))]
        open: None,
    },
    Service {
        name: local_kv::NAME,
        feature: "local",
        fields: local_kv::FIELDS,
        url: UrlForm::Path(local_kv::PATH),
        read: local_kv::read,
        #[cfg(feature = "local")]
        open: Some(drivers::local::open),
        #[cfg(not(feature = "local"))]
        open: None,
    },
    Service {
        name: gateway::NAME,
        feature: "gateway",
        fields: gateway::FIELDS,
        url: UrlForm::Server(gateway::SERVER, gateway::IN_PATH),
        read: gateway::read,
        #[cfg(feature = "gateway")]
        open: Some(drivers::gateway::open),
        #[cfg(not(feature = "gateway"))]
        open: None,
    },
];

/// A service that a binding can name.
pub struct Service {
    name: &'static str,
    feature: &'static str,
    pub(crate) fields: &'static [&'static str],
    pub(crate) url: UrlForm,
    pub(crate) read: fn(Fields) -> Result<Binding, Fault>,
    open: Option<Opener>,
}

/// Opens a binding of one service. Other services' bindings do not get there.
pub(crate) type Opener = fn(&Binding, &Settings) -> Opening;
pub(crate) type Opening = Pin<Box<dyn Future<Output = Result<KvBuilder>> + Send>>;

impl Service {
    /// What a binding's `service` says.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The cargo feature that compiles its driver in.
    pub fn feature(&self) -> &'static str {
        self.feature
    }

    /// The scheme of its bindings' URLs.
    pub fn scheme(&self) -> &'static str {
        self.name
    }

    /// Whether this build has its driver.
    pub fn is_compiled_in(&self) -> bool {
        self.open.is_some()
    }

    /// All names, for errors.
    pub(crate) fn names() -> String {
        SERVICES.iter().map(Service::name).collect::<Vec<_>>().join(", ")
    }

    /// What opens this binding.
    pub(crate) fn opener(binding: &Binding) -> Result<Opener> {
        let name = binding.service();
        let service = SERVICES.iter().find(|service| service.name == name);
        service.and_then(|service| service.open).ok_or_else(|| {
            let feature = service.map_or(name, Service::feature);
            let message = format!(
                "this build has no driver for {name:?} (feature {feature:?}); compiled in: {}",
                compiled_in()
            );
            Error::new(ErrorKind::Unsupported, message)
        })
    }
}

fn compiled_in() -> String {
    let there: Vec<_> = SERVICES
        .iter()
        .filter(|service| service.is_compiled_in())
        .map(|service| format!("{} (feature {:?})", service.name, service.feature))
        .collect();
    if there.is_empty() { "none".to_owned() } else { there.join(", ") }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .field("feature", &self.feature)
            .field("is_compiled_in", &self.is_compiled_in())
            .finish_non_exhaustive()
    }
}

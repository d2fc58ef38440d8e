//! Opens `gateway` bindings with `larder-remote`.

use larder_core::{Error, ErrorKind, Kv};
use larder_remote::{RemoteDriver, RemoteOptions};

use crate::binding::{Binding, Gateway, PlainHttp};
use crate::service::Opening;
use crate::settings::Settings;

pub(crate) fn open(binding: &Binding, settings: &Settings) -> Opening {
    let binding = binding.clone();
    let retry = settings.retry.clone();
    Box::pin(async move {
        let Binding::Gateway(binding) = binding else {
            return Err(Error::new(ErrorKind::Internal, "another service's binding came to gateway"));
        };
        // Not by the handles' clock, which may be one that stands still: the gateway's is measured against one that goes.
        let options = binding
            .driver_options()
            .connect_timeout(retry.connect_timeout)
            .attempt_timeout(retry.attempt_timeout);
        Ok(Kv::builder(RemoteDriver::open(&options)?))
    })
}

impl Gateway {
    /// How the driver reaches the gateway.
    pub fn driver_options(self) -> RemoteOptions {
        let options = RemoteOptions::new(self.url, self.binding).plain_http(match self.plain_http {
            PlainHttp::Loopback => larder_remote::PlainHttp::Loopback,
            PlainHttp::Anywhere => larder_remote::PlainHttp::Anywhere,
        });
        match self.api_key {
            Some(key) => options.api_key(key.expose()),
            None => options,
        }
    }
}

//! Traces of what a gateway answers, sent to a collector: OTLP over HTTP.

use std::env;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::EnvResourceDetector;
use opentelemetry_sdk::trace::SdkTracerProvider;
use reqwest::Url;
use tokio::runtime::Handle;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::{Layer, Registry};

use super::settings::Settings;
use crate::failure::{Failure, Outcome};

/// The variable with which OpenTelemetry names a service.
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// How long the collector may take for one batch: as long as OTLP gives it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a collector at this URL takes traces. What is refused is not repeated: it may hold a password.
fn address(collector: &str) -> Outcome<String> {
    let refuse = |why: &str| Err(Failure::Usage(format!("--otlp-endpoint {why}")));
    let url = match Url::parse(collector) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        _ => return refuse("must be a URL that begins with http:// or https://: traces are sent over HTTP"),
    };
    // It would be read in the list of processes.
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("has a password in it: give it as a header, in OTEL_EXPORTER_OTLP_HEADERS");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("must end with its path: /v1/traces is put behind it");
    }
    Ok(format!("{}/v1/traces", url.as_str().trim_end_matches('/')))
}

/// The traces of this process, if somebody collects them. `untraced.rs` is what stands for it without the feature `otel`.
#[derive(Debug)]
pub(super) struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Begins to send traces to the collector of the settings, if they name one.
    pub(super) fn start(settings: &Settings) -> Outcome<Self> {
        let collector = settings.otlp_endpoint.as_deref().filter(|url| !url.is_empty());
        collector.map(provider).transpose().map(Self)
    }

    /// Makes traces of the spans of requests and of what the stores did for them, and of what was logged meanwhile.
    pub(super) fn layers(&self) -> Vec<Box<dyn Layer<Registry> + Send + Sync>> {
        self.0.iter().map(layer).collect()
    }

    /// Sends what is left.
    pub(super) async fn finish(self) {
        let Some(provider) = self.0 else { return };
        // It waits for the collector, which is asked in the runtime.
        let finished = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if let Ok(Err(error)) = finished {
            tracing::warn!(target: "larder", %error, "the last traces were not sent");
        }
    }
}

/// Sends traces in batches and beside the requests; what a collector does not take is dropped, and told in the log. To be
/// called in a runtime.
fn provider(collector: &str) -> Outcome<SdkTracerProvider> {
    let address = address(collector)?;
    let failed = |error: &dyn std::fmt::Display| Failure::Other(format!("traces cannot be sent: {error}"));
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        // Elsewhere it would take the headers along that let it in here.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| failed(&error))?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(address)
        .with_http_client(Sender { client, runtime: Handle::current() })
        .build()
        .map_err(|error| failed(&error))?;
    Ok(SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build())
}

fn layer(provider: &SdkTracerProvider) -> Box<dyn Layer<Registry> + Send + Sync> {
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("larder"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        // Libraries below say what they send and receive: values and credentials.
        .with_filter(Targets::new().with_target("larder", LevelFilter::INFO))
        .boxed()
}

/// What the traces are of: `larder`, unless the variables of OpenTelemetry say more.
fn resource() -> Resource {
    let resource = Resource::builder_empty()
        .with_service_name("larder")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_detector(Box::new(EnvResourceDetector::new()));
    match env::var(SERVICE_NAME) {
        Ok(name) if !name.is_empty() => resource.with_service_name(name).build(),
        _ => resource.build(),
    }
}

/// Sends batches in the runtime: the exporter has a thread of its own, outside of it.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.client.clone();
        let answer = self.runtime.spawn(async move {
            let response = client.execute(request).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut answer = Response::new(response.bytes().await?);
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok::<_, reqwest::Error>(answer)
        });
        // A path may be a secret, and errors are logged.
        Ok(answer.await?.map_err(reqwest::Error::without_url)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_have_a_path_of_their_own_behind_that_of_the_collector() {
        for (url, traces) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://collector.example/otlp", "https://collector.example/otlp/v1/traces"),
        ] {
            assert_eq!(address(url).expect("a collector"), traces);
        }
    }

    #[test]
    fn what_is_no_collector_is_refused() {
        for (url, why) in [
            ("127.0.0.1:4318", "URL"),
            ("", "URL"),
            ("collector:4317", "http://"),
            ("grpc://collector", "http://"),
            ("https://user:secret@collector", "OTEL_EXPORTER_OTLP_HEADERS"),
            ("https://collector/?key=secret", "end with its path"),
        ] {
            let error = address(url).expect_err(url).to_string();
            assert!(error.contains(why), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}

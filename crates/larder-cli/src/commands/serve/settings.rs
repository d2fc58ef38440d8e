//! How a gateway is to run: flags over variables over a file over defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Deserializer};

use super::logs::{LogFormat, LogLevel, usual_format};
use crate::failure::{Failure, Outcome};
use crate::lifetime;

/// How a gateway is to run, as far as it was said in one place.
///
/// In a file, the names are those of the flags without `--`.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where to listen; 127.0.0.1:8080 unless told. Port 0 takes a free one. An address that is not loopback needs API keys,
    /// and --tls-cert and --tls-key or --behind-proxy.
    #[arg(long, env = "LARDER_SERVE_LISTEN", value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// A binding to serve, and no other: the first is that of the routes that name none. May be given more than once.
    #[arg(
        long,
        short,
        env = "LARDER_SERVE_BINDINGS",
        value_name = "NAME",
        num_args = 1..,
        value_delimiter = ',',
        conflicts_with = "url"
    )]
    pub(super) binding: Vec<String>,
    /// Where operators ask for /healthz, /readyz and /metrics, without a key; nowhere unless told.
    #[arg(long, env = "LARDER_SERVE_ADMIN_LISTEN", value_name = "ADDR")]
    pub(super) admin_listen: Option<SocketAddr>,
    /// Who is let in; auto unless told.
    #[arg(long, env = "LARDER_SERVE_AUTH", value_enum, value_name = "WHO")]
    pub(super) auth: Option<Auth>,
    /// The binding whose store has the API keys; the first that is served unless told.
    #[arg(long, env = "LARDER_SERVE_KEYS_IN", value_name = "NAME")]
    pub(super) keys_in: Option<String>,
    /// A proxy in front speaks HTTPS with the callers, so that plain HTTP will do here. Needs API keys.
    #[arg(
        long,
        env = "LARDER_SERVE_BEHIND_PROXY",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub(super) behind_proxy: Option<bool>,
    /// The certificate to speak HTTPS with, and the chain above it: PEM.
    #[arg(long, env = "LARDER_SERVE_TLS_CERT", value_name = "FILE")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The private key of the certificate: PEM.
    #[arg(long, env = "LARDER_SERVE_TLS_KEY", value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,
    /// An origin whose pages may use the gateway from browsers: https://app.example. May be given more than once.
    #[arg(long, env = "LARDER_SERVE_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub(super) cors_origin: Vec<String>,
    /// Runs the scripts in this directory, NAME.js or NAME.mjs, as they are at each run, and no deployed ones: for
    /// development.
    #[arg(long, env = "LARDER_SERVE_SCRIPTS_DIR", value_name = "DIR")]
    pub(super) scripts_dir: Option<PathBuf>,
    /// The most worker processes for scripts; twice the processors unless told, and at least 4. 0 runs no scripts.
    #[arg(long, env = "LARDER_SERVE_SCRIPT_WORKERS", value_name = "N")]
    pub(super) script_workers: Option<u16>,
    /// How long a request may take until its answer begins; 30s unless told.
    #[arg(long, env = "LARDER_SERVE_REQUEST_TIMEOUT", value_name = "LIFETIME", value_parser = lifetime::parse)]
    #[serde(deserialize_with = "read_lifetime")]
    pub(super) request_timeout: Option<Duration>,
    /// How long requests may go on once the gateway is to end; 30s unless told.
    #[arg(long, env = "LARDER_SERVE_DRAIN", value_name = "LIFETIME", value_parser = lifetime::parse)]
    #[serde(deserialize_with = "read_lifetime")]
    pub(super) drain: Option<Duration>,
    /// How much is said on stderr; info unless told.
    #[arg(long, env = "LARDER_SERVE_LOG_LEVEL", value_enum, value_name = "LEVEL")]
    pub(super) log_level: Option<LogLevel>,
    /// In which form; json unless stderr is a terminal.
    #[arg(long, env = "LARDER_SERVE_LOG_FORMAT", value_enum, value_name = "FORM")]
    pub(super) log_format: Option<LogFormat>,
    /// Sends traces to the collector at this URL: OTLP over HTTP, at /v1/traces behind it; nowhere unless told, or if it is
    /// empty. OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and OTEL_EXPORTER_OTLP_HEADERS hold, too.
    #[cfg(feature = "otel")]
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env_values = true, value_name = "URL")]
    pub(super) otlp_endpoint: Option<String>,
}

/// Who is let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Auth {
    /// Who has an API key, if there is any key, if --keys-in is given, and wherever others than this machine can come.
    Auto,
    /// Who has an API key.
    Keys,
    /// Whoever comes over loopback, but for pages in browsers.
    Loopback,
}

const USUAL_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const USUAL_LIMIT: Duration = Duration::from_secs(30);

impl Settings {
    /// These, and from `below` what they do not say. A list is taken from one place, whole.
    pub(super) fn over(self, below: Self) -> Self {
        let list = |above: Vec<String>, below| if above.is_empty() { below } else { above };
        Self {
            listen: self.listen.or(below.listen),
            binding: list(self.binding, below.binding),
            admin_listen: self.admin_listen.or(below.admin_listen),
            auth: self.auth.or(below.auth),
            keys_in: self.keys_in.or(below.keys_in),
            behind_proxy: self.behind_proxy.or(below.behind_proxy),
            tls_cert: self.tls_cert.or(below.tls_cert),
            tls_key: self.tls_key.or(below.tls_key),
            cors_origin: list(self.cors_origin, below.cors_origin),
            scripts_dir: self.scripts_dir.or(below.scripts_dir),
            script_workers: self.script_workers.or(below.script_workers),
            request_timeout: self.request_timeout.or(below.request_timeout),
            drain: self.drain.or(below.drain),
            log_level: self.log_level.or(below.log_level),
            log_format: self.log_format.or(below.log_format),
            #[cfg(feature = "otel")]
            otlp_endpoint: self.otlp_endpoint.or(below.otlp_endpoint),
        }
    }

    pub(super) fn listen(&self) -> SocketAddr {
        self.listen.unwrap_or(USUAL_LISTEN)
    }

    pub(super) fn auth(&self) -> Auth {
        self.auth.unwrap_or(Auth::Auto)
    }

    pub(super) fn is_behind_proxy(&self) -> bool {
        self.behind_proxy.unwrap_or(false)
    }

    pub(super) fn request_timeout(&self) -> Duration {
        self.request_timeout.unwrap_or(USUAL_LIMIT)
    }

    pub(super) fn drain(&self) -> Duration {
        self.drain.unwrap_or(USUAL_LIMIT)
    }

    pub(super) fn log_level(&self) -> LogLevel {
        self.log_level.unwrap_or(LogLevel::Info)
    }

    pub(super) fn log_format(&self) -> LogFormat {
        self.log_format.unwrap_or_else(usual_format)
    }

    /// Whether others than this machine can come.
    pub(super) fn is_open(&self) -> bool {
        self.is_behind_proxy() || !self.listen().ip().is_loopback()
    }

    /// Refuses what would let strangers in, or keys be read on their way.
    pub(super) fn check(&self) -> Outcome<()> {
        let listen = self.listen();
        let refuse = |message: String| Err(Failure::Usage(message));
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return refuse("--tls-cert and --tls-key belong together: give both or neither".to_owned());
        }
        if self.auth() == Auth::Loopback && self.is_open() {
            return refuse(format!(
                "--auth loopback lets everybody do everything, and others than this machine can come to {listen}: use API \
                 keys (--auth keys)"
            ));
        }
        if self.auth() == Auth::Loopback && self.keys_in.is_some() {
            return refuse(
                "--auth loopback asks for no key: leave out --keys-in, or say --auth keys".to_owned(),
            );
        }
        if !listen.ip().is_loopback() && self.tls_cert.is_none() && !self.is_behind_proxy() {
            return refuse(format!(
                "{listen} is not a loopback address, and keys would be readable on the network: give --tls-cert and \
                 --tls-key, or say --behind-proxy if a proxy in front speaks HTTPS"
            ));
        }
        Ok(())
    }
}

fn read_lifetime<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    lifetime::parse(&text).map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Settings {
        toml::from_str(toml).expect("settings")
    }

    /// Every setting, as one place may say it, and as another may.
    const ONE: &str = "listen = \"127.0.0.1:1\"\nbinding = [\"a\"]\nadmin-listen = \"127.0.0.1:3\"\nauth = \"keys\"\n\
        keys-in = \"a\"\nbehind-proxy = true\ntls-cert = \"a\"\ntls-key = \"a\"\ncors-origin = [\"https://a\"]\n\
        scripts-dir = \"a\"\nscript-workers = 1\nrequest-timeout = \"1s\"\ndrain = \"1s\"\nlog-level = \"warn\"\n\
        log-format = \"text\"\n";
    const OTHER: &str = "listen = \"127.0.0.1:2\"\nbinding = [\"b\"]\nadmin-listen = \"127.0.0.1:4\"\nauth = \"auto\"\n\
        keys-in = \"b\"\nbehind-proxy = false\ntls-cert = \"b\"\ntls-key = \"b\"\ncors-origin = [\"https://b\"]\n\
        scripts-dir = \"b\"\nscript-workers = 2\nrequest-timeout = \"2s\"\ndrain = \"2s\"\nlog-level = \"error\"\n\
        log-format = \"json\"\n";

    #[test]
    fn each_setting_is_that_of_the_place_above_or_else_that_below() {
        let shown = |settings: &Settings| format!("{settings:?}");
        for (above, below) in [(ONE, OTHER), (OTHER, ONE)] {
            assert_eq!(shown(&read(above).over(read(below))), shown(&read(above)));
            assert_eq!(shown(&read("").over(read(below))), shown(&read(below)));
            // One alone comes from above, and all others from below.
            for (line, hidden) in above.lines().zip(below.lines()) {
                let rest: String = below
                    .lines()
                    .filter(|other| *other != hidden)
                    .map(|other| format!("{other}\n"))
                    .collect();
                assert_eq!(
                    shown(&read(line).over(read(below))),
                    shown(&read(&format!("{rest}{line}\n"))),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn what_is_said_above_holds_and_a_list_is_taken_whole() {
        let below =
            read("listen = \"127.0.0.1:1\"\nbinding = [\"a\", \"b\"]\ndrain = \"5s\"\nauth = \"keys\"");
        let above = read("listen = \"127.0.0.1:2\"\nbinding = [\"c\"]");
        let both = above.over(below);
        assert_eq!(both.listen().port(), 2);
        assert_eq!(both.binding, ["c"]);
        assert_eq!(both.drain(), Duration::from_secs(5));
        assert_eq!(both.auth(), Auth::Keys);
        assert_eq!(both.request_timeout(), USUAL_LIMIT);
    }

    #[test]
    fn what_a_file_misspells_is_refused() {
        for wrong in
            ["lissen = \"127.0.0.1:1\"", "drain = 5", "drain = \"5\"", "auth = \"none\"", "listen = \"8080\""]
        {
            assert!(toml::from_str::<Settings>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nobody_is_let_in_by_accident() {
        for (settings, why) in [
            ("listen = \"0.0.0.0:1\"", "not a loopback"),
            ("listen = \"[::]:1\"", "not a loopback"),
            ("listen = \"0.0.0.0:1\"\nauth = \"loopback\"\nbehind-proxy = true", "--auth loopback"),
            ("auth = \"loopback\"\nbehind-proxy = true", "--auth loopback"),
            ("auth = \"loopback\"\nkeys-in = \"a\"", "--keys-in"),
            ("tls-cert = \"a\"", "belong together"),
            ("tls-key = \"a\"", "belong together"),
        ] {
            let failure = read(settings).check().expect_err(settings);
            assert!(failure.to_string().contains(why), "{settings}: {failure}");
        }
        for settings in [
            "",
            "listen = \"[::1]:1\"\nauth = \"loopback\"",
            "listen = \"0.0.0.0:1\"\nbehind-proxy = true",
            "listen = \"0.0.0.0:1\"\ntls-cert = \"a\"\ntls-key = \"b\"",
        ] {
            read(settings).check().expect(settings);
        }
    }
}

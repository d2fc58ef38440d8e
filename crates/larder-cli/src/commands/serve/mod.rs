//! `larder serve`: serves stores over HTTP.

mod access;
mod cores;
mod file;
mod logs;
mod scripts;
mod settings;
mod signals;
#[cfg_attr(not(feature = "otel"), path = "untraced.rs")]
mod traces;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;

use clap::Args;
use larder::Context;
use larder_gateway::{
    Drained, Gateway, GatewayOptions, Metrics, ServeOptions, Stores, Tls, parse_origin, serve_admin,
    serve_with,
};
use serde::Serialize;
use tokio::net::TcpListener;

use self::cores::Cores;
use self::settings::Settings;
use self::traces::Traces;
use super::Session;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::Format;

/// The arguments of `larder serve`.
///
/// A setting is taken from its flag, else from its variable, else from the file, else it is the default.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    settings: Settings,
    /// Settings in a file: TOML, with the names of the flags.
    #[arg(long, env = "LARDER_SERVE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Serialize)]
struct Record<'a> {
    listening: &'a str,
    /// The page to look at the stores with.
    console: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<&'a str>,
    bindings: &'a [String],
    /// Whether callers need API keys.
    keys: bool,
}

pub(crate) async fn run(command: Serve, session: &Session) -> Outcome<Exit> {
    let settings = match &command.config {
        Some(file) => command.settings.over(read_below(file, session)?),
        None => command.settings,
    };
    settings.check()?;
    let traces = Traces::start(&settings)?;
    logs::install(settings.log_level(), settings.log_format(), traces.layers())?;
    // Before the stores, and so to their end: what they have begun on one of these stays there.
    let cores = Cores::start()?;
    let (bindings, ids) = session.target.served(&settings.binding);
    let metrics = Metrics::install()?;
    let context = Context::new(bindings.with_recorder(metrics.recorder()));
    let stores = Stores::new(context.clone(), ids)?;
    let scripts = scripts::scripts(&settings)?;
    let tls = match (&settings.tls_cert, &settings.tls_key) {
        (Some(certificate), Some(key)) => Some(Tls::from_files(certificate, key)?),
        _ => None,
    };
    let cors_origins =
        settings.cors_origin.iter().map(|origin| parse_origin(origin)).collect::<Result<_, _>>()?;
    let listener = listen(settings.listen()).await?;
    let admin = match settings.admin_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    // After all that can fail for nothing: it opens a store.
    let access = access::decide(&settings, &context, &stores).await?;
    let has_keys = matches!(access, larder_gateway::Access::Keys(_));
    let mut options = GatewayOptions::new(access).request_timeout(settings.request_timeout());
    options.scripts = scripts;
    options.cors_origins = cors_origins;
    let gateway = Gateway::with_options(stores, options, Some(metrics));
    let mut serving = ServeOptions::new().drain(settings.drain()).runtimes(cores.handles().iter().cloned());
    let scheme = if tls.is_some() { "https" } else { "http" };
    serving.tls = tls;

    let listening = format!("{scheme}://{}", address(&listener)?);
    let console = format!("{listening}/console/");
    let admin_at = admin.as_ref().map(address).transpose()?.map(|address| format!("http://{address}"));
    let (stopped, hurried) = signals::stop()?;
    match session.output.format {
        Format::Text => {
            // In one piece: who starts it may read the first line and close the pipe.
            session.output.line(&format!("listening on {listening}\nconsole at {console}"))?;
            if let Some(admin) = &admin_at {
                session.output.line(&format!("for operators on {admin}"))?;
            }
        }
        Format::Json | Format::Ndjson => session.output.json_line(&Record {
            listening: &listening,
            console: &console,
            admin: admin_at.as_deref(),
            bindings: gateway.stores().ids(),
            keys: has_keys,
        })?,
    }
    let operators = async {
        match admin {
            Some(listener) => serve_admin(&gateway, listener).await,
            None => std::future::pending().await,
        }
    };
    let mut hurried = pin!(hurried);
    let cut = || Err(Failure::Other("ended at once, as asked: requests were cut".to_owned()));
    let drained = tokio::select! {
        drained = serve_with(&gateway, listener, &serving, stopped) => drained,
        () = operators => Drained::Whole,
        () = &mut hurried => return cut(),
    };
    tokio::select! {
        () = traces.finish() => {}
        () = &mut hurried => {}
    }
    let what = match drained {
        Drained::Whole => return Ok(Exit::Done),
        Drained::Cut(connections) => format!("{connections} connections were cut"),
        Drained::ScriptsCut => "scripts were cut whose callers had left".to_owned(),
    };
    let drain = crate::lifetime::shown(settings.drain());
    Err(Failure::Other(format!("{what}: they were not done {drain} after the gateway was to end")))
}

/// What a file says. Its bindings give way to a store that the command line names.
fn read_below(file: &Path, session: &Session) -> Outcome<Settings> {
    let mut below = file::read(file)?;
    if session.target.is_given() {
        below.binding.clear();
    }
    Ok(below)
}

async fn listen(address: SocketAddr) -> Outcome<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| Failure::at(format_args!("listening on {address}"), &error))
}

fn address(listener: &TcpListener) -> Outcome<SocketAddr> {
    listener.local_addr().map_err(|error| Failure::at("the listener", &error))
}

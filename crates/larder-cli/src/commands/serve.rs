//! `larder serve`: serves stores over HTTP.

use std::net::SocketAddr;

use clap::Args;
use larder::Context;
use larder_gateway::{Gateway, Stores};
use serde::Serialize;
use tokio::net::TcpListener;

use super::Session;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::Format;

/// The arguments of `larder serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen: a loopback address and a port; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A binding to serve, and no other: the first is that of the routes that name none. May be given more than once.
    #[arg(long, short, value_name = "NAME", num_args = 1.., conflicts_with = "url")]
    binding: Vec<String>,
}

#[derive(Serialize)]
struct Record<'a> {
    listening: &'a str,
    bindings: &'a [String],
}

pub(crate) async fn run(command: Serve, session: &Session) -> Outcome<Exit> {
    if !command.listen.ip().is_loopback() {
        return Err(Failure::Usage(format!(
            "{} is not a loopback address, and there are no API keys: everybody on the network could use the stores",
            command.listen
        )));
    }
    let (bindings, ids) = session.target.served(&command.binding);
    let stores = Stores::new(Context::new(bindings), ids)?;
    let listener = TcpListener::bind(command.listen)
        .await
        .map_err(|error| Failure::at(format_args!("listening on {}", command.listen), &error))?;
    let address = listener.local_addr().map_err(|error| Failure::at("the listener", &error))?;
    let listening = format!("http://{address}");
    let stopped = stopped()?;
    match session.output.format {
        Format::Text => session.output.line(&format!("listening on {listening}"))?,
        Format::Json | Format::Ndjson => {
            session.output.json_line(&Record { listening: &listening, bindings: stores.ids() })?;
        }
    }
    larder_gateway::serve(Gateway::new(stores), listener, stopped)
        .await
        .map_err(|error| Failure::at("the gateway", &error))?;
    Ok(Exit::Done)
}

/// Ready when the process is asked to end: by Ctrl-C, or by whoever runs it.
fn stopped() -> Outcome<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    let mut terminate = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).map_err(|error| Failure::at("the signal handler", &error))?
    };
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    })
}

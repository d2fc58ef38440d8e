//! Stands between a client and a server, and loses, delays, repeats and refuses what passes, as its rules
//! say.
//!
//! It prints where clients go and where the rules are changed, in one line, and ends when its input is
//! closed.

use std::io;

use clap::Parser;
use integration_tests::program::wait_for_the_end;
use integration_tests::proxy::listen;

/// What it is told.
#[derive(Debug, Parser)]
struct Arguments {
    /// The server, as http://host:port.
    upstream: String,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let listening = listen(&Arguments::parse().upstream).await?;
    println!("{} {}", listening.url, listening.control);
    wait_for_the_end();
    Ok(())
}

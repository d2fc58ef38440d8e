//! Questions to whoever sits at the terminal.

use std::io::{self, IsTerminal, Write};

use crate::failure::{Failure, Outcome};

/// Whether there is somebody to ask.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks, and returns what was typed, without the line's end.
pub(crate) fn ask(question: &str) -> Outcome<String> {
    // The output may go into a file.
    let mut stderr = io::stderr().lock();
    let asked = write!(stderr, "{question} ").and_then(|()| stderr.flush());
    let mut line = String::new();
    asked
        .and_then(|()| io::stdin().read_line(&mut line))
        .map_err(|error| Failure::at("the terminal", &error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

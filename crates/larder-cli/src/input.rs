//! The value of a put: an argument, a file, or the standard input.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use clap::Args;
use larder::MAX_VALUE_BYTES;

use crate::failure::{Failure, Outcome};
use crate::output::{Encoding, EncodingArg};

/// More than any form of a value has, base64 and line breaks included.
const MAX_WRITTEN: u64 = 4 * MAX_VALUE_BYTES as u64;

/// Where a value comes from.
#[derive(Debug, Args)]
pub(crate) struct ValueArgs {
    /// The value; - or nothing is the standard input.
    #[arg(conflicts_with = "file", allow_negative_numbers = true)]
    value: Option<String>,
    /// The file that holds the value, byte for byte.
    #[arg(long, short, value_name = "PATH")]
    file: Option<PathBuf>,
    #[command(flatten)]
    encoding: EncodingArg,
}

impl ValueArgs {
    /// The value. No more is read than a value can have.
    pub(crate) fn read(self) -> Outcome<Vec<u8>> {
        let written = match (self.value, self.file) {
            (Some(text), _) if text != "-" => text.into_bytes(),
            (_, Some(path)) => {
                let file = File::open(&path).map_err(|error| Failure::at(path.display(), &error))?;
                read_all(file, path.display())?
            }
            (given, None) => {
                let stdin = io::stdin();
                if given.is_none() && stdin.is_terminal() {
                    return Err(Failure::Usage(
                        "there is no value: give it as an argument, with --file, or by a pipe".to_owned(),
                    ));
                }
                let bytes = read_all(stdin.lock(), "the standard input")?;
                // More likely a forgotten argument than a value.
                if given.is_none() && bytes.is_empty() {
                    return Err(Failure::Usage(
                        "the standard input is empty: give the value '' to store an empty one".to_owned(),
                    ));
                }
                bytes
            }
        };
        decoded(self.encoding.encoding, written)
    }
}

fn read_all(source: impl Read, place: impl std::fmt::Display) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_WRITTEN + 1).read_to_end(&mut bytes).map_err(|error| Failure::at(place, &error))?;
    Ok(bytes)
}

fn decoded(encoding: Encoding, written: Vec<u8>) -> Outcome<Vec<u8>> {
    if written.len() as u64 > MAX_WRITTEN {
        return Err(Failure::Usage(format!(
            "the value is too long: it has more than {MAX_WRITTEN} bytes, and the limit is {MAX_VALUE_BYTES}; \
             store large data elsewhere and its address here"
        )));
    }
    encoding.read(written)
}

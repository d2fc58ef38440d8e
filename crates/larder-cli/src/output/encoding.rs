//! Values as text, JSON or base64, without loss.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use serde_json::value::RawValue;

use super::Reader;
use super::escape::escaped;
use crate::failure::{Failure, Outcome};

/// How values are written and read.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct EncodingArg {
    /// How values are written: auto is text where a value is UTF-8, and base64 where it is not.
    #[arg(long = "as", value_enum, value_name = "FORM", default_value_t)]
    pub(crate) encoding: Encoding,
}

/// A form of values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Encoding {
    /// Text where a value is UTF-8, else base64.
    #[default]
    Auto,
    /// UTF-8 text; other values are refused.
    Text,
    /// JSON, byte for byte as it was put; other values are refused.
    Json,
    /// Base64, with padding.
    Base64,
}

/// A value in a form that can be part of JSON.
pub(crate) enum Form<'a> {
    Text(&'a str),
    Json(Box<RawValue>),
    Base64(String),
}

impl Encoding {
    /// What is printed of a value that stands alone.
    pub(crate) fn text(self, value: &[u8], reader: Reader) -> Outcome<Cow<'_, [u8]>> {
        let line = |text: String| Cow::Owned((text + "\n").into_bytes());
        match (self.form(value)?, reader) {
            (Form::Base64(text), _) if self == Self::Base64 => Ok(line(text)),
            // Byte for byte, without so much as a line break.
            (_, Reader::Program) => Ok(Cow::Borrowed(value)),
            (Form::Json(json), Reader::Person) => Ok(line(json.get().to_owned())),
            // Whatever is in a value must not give orders to a terminal.
            (Form::Text(text), Reader::Person) => Ok(line(for_terminal(text))),
            (Form::Base64(_), Reader::Person) => Ok(line(escaped(value))),
        }
    }

    /// The form of a value in JSON.
    pub(crate) fn form(self, value: &[u8]) -> Outcome<Form<'_>> {
        let base64 = || Form::Base64(STANDARD.encode(value));
        match self {
            Self::Auto => Ok(std::str::from_utf8(value).map_or_else(|_| base64(), Form::Text)),
            Self::Base64 => Ok(base64()),
            Self::Text => std::str::from_utf8(value)
                .map(Form::Text)
                .map_err(|_| refused("the value is not UTF-8 text; print it with --as base64")),
            Self::Json => raw(value).map(Form::Json).ok_or_else(|| {
                refused("the value is not JSON on one line; print it with --as text or --as base64")
            }),
        }
    }

    /// The value that somebody wrote in this form.
    pub(crate) fn read(self, written: Vec<u8>) -> Outcome<Vec<u8>> {
        let usage = |what: &str| Failure::Usage(what.to_owned());
        match self {
            Self::Auto => Ok(written),
            Self::Text if std::str::from_utf8(&written).is_ok() => Ok(written),
            Self::Text => Err(usage("the value is not UTF-8 text, as --as text says")),
            Self::Json => match serde_json::from_slice::<&RawValue>(&written) {
                Ok(_) => Ok(written),
                Err(_) => Err(usage("the value is not JSON, as --as json says")),
            },
            Self::Base64 => STANDARD
                .decode(written.trim_ascii())
                .map_err(|_| usage("the value is not base64 with padding, as --as base64 says")),
        }
    }
}

/// JSON that can be put into a line as it is.
fn raw(value: &[u8]) -> Option<Box<RawValue>> {
    let text = std::str::from_utf8(value).ok()?;
    if text.contains(['\n', '\r']) {
        return None;
    }
    let raw = RawValue::from_string(text.to_owned()).ok()?;
    // White space around it would be lost.
    (raw.get() == text).then_some(raw)
}

fn for_terminal(text: &str) -> String {
    let is_harmless = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(is_harmless) { text.to_owned() } else { escaped(text.as_bytes()) }
}

fn refused(what: &str) -> Failure {
    Failure::Other(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_kept_byte_for_byte_or_refused() {
        for kept in [r#"{"b": 1.00,"a":[]}"#, "12345678901234567890.10", "null", r#""x""#] {
            assert_eq!(raw(kept.as_bytes()).expect("JSON").get(), kept);
        }
        for refused in ["{\n}", " 1", "1 ", "", "{", "\u{feff}1"] {
            assert!(raw(refused.as_bytes()).is_none(), "{refused:?}");
        }
    }

    #[test]
    fn a_pipe_gets_the_bytes_and_a_terminal_no_orders() {
        let value = b"\x1b[31mred";
        assert_eq!(&*Encoding::Auto.text(value, Reader::Program).expect("text"), value);
        assert_eq!(&*Encoding::Auto.text(value, Reader::Person).expect("text"), b"\\x1B[31mred\n");
        assert_eq!(&*Encoding::Auto.text(b"\xFF", Reader::Program).expect("bytes"), b"\xFF");
        assert_eq!(&*Encoding::Base64.text(b"\xFF", Reader::Program).expect("bytes"), b"/w==\n");
        assert!(Encoding::Text.text(b"\xFF", Reader::Program).is_err());
    }

    #[test]
    fn what_is_given_in_a_form_is_checked() {
        assert_eq!(Encoding::Base64.read(b"/w==\n".to_vec()).expect("base64"), b"\xFF");
        assert!(Encoding::Base64.read(b"/w".to_vec()).is_err());
        assert!(Encoding::Json.read(b"{".to_vec()).is_err());
        assert_eq!(Encoding::Json.read(b" {} ".to_vec()).expect("JSON"), b" {} ");
        assert!(Encoding::Text.read(b"\xFF".to_vec()).is_err());
    }
}

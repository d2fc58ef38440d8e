//! JSON and text over bytes: they change nothing in the store (V2).

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Kv;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::options::PutOptions;
use crate::outcome::PutOutcome;

impl Kv {
    /// Stores a value as JSON.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, PutOptions};
    /// # let kv = Kv::new(MemoryDriver::new());
    /// kv.put_json("config:features", &["new-checkout"], PutOptions::new()).await?;
    /// let features: Option<Vec<String>> = kv.get_json("config:features").await?;
    /// assert_eq!(features, Some(vec!["new-checkout".to_owned()]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the value cannot be written as JSON; otherwise as [`Kv::put`].
    pub async fn put_json<T: Serialize + ?Sized>(
        &self,
        key: impl AsRef<str>,
        value: &T,
        options: PutOptions,
    ) -> Result<PutOutcome> {
        let json = serde_json::to_vec(value).map_err(|_| {
            // The serializer's own message may quote the value (E2).
            self.codec_error(
                Operation::Put,
                key.as_ref(),
                ErrorKind::InvalidInput,
                "the value cannot be written as JSON",
            )
        });
        match json {
            Ok(json) => self.put(key, json, options).await,
            Err(error) => Err(error),
        }
    }

    /// Reads a value that is JSON.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the value is not JSON of that type, with the line and column; otherwise as [`Kv::get`].
    pub async fn get_json<T: DeserializeOwned>(&self, key: impl AsRef<str>) -> Result<Option<T>> {
        let Some(value) = self.get(key.as_ref()).await? else { return Ok(None) };
        serde_json::from_slice(&value).map(Some).map_err(|error| {
            // Its message may quote the value; the place and the category do not (E2).
            let message = format!(
                "the value is not JSON of the type asked for ({:?} error at line {}, column {})",
                error.classify(),
                error.line(),
                error.column()
            );
            self.codec_error(Operation::Get, key.as_ref(), ErrorKind::Corrupt, message)
        })
    }

    /// Reads a value that is UTF-8 text.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the value is not UTF-8; otherwise as [`Kv::get`].
    pub async fn get_text(&self, key: impl AsRef<str>) -> Result<Option<String>> {
        let Some(value) = self.get(key.as_ref()).await? else { return Ok(None) };
        String::from_utf8(value.into()).map(Some).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let message = format!("the value is not UTF-8 text from byte {valid} on");
            self.codec_error(Operation::Get, key.as_ref(), ErrorKind::Corrupt, message)
        })
    }

    fn codec_error(
        &self,
        operation: Operation,
        key: &str,
        kind: ErrorKind,
        message: impl Into<String>,
    ) -> Error {
        Error::new(kind, message)
            .with_operation(operation)
            .with_binding(std::sync::Arc::clone(&self.shared.binding))
            .with_key(key, self.shared.show_full_keys)
    }
}

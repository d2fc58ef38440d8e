//! Records as rows of a table.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use larder_core::driver::{Projection, RowKey, Shard, StoredKey};
use larder_core::record::{Applied, Record, Register, Revision, WriteStamp};
use larder_core::{CanonicalKey, Expiry, SYSTEM_MARK, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The partition of internal records.
const SYSTEM: &str = "sys";
const BINARY: &str = "Edm.Binary";
const INT64: &str = "Edm.Int64";
/// An entry of a register: the stamp, then the number as a big-endian `i64`.
const APPLIED: usize = WriteStamp::LEN + 8;

/// What a read without the value asks for.
pub(crate) const META: &str = "exp,w";
/// What a scan without values asks for. `Timestamp` stands in for an ETag that is left out.
pub(crate) const META_WITH_KEYS: &str = "PartitionKey,RowKey,Timestamp,exp,w";

/// The partition of a shard.
pub(crate) fn partition(shard: Shard) -> String {
    if shard == Shard::SYSTEM { SYSTEM.to_owned() } else { format!("{:02X}", shard.0) }
}

/// The row key of a record: its key, or the name of one of Larder's own without its mark, which OData has other uses for.
pub(crate) fn row_key(key: &CanonicalKey) -> &str {
    key.as_str().strip_prefix(SYSTEM_MARK).unwrap_or(key.as_str())
}

/// A row as it is sent. Without a value it is what a merge changes.
#[derive(Serialize)]
pub(crate) struct Entity {
    #[serde(rename = "PartitionKey")]
    partition_key: String,
    #[serde(rename = "RowKey")]
    row_key: String,
    #[serde(flatten)]
    value: Option<EntityValue>,
    exp: String,
    #[serde(rename = "exp@odata.type")]
    exp_type: &'static str,
    w: String,
    #[serde(rename = "w@odata.type")]
    w_type: &'static str,
    #[serde(flatten)]
    register: Option<EntityRegister>,
}

#[derive(Serialize)]
struct EntityValue {
    v: String,
    #[serde(rename = "v@odata.type")]
    v_type: &'static str,
}

#[derive(Serialize)]
struct EntityRegister {
    h: String,
    #[serde(rename = "h@odata.type")]
    h_type: &'static str,
}

impl Entity {
    /// The row of a whole record.
    pub(crate) fn put(
        row: &RowKey,
        value: &Bytes,
        expires_at: Expiry,
        stamp: WriteStamp,
        register: Option<&Register>,
    ) -> Self {
        Self {
            value: Some(EntityValue { v: STANDARD.encode(value), v_type: BINARY }),
            register: register.map(|register| EntityRegister { h: history(register), h_type: BINARY }),
            ..Self::touch(row, expires_at, stamp)
        }
    }

    /// What a touch changes of a row.
    pub(crate) fn touch(row: &RowKey, expires_at: Expiry, stamp: WriteStamp) -> Self {
        let millis = expires_at.moment().map_or(i64::MAX.unsigned_abs(), Timestamp::as_millis);
        Self {
            partition_key: partition(row.shard),
            row_key: row_key(&row.key).to_owned(),
            value: None,
            exp: millis.to_string(),
            exp_type: INT64,
            w: STANDARD.encode(stamp.to_bytes()),
            w_type: BINARY,
            register: None,
        }
    }
}

/// The bytes of a register, oldest first.
fn history(register: &Register) -> String {
    let mut bytes = Vec::with_capacity(register.history().len() * APPLIED);
    for applied in register.history() {
        bytes.extend(applied.stamp.to_bytes());
        bytes.extend(applied.result.to_be_bytes());
    }
    STANDARD.encode(bytes)
}

/// A row as it comes back. Its fields are whatever something wrote there.
#[derive(Deserialize)]
pub(crate) struct Row {
    #[serde(rename = "RowKey")]
    row_key: Option<String>,
    #[serde(rename = "odata.etag")]
    etag: Option<String>,
    #[serde(rename = "Timestamp")]
    timestamp: Option<String>,
    v: Option<Value>,
    #[serde(rename = "v@odata.type")]
    v_type: Option<String>,
    exp: Option<Value>,
    #[serde(rename = "exp@odata.type")]
    exp_type: Option<String>,
    w: Option<Value>,
    #[serde(rename = "w@odata.type")]
    w_type: Option<String>,
    h: Option<Value>,
    #[serde(rename = "h@odata.type")]
    h_type: Option<String>,
}

impl Row {
    /// The text of its key, where that was asked for.
    pub(crate) fn key(&self, shard: Shard) -> Option<StoredKey> {
        let text = self.row_key.as_deref()?;
        Some(if shard == Shard::SYSTEM { format!("{SYSTEM_MARK}{text}").into() } else { text.into() })
    }

    /// Its state's name: the ETag, which is made of the time of the last change where the service leaves it out.
    pub(crate) fn etag(&self) -> Option<String> {
        if let Some(etag) = &self.etag {
            return Some(etag.clone());
        }
        let timestamp = self.timestamp.as_deref()?.replace(':', "%3A");
        Some(format!("W/\"datetime'{timestamp}'\""))
    }

    /// Its expiry, if it has one that can be read.
    pub(crate) fn expiry(&self) -> Option<Expiry> {
        let text = typed(self.exp.as_ref(), self.exp_type.as_deref(), INT64)?;
        let millis = text.parse::<i64>().ok().and_then(|millis| u64::try_from(millis).ok())?;
        Some(if millis == i64::MAX.unsigned_abs() { Expiry::NEVER } else { Expiry::from_raw(millis) })
    }

    /// Reads a row, as the state that has this ETag.
    ///
    /// # Errors
    ///
    /// Why it cannot be decoded.
    pub(crate) fn decode(self, etag: Option<String>, projection: Projection) -> Result<Record, String> {
        let revision = etag.or_else(|| self.etag()).ok_or("the row came without an ETag")?;
        let expires_at = self.expiry().ok_or("the row has no expiry (property exp)")?;
        let stamp = binary(self.w.as_ref(), self.w_type.as_deref())
            .and_then(|bytes| <[u8; WriteStamp::LEN]>::try_from(bytes).ok())
            .ok_or("the row has no write stamp (property w)")?;
        let (value, register) = match projection {
            Projection::Meta => (Bytes::new(), None),
            Projection::Full => {
                let value = binary(self.v.as_ref(), self.v_type.as_deref())
                    .ok_or("the row has no value (property v)")?;
                let register = match &self.h {
                    None | Some(Value::Null) => None,
                    Some(history) => Some(register(history, self.h_type.as_deref())?),
                };
                (Bytes::from(value), register.map(Box::new))
            }
        };
        Ok(Record {
            value,
            expires_at,
            stamp: WriteStamp::from_bytes(&stamp),
            revision: Revision::Platform(revision.into()),
            register,
        })
    }
}

fn register(history: &Value, of: Option<&str>) -> Result<Register, String> {
    let bytes = binary(Some(history), of).filter(|bytes| !bytes.is_empty() && bytes.len() % APPLIED == 0);
    let bytes = bytes.ok_or("the row's register cannot be read (property h)")?;
    let history = bytes.chunks_exact(APPLIED).map(|entry| {
        let stamp = std::array::from_fn(|at| entry[at]);
        let result = std::array::from_fn(|at| entry[WriteStamp::LEN + at]);
        Applied { stamp: WriteStamp::from_bytes(&stamp), result: i64::from_be_bytes(result) }
    });
    Ok(Register::from_history(history.collect()))
}

/// A property's text, if it is of that type.
fn typed<'a>(value: Option<&'a Value>, is: Option<&str>, expected: &str) -> Option<&'a str> {
    value.filter(|_| is == Some(expected))?.as_str()
}

fn binary(value: Option<&Value>, is: Option<&str>) -> Option<Vec<u8>> {
    STANDARD.decode(typed(value, is, BINARY)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> RowKey {
        RowKey { shard: Shard(10), key: CanonicalKey::from_canonical(text).expect("canonical") }
    }

    fn stamp() -> WriteStamp {
        let mut bytes: [u8; WriteStamp::LEN] = std::array::from_fn(|at| u8::try_from(at).expect("small"));
        bytes[16..].copy_from_slice(&1_767_225_600_123_u64.to_be_bytes());
        WriteStamp::from_bytes(&bytes)
    }

    /// What the service sends back for what was sent: its own properties, and nothing that was null.
    fn stored(entity: &Entity) -> Row {
        let mut row = serde_json::to_value(entity).expect("it is JSON");
        row["odata.etag"] = "W/\"x\"".into();
        serde_json::from_value(row).expect("a row")
    }

    #[test]
    fn a_row_is_as_the_layout_says() {
        let value = Bytes::from_static(b"hello");
        let entity = Entity::put(&key("user:123"), &value, Expiry::NEVER, stamp(), None);
        assert_eq!(
            serde_json::to_value(&entity).expect("it is JSON"),
            serde_json::json!({
                "PartitionKey": "0A", "RowKey": "user:123",
                "v": "aGVsbG8=", "v@odata.type": "Edm.Binary",
                "exp": "9223372036854775807", "exp@odata.type": "Edm.Int64",
                "w": "AAECAwQFBgcICQoLDA0ODwAAAZt22qh7", "w@odata.type": "Edm.Binary",
            })
        );
        let layout = RowKey {
            shard: Shard::SYSTEM,
            key: CanonicalKey::from_canonical("!layout").expect("a record's name"),
        };
        assert_eq!((partition(layout.shard).as_str(), row_key(&layout.key)), ("sys", "layout"));
    }

    #[test]
    fn a_record_survives_its_row() {
        let mut register = Register::default();
        register.push(Applied { stamp: stamp(), result: -7 });
        register.push(Applied { stamp: stamp(), result: i64::MAX });
        let expires_at = Expiry::from_raw(1_767_225_660_123);
        let value = Bytes::from_static(b"-7");
        let entity = Entity::put(&key("a"), &value, expires_at, stamp(), Some(&register));
        let record = stored(&entity).decode(None, Projection::Full).expect("it decodes");
        assert_eq!(record.value, "-7");
        assert_eq!((record.expires_at, record.stamp), (expires_at, stamp()));
        assert_eq!(record.register.as_deref(), Some(&register));
        assert_eq!(record.revision, Revision::Platform("W/\"x\"".into()));
    }

    #[test]
    fn what_is_no_record_is_named() {
        let good = serde_json::json!({
            "odata.etag": "W/\"x\"",
            "v": "", "v@odata.type": "Edm.Binary",
            "exp": "1", "exp@odata.type": "Edm.Int64",
            "w": "AAECAwQFBgcICQoLDA0ODwAAAZt22qh7", "w@odata.type": "Edm.Binary",
        });
        let decode = |row: &Value| {
            let row: Row = serde_json::from_value(row.clone()).expect("a row");
            row.decode(None, Projection::Full)
        };
        assert!(decode(&good).is_ok());
        for (field, value) in [
            ("v", Value::Null),
            ("v@odata.type", "Edm.String".into()),
            ("v", "no base64".into()),
            ("v", 1.into()),
            ("exp", "-1".into()),
            ("exp", 1.into()),
            ("exp@odata.type", Value::Null),
            ("w", "AAEC".into()),
            ("w", Value::Null),
            ("h", "AAEC".into()),
            ("h", 5.into()),
            ("odata.etag", Value::Null),
        ] {
            let mut row = good.clone();
            row[field] = value;
            row["h@odata.type"] = "Edm.Binary".into();
            assert!(decode(&row).is_err(), "{row}");
        }
    }

    #[test]
    fn a_time_stands_in_for_an_etag() {
        let row: Row =
            serde_json::from_value(serde_json::json!({"Timestamp": "2026-01-01T00:00:00.1234567Z"}))
                .expect("a row");
        assert_eq!(row.etag().as_deref(), Some("W/\"datetime'2026-01-01T00%3A00%3A00.1234567Z'\""));
    }
}

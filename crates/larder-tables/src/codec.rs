//! Records as rows of a table.

use std::fmt::{self, Write};

use base64_simd::STANDARD;
use bytes::Bytes;
use larder_core::driver::{Projection, RowKey, Shard, StoredKey};
use larder_core::record::{Record, Register, Revision, WriteStamp};
use larder_core::{CanonicalKey, Expiry, SYSTEM_MARK, Timestamp};
use serde::Deserialize;
use smol_str::{SmolStr, format_smolstr};

use crate::property::{EdmType, Property, history};

/// The partition of internal records.
const SYSTEM: &str = "sys";

/// What a read without the value asks for.
pub(crate) const META: &str = "exp,w";
/// What a scan without values asks for. `Timestamp` stands in for an ETag that is left out.
pub(crate) const META_WITH_KEYS: &str = "PartitionKey,RowKey,Timestamp,exp,w";

/// The partition of a shard, as text.
#[derive(Clone, Copy)]
pub(crate) struct Partition(pub(crate) Shard);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Shard::SYSTEM => f.write_str(SYSTEM),
            Shard(number) => write!(f, "{number:02X}"),
        }
    }
}

/// The row key of a record: its key, or the name of one of Larder's own without its mark, which OData has other uses for.
pub(crate) fn row_key(key: &CanonicalKey) -> &str {
    key.as_str().strip_prefix(SYSTEM_MARK).unwrap_or(key.as_str())
}

/// The URL of a row, behind that of its table. No canonical key and no partition holds a quote, which would have to be
/// doubled, or what a URL would have to escape.
pub(crate) struct RowUrl<'a>(pub(crate) &'a str, pub(crate) &'a RowKey);

impl fmt::Display for RowUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(table, row) = self;
        write!(f, "{table}(PartitionKey='{}',RowKey='{}')", Partition(row.shard), row_key(&row.key))
    }
}

/// A row as it is sent. Without a value it is what a merge changes.
pub(crate) struct Entity<'a> {
    partition: Partition,
    row_key: &'a str,
    v: Option<&'a [u8]>,
    exp: u64,
    w: [u8; WriteStamp::LEN],
    h: Option<Vec<u8>>,
}

impl<'a> Entity<'a> {
    /// The row of a whole record.
    pub(crate) fn put(
        row: &'a RowKey,
        value: &'a [u8],
        expires_at: Expiry,
        stamp: WriteStamp,
        register: Option<&Register>,
    ) -> Self {
        Self { v: Some(value), h: register.map(history), ..Self::touch(row, expires_at, stamp) }
    }

    /// What a touch changes of a row.
    pub(crate) fn touch(row: &'a RowKey, expires_at: Expiry, stamp: WriteStamp) -> Self {
        Self {
            partition: Partition(row.shard),
            row_key: row_key(&row.key),
            v: None,
            exp: expires_at.moment().map_or(i64::MAX.unsigned_abs(), Timestamp::as_millis),
            w: stamp.to_bytes(),
            h: None,
        }
    }

    /// Writes it as JSON. Nothing in it would have to be escaped: keys are canonical, and the rest is digits and base64.
    pub(crate) fn write(&self, to: &mut String) -> fmt::Result {
        write!(to, r#"{{"PartitionKey":"{}","RowKey":"{}""#, self.partition, self.row_key)?;
        if let Some(value) = self.v {
            binary(to, "v", value)?;
        }
        write!(to, r#","exp":"{}","exp@odata.type":"Edm.Int64""#, self.exp)?;
        binary(to, "w", &self.w)?;
        if let Some(history) = &self.h {
            binary(to, "h", history)?;
        }
        to.write_char('}')
    }

    /// Its JSON, for a request of its own.
    pub(crate) fn written(&self) -> Result<String, fmt::Error> {
        let mut json = String::with_capacity(AROUND + self.v.map_or(0, |value| value.len().div_ceil(3) * 4));
        self.write(&mut json)?;
        Ok(json)
    }
}

/// About how many bytes a row takes beside its value.
const AROUND: usize = 512;

fn binary(to: &mut String, name: &str, bytes: &[u8]) -> fmt::Result {
    write!(to, r#","{name}":""#)?;
    STANDARD.encode_append(bytes, to);
    write!(to, r#"","{name}@odata.type":"Edm.Binary""#)
}

/// A row as it comes back. Its properties are whatever something wrote there.
#[derive(Deserialize)]
pub(crate) struct Row {
    #[serde(rename = "RowKey")]
    row_key: Option<SmolStr>,
    #[serde(rename = "odata.etag")]
    etag: Option<SmolStr>,
    #[serde(rename = "Timestamp")]
    timestamp: Option<SmolStr>,
    v: Option<Property<Bytes>>,
    #[serde(rename = "v@odata.type")]
    v_type: Option<EdmType>,
    exp: Option<Property<i64>>,
    #[serde(rename = "exp@odata.type")]
    exp_type: Option<EdmType>,
    w: Option<Property<WriteStamp>>,
    #[serde(rename = "w@odata.type")]
    w_type: Option<EdmType>,
    h: Option<Property<Register>>,
    #[serde(rename = "h@odata.type")]
    h_type: Option<EdmType>,
}

impl Row {
    /// The text of its key, where that was asked for.
    pub(crate) fn key(&self, shard: Shard) -> Option<StoredKey> {
        let text = self.row_key.as_ref()?;
        Some(match shard {
            Shard::SYSTEM => format_smolstr!("{SYSTEM_MARK}{text}").into(),
            _ => text.clone().into(),
        })
    }

    /// Its state's name: the ETag, which is made of the time of the last change where the service leaves it out.
    pub(crate) fn etag(&self) -> Option<SmolStr> {
        if let Some(etag) = &self.etag {
            return Some(etag.clone());
        }
        let timestamp = self.timestamp.as_deref()?.replace(':', "%3A");
        Some(format_smolstr!("W/\"datetime'{timestamp}'\""))
    }

    /// Its expiry, if it has one that can be read.
    pub(crate) fn expiry(&self) -> Option<Expiry> {
        let millis = u64::try_from(*self.exp.as_ref()?.as_typed(self.exp_type)?).ok()?;
        Some(if millis == i64::MAX.unsigned_abs() { Expiry::NEVER } else { Expiry::from_raw(millis) })
    }

    /// Reads a row, as the state that has this ETag.
    ///
    /// # Errors
    ///
    /// Why it cannot be decoded.
    pub(crate) fn decode(self, etag: Option<SmolStr>, projection: Projection) -> Result<Record, String> {
        let revision = etag.or_else(|| self.etag()).ok_or("the row came without an ETag")?;
        let expires_at = self.expiry().ok_or("the row has no expiry (property exp)")?;
        let stamp = self.w.and_then(|stamp| stamp.typed(self.w_type));
        let stamp = stamp.ok_or("the row has no write stamp (property w)")?;
        let (value, register) = match projection {
            Projection::Meta => (Bytes::new(), None),
            Projection::Full => {
                let value = self.v.and_then(|value| value.typed(self.v_type));
                let value = value.ok_or("the row has no value (property v)")?;
                let register = match self.h.map(|history| history.typed(self.h_type)) {
                    None => None,
                    Some(None) => return Err("the row's register cannot be read (property h)".to_owned()),
                    Some(Some(register)) => Some(Box::new(register)),
                };
                (value, register)
            }
        };
        Ok(Record { value, expires_at, stamp, revision: Revision::Platform(revision), register })
    }
}

#[cfg(test)]
mod tests {
    use larder_core::record::Applied;
    use serde_json::Value;

    use super::*;

    fn key(text: &str) -> RowKey {
        RowKey { shard: Shard(10), key: CanonicalKey::from_canonical(text).expect("canonical") }
    }

    fn stamp() -> WriteStamp {
        let mut bytes: [u8; WriteStamp::LEN] = std::array::from_fn(|at| u8::try_from(at).expect("small"));
        bytes[16..].copy_from_slice(&1_767_225_600_123_u64.to_be_bytes());
        WriteStamp::from_bytes(&bytes)
    }

    fn json(entity: &Entity<'_>) -> Value {
        serde_json::from_str(&entity.written().expect("it can be written")).expect("it is JSON")
    }

    /// What the service sends back for what was sent: its own properties, and nothing that was null.
    fn stored(entity: &Entity<'_>) -> Row {
        let mut row = json(entity);
        row["odata.etag"] = "W/\"x\"".into();
        serde_json::from_value(row).expect("a row")
    }

    #[test]
    fn a_row_is_as_the_layout_says() {
        let row = key("user:123");
        let entity = Entity::put(&row, b"hello", Expiry::NEVER, stamp(), None);
        assert_eq!(
            json(&entity),
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
        let names = (Partition(layout.shard).to_string(), row_key(&layout.key));
        assert_eq!(names, ("sys".to_owned(), "layout"));
    }

    #[test]
    fn a_record_survives_its_row() {
        let mut register = Register::default();
        register.push(Applied { stamp: stamp(), result: -7 });
        register.push(Applied { stamp: stamp(), result: i64::MAX });
        let expires_at = Expiry::from_raw(1_767_225_660_123);
        let row = key("a");
        let entity = Entity::put(&row, b"-7", expires_at, stamp(), Some(&register));
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

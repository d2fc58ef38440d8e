//! What tests need of a table: to make one, and to spoil a row.

use azure_core_legacy::auth::Secret;
use azure_core_legacy::date::to_rfc3339;
use azure_core_legacy::hmac::hmac_sha256;
use azure_data_tables::clients::TableClient;
use bytes::Bytes;
use larder_core::driver::{RowKey, Shard};
use larder_core::record::WriteStamp;
use larder_core::{CanonicalKey, Expiry, LAYOUT_RECORD, Timestamp};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use time::{Duration, OffsetDateTime};

use crate::codec::{Entity, Partition, row_key};
use crate::driver::TablesDriver;
use crate::rows::IfMatch;

/// The account that every emulator has.
pub const EMULATOR_ACCOUNT: &str = azure_storage::EMULATOR_ACCOUNT;
/// Its key, which is no secret.
pub const EMULATOR_KEY: &str = azure_storage::EMULATOR_ACCOUNT_KEY;

/// A signature of the emulator's account for its tables, with these permissions, for so many seconds from now.
///
/// # Errors
///
/// What the SDK said.
pub fn signature(permissions: &str, lifetime: i64) -> Result<String, String> {
    // By hand: the SDK signs for one kind of resource, and the service asks for objects here and for containers there.
    let expiry = OffsetDateTime::now_utc() + Duration::seconds(lifetime);
    let expiry =
        expiry.replace_nanosecond(0).map(|expiry| to_rfc3339(&expiry)).map_err(|error| error.to_string())?;
    let version = "2018-11-09";
    let signed = format!("{EMULATOR_ACCOUNT}\n{permissions}\nt\nsco\n\n{expiry}\n\n\n{version}\n");
    let signature = hmac_sha256(&signed, &Secret::new(EMULATOR_KEY)).map_err(|error| error.to_string())?;
    let encode =
        |text: &str| text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").replace(':', "%3A");
    Ok(format!(
        "sv={version}&ss=t&srt=sco&se={}&sp={permissions}&sig={}",
        encode(&expiry),
        encode(&signature)
    ))
}

/// The SDK's client of a driver's table, on the driver's own transport: the benchmark's hand-written side.
pub fn table_client(driver: &TablesDriver) -> TableClient {
    driver.client.table.clone()
}

/// Posts what the SDK has no form for to a path below the account, on the driver's own transport; returns the answer.
///
/// # Errors
///
/// What the server said.
pub async fn post(
    driver: &TablesDriver,
    path: &str,
    content_type: &str,
    body: String,
) -> Result<String, String> {
    let mut request = driver.client.request(Method::POST, path).map_err(|failure| format!("{failure:?}"))?;
    let content_type = HeaderValue::try_from(content_type).map_err(|error| error.to_string())?;
    request.headers_mut().insert(CONTENT_TYPE, content_type);
    *request.body_mut() = Some(Bytes::from(body).into());
    let answer = driver.client.transport.send(request).await.map_err(|failure| format!("{failure:?}"))?;
    String::from_utf8(answer.body.into()).map_err(|error| error.to_string())
}

/// Makes the table of a driver, empty and without a layout record.
///
/// # Errors
///
/// What the server said.
pub async fn create_table(driver: &TablesDriver) -> Result<(), String> {
    driver.client.create_table().await.map_err(|failure| format!("{failure:?}"))
}

/// Removes the table of a driver.
///
/// # Errors
///
/// What the server said.
pub async fn delete_table(driver: &TablesDriver) -> Result<(), String> {
    driver.client.delete_table().await.map_err(|failure| format!("{failure:?}"))
}

/// Overwrites a row with what no layout can decode.
///
/// # Errors
///
/// What the server said.
pub async fn spoil(driver: &TablesDriver, row: &RowKey) -> Result<(), String> {
    put_raw(driver, &Partition(row.shard).to_string(), row_key(&row.key), r#"{"junk":"no record"}"#).await
}

/// Puts a row that Larder did not write, with these properties as JSON.
///
/// # Errors
///
/// What the server said.
pub async fn put_raw(
    driver: &TablesDriver,
    partition: &str,
    row: &str,
    properties: &str,
) -> Result<(), String> {
    let table = driver.client.table_name();
    let path = format!("{table}(PartitionKey='{partition}',RowKey='{row}')");
    let mut request = driver.client.request(Method::PUT, &path).map_err(|failure| format!("{failure:?}"))?;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *request.body_mut() = Some(Bytes::from(properties.to_owned()).into());
    driver.client.transport.send(request).await.map(drop).map_err(|failure| format!("{failure:?}"))
}

/// Puts a layout record with that content.
///
/// # Errors
///
/// What the server said.
pub async fn put_layout(driver: &TablesDriver, content: &str) -> Result<(), String> {
    let row = layout_row()?;
    let stamp = WriteStamp::new(Timestamp::from_millis(0));
    let entity = Entity::put(&row, content.as_bytes(), Expiry::NEVER, stamp, None);
    driver.client.replace_any(&row, &entity).await.map(drop).map_err(|failure| format!("{failure:?}"))
}

/// Removes the layout record.
///
/// # Errors
///
/// What the server said.
pub async fn remove_layout(driver: &TablesDriver) -> Result<(), String> {
    driver.client.delete(&layout_row()?, IfMatch::Any).await.map_err(|failure| format!("{failure:?}"))
}

fn layout_row() -> Result<RowKey, String> {
    let key = CanonicalKey::from_canonical(LAYOUT_RECORD).ok_or("the layout record has no name")?;
    Ok(RowKey { shard: Shard::SYSTEM, key })
}

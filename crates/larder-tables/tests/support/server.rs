//! What Azure sends with every answer, and the smallest table that it can play.

use larder_conformance::server::{Reply, Seen};

/// The headers that the service sends with every answer.
pub(crate) const SERVICE: &str = "x-ms-request-id: 00000000-0000-0000-0000-000000000001\r\n\
    x-ms-version: 2022-11-02\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n";

/// A table that is empty but for its layout record, of a service that lets in whoever the test says.
pub(crate) fn empty_table(request: &Seen) -> Reply {
    let json = format!("{SERVICE}content-type: application/json\r\n");
    if request.line().contains("PartitionKey='sys'") {
        let row = r#"{"odata.metadata":"m","odata.etag":"W/\"1\"","PartitionKey":"sys","RowKey":"layout",
            "v@odata.type":"Edm.Binary","v":"eyJ2ZXJzaW9uIjoxLCJtaW5SZWFkZXIiOjEsIm1pbldyaXRlciI6MSwic2hhcmRzIjoxNiwiaGFzaCI6Inh4aDY0In0=",
            "exp@odata.type":"Edm.Int64","exp":"9223372036854775807",
            "w@odata.type":"Edm.Binary","w":"AAECAwQFBgcICQoLDA0ODwAAAZt22qh7"}"#;
        return ("200 OK", format!("{json}etag: W/\"1\"\r\n"), row.to_owned());
    }
    let missing = r#"{"odata.error":{"code":"ResourceNotFound","message":{"value":"no such row"}}}"#;
    ("404 Not Found", json, missing.to_owned())
}

//! What a request asks for, by name.

use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;

/// `PutItem` for DynamoDB, `Commit` for gRPC, `write` for a gateway's attempts, else the method of HTTP.
pub(super) fn operation(request: &Parts) -> &str {
    let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(target) = text("x-amz-target") {
        return after_last('.', target);
    }
    let kind = text(CONTENT_TYPE.as_str()).unwrap_or_default();
    if kind.starts_with("application/grpc") || kind.starts_with("application/vnd.larder.") {
        return after_last('/', request.uri.path());
    }
    request.method.as_str()
}

fn after_last(separator: char, text: &str) -> &str {
    text.rsplit(separator).next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    #[test]
    fn every_protocol_names_its_operations() {
        let cases = [
            ("/", "x-amz-target", "DynamoDB_20120810.PutItem", "PutItem"),
            ("/google.firestore.v1.Firestore/Commit", "content-type", "application/grpc+proto", "Commit"),
            ("/v1/attempt/cache/write", "content-type", "application/vnd.larder.attempt", "write"),
            ("/Table(PartitionKey='a',RowKey='b')", "content-type", "application/json", "MERGE"),
        ];
        for (path, name, value, expected) in cases {
            let request = Request::builder().method("MERGE").uri(path).header(name, value).body(()).unwrap();
            assert_eq!(operation(&request.into_parts().0), expected);
        }
    }
}

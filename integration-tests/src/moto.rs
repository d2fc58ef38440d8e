//! Credentials that moto accepts, in the mode in which it checks signatures.
//!
//! It lets so many requests pass unchecked as it is told. Three make a user, a policy and an access key.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// An access key.
#[derive(Clone)]
pub struct AccessKey {
    /// The key's id.
    pub id: String,
    /// The key.
    pub secret: String,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessKey(..)")
    }
}

/// What the user may do.
const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}}"#;

/// Makes a user who may use DynamoDB. The door is open for its three requests: make no other ones meanwhile.
///
/// # Panics
///
/// When moto does not answer as it should.
pub async fn user(moto: &str) -> AccessKey {
    let name = fresh_name();
    let user = [("UserName", &*name)];
    open_door(moto, 3).await;
    iam(moto, "CreateUser", &user).await;
    iam(moto, "PutUserPolicy", &[user[0], ("PolicyName", "all"), ("PolicyDocument", POLICY)]).await;
    let made = iam(moto, "CreateAccessKey", &user).await;
    AccessKey { id: element(&made, "AccessKeyId"), secret: element(&made, "SecretAccessKey") }
}

/// Makes a role that may use DynamoDB, and leaves the door open for the one request that takes it on; returns its ARN.
///
/// # Panics
///
/// When moto does not answer as it should.
pub async fn role(moto: &str) -> String {
    let name = fresh_name();
    let role = [("RoleName", &*name)];
    open_door(moto, 3).await;
    let made = iam(moto, "CreateRole", &[role[0], ("AssumeRolePolicyDocument", "{}")]).await;
    iam(moto, "PutRolePolicy", &[role[0], ("PolicyName", "all"), ("PolicyDocument", POLICY)]).await;
    element(&made, "Arn")
}

fn fresh_name() -> String {
    static NAMES: AtomicU32 = AtomicU32::new(0);
    format!("larder-{}-{}", std::process::id(), NAMES.fetch_add(1, Ordering::Relaxed))
}

async fn open_door(moto: &str, requests: u32) {
    post(format!("{moto}/moto-api/reset-auth"), "text/plain", requests.to_string()).await;
}

async fn iam(moto: &str, action: &str, fields: &[(&str, &str)]) -> String {
    let mut form = format!("Action={action}&Version=2010-05-08");
    for (field, value) in fields {
        form.push_str(&format!("&{field}={}", escaped(value)));
    }
    post(format!("{moto}/"), "application/x-www-form-urlencoded", form).await
}

async fn post(url: String, content_type: &str, body: String) -> String {
    // moto reads the service out of this header, and nothing else.
    let service = "AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, \
         Signature=none";
    let request = Request::post(&url)
        .header("content-type", content_type)
        .header("authorization", service)
        .body(Full::new(Bytes::from(body)))
        .expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let reply = client.request(request).await.expect("moto answers");
    let status = reply.status();
    let text = reply.into_body().collect().await.expect("a body").to_bytes();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(status.is_success(), "moto answered {url} with {status}: {text}");
    text
}

fn element(xml: &str, name: &str) -> String {
    let rest = xml.split_once(&format!("<{name}>")).map(|(_, rest)| rest);
    let text = rest.and_then(|rest| rest.split_once(&format!("</{name}>")));
    text.unwrap_or_else(|| panic!("no {name} in what moto said")).0.to_owned()
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

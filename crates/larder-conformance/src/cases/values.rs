//! What comes back is what went in.

use bytes::Bytes;
use futures_util::TryStreamExt;
use larder_core::{Entry, ErrorKind, Kv, MAX_VALUE_BYTES, PutOptions};

use crate::context::Context;
use crate::support::{set, shown, text};
use crate::wrap::{Counting, Hook};

cases! {
    "values";
    every_byte_comes_back: V1;
    every_size_comes_back: V1;
    a_value_that_is_too_large_is_refused_before_any_request: V1;
    text_and_json_are_bytes: V2;
    a_value_that_does_not_decode_stays_as_it_is: V2 E2;
}

/// Puts the values in both ways, and reads them back in all.
async fn check_all(kv: &Kv, values: &[Vec<u8>]) {
    for (at, value) in values.iter().enumerate() {
        set(kv, &format!("one:{at:04}"), value).await;
    }
    let many = values.iter().enumerate().map(|(at, value)| (format!("two:{at:04}"), value.clone()));
    for result in kv.put_many(many, None).await.expect("the batch works") {
        result.expect("the put works");
    }
    for kind in ["one", "two"] {
        let keys: Vec<String> = (0..values.len()).map(|at| format!("{kind}:{at:04}")).collect();
        let found = kv.get_many(&keys).await.expect("the batch works");
        let scanned: Vec<Entry> = kv.scan(format!("{kind}:")).try_collect().await.expect("the scan works");
        assert_eq!(scanned.len(), values.len());
        for (at, value) in values.iter().enumerate() {
            let length = value.len();
            let got = kv.get(&keys[at]).await.expect("the read works").expect("it is there");
            assert!(got == value[..], "get gives {} bytes for {length}", got.len());
            let found = found[at].as_ref().expect("the read works").as_ref().expect("it is there").value();
            assert!(found == &value[..], "get_many gives {} bytes for {length}", found.len());
            let scanned = scanned[at].value();
            assert!(scanned == &value[..], "a scan gives {} bytes for {length}", scanned.len());
        }
    }
}

async fn every_byte_comes_back(context: Context) {
    let all: Vec<u8> = (0..=255).collect();
    let mut values: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
    values.push(all.repeat(96));
    values.push(all.iter().rev().copied().collect());
    for text in
        ["\0", "\0\0\0", "a\0", "\0a", "\r\n", "\n", " ", " a ", "\u{feff}", "null", "{}", "\"", "AA==", "0"]
    {
        values.push(text.as_bytes().to_vec());
    }
    values.push(vec![0xC3, 0x28]);
    values.push(vec![0xFF; 1_000]);
    check_all(&context.kv().await, &values).await;
}

async fn every_size_comes_back(context: Context) {
    let sizes =
        [0, 1, 2, 255, 256, 1_499, 1_500, 1_501, 4_095, 4_096, 16_384, MAX_VALUE_BYTES - 1, MAX_VALUE_BYTES];
    let values: Vec<Vec<u8>> = sizes
        .iter()
        .map(|&size| (0..size).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect())
        .collect();
    let kv = context.kv().await;
    check_all(&kv, &values).await;
    // A long one over a short one and back: nothing of the other stays.
    for value in [&values[12], &values[0], &values[6], &values[1]] {
        set(&kv, "changing", value).await;
        assert_eq!(kv.get("changing").await.expect("the read works"), Some(Bytes::from(value.clone())));
    }
}

async fn a_value_that_is_too_large_is_refused_before_any_request(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    for length in [MAX_VALUE_BYTES + 1, 1 << 20] {
        let large = vec![7; length];
        let single = kv.put("key", large.clone(), PutOptions::new()).await.expect_err("too large");
        let entries = [("a", vec![1]), ("b", vec![2]), ("c", large)];
        let batch = kv.put_many(entries, None).await.expect_err("too large");
        assert!(batch.to_string().contains("item 2"), "the position is missing: {batch}");
        for error in [single, batch] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            let line = error.to_string();
            let told = line.contains(&length.to_string()) && line.contains(&MAX_VALUE_BYTES.to_string());
            assert!(told, "no limit or no length: {line}");
        }
    }
    assert_eq!(counting.total(), 0, "a request was sent");
    assert_eq!(context.kv().await.get("a").await.expect("the read works"), None);
}

async fn text_and_json_are_bytes(context: Context) {
    let kv = context.kv().await;
    kv.put_json("json", &["a", "ü"], PutOptions::new()).await.expect("the put works");
    assert_eq!(text(&kv, "json").await.as_deref(), Some(r#"["a","ü"]"#));
    set(&kv, "json", r#" [ "b" ] "#).await;
    let read: Option<Vec<String>> = kv.get_json("json").await.expect("JSON");
    assert_eq!(read, Some(vec!["b".to_owned()]));
    assert_eq!(text(&kv, "json").await.as_deref(), Some(r#" [ "b" ] "#), "reading changed it");
    set(&kv, "text", "grüße").await;
    assert_eq!(kv.get("text").await.expect("the read works").as_deref(), Some("grüße".as_bytes()));
    assert_eq!(kv.get_json::<Vec<String>>("absent").await.expect("a miss"), None);
    assert_eq!(kv.get_text("absent").await.expect("a miss"), None);
}

async fn a_value_that_does_not_decode_stays_as_it_is(context: Context) {
    let kv = context.kv().await;
    let binary: &[u8] = b"not text \xFF\xFE SECRET";
    set(&kv, "binary", binary).await;
    let errors = [
        kv.get_text("binary").await.expect_err("not UTF-8"),
        kv.get_json::<Vec<String>>("binary").await.expect_err("not JSON"),
    ];
    set(&kv, "other", r#"{"SECRET":"SECRET"}"#).await;
    let mismatch = kv.get_json::<Vec<String>>("other").await.expect_err("another type");
    for error in errors.into_iter().chain([mismatch]) {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(!shown(&error).contains("SECRET"), "the value shows: {error:?}");
    }
    assert_eq!(kv.get("binary").await.expect("the read works").as_deref(), Some(binary));
}

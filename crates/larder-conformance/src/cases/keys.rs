//! Which texts are keys, and how they are ordered.

use larder_core::{ErrorKind, Kv, MAX_KEY_BYTES, PutOptions, TouchOptions, check_resource_id};

use crate::context::Context;
use crate::support::{canonical, entry, keys, set, set_many, sorted, text};
use crate::wrap::{Counting, Hook};

cases! {
    "keys";
    every_ascii_character_is_a_key: K1 K2;
    an_ascii_character_anywhere_makes_another_key: K1 K2;
    names_that_platforms_forbid_are_keys: K1 B1;
    texts_that_look_alike_are_different_keys: K1;
    what_looks_like_an_escape_is_escaped: K1;
    the_longest_key_works_everywhere: K1;
    a_key_that_is_too_long_is_refused_before_any_request: K1 K3;
    an_empty_key_is_refused_before_any_request: K3;
    scans_go_by_the_canonical_bytes: K2 S1;
    a_resource_id_is_short_and_plain: K4;
}

/// Puts every key, and reads it back in every way there is.
async fn check_all(kv: &Kv, all: &[String]) {
    set_many(kv, all).await;
    for key in all {
        let entry = entry(kv, key).await;
        assert_eq!(entry.key(), key, "the key came back changed");
        assert_eq!(entry.value(), key.as_bytes(), "{key:?} has another key's value");
        assert!(kv.exists(key).await.expect("exists works"), "{key:?}");
    }
    let found = kv.get_many(all).await.expect("the batch works");
    for (key, found) in all.iter().zip(found) {
        let entry = found.expect("the read works").expect("the entry is there");
        assert_eq!((entry.key(), &entry.value()[..]), (key.as_str(), key.as_bytes()));
    }
    assert_eq!(keys(kv, "").await, sorted(all), "a scan shows other keys or another order");
    for key in all {
        let under = keys(kv, key).await;
        let expected = sorted(all.iter().filter(|other| other.starts_with(key)));
        assert_eq!(under, expected, "the prefix {key:?}");
    }
    for key in all {
        kv.delete(key).await.expect("the delete works");
        assert!(!kv.exists(key).await.expect("exists works"), "{key:?} is still there");
    }
    assert_eq!(keys(kv, "").await, Vec::<String>::new());
}

async fn every_ascii_character_is_a_key(context: Context) {
    let all: Vec<String> = (0..128_u8).map(|byte| char::from(byte).to_string()).collect();
    check_all(&context.kv().await, &all).await;
}

async fn an_ascii_character_anywhere_makes_another_key(context: Context) {
    let forms = |byte: u8| {
        let character = char::from(byte);
        [format!("{character}end"), format!("mid{character}dle"), format!("start{character}")]
    };
    let all: Vec<String> =
        (0..128).filter(|byte: &u8| !byte.is_ascii_alphanumeric()).flat_map(forms).collect();
    check_all(&context.kv().await, &all).await;
}

async fn names_that_platforms_forbid_are_keys(context: Context) {
    let all = [
        ".",
        "..",
        "...",
        "a.",
        "a..",
        ".a",
        "a.b.",
        "__a__",
        "__.__",
        "__",
        "____",
        "/",
        "//",
        "a/b",
        "/a",
        "a/",
        "../a",
        "a/../b",
        "\\",
        "a\\b",
        "#",
        "a#b",
        "?",
        "a?b=c",
        "'",
        "''",
        "a'b",
        "\"",
        "%",
        "%2F",
        "%00",
        "+",
        "a b",
        " ",
        " a",
        "a ",
        "\t",
        "\r\n",
        "\0",
        "a\0b",
        "\u{7f}",
        "\u{80}",
        "\u{9f}",
        "~",
        "!",
        "&",
        "=",
        "$",
        "<>",
        "|",
        "||",
        "a||b",
        "*",
        "(a)",
        "[a]",
        "{a}",
        "^",
        "`",
        ";",
        ",",
        "@",
        "con",
        "nul",
        "id",
        "pk",
        "sk",
        "k",
        "v",
        "exp",
        "PartitionKey",
        "RowKey",
        "Timestamp",
    ];
    check_all(&context.kv().await, &all.map(str::to_owned)).await;
}

async fn texts_that_look_alike_are_different_keys(context: Context) {
    let all = [
        "a",
        "A",
        "\u{e9}",
        "e\u{301}",
        "\u{c5}",
        "A\u{30a}",
        "\u{212b}",
        "\u{fb01}",
        "fi",
        "ﬀ",
        "ss",
        "ß",
        "ẞ",
        "i",
        "ı",
        "I",
        "İ",
        "\u{200b}",
        "\u{200d}",
        "\u{feff}",
        "\u{feff}a",
        "\u{202e}a",
        "🥫",
        "👨‍👩‍👧",
        "👨👩👧",
        "é\0",
        "\u{10ffff}",
        "\u{fffd}",
        "\u{ffff}",
        "\u{d7ff}",
        "\u{e000}",
    ];
    check_all(&context.kv().await, &all.map(str::to_owned)).await;
}

async fn what_looks_like_an_escape_is_escaped(context: Context) {
    let all = ["~", "~~", "~2F", "/", "~7E", "~7E2F", "~2f", "a~", "~C3~A9", "é", "%7E", "_2F", "~21layout"];
    check_all(&context.kv().await, &all.map(str::to_owned)).await;
}

async fn the_longest_key_works_everywhere(context: Context) {
    let plain = |last: char| format!("{}{last}", "a".repeat(MAX_KEY_BYTES - 1));
    // 170 escapes of three bytes, and two plain ones.
    let escaped = |last: char| format!("{}b{last}", "/".repeat(170));
    let all = [plain('a'), plain('b'), escaped('c'), escaped('d'), format!("{}zz", "é".repeat(85))];
    assert!(all.iter().all(|key| canonical(key).len() == MAX_KEY_BYTES), "the case itself is wrong");
    let kv = context.kv().await;
    check_all(&kv, &all).await;
    for key in &all {
        assert_eq!(kv.increment(key, 1, None).await.expect("it adds"), 1);
        let outcome = kv.touch(key, TouchOptions::persist()).await.expect("it touches");
        assert!(outcome.is_touched());
    }
}

/// What every operation says to a key that must be refused.
async fn refusals(kv: &Kv, key: &str) -> Vec<larder_core::Error> {
    let mut errors = vec![
        kv.get(key).await.expect_err("get"),
        kv.get_entry(key).await.expect_err("get_entry"),
        kv.exists(key).await.expect_err("exists"),
        kv.put(key, "", PutOptions::new()).await.expect_err("put"),
        kv.put(key, "", PutOptions::new().if_not_exists()).await.expect_err("put"),
        kv.delete(key).await.expect_err("delete"),
        kv.touch(key, TouchOptions::persist()).await.expect_err("touch"),
        kv.increment(key, 1, None).await.expect_err("increment"),
    ];
    let batches = [
        kv.get_many(["a", "b", key]).await.map(|_| ()),
        kv.put_many([("a", ""), ("b", ""), (key, "")], None).await.map(|_| ()),
        kv.delete_many(["a", "b", key]).await.map(|_| ()),
    ];
    for batch in batches {
        let error = batch.expect_err("a batch");
        assert!(error.to_string().contains("item 2"), "the position is missing: {error}");
        errors.push(error);
    }
    errors
}

async fn a_key_that_is_too_long_is_refused_before_any_request(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    let tenant = kv.with_prefix("tenant").expect("a resource id");
    let limit = MAX_KEY_BYTES.to_string();
    let too_long = [
        (&kv, "a".repeat(MAX_KEY_BYTES + 1), 513),
        (&kv, "/".repeat(171), 513),
        (&kv, "a".repeat(100_000), 100_000),
        // The namespace's bytes count.
        (&tenant, "a".repeat(MAX_KEY_BYTES - "tenant:".len() + 1), 513),
    ];
    for (kv, key, length) in &too_long {
        for error in refusals(kv, key).await {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            let line = error.to_string();
            assert!(
                line.contains(&limit) && line.contains(&length.to_string()),
                "no limit or no length: {line}"
            );
        }
        let page = kv.scan_page(key, larder_core::ScanOptions::new()).await;
        assert_eq!(page.expect_err("a prefix has the limit of a key").kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(counting.total(), 0, "a request was sent");
    set(&tenant, &"a".repeat(MAX_KEY_BYTES - "tenant:".len()), "fits").await;
}

async fn an_empty_key_is_refused_before_any_request(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    for kv in [kv.clone(), kv.with_prefix("tenant").expect("a resource id")] {
        for error in refusals(&kv, "").await {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            let line = error.to_string();
            assert!(line.contains("empty") && line.contains(&MAX_KEY_BYTES.to_string()), "no reason: {line}");
        }
    }
    assert_eq!(counting.total(), 0, "a request was sent");
}

async fn scans_go_by_the_canonical_bytes(context: Context) {
    let kv = context.kv().await;
    // In canonical form `-` and `.` come before digits, `:` after them, then capitals, `_`, small letters, escapes.
    let order =
        ["a-", "a.", "a0", "a9", "a:", "aA", "aZ", "a_", "aa", "az", "a\0", "a ", "a!", "a/", "a~", "aé"];
    let mut shuffled = order.map(str::to_owned);
    shuffled.reverse();
    set_many(&kv, &shuffled).await;
    assert_eq!(keys(&kv, "a").await, order);
    assert_eq!(text(&kv, "a!").await.as_deref(), Some("a!"));
}

async fn a_resource_id_is_short_and_plain(context: Context) {
    let kv = context.kv().await;
    let longest = "x".repeat(64);
    for id in ["a", "A-b_9", "-", "_", "0", &longest] {
        check_resource_id(id).expect("a resource id");
        kv.with_prefix(id).expect("a namespace");
    }
    let too_long = "x".repeat(65);
    for id in ["", " ", "a b", "a.b", "a/b", "ä", "a~", "!a", "a:b", "a\0", "a\n", &too_long] {
        for error in [
            check_resource_id(id).expect_err("no resource id"),
            kv.with_prefix(id).expect_err("no namespace"),
            kv.system(id).expect_err("no namespace"),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{id:?}");
            assert!(error.to_string().contains("64"), "the rule is missing: {error}");
        }
    }
}

//! The bindings that `docs/bindings.md` shows are bindings.

mod support;

use larder::{Bindings, Environment};

/// The variables that the page's bindings name.
fn environment() -> Environment {
    [("SHOP_STORAGE_KEY", "aHVudGVyMg=="), ("LARDER_API_KEY", "hunter2")].into_iter().collect()
}

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/bindings.md")).expect("the page")
}

/// The code blocks in that language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_binding_of_the_page_is_one() {
    let page = page();
    let mut services = Vec::new();
    for json in blocks(&page, "json").into_iter().filter(|json| json.starts_with(r#"{"service""#)) {
        let bindings = Bindings::from_map([("cache", json)]).with_environment(environment());
        services.push(bindings.binding("cache").expect(json).service());
    }
    services.sort_unstable();
    assert_eq!(services, ["dynamodb", "firestore", "gateway", "local-kv", "tablestorage"]);
}

#[test]
fn every_url_of_the_page_is_one() {
    let page = page();
    let mut read = 0;
    for url in page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()) {
        if url.contains("://") {
            Bindings::from_map([("cache", url)]).binding("cache").expect(url);
            read += 1;
        }
    }
    assert_eq!(read, 5, "one for each service that has URLs");
}

#[test]
fn the_bindings_files_of_the_page_can_be_read() {
    let page = page();
    let folder = tempfile::tempdir().expect("a directory");
    for (language, start) in [("toml", "[cache]"), ("json", "{\n")] {
        let blocks = blocks(&page, language);
        let text = blocks.iter().find(|text| text.starts_with(start)).expect("a file");
        let path = folder.path().join(format!("bindings.{language}"));
        std::fs::write(&path, text).expect("a file");
        let bindings = Bindings::from_file(path);
        assert_eq!(bindings.binding("cache").expect("a binding").service(), "local-kv");
        assert_eq!(bindings.binding("sessions").expect("a binding").service(), "dynamodb");
    }
}

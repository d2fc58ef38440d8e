//! The console's files, which are in the program.

use std::sync::LazyLock;

use axum::http::HeaderValue;
use sha2::{Digest, Sha256};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// One of them.
pub(super) struct File {
    pub(super) name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) bytes: &'static [u8],
    /// Of what is in it, so that browsers keep it until that changes.
    pub(super) etag: HeaderValue,
}

macro_rules! files {
    ($($content_type:ident: $($name:literal)*;)*) => {
        [$($(
            ($name, $content_type, include_bytes!(concat!("../../console/", $name)).as_slice()),
        )*)*]
    };
}

static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let files = files! {
        HTML: "index.html";
        CSS: "base.css" "layout.css" "entries.css" "charts.css";
        SVG: "icon.svg";
        SCRIPT: "app.js" "api.js" "browse.js" "bytes.js" "chart.js" "clock.js" "conflict.js" "dialog.js"
            "dom.js" "draft.js" "editor.js" "entry.js" "grid.js" "json.js" "lifetime.js" "prefix.js" "scripts.js" "session.js"
            "tabs.js" "traffic.js" "value.js";
    };
    files.into_iter().map(|(name, content_type, bytes)| File::new(name, content_type, bytes)).collect()
});

impl File {
    fn new(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let tag = format!("\"{}\"", &hex::encode(Sha256::digest(bytes))[..32]);
        // Digits and quotes: all of it may stand in a header.
        let etag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { name, content_type, bytes, etag }
    }

    /// The file of this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        FILES.iter().find(|file| file.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("console");
        let there = std::fs::read_dir(folder).expect("the folder");
        let there: BTreeSet<String> =
            there.map(|file| file.expect("a file").file_name().into_string().expect("a name")).collect();
        let known: BTreeSet<String> = FILES.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(known, there);
    }

    #[test]
    fn versions_differ_by_what_is_in_them() {
        let tags: BTreeSet<_> = FILES.iter().map(|file| file.etag.as_bytes()).collect();
        assert_eq!(tags.len(), FILES.len());
        assert!(File::find("../Cargo.toml").is_none());
    }

    /// Where markup could come from text, and where code could: the browser refuses it as well, but not every browser.
    #[test]
    fn no_script_makes_markup_or_code_of_text() {
        let ways = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "createContextualFragment",
            "DOMParser",
            "setHTMLUnsafe",
            "srcdoc",
            "eval(",
            "Function(",
            "javascript:",
            "import(",
            "localStorage",
            "sessionStorage",
            "indexedDB",
            "document.cookie",
            "http://",
            "https://",
        ];
        // The namespace of SVG is a name, and no address that is asked.
        let namespace = "'http://www.w3.org/2000/svg'";
        for file in FILES.iter().filter(|file| file.content_type == SCRIPT) {
            let text = std::str::from_utf8(file.bytes).expect("text").replace(namespace, "");
            for way in ways {
                assert!(!text.contains(way), "{} has {way}", file.name);
            }
        }
    }

    #[test]
    fn the_page_has_no_script_or_style_in_it() {
        let page = std::str::from_utf8(File::find("index.html").expect("the page").bytes).expect("text");
        for way in [" style=", "<style", " onclick", " onload", " onerror", "http:", "https:", "//"] {
            assert!(!page.contains(way), "the page has {way}");
        }
        let scripts: Vec<_> = page.match_indices("<script").collect();
        assert_eq!(scripts.len(), 1);
        assert!(page.contains("<script type=\"module\" src=\"app.js\"></script>"));
    }
}

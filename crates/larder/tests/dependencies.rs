//! What is compiled in on this machine's target, as cargo tells it.

use std::collections::BTreeSet;
use std::process::Command;

/// No part of these names may be in the tree of `larder-core`: HTTP, TLS, and the platforms' own crates.
const FOREIGN: &[&str] = &[
    "aws",
    "azure",
    "firestore",
    "gcloud",
    "google",
    "h2",
    "http",
    "hyper",
    "openssl",
    "reqwest",
    "ring",
    "rustls",
    "sled",
    "tonic",
    "tower",
    "tungstenite",
];

/// The crates that `larder` with its default features may be made of, itself included.
const MOST_CRATES: usize = 90;

/// The names of the crates of a build, without those of its tests.
fn tree(arguments: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    // "name v1.2.3 (path) (*)": the name and the version are one crate.
    lines
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?))
        })
        .collect()
}

fn foreign(crates: &BTreeSet<String>) -> Vec<&String> {
    let is_foreign =
        |name: &str| FOREIGN.iter().any(|foreign| name.split(['-', '_', ' ']).any(|part| part == *foreign));
    crates.iter().filter(|name| is_foreign(name)).collect()
}

#[test]
fn the_core_has_no_http_and_no_cloud() {
    let crates = tree(&["--package", "larder-core", "--edges", "normal"]);
    assert!(crates.iter().any(|name| name.starts_with("larder-core ")), "{crates:?}");
    assert_eq!(foreign(&crates), Vec::<&String>::new());
}

#[test]
fn a_build_without_a_driver_has_no_store_either() {
    let crates = tree(&["--package", "larder", "--no-default-features", "--edges", "normal"]);
    assert!(crates.iter().any(|name| name.starts_with("larder ")), "{crates:?}");
    assert_eq!(foreign(&crates), Vec::<&String>::new());
}

#[test]
fn a_local_build_is_small() {
    let local = ["--package", "larder", "--no-default-features", "--features", "local"];
    let crates = tree(&[&local[..], &["--edges", "normal,build"]].concat());
    println!("larder with `local`: {} crates", crates.len());
    assert!(crates.len() < MOST_CRATES, "{}: {crates:#?}", crates.len());
    let cloud = foreign(&crates);
    let others: Vec<_> = cloud.iter().filter(|name| !name.contains("sled")).collect();
    assert!(others.is_empty(), "{others:?}");
}

/// Names of the platforms' own crates, by the feature that may bring them.
const PLATFORMS: &[(&str, &[&str])] = &[
    ("aws", &["aws"]),
    ("azure", &["azure", "typespec"]),
    ("gcp", &["firestore", "gcloud", "google", "tonic"]),
    ("local", &["sled"]),
];

#[test]
fn a_build_for_one_cloud_holds_nothing_of_the_others() {
    for (cloud, sdk) in [
        ("aws", "aws-sdk-dynamodb "),
        ("azure", "azure_data_tables "),
        ("gateway", "larder-remote "),
        ("gcp", "firestore "),
    ] {
        let build = ["--package", "larder", "--no-default-features", "--features", cloud];
        let crates = tree(&[&build[..], &["--edges", "normal,build"]].concat());
        println!("larder with `{cloud}`: {} crates", crates.len());
        assert!(crates.iter().any(|name| name.starts_with(sdk)), "{crates:#?}");
        for (feature, names) in PLATFORMS.iter().filter(|(feature, _)| *feature != cloud) {
            let is_theirs = |name: &&String| {
                // The TLS that all have is made by a cloud too.
                !name.starts_with("aws-lc-") && name.split(['-', '_', ' ']).any(|part| names.contains(&part))
            };
            assert_eq!(crates.iter().find(is_theirs), None, "a crate of {feature} in {cloud}");
        }
    }
}

/// Crates that would bring a second TLS, whose provider has to be chosen in a process or its clients panic, or a second
/// HTTP. The SDKs' default features have some of them, with open advisories.
const SECOND_STACKS: &[&str] =
    &["ring v", "openssl v", "openssl-sys v", "native-tls v", "hyper v0.", "h2 v0.3", "rustls v0."];

#[test]
fn every_combination_of_features_has_at_most_one_tls_and_one_http() {
    let features = ["aws", "azure", "gateway", "gcp", "local"];
    for subset in 0..1_u32 << features.len() {
        let chosen = (0..).zip(features).filter(|(at, _)| subset >> at & 1 == 1);
        let chosen: Vec<&str> = chosen.map(|(_, feature)| feature).collect();
        let names = chosen.join(",");
        let crates = tree(&[
            "--package",
            "larder",
            "--no-default-features",
            "--features",
            &names,
            "--edges",
            "normal,build",
        ]);
        for name in SECOND_STACKS {
            let found = crates.iter().find(|found| {
                found.starts_with(name) && !(*name == "rustls v0." && found.starts_with("rustls v0.23."))
            });
            assert_eq!(found, None, "with `{names}`");
        }
        // The provider is that of rustls with aws-lc-rs, where there is a rustls at all.
        let has = |name: &str| crates.iter().any(|found| found.starts_with(name));
        assert_eq!(has("aws-lc-rs v"), chosen.iter().any(|feature| *feature != "local"), "with `{names}`");
    }
}

#[test]
fn a_driver_knows_the_core_and_nothing_else_of_larder() {
    for driver in ["larder-dynamodb", "larder-firestore", "larder-remote", "larder-sled", "larder-tables"] {
        let crates = tree(&["--package", driver, "--edges", "normal"]);
        let ours: Vec<_> = crates
            .iter()
            .filter_map(|name| name.split(' ').next())
            .filter(|name| name.starts_with("larder"))
            .collect();
        assert_eq!(ours, ["larder-core", driver]);
    }
}

//! The clauses of the contract, and the cases that prove them.

use std::fmt::Write;

use crate::cases::all;

/// The text of `docs/contract.md`.
pub const CONTRACT: &str = include_str!("../../../docs/contract.md");

/// The clauses' names, in the contract's order: the list items that begin with `**K1**`.
pub fn clauses() -> Vec<&'static str> {
    let names = CONTRACT.lines().filter_map(|line| line.strip_prefix("- **")?.split_once("** "));
    let is_name = |name: &str| {
        name.strip_prefix(|letter: char| letter.is_ascii_uppercase())
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    names.map(|(name, _)| name).filter(|name| is_name(name)).collect()
}

/// A Markdown table of the clauses and the cases that prove them.
pub fn table() -> String {
    let mut table = String::from("| Clause | Cases |\n|---|---|\n");
    for clause in clauses() {
        let cases: Vec<String> = all()
            .filter(|case| case.clauses.contains(&clause))
            .map(|case| format!("`{}`", case.name))
            .collect();
        // Writing to a string does not fail.
        let _ = writeln!(table, "| {clause} | {} |", cases.join(", "));
    }
    table
}

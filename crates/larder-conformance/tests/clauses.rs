//! The contract and the suite agree on which clauses there are.

use larder_conformance::{all, clauses};

#[test]
fn the_contract_is_read_whole() {
    let expected =
        [('K', 5), ('V', 2), ('T', 7), ('P', 5), ('G', 3), ('S', 5), ('B', 1), ('C', 2), ('E', 4), ('L', 2)];
    let expected: Vec<String> = expected
        .into_iter()
        .flat_map(|(letter, last)| (1..=last).map(move |number| format!("{letter}{number}")))
        .collect();
    let missing: Vec<_> = expected.iter().filter(|clause| !clauses().contains(&clause.as_str())).collect();
    assert!(missing.is_empty(), "docs/contract.md has no list item for {missing:?}");
}

#[test]
fn every_clause_has_a_case() {
    let unproven: Vec<_> =
        clauses().into_iter().filter(|clause| !all().any(|case| case.clauses.contains(clause))).collect();
    assert!(unproven.is_empty(), "no case proves {unproven:?}");
}

#[test]
fn every_case_names_clauses_that_exist() {
    for case in all() {
        assert!(!case.clauses.is_empty(), "{} proves nothing", case.name);
        for clause in case.clauses {
            assert!(
                clauses().contains(clause),
                "{} names {clause}, which the contract does not have",
                case.name
            );
        }
    }
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let mut names: Vec<_> = all().map(|case| case.name).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

//! The tables of conformance, of threats and of the guides name tests that exist and run.

use std::path::Path;

use super::root;

const LEVELS: [&str; 8] =
    ["MUST", "MUST NOT", "SHALL", "SHALL NOT", "REQUIRED", "SHOULD", "SHOULD NOT", "RECOMMENDED"];

/// How often RFC 7644 §3 and RFC 9865 use one of them.
const KEY_WORDS: [usize; 2] = [156, 19];

/// What is wrong with one row of the table.
fn faults_of_row(root: &Path, row: &str) -> Vec<String> {
    let cells: Vec<&str> = row.trim().trim_matches('|').split(" | ").map(str::trim).collect();
    let [section, level, demand, rollcall, tests] = cells[..] else {
        return vec![format!("{} cells where five belong", cells.len())];
    };
    let mut faults = Vec::new();
    if !section.split('.').all(|number| number.parse::<u8>().is_ok()) {
        faults.push(format!("{section:?} is no section"));
    }
    if !LEVELS.contains(&level) {
        faults.push(format!("{level:?} is no level"));
    }
    if demand.is_empty() || rollcall.is_empty() {
        faults.push("an empty cell".to_owned());
    }
    if [demand, rollcall].iter().any(|cell| cell.contains(".rs")) {
        faults.push("a test outside of its column".to_owned());
    }
    match (rollcall.starts_with("client"), tests) {
        (true, "–") => {}
        (true, _) => faults.push("a demand on clients with a test".to_owned()),
        (false, _) => faults.extend(faults_of_tests(root, tests)),
    }
    faults
}

/// What is wrong with `` `path: name, name`<br>`path: name` ``.
fn faults_of_tests(root: &Path, cell: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for item in cell.split("<br>") {
        let inner = item.trim().strip_prefix('`').and_then(|item| item.strip_suffix('`'));
        let Some((path, names)) = inner.and_then(|item| item.split_once(": ")) else {
            faults.push(format!("{item:?} is no `path: test, test`"));
            continue;
        };
        let file = if path.starts_with("tests/") { root.join(path) } else { root.join("crates").join(path) };
        match std::fs::read_to_string(&file) {
            Ok(source) => {
                let missing = names.split(", ").filter(|name| !is_test(&source, name));
                faults.extend(missing.map(|name| format!("{path} has no test {name:?}")));
            }
            Err(error) => faults.push(format!("{path}: {error}")),
        }
    }
    faults
}

/// Is there a function of this name that runs as a test: by its attribute, or through one of the macros that run it on
/// both databases?
fn is_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().collect();
    let is_head = |line: &&str| {
        let line = line.trim_start();
        line.strip_prefix("async ").unwrap_or(line).starts_with(&format!("fn {name}("))
    };
    let Some(at) = lines.iter().position(is_head) else { return false };
    let above = lines[..at].iter().rev().map(|line| line.trim_start());
    let mut attributes = above.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
    if attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test")) {
        return true;
    }
    let in_block =
        lines[..at].iter().rev().find(|line| line.starts_with(|first: char| !first.is_whitespace()));
    in_block.is_some_and(|line| line.trim_start_matches("store_testing::").starts_with("on_both! {"))
        && lines[at].starts_with("    async fn ")
        || source.split("\non_both").skip(1).any(|list| is_listed(list, name))
}

/// Is the name in the list of `!(name, name);`, or of `_databases!(…);`?
fn is_listed(list: &str, name: &str) -> bool {
    let Some((_, list)) = list.split_once("!(").filter(|(before, _)| before.len() < 20) else { return false };
    let names = list.split_once(");").map_or("", |(names, _)| names);
    names.split(',').any(|listed| listed.trim() == name)
}

#[test]
fn conformance_names_tests_that_exist() {
    let page = std::fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    for (number, line) in page.lines().enumerate() {
        if line.starts_with("| --- |") {
            rows.push(0);
        } else if line.contains('|') && !line.starts_with("| § | Level |") {
            *rows.last_mut().unwrap() += 1;
            let found = faults_of_row(&root(), line);
            faults.extend(found.into_iter().map(|fault| format!("line {}: {fault}", number + 1)));
        }
    }
    assert!(faults.is_empty(), "docs/conformance.md:\n{}", faults.join("\n"));
    assert_eq!(rows, KEY_WORDS, "each use of a key word in the RFCs has a row");
}

#[test]
fn threats_name_tests_that_exist() {
    let page = std::fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let (_, threats) = page.split_once("| threat | what stands against it | tests |\n").unwrap();
    let rows: Vec<&str> = threats.lines().skip(1).take_while(|line| line.starts_with('|')).collect();
    let faults: Vec<String> = rows
        .iter()
        .flat_map(|row| match row.trim_matches('|').split(" | ").collect::<Vec<_>>()[..] {
            [_, _, tests] => faults_of_tests(&root(), tests),
            _ => vec![format!("{row}: three cells belong here")],
        })
        .collect();
    assert!(rows.len() > 15 && faults.is_empty(), "docs/threat-model.md:\n{}", faults.join("\n"));
}

/// What is wrong with one row of the guides' tables; the tests that it names.
fn faults_of_guide_row(root: &Path, row: &str) -> (Vec<String>, Vec<String>) {
    let cells: Vec<&str> = row.trim().trim_matches('|').split('|').map(str::trim).collect();
    let [place, words, _, tests] = cells[..] else {
        return (vec![format!("{} cells where four belong", cells.len())], Vec::new());
    };
    let mut faults = faults_of_tests(root, tests);
    if place.is_empty() && words.is_empty() {
        faults.push("neither a place nor the guide's words".to_owned());
    }
    let names = tests.trim_matches('`').split_once(": ").map_or("", |(_, names)| names);
    (faults, names.split(", ").map(str::to_owned).collect())
}

#[test]
fn guides_name_tests_that_exist_and_each_test_of_a_guide_is_named() {
    let page = std::fs::read_to_string(root().join("docs/guides.md")).unwrap();
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    let mut named = std::collections::HashSet::new();
    for (number, line) in page.lines().enumerate() {
        if line.starts_with("| --- |") {
            rows.push(0);
        } else if line.starts_with('|') && !line.starts_with("| where |") {
            *rows.last_mut().unwrap() += 1;
            let (found, tests) = faults_of_guide_row(&root(), line);
            faults.extend(found.into_iter().map(|fault| format!("line {}: {fault}", number + 1)));
            named.extend(tests);
        }
    }
    assert!(faults.is_empty(), "docs/guides.md:\n{}", faults.join("\n"));
    assert_eq!(rows.len(), 5, "a table a guide");
    assert!(rows.iter().all(|rows| *rows >= 8), "{rows:?}");
    for entry in std::fs::read_dir(root().join("tests/whole_system/guides")).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let Some((_, list)) = source.split_once("on_both_databases!(") else { continue };
        let (list, _) = list.split_once(");").unwrap();
        for test in list.split(',').map(str::trim).filter(|test| !test.is_empty()) {
            assert!(named.contains(test), "docs/guides.md does not name {test}");
        }
    }
}

#[test]
fn every_fault_of_a_guide_row_is_noticed() {
    let own = "`tests/whole_system/documents/tables.rs: every_fault_of_a_guide_row_is_noticed`";
    let fault = |row: &str| faults_of_guide_row(&root(), row).0.join("; ");
    assert_eq!(fault(&format!("| step 1 | Create Users | POST | {own} |")), "");
    assert_eq!(fault(&format!("| step 1 | Create Users | | {own} |")), "", "nothing to add to the guide");
    for (row, expected) in [
        (format!("| step 1 | Create Users | {own} |"), "3 cells"),
        ("| step 1 | Create Users | POST | by hand |".to_owned(), "is no `path"),
        ("| step 1 | x | y | `tests/whole_system/documents/tables.rs: nothing` |".to_owned(), "\"nothing\""),
        (format!("|  |  | y | {own} |"), "neither a place"),
    ] {
        assert!(fault(&row).contains(expected), "{row}: {:?}", fault(&row));
    }
}

#[test]
fn every_fault_of_a_row_is_noticed() {
    let fault = |row: &str| faults_of_row(&root(), row).join("; ");
    let own = "`tests/whole_system/documents/tables.rs: every_fault_of_a_row_is_noticed`";
    let listed = "`scim-api/tests/it/lists.rs: pages, order`";
    let in_block = "`provisioning/tests/it/users.rs: a_user_is_made_and_read_back`";
    assert_eq!(fault(&format!("| 3.1 | MUST | x | y | {own}<br>{listed}<br>{in_block} |")), "");
    assert_eq!(fault("| 3.1 | SHOULD NOT | x | client | – |"), "");
    for (row, expected) in [
        ("| 3.1 | MUST | x | – |".to_owned(), "4 cells"),
        ("| 3.x | MUST | x | client | – |".to_owned(), "no section"),
        ("| 3.1 | MAY | x | client | – |".to_owned(), "no level"),
        (format!("| 3.1 | MUST |  | y | {own} |"), "an empty cell"),
        (format!("| 3.1 | MUST | x | client | {own} |"), "a demand on clients with a test"),
        ("| 3.1 | MUST | x | client: `lists.rs: pages` | – |".to_owned(), "a test outside of its column"),
        ("| 3.1 | MUST | x | y | – |".to_owned(), "is no `path"),
        ("| 3.1 | MUST | x | y | `lists.rs: pages` |".to_owned(), "lists.rs: "),
        ("| 3.1 | MUST | x | y | `scim-api/tests/it/lists.rs: pages, nothing` |".to_owned(), "\"nothing\""),
        // A function of the file that is no test.
        ("| 3.1 | MUST | x | y | `scim-api/tests/it/lists.rs: ten_users` |".to_owned(), "\"ten_users\""),
        (format!("| 3.1 | MUST | x | y | {own}, {listed} |"), "no test"),
    ] {
        let found = fault(&row);
        assert!(found.contains(expected), "{row}: {found:?}");
    }
}

//! `docs/api-reference.md` is made from `docs/openapi.json`.

use std::fmt::Write as _;

use serde_json::Value;

use super::root;

const HEAD: &str = "# API reference

Every operation of `/api/v1`, made from [openapi.json](openapi.json), which has the bodies in full; a server gives that
document at `/api/v1/openapi.json`. How to begin, and manners that hold for all: [api.md](api.md). Errors are problem documents
(RFC 9457); which statuses they have stands [there](api.md#manners).

A path is below `/api/v1`. `{slug}` is a tenant's.
";

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The name of the schema of a body, if it has one.
fn schema(content: &Value) -> Option<String> {
    let (kind, body) = content["content"].as_object()?.iter().next()?;
    let named = body["schema"]["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let items = body["schema"]["items"]["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    Some(match (named, items) {
        (Some(name), _) => format!("`{name}`"),
        (_, Some(name)) => format!("list of `{name}`"),
        _ => format!("`{kind}`"),
    })
}

/// The page that belongs to this description.
fn reference(document: &Value) -> String {
    let mut tags = std::collections::BTreeMap::<&str, Vec<String>>::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let text = |key: &str| operation[key].as_str().unwrap_or_default();
            let scopes = operation["security"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|way| way.as_object().unwrap().values());
            let scopes: Vec<String> = scopes
                .flat_map(|list| list.as_array().unwrap())
                .map(|scope| format!("`{}`", scope.as_str().unwrap()))
                .collect();
            let scopes = if scopes.is_empty() { "none".to_owned() } else { scopes.join(" or ") };
            let what = match text("description") {
                "" => text("summary").to_owned(),
                more => format!("{}. {more}", text("summary").trim_end_matches('.')),
            };
            let asked = operation["parameters"].as_array().into_iter().flatten();
            let asked: Vec<String> = asked
                .filter(|one| one["in"] == "query")
                .map(|one| format!("`{}`", one["name"].as_str().unwrap()))
                .collect();
            let sent =
                schema(&operation["requestBody"]).into_iter().chain(asked).collect::<Vec<_>>().join(", ");
            let answers = operation["responses"].as_object().unwrap().iter();
            let answers: Vec<String> = answers
                .filter(|(status, _)| status.starts_with('2'))
                .map(|(status, answer)| {
                    format!("{status} {}", schema(answer).unwrap_or_default()).trim().to_owned()
                })
                .collect();
            let name = format!("{} {}", method.to_uppercase(), path.trim_start_matches("/api/v1/"));
            let row =
                format!("| `{name}` | {scopes} | {} | {sent} | {} |\n", cell(&what), answers.join("; "));
            tags.entry(operation["tags"][0].as_str().unwrap()).or_default().push(row);
        }
    }
    let mut page = HEAD.to_owned();
    for (tag, rows) in tags {
        write!(
            page,
            "\n## {tag}\n\n| operation | scope | what | takes | answers |\n| --- | --- | --- | --- | --- |\n"
        )
        .unwrap();
        page.extend(rows);
    }
    page
}

/// To write it anew: `ROLLCALL_WRITE_REFERENCE=1 tests/run --services cargo nextest run --workspace --cargo-profile ci-release
/// -E 'test(the_reference_of_the_api_is_fresh)'`.
#[test]
fn the_reference_of_the_api_is_fresh() {
    let description = std::fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    let description: Value = serde_json::from_str(&description).unwrap();
    let page = reference(&description);
    let path = root().join("docs/api-reference.md");
    if std::env::var_os("ROLLCALL_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap() == page,
        "docs/api-reference.md is old; write it anew as this test says"
    );
    let operations =
        description["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len());
    assert_eq!(page.lines().filter(|line| line.starts_with("| `")).count(), operations.sum::<usize>());
}

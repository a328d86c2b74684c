//! Each format as that of an attribute: every text of its table, alone, in a list and within a complex value; and that an
//! error names the path, what kind of value it is and what to send, and not the value.

use serde_json::{Value, json};

use super::*;
use crate::format::tables::{Table, tables};

const URN: &str = "urn:example:params:scim:schemas:extension:formats:2.0:User";

/// A product with one format in all places.
fn product(format: &str) -> Profile {
    let file = format!(
        r#"
        name = "formats"
        title = "Formats"
        summary = "One format in all places."
        version = 1
        credentials = ["bearer"]
        base-path = "/scim/v2"

        [[attribute]]
        path = "nickName"
        format = "{format}"

        [[rule]]
        name = "titles"
        when = "user.title != null"
        format = "{format}"
        paths = ["title"]

        [[extension]]
        urn = "{URN}"
        name = "Formats"
        top-level = true

        [[extension.attribute]]
        name = "one"
        format = "{format}"

        [[extension.attribute]]
        name = "many"
        multi-valued = true
        format = "{format}"

        [[extension.attribute]]
        name = "parts"
        type = "complex"
        multi-valued = true
        [[extension.attribute.sub-attribute]]
        name = "value"
        format = "{format}"
        "#
    );
    Profile::from_toml(&file).unwrap_or_else(|error| panic!("{format}: {error}"))
}

fn judge_by(profile: &Profile, beside: Value) -> Result<Value, ScimError> {
    let mut body = beside;
    body["userName"] = json!("ann");
    let (intake, findings) = take_all(&profile.user, Leniencies::LENIENT, &body)?;
    let mut document = intake.document;
    validate_for(&profile.user, &ValueSets::default(), findings, &mut document)?;
    Ok(Value::Object(document))
}

/// The places of an attribute: a body with a text there, its path in an error, and where it is kept.
fn places(text: &str) -> [(Value, String, String); 5] {
    let many = if text.contains(',') { json!([text]) } else { json!(text) };
    [
        (json!({"nickName": text}), "nickName".into(), "/nickName".into()),
        (json!({"one": text}), format!("{URN}:one"), format!("/{URN}/one")),
        (json!({URN: {"ONE": text}}), format!("{URN}:one"), format!("/{URN}/one")),
        (json!({"many": many}), format!("{URN}:many[0]"), format!("/{URN}/many/0")),
        (
            json!({"parts": [{"value": text}]}),
            format!("{URN}:parts[0].value"),
            format!("/{URN}/parts/0/value"),
        ),
    ]
}

#[test]
fn texts_that_are_taken() {
    for Table { format, good, .. } in tables() {
        let product = product(format.name());
        for (text, kept) in good.iter().filter(|(text, _)| !text.is_empty()) {
            for (body, _, pointer) in places(text) {
                let told = format!("{} {body}", format.name());
                let document = judge_by(&product, body).unwrap_or_else(|error| panic!("{told}: {error}"));
                assert_eq!(document.pointer(&pointer), Some(&json!(kept)), "{told}");
            }
            let by_rule = judge_by(&product, json!({"title": kept}));
            assert!(by_rule.is_ok(), "{} {kept} by a rule: {by_rule:?}", format.name());
        }
    }
}

#[test]
fn errors_name_path_kind_and_remedy_and_no_value() {
    for Table { format, bad, .. } in tables() {
        let product = product(format.name());
        for (text, _) in bad.iter().filter(|(text, _)| !text.is_empty()) {
            let misfit = format.check(text).expect_err(text);
            for (body, path, _) in places(text) {
                let told = format!("{} {body}", format.name());
                // Blanks alone are no element of a list.
                let Err(error) = judge_by(&product, body) else {
                    assert!(text.trim().is_empty() && path.ends_with("many[0]"), "{told} was taken");
                    continue;
                };
                assert_eq!(
                    error.detail,
                    format!("{path}: is {}; {}.", misfit.class, misfit.remedy),
                    "{told}"
                );
                assert_eq!(
                    (error.status, error.scim_type),
                    (400, Some(crate::ScimType::InvalidValue)),
                    "{told}"
                );
            }
            let error = judge_by(&product, json!({"title": text})).expect_err("by a rule");
            assert_eq!(error.detail, format!("title: {misfit}."), "{} {text:?}", format.name());
        }
    }
}

/// What stands in the table above as a class is all that is told of a value.
#[test]
fn sensitive_values_are_not_told() {
    for Table { format, bad, .. } in tables() {
        let product = product(format.name());
        // Shorter ones are a part of any sentence, and that of examples in remedies is no secret.
        let telling = |text: &str| {
            text.chars().count() >= 5 && format.check(text).is_err_and(|m| !m.remedy.contains(text))
        };
        for text in bad.iter().map(|(text, _)| text.trim()).filter(|text| telling(text)) {
            let error = judge_by(&product, json!({"one": text, "title": text})).expect_err(text);
            assert!(!error.detail.contains(text), "{}: {error}", format.name());
        }
    }
}

#[test]
fn comma_lists_that_are_taken() {
    let product = product("comma-list");
    let rows: [(Value, &[&str]); 12] = [
        (json!("12,17"), &["12", "17"]),
        (json!("12, 17"), &["12", "17"]),
        (json!(" 12 ,, 17 , "), &["12", "17"]),
        (json!("12,12"), &["12"]),
        (json!("a, A"), &["a"]),
        (json!(["12", "17"]), &["12", "17"]),
        (json!(["12", "12", " 17 "]), &["12", "17"]),
        (json!(["12, 17", "18"]), &["12", "17", "18"]),
        (json!([12, 17]), &["12", "17"]),
        (json!(12), &["12"]),
        (json!(["12", null]), &["12"]),
        (json!("Zürich, Bern"), &["Zürich", "Bern"]),
    ];
    for (value, elements) in rows {
        let document = judge_by(&product, json!({"one": value, "many": value})).expect("taken");
        assert_eq!(document[URN]["many"], json!(elements), "{value} as a list");
        assert_eq!(document[URN]["one"], json!(elements.join(",")), "{value} as one text");
    }
    for nothing in [json!(" , "), json!(""), json!([]), json!([""]), Value::Null] {
        let document = judge_by(&product, json!({"one": nothing, "many": nothing})).expect("taken");
        assert!(document.get(URN).is_none(), "{nothing} is no value: {document}");
    }
}

#[test]
fn comma_lists_that_are_refused() {
    let product = product("comma-list");
    let inside = "is a list inside a list; send the elements themselves";
    for (value, path, problem) in [
        (json!(true), "many[0]", "must be a string, not a boolean"),
        (json!(false), "many[0]", "must be a string, not a boolean"),
        (json!({"value": "12"}), "many[0]", "must be a string, not an object"),
        (json!([true]), "many[0]", "must be a string, not a boolean"),
        (json!(["12", false]), "many[1]", "must be a string, not a boolean"),
        (json!([{"value": "12"}]), "many[0]", "must be a string, not an object"),
        (json!(["12", {"x": 1}]), "many[1]", "must be a string, not an object"),
        (json!([["12"]]), "many[0]", inside),
        (json!(["12", ["17"]]), "many[1]", inside),
        (json!([["12"], "17"]), "many[0]", inside),
        (json!(["12", "17", {"x": {"y": 1}}]), "many[2]", "must be a string, not an object"),
    ] {
        let error = judge_by(&product, json!({"many": value})).expect_err(&value.to_string());
        assert_eq!(error.detail, format!("{URN}:{path}: {problem}."), "{value}");
    }
}

//! What is masked, and what is not.

use serde_json::json;

use super::*;

const EXTENSION: &str = r#"
[[extension]]
urn = "urn:example:params:scim:schemas:extension:clinic:2.0:User"
name = "Clinic"
[[extension.attribute]]
name = "npi"
format = "npi"
[[extension.attribute]]
name = "deaLicense"
format = "dea"
"#;

fn secrets() -> Secrets {
    let generic = Profile::builtin("generic").expect("a profile");
    Secrets::of(&Profile::from_toml(&format!("{generic}{EXTENSION}")).expect("a profile"))
}

fn masked(mut value: Value) -> Value {
    let (secrets, mut found) = (secrets(), Found::default());
    secrets.mask(&mut value, &mut found);
    found.strip_all(&mut value);
    value
}

#[test]
fn secrets_are_masked_under_each_of_their_names() {
    let urn = "urn:example:params:scim:schemas:extension:clinic:2.0:User";
    let table = [
        (json!({"password": "x", "userName": "ann"}), json!({"password": MASK, "userName": "ann"})),
        (json!({"PassWord": {"value": "x"}}), json!({"PassWord": {"value": MASK}})),
        (json!({urn: {"npi": "1234567893", "ward": "A"}}), json!({urn: {"npi": MASK, "ward": "A"}})),
        (json!({urn: {"NPI": 1_234_567_893, "x": true}}), json!({urn: {"NPI": MASK, "x": true}})),
        (json!({format!("{urn}:npi"): ["1234567893"]}), json!({format!("{urn}:npi"): [MASK]})),
        (json!({"npiNumber": "1234567893", "dea": "AB1234563"}), json!({"npiNumber": MASK, "dea": MASK})),
        (
            json!({"name": {"givenName": "Ann"}, "active": true}),
            json!({"name": {"givenName": "Ann"}, "active": true}),
        ),
    ];
    for (sent, wanted) in table {
        assert_eq!(masked(sent.clone()), wanted, "{sent}");
    }
}

#[test]
fn patches_and_bulk_operations_are_masked() {
    let urn = "urn:example:params:scim:schemas:extension:clinic:2.0:User";
    let operations =
        |path: &str, value: Value| json!({"Operations": [{"op": "replace", "path": path, "value": value}]});
    let table = [
        (
            operations(&format!("{urn}:npi"), json!("1234567893")),
            operations(&format!("{urn}:npi"), json!(MASK)),
        ),
        (operations("password", json!({"a": "b"})), operations("password", json!({"a": MASK}))),
        (
            operations(r#"npi[value eq "1234567893"].value"#, json!("1")),
            operations(&format!(r#"npi[value eq "{MASK}"].value"#), json!(MASK)),
        ),
        (
            operations(r#"emails[type eq "npi"]"#, json!("a@b")),
            operations(r#"emails[type eq "npi"]"#, json!("a@b")),
        ),
        (
            json!({"Operations": [{"op": "add", "value": {"deaLicense": "AB1234563"}}]}),
            json!({"Operations": [{"op": "add", "value": {"deaLicense": MASK}}]}),
        ),
        (
            json!({"Operations": [{"method": "PATCH", "path": "/Users/1", "data": operations("npi", json!("1234567893"))}]}),
            json!({"Operations": [{"method": "PATCH", "path": "/Users/1", "data": operations("npi", json!(MASK))}]}),
        ),
    ];
    for (sent, wanted) in table {
        assert_eq!(masked(sent.clone()), wanted, "{sent}");
    }
}

#[test]
fn the_same_value_is_masked_wherever_it_stands() {
    let sent =
        json!({"npi": "1234567893", "title": "Dr. 1234567893", "badge": 1_234_567_893, "note": "12345"});
    let wanted = json!({"npi": MASK, "title": format!("Dr. {MASK}"), "badge": MASK, "note": "12345"});
    assert_eq!(masked(sent), wanted);
}

#[test]
fn what_looks_like_a_secret_is_masked_under_any_name() {
    let sent = json!({"badge": "1234567893", "filter": "title eq \"1234567893\"", "number": 1_234_567_893, "other": "1234567890"});
    let filter = format!("title eq \"{MASK}\"");
    let wanted = json!({"badge": MASK, "filter": filter, "number": MASK, "other": "1234567890"});
    assert_eq!(masked(sent), wanted);
    let mut found = Found::default();
    assert_eq!(secrets().path("/Users/1234567893", &mut found), format!("/Users/{MASK}"));
    assert_eq!(secrets().path("/Users/1234567890", &mut found), "/Users/1234567890");
}

#[test]
fn queries_that_name_a_secret_lose_what_they_compare_with() {
    let secrets = secrets();
    let table = [
        ("filter=userName+eq+%22ann%22&count=1", "filter=userName eq \"ann\"&count=1"),
        ("filter=npi%20eq%20%221234567893%22", "filter=npi eq \"•••\""),
        ("filter=(npi eq 1234567893) and title eq \"x\"", "filter=(npi eq •••) and title eq \"•••\""),
        ("filter=npi eq \"1234567893", "filter=npi eq \"•••"),
        ("filter=npi eq \"12\\\"34\" or active eq true", "filter=npi eq \"•••\" or active eq true"),
        ("filter=password eq horse", "filter=password eq •••"),
        ("filter=npi EQ 12:34 and active eq true", "filter=npi EQ ••• and active eq true"),
        ("filter=password eq 'my horse' or title pr", "filter=password eq ••• ••• or title pr"),
        ("filter=npi[value eq horse].display pr", "filter=npi[value eq •••].display pr"),
        ("filter=password eq \"a\"horse", "filter=password eq \"•••\"•••"),
        ("filter=title eq \"npi 1\"", "filter=title eq \"npi 1\""),
        ("password=x&attributes=npi", "password=•••&attributes=npi"),
    ];
    for (sent, wanted) in table {
        assert_eq!(secrets.query(sent, &mut Found::default()), wanted, "{sent}");
    }
    let mut found = Found::default();
    secrets.query("filter=npi%20eq%20%221234567893%22", &mut found);
    assert_eq!(found.strip("1234567893 is taken"), "••• is taken");
}

#[test]
fn literals_are_what_stands_in_quotes() {
    assert_eq!(literals(r#"a eq "x" and b["y\"z""#), ["x", r#"y\"z"#]);
    assert_eq!(literals("no quotes"), Vec::<String>::new());
}

#[test]
fn without_such_formats_names_tell() {
    let profile = Profile::from_toml(Profile::builtin("generic").expect("a profile")).expect("a profile");
    let (secrets, mut found) = (Secrets::of(&profile), Found::default());
    let mut sent =
        json!({"npi": "1234567893", "DEA": "AB1234563", "employeeNumber": "1234567802", "password": "x"});
    secrets.mask(&mut sent, &mut found);
    assert_eq!(sent, json!({"npi": MASK, "DEA": MASK, "employeeNumber": "1234567802", "password": MASK}));
    let names: Vec<_> = secrets.names.iter().map(String::as_str).collect();
    assert_eq!(names, ["dealicense", "deanumber", "npi", "password"]);
}

#[test]
fn no_wrapping_hides_a_secret() {
    let words = json!({"title": "RN, NPI 1234567893", "note": "room 1234567890"});
    assert_eq!(masked(words), json!({"title": format!("RN, NPI {MASK}"), "note": "room 1234567890"}));
    let keys = json!({"npi": {"1234567893": true, "value": "1"}, "map": {"1234567893": {"a": 1}}});
    assert_eq!(masked(keys), json!({"npi": {MASK: true, "value": MASK}, "map": {MASK: {"a": 1}}}));

    // JSON as a text, and within that once more.
    let inner = json!({"password": "horse", "a": [1]}).to_string();
    let outer = json!({"data": inner}).to_string();
    let hidden = json!({"password": MASK, "a": [1]}).to_string();
    assert_eq!(masked(json!({"value": inner})), json!({"value": hidden}));
    assert_eq!(masked(json!({"value": outer})), json!({"value": json!({"data": hidden}).to_string()}));
    for text in ["{not json: password}", "[1, 2 ,3]", "{\"a\":  1}"] {
        assert_eq!(
            masked(json!({"value": text})),
            json!({"value": text}),
            "what holds none stays as it was sent"
        );
    }
}

#[test]
fn paths_are_read_as_they_are_sent_and_decoded() {
    let mut found = Found::default();
    assert_eq!(secrets().path("/Users/%31234567893", &mut found), format!("/Users/{MASK}"));
    assert_eq!(found.strip("no user 1234567893"), format!("no user {MASK}"));
    assert_eq!(
        secrets().path("/Users/count=1&password=horse", &mut found),
        format!("/Users/count=1&password={MASK}")
    );
}

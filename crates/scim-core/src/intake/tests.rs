//! What bodies become (RFC 7643 §2, RFC 7644 §3.3, §3.5.1) and what identity providers do to them.

use serde_json::json;

use super::*;
use crate::{ScimType, profile::Profile, value_set::ValueSets};

const EXTENSION: &str = "urn:example:params:scim:schemas:extension:test:2.0:User";

/// A profile with an extension that has every data type.
fn profile() -> Profile {
    let text = r#"
        name = "test"
        title = "Test"
        summary = "For tests."
        version = 1
        credentials = ["bearer"]
        base-path = "/scim/v2"
        [user]
        enterprise-top-level = true
        [[extension]]
        urn = "urn:example:params:scim:schemas:extension:test:2.0:User"
        name = "Test"
        aliases = ["urn:example:Alias"]
        top-level = true
        attribute = [
            { name = "siteNumbers", multi-valued = true },
            { name = "count", type = "integer" },
            { name = "share", type = "decimal" },
            { name = "since", type = "dateTime" },
            { name = "badge", mutability = "immutable" },
            { name = "home", type = "complex", sub-attribute = [
                { name = "key", mutability = "immutable" }, { name = "note" } ] },
        ]
    "#;
    Profile::from_toml(text).expect("a good profile")
}

fn user() -> ResourceType {
    ResourceType::clone(&profile().user)
}

fn taken(body: Value) -> Intake {
    take(&user(), Leniencies::LENIENT, &body).expect("taken")
}

fn refused(leniencies: Leniencies, body: Value) -> ScimError {
    take(&user(), leniencies, &body).expect_err("refused")
}

fn strict(mut body: Value) -> Value {
    body["schemas"] = json!([urn::USER, urn::ENTERPRISE_USER, EXTENSION]);
    body
}

#[test]
fn names_fold_to_schema_spelling() {
    let intake = taken(json!({
        "SCHEMAS": ["URN:ietf:params:scim:schemas:core:2.0:user"],
        "USERNAME": "Ann@x", "NAME": {"FAMILYNAME": "Lee", "givenname": "Ann"}, "Emails": [{"VALUE": "a@x"}],
        "externalid": "00u1",
        "URN:IETF:params:scim:schemas:extension:enterprise:2.0:USER": {"DEPARTMENT": "Surgery"},
        "URN:EXAMPLE:ALIAS": {"SITENUMBERS": ["7"]},
        "SINCE": "2026-01-31T09:00:00.5+01:00",
    }));
    assert_eq!(
        Value::Object(intake.document),
        json!({
            "userName": "Ann@x", "name": {"familyName": "Lee", "givenName": "Ann"}, "emails": [{"value": "a@x"}],
            "externalId": "00u1",
            urn::ENTERPRISE_USER: {"department": "Surgery"},
            EXTENSION: {"siteNumbers": ["7"], "since": "2026-01-31T08:00:00.500Z"},
        })
    );
    assert!(intake.dropped.is_empty());
}

#[test]
fn what_has_no_value_is_unassigned() {
    let intake = taken(json!({
        "userName": "a", "displayName": null, "title": "", "emails": [], "name": {}, "roles": [null, {}, ""],
        "phoneNumbers": [{"value": "", "type": ""}], "nickName": [], "colour": null,
        "addresses": [{"type": "", "country": "US"}],
        urn::ENTERPRISE_USER: {"department": null, "manager": {"value": ""}},
        EXTENSION: null,
    }));
    assert_eq!(Value::Object(intake.document), json!({"userName": "a", "addresses": [{"country": "US"}]}));
    assert!(intake.dropped.is_empty());
}

#[test]
fn read_only_names_and_passwords_vanish_in_silence() {
    let intake = taken(json!({
        "id": "1", "meta": {"version": "W/\"1\""}, "groups": [{"value": "g"}], "password": "1mz050nq",
        "userName": "a", urn::ENTERPRISE_USER: {"manager": {"value": "7", "displayName": "Boss"}},
    }));
    assert_eq!(
        Value::Object(intake.document),
        json!({"userName": "a", urn::ENTERPRISE_USER: {"manager": {"value": "7"}}})
    );
    assert!(intake.dropped.is_empty());

    let envi = Profile::from_toml(Profile::builtin("envi").expect("envi")).expect("envi");
    let body = json!({"userName": "a", "password": "x", "title": "Dr", "groups": [],
        urn::ENTERPRISE_USER: {"department": "d"}, "Department": "d", "urn:scim:no": {"a": 1},
        "emails": [{"value": "a@x", "colour": "red"}, {"value": "b@x", "Colour": "red", "x\0y": 1}]});
    let intake = take(&envi.user, Leniencies::LENIENT, &body).expect("taken");
    assert_eq!(
        Value::Object(intake.document),
        json!({"userName": "a", "emails": [{"value": "a@x"}, {"value": "b@x"}]})
    );
    assert_eq!(
        intake.dropped,
        [
            "title",
            "Department",
            "emails.colour",
            "emails.Colour",
            "emails.x\u{fffd}y",
            urn::ENTERPRISE_USER,
            "urn:scim:no"
        ]
    );
}

#[test]
fn an_older_entra_body_is_taken() {
    let intake = taken(json!({
        "schemas": [urn::USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"],
        "userName": "a", "externalId": "x", "department": "bob", "manager": "7f", "title": null,
        "meta": {"resourceType": "User"}, "roles": [],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0User": {"costCenter": "12"},
    }));
    assert_eq!(
        Value::Object(intake.document),
        json!({"userName": "a", "externalId": "x",
            urn::ENTERPRISE_USER: {"department": "bob", "manager": {"value": "7f"}, "costCenter": "12"}})
    );
    let wins = taken(json!({urn::ENTERPRISE_USER: {"department": "in"}, "department": "top"}));
    assert_eq!(wins.document[urn::ENTERPRISE_USER]["department"], "in");
    let plain =
        take(&ResourceType::user(), Leniencies::LENIENT, &json!({"department": "top"})).expect("taken");
    assert_eq!((plain.document.len(), plain.dropped), (0, vec!["department".to_owned()]));
}

#[test]
fn manager_comes_in_many_shapes() {
    let url = "https://x/Users/7";
    for (sent, kept) in [
        (json!("7"), json!({"value": "7"})),
        (json!(7), json!({"value": "7"})),
        (json!({"value": "7"}), json!({"value": "7"})),
        (json!({"managerId": "7"}), json!({"value": "7"})),
        (json!([{"$ref": url, "value": "7"}]), json!({"value": "7", "$ref": url})),
        (json!({"$ref": null, "value": "7", "displayName": "B"}), json!({"value": "7"})),
    ] {
        let intake = taken(json!({urn::ENTERPRISE_USER: {"manager": sent}}));
        assert_eq!(intake.document[urn::ENTERPRISE_USER]["manager"], kept, "{sent}");
    }
}

/// Each row: the switch, a body that needs it, and where its value lands.
#[test]
fn each_leniency_is_a_switch() {
    type Switch = fn(&mut Leniencies) -> &mut bool;
    let rows: Vec<(&str, Switch, Value, &str, Value)> = vec![
        ("boolean", |l| &mut l.boolean_strings, json!({"active": "False"}), "/active", json!(false)),
        (
            "primary",
            |l| &mut l.boolean_strings,
            json!({"roles": [{"value": "r", "primary": "True"}]}),
            "/roles/0/primary",
            json!(true),
        ),
        ("number", |l| &mut l.numbers_as_strings, json!({"title": 12}), "/title", json!("12")),
        ("count", |l| &mut l.numbers_as_strings, json!({EXTENSION: {"count": "12"}}), "/X/count", json!(12)),
        (
            "share",
            |l| &mut l.numbers_as_strings,
            json!({EXTENSION: {"share": "1.5"}}),
            "/X/share",
            json!(1.5),
        ),
        (
            "object",
            |l| &mut l.single_as_list,
            json!({"emails": {"value": "a"}}),
            "/emails/0/value",
            json!("a"),
        ),
        ("one", |l| &mut l.single_as_list, json!({"title": ["a"]}), "/title", json!("a")),
        (
            "commas",
            |l| &mut l.single_as_list,
            json!({EXTENSION: {"siteNumbers": "1, 2,,1"}}),
            "/X/siteNumbers",
            json!(["1", "2"]),
        ),
        (
            "manager",
            |l| &mut l.string_for_complex,
            json!({urn::ENTERPRISE_USER: {"manager": "7"}}),
            "/E/manager/value",
            json!("7"),
        ),
    ];
    for (name, switch, body, at, kept) in rows {
        let body = strict(body);
        let mut one = Leniencies::STRICT;
        *switch(&mut one) = true;
        let document = take(&user(), one, &body).expect(name).document;
        let mut shown = Value::Object(document);
        for (short, urn) in [("X", EXTENSION), ("E", urn::ENTERPRISE_USER)] {
            if let Some(values) = shown.get(urn).cloned() {
                shown[short] = values;
            }
        }
        assert_eq!(shown.pointer(at), Some(&kept), "{name}");
        let mut others = Leniencies::LENIENT;
        *switch(&mut others) = false;
        let error = refused(others, body);
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)), "{name}: {error}");
        let last = at.rsplit('/').next().expect("a name");
        assert!(last == "value" || error.detail.contains(last), "{name}: {error}");
    }
}

#[test]
fn schemas_are_read_with_care() {
    let one = |switch: fn(&mut Leniencies)| {
        let mut leniencies = Leniencies::STRICT;
        switch(&mut leniencies);
        leniencies
    };
    let missing = json!({"userName": "a"});
    assert!(take(&user(), one(|l| l.missing_schemas = true), &missing).is_ok());
    for body in
        [missing, json!({"schemas": [], "userName": "a"}), json!({"schemas": ["urn:scim:schemas:core:1.0"]})]
    {
        let error = refused(Leniencies::STRICT, body.clone());
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{error}");
        assert!(take(&user(), Leniencies::LENIENT, &body).is_ok());
    }
    for body in [json!({"schemas": 7}), json!({"schemas": [7]}), json!([]), json!("a"), json!(null)] {
        assert_eq!(refused(Leniencies::LENIENT, body).scim_type, Some(ScimType::InvalidSyntax));
    }
    let undeclared = json!({"schemas": [urn::USER], EXTENSION: {"count": 1}});
    let intake = take(&user(), one(|l| l.undeclared_extensions = true), &undeclared).expect("taken");
    assert_eq!(intake.document[EXTENSION]["count"], 1);
    assert!(refused(Leniencies::STRICT, undeclared).detail.contains(EXTENSION));
}

#[test]
fn wrong_types_are_named_all_at_once() {
    let error = refused(
        Leniencies::LENIENT,
        json!({
            "userName": true, "active": "yes", "name": 7.5, "emails": [{"value": {"a": 1}}, "x", [[]], [1]],
            "profileUrl": {"a": "b"}, "title": ["a", "b"], "displayName": "a\0b", "x509Certificates": [{"value": "?"}],
            EXTENSION: {"count": 1.5, "share": "x", "since": "2026-01-31"}, urn::ENTERPRISE_USER: 7,
        }),
    );
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
    for path in [
        "userName:",
        "active:",
        "name:",
        "emails[0].value:",
        "emails[3]:",
        "profileUrl:",
        "title:",
        "displayName:",
        "x509Certificates[0].value:",
        ":count:",
        ":share:",
        ":since:",
        "enterprise:2.0:User:",
    ] {
        assert!(error.detail.contains(path), "{path} in {error}");
    }
    let many: Vec<_> = (0..50).map(|_| json!({"value": true})).collect();
    assert!(refused(Leniencies::LENIENT, json!({"emails": many})).detail.ends_with("And 30 more."));
}

#[test]
fn values_take_their_canonical_form() {
    let intake = taken(json!({
        "locale": "RJWNTUNNOHNZ", "profileUrl": "BAPNQLJSRQGD", "phoneNumbers": [{"value": "10-040-1308", "type": "pager"}],
        "emails": [{"value": "a", "type": "x"}, {"value": "a", "type": "x", "primary": true},
            {"value": "a", "type": "x", "primary": false}, {"value": "a"}, {"value": "a"}],
        "x509Certificates": [{"value": "TWFu"}, {"value": "TWE="}, {"value": "-_8"}],
        EXTENSION: {"count": 7.0, "siteNumbers": ["1", 2, "1"], "since": "2026-01-31T23:30:00-02:00"},
    }));
    let document = Value::Object(intake.document);
    assert_eq!(document["emails"], json!([{"value": "a", "type": "x", "primary": true}, {"value": "a"}]));
    assert_eq!(document["phoneNumbers"][0]["type"], "pager");
    assert_eq!(document["x509Certificates"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        document[EXTENSION],
        json!({"count": 7, "siteNumbers": ["1", "2"], "since": "2026-02-01T01:30:00.000Z"})
    );
    for since in ["9999-12-31T23:59:59-23:00", "0000-01-01T00:00:00+01:00", "2026-01-31T00:00:00", "x"] {
        refused(Leniencies::LENIENT, json!({EXTENSION: {"since": since}}));
    }
    let error = refused(
        Leniencies::LENIENT,
        json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": "true"}]}),
    );
    assert!(error.detail.starts_with("emails.primary:"), "{error}");
}

#[test]
fn sizes_are_bounded() {
    let mut deep = json!("x");
    for _ in 0..MAX_DEPTH {
        deep = json!({"a": deep});
    }
    assert!(take(&user(), Leniencies::LENIENT, &deep).is_ok());
    refused(Leniencies::LENIENT, json!({"a": deep}));
    refused(Leniencies::LENIENT, json!({"title": "x".repeat(MAX_STRING + 1)}));
    let emails = |count: usize| (0..count).map(|at| json!({"value": at.to_string()})).collect::<Vec<_>>();
    assert_eq!(
        taken(json!({"emails": emails(MAX_ELEMENTS)})).document["emails"].as_array().map(Vec::len),
        Some(MAX_ELEMENTS)
    );
    refused(Leniencies::LENIENT, json!({"emails": emails(MAX_ELEMENTS + 1)}));
}

#[test]
fn a_body_echoed_back_is_the_same_document() {
    let body = json!({"userName": "a", "active": false, "emails": [{"value": "a", "primary": true}],
        EXTENSION: {"since": "2026-01-31T08:00:00.000Z", "count": 3}});
    let first = taken(body).document;
    let mut echo = Value::Object(first.clone());
    echo["schemas"] = json!([urn::USER, EXTENSION]);
    echo["id"] = json!("1");
    echo["meta"] = json!({"location": "x"});
    echo["groups"] = json!([{"value": "g", "display": "G"}]);
    assert_eq!(taken(echo).document, first);
}

#[test]
fn members_are_ids() {
    let group = ResourceType::group();
    let members = |value: Value| {
        let body = json!({"displayName": "G", "members": value});
        take(&group, Leniencies::LENIENT, &body).map(|intake| {
            assert_eq!(intake.document.len(), 1);
            intake.members.map(|members| members.into_iter().map(|member| member.value).collect::<Vec<_>>())
        })
    };
    let some = |ids: &[&str]| Ok(Some(ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>()));
    assert_eq!(
        members(json!([{"value": "a", "display": "A"}, {"VALUE": "b"}, "c", {"value": "a"}])),
        some(&["a", "b", "c"])
    );
    assert_eq!(members(json!({"value": "a", "$ref": null})), some(&["a"]));
    assert_eq!(members(json!([null, {}, {"value": null}])), some(&[]));
    assert_eq!(members(json!([])), some(&[]));
    assert_eq!(members(json!(null)), Ok(None));
    for bad in [
        json!([{"display": "x"}]),
        json!([true]),
        json!([[1]]),
        json!(true),
        json!([{"value": "x".repeat(257)}]),
        json!(["a\0"]),
    ] {
        let error = members(bad.clone()).expect_err("refused");
        assert!(error.status == 400 && error.detail.starts_with("members"), "{bad} {error}");
    }
    assert!(members(json!(["x".repeat(256)])).is_ok());
    let many: Vec<_> = (0..=crate::patch::MAX_MEMBERS).map(|at| json!(at)).collect();
    assert_eq!(members(json!(many)).expect_err("too many").status, 413);
    let entra = json!({"schemas": [urn::GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "displayName": "G", "externalId": "8", "meta": {"resourceType": "Group"}});
    let intake = take(&group, Leniencies::STRICT, &entra).expect("taken");
    assert_eq!((intake.members, intake.document.len()), (None, 2));
}

#[test]
fn validate_wants_what_is_required() {
    let check = |resource_type: &ResourceType, document: Value| {
        let mut document = document.as_object().cloned().expect("an object");
        validate(resource_type, &mut document).map(|()| Value::Object(document))
    };
    for missing in [json!({}), json!({"userName": "  "}), json!({"displayName": "a"})] {
        let error = check(&user(), missing).expect_err("userName");
        assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
        assert!(error.detail.starts_with("userName:"), "{error}");
    }
    assert!(check(&ResourceType::group(), json!({})).expect_err("name").detail.starts_with("displayName:"));
    let kept = check(
        &user(),
        json!({"userName": "a", "emails": [{"type": "work"}, {"type": "home", "primary": true}],
            "roles": [{"type": "x", "primary": true}, {"value": "r"}], EXTENSION: {}}),
    );
    assert_eq!(kept, Ok(json!({"userName": "a", "roles": [{"value": "r"}]})));
    let two =
        json!({"userName": "a", "ims": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]});
    assert!(check(&user(), two).expect_err("two").detail.starts_with("ims.primary:"));

    let text = Profile::builtin("generic").expect("generic").replace(
        "[user]",
        &format!(
            "[user]\nrequired = [\"name.givenName\", \"NAME.familyName\", \"emails\", \"{}:department\"]",
            urn::ENTERPRISE_USER
        ),
    );
    let user = Profile::from_toml(&text).expect("compiles").user;
    let error = check(&user, json!({"userName": "a", "emails": [{"type": "work"}]})).expect_err("three");
    for path in ["name.givenName:", "name.familyName:", "emails:", "User:department:"] {
        assert!(error.detail.contains(path), "{error}");
    }
    let error = check(
        &user,
        json!({"userName": "a", "emails": [{"value": "a"}], "name": {"givenName": "A"},
        urn::ENTERPRISE_USER: {"department": "d"}}),
    );
    assert_eq!(error.expect_err("one").detail, "name.familyName: is required; send a value.");

    // Where all that was sent of a value is wrong, what was not sent is told too; not of a value that is none.
    for (name, told) in [
        (
            json!({"givenName": true}),
            "name.givenName: must be a string, not a boolean. name.familyName: is required; send a value.",
        ),
        (
            json!({"givenName": true, "familyName": false}),
            "name.givenName: must be a string, not a boolean. name.familyName: must be a string, not a boolean.",
        ),
        (json!(true), "name: must be an object, not a boolean."),
    ] {
        let body =
            json!({"userName": "a", "emails": "a", "name": name, urn::ENTERPRISE_USER: {"department": "d"}});
        let (Intake { mut document, .. }, findings) =
            take_all(&user, Leniencies::LENIENT, &body).expect("a body");
        let error = validate_for(&user, &ValueSets::default(), findings, &mut document).expect_err("wrong");
        assert_eq!(error.detail, told, "{body}");
    }
}

#[test]
fn immutable_is_set_once() {
    let document = |badge: Value| json!({EXTENSION: {"badge": badge, "home": {"key": badge, "note": "n"}}});
    let object = |value: Value| value.as_object().cloned().expect("an object");
    let (none, old) = (object(json!({})), object(document(json!("1"))));
    let user = user();
    assert_eq!(check_immutable(&user, &none, &old), Ok(()));
    assert_eq!(check_immutable(&user, &old, &old), Ok(()));
    for after in [object(document(json!("2"))), none.clone()] {
        let error = check_immutable(&user, &old, &after).expect_err("immutable");
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::Mutability)));
    }
    let mut put = object(json!({EXTENSION: {"home": {"note": "m"}}}));
    carry_immutable(&user, &old, &mut put);
    assert_eq!(Value::Object(put), json!({EXTENSION: {"badge": "1", "home": {"key": "1", "note": "m"}}}));
    let mut put = none;
    carry_immutable(&user, &old, &mut put);
    assert_eq!(Value::Object(put), json!({EXTENSION: {"badge": "1", "home": {"key": "1"}}}));
}

#[test]
fn coerce_serves_sub_attributes_too() {
    let user = user();
    let at = |path: &str| match user.resolve(path) {
        Resolved::Attribute(target) => target,
        other => panic!("{other:?}"),
    };
    let lenient = Leniencies::LENIENT;
    assert_eq!(coerce(lenient, &at("emails"), &json!("a")), Ok(Some(json!([{"value": "a"}]))));
    assert_eq!(coerce(lenient, &at("emails.primary"), &json!("TRUE")), Ok(Some(json!(true))));
    assert_eq!(coerce(lenient, &at("name"), &json!({"givenName": null, "x": 1})), Ok(None));
    assert!(
        coerce(lenient, &at("name.givenName"), &json!(true))
            .expect_err("type")
            .detail
            .starts_with("name.givenName:")
    );
}

#[test]
fn a_document_and_its_keys_are_bounded() {
    let resource_type = ResourceType::user();
    let check = |body: Value| {
        let mut document = take(&resource_type, Leniencies::LENIENT, &body).unwrap().document;
        validate(&resource_type, &mut document)
    };
    let schemas = json!([urn::USER]);
    let key = "x".repeat(MAX_KEY);
    assert_eq!(check(json!({"schemas": schemas, "userName": key, "externalId": key})), Ok(()));
    for name in ["userName", "externalId"] {
        let mut body = json!({"schemas": schemas, "userName": "a"});
        body[name] = format!("{key}x").into();
        let error = check(body).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
        assert!(error.detail.contains(name), "{}", error.detail);
    }
    // Folding lengthens: the index holds the folded form.
    assert!(check(json!({"schemas": schemas, "userName": "\u{390}".repeat(MAX_KEY / 2)})).is_err());
    let emails: Vec<_> = (0..6).map(|n| json!({"value": format!("{n}{}", "x".repeat(60_000))})).collect();
    assert_eq!(
        check(json!({"schemas": schemas, "userName": "a", "emails": emails})).unwrap_err().status,
        413
    );
}

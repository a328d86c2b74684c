//! Each kind of rule by a table: at least ten bodies that it takes and ten that it refuses, with the whole of what is said
//! then: path, what is wrong, what to do.

use serde_json::{Value, json};

use super::*;

/// Bodies that are taken, and what is kept at a pointer (`X` stands for the extension).
fn takes(rows: Vec<(Value, &str, Value)>) {
    assert!(rows.len() >= 10);
    for (beside, pointer, expected) in rows {
        let mut found = kept(beside.clone());
        found["X"] = found.get_mut(BADGES).map_or(Value::Null, Value::take);
        let value = found.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(value, expected, "{beside} {pointer} {found}");
    }
}

/// Bodies that are refused, and all that is said (`X:` stands for the extension).
fn refuses(rows: Vec<(Value, &str, &str)>) {
    assert!(rows.len() >= 10);
    for (beside, path, problem) in rows {
        let error = judge(beside.clone()).expect_err(&beside.to_string());
        assert_eq!((error.status, error.scim_type), (400, Some(crate::ScimType::InvalidValue)), "{beside}");
        let path = path.replace("X:", &format!("{BADGES}:"));
        assert_eq!(error.detail, format!("{path}: {problem}."), "{beside}");
    }
}

const TRUE: Value = Value::Bool(true);

#[test]
fn attributes_that_are_required_under_a_condition() {
    takes(vec![
        (json!({}), "/X/guest", json!(false)),
        (json!({"guest": false}), "/X/host", Value::Null),
        (json!({"guest": null}), "/X/guest", json!(false)),
        (json!({"guest": "False"}), "/X/guest", json!(false)),
        (json!({"guest": true, "host": "Bo"}), "/X/host", json!("Bo")),
        (json!({"guest": "True", "host": "Bo"}), "/X/guest", TRUE),
        (json!({"GUEST": true, "HOST": "Bo"}), "/X/host", json!("Bo")),
        (json!({BADGES: {"guest": true, "host": "Bo"}}), "/X/host", json!("Bo")),
        (json!({"guest": true, BADGES: {"host": "Bo"}}), "/X/host", json!("Bo")),
        (json!({"guest": true, "host": 7}), "/X/host", json!("7")),
        (json!({"name": null, "firstName": "Ann"}), "/name/givenName", json!("Ann")),
        (json!({"name": {"givenName": "Ann", "familyName": "Lee"}}), "/name/familyName", json!("Lee")),
    ]);
    let (host, given) =
        ("is required for guests; send the name of the host", "is required here; send a value");
    refuses(vec![
        (json!({"guest": true}), "X:host", host),
        (json!({"guest": "true"}), "X:host", host),
        (json!({"guest": "TRUE"}), "X:host", host),
        (json!({"guest": true, "host": ""}), "X:host", host),
        (json!({"guest": true, "host": null}), "X:host", host),
        (json!({"guest": true, "host": " "}), "X:host", host),
        (json!({"guest": true, "host": []}), "X:host", host),
        (json!({BADGES: {"guest": true}}), "X:host", host),
        (json!({"host": "", BADGES: {"guest": true}}), "X:host", host),
        (json!({"name": null}), "name.givenName", given),
        (json!({"name": {}}), "name.givenName", given),
        (json!({"name": {"familyName": "Lee"}}), "name.givenName", given),
        (json!({"name": {"givenName": " "}}), "name.givenName", given),
        (json!({"name": null, "firstName": ""}), "name.givenName", given),
    ]);
}

#[test]
fn formats_under_a_condition() {
    let display = |text: &str| json!([{"value": "a@x.example", "display": text}]);
    takes(vec![
        (json!({"title": "Nurse 2"}), "/title", json!("Nurse 2")),
        (json!({"level": 3, "title": "Nurse 2"}), "/title", json!("Nurse 2")),
        (json!({"level": null, "title": "Nurse 2"}), "/title", json!("Nurse 2")),
        (json!({"level": 3, "emails": display("A1")}), "/emails/0/display", json!("A1")),
        (json!({"level": 4}), "/title", Value::Null),
        (json!({"level": 4, "title": ""}), "/title", Value::Null),
        (json!({"level": 4, "title": "Nurse"}), "/title", json!("Nurse")),
        (json!({"level": "4", "title": "Henry III"}), "/title", json!("Henry III")),
        (json!({"level": 4, "title": "Ärztin"}), "/title", json!("Ärztin")),
        (json!({"level": 4, "emails": display("Ann")}), "/emails/0/display", json!("Ann")),
        (
            json!({"level": 4, "emails": [{"value": "a1@x.example"}]}),
            "/emails/0/value",
            json!("a1@x.example"),
        ),
    ]);
    let problem = "is a text with digits; send it without them";
    let second = json!([{"value": "a@x.example", "display": "A"}, {"value": "b@x.example", "display": "B2"}]);
    refuses(vec![
        (json!({"level": 4, "title": "Nurse 2"}), "title", problem),
        (json!({"level": 4, "title": "2nd Nurse"}), "title", problem),
        (json!({"level": "4", "title": "N2rse"}), "title", problem),
        (json!({"level": 4.0, "title": "007"}), "title", problem),
        (json!({"level": 4, "title": "Nurse²"}), "title", problem),
        (json!({"level": 4, "title": "Nurse٣"}), "title", problem),
        (json!({"level": 4, "title": "Nurse３"}), "title", problem),
        (json!({"level": 4, "title": "Ⅲ"}), "title", problem),
        (json!({BADGES: {"level": 4}, "jobTitle": "Nurse 2"}), "title", problem),
        (json!({"level": 4, "title": 7}), "title", problem),
        (json!({"level": 4, "emails": display("A1")}), "emails[0].display", problem),
        (json!({"level": 4, "emails": second}), "emails[1].display", problem),
    ]);
}

#[test]
fn conditions_of_the_language() {
    let work = || json!([{"value": "a@x.example", "type": "work"}]);
    let home = || json!([{"value": "a@x.example", "type": "home"}]);
    let both = || json!([{"value": "a@x.example", "type": "home"}, {"value": "b@x.example", "type": "work"}]);
    takes(vec![
        (json!({}), "/emails", Value::Null),
        (json!({"emails": home()}), "/emails/0/type", json!("home")),
        (json!({"level": 1}), "/X/level", json!(1)),
        (json!({"level": 4}), "/X/level", json!(4)),
        (json!({"level": "4", "emails": home()}), "/X/level", json!(4)),
        (json!({"level": -7}), "/X/level", json!(-7)),
        (json!({"level": 5, "emails": work()}), "/X/level", json!(5)),
        (json!({"level": 8, "emails": both()}), "/emails/1/type", json!("work")),
        (json!({"level": 5, "email": "a@x.example", "emailType": "work"}), "/emails/0/type", json!("work")),
        (json!({"level": 9, "emails": work(), "title": "Chief"}), "/title", json!("Chief")),
        (json!({"level": 9, "emails": work(), "title": "Chief of all"}), "/title", json!("Chief of all")),
        (json!({"level": 10, "emails": work()}), "/title", Value::Null),
    ]);
    let mail = "people of level 5 and above need an address of type work; send one";
    let chief = "level 9 is for chiefs; send another level";
    let unanswered =
        "could not be evaluated for this resource, so it is refused; mend the rule in the profile";
    refuses(vec![
        (json!({"level": 5}), "emails", mail),
        (json!({"level": "5"}), "emails", mail),
        (json!({"level": 5.0}), "emails", mail),
        (json!({"level": 5, "emails": []}), "emails", mail),
        (json!({"level": 5, "emails": home()}), "emails", mail),
        (json!({"level": 5, "emails": [{"value": "a@x.example"}]}), "emails", mail),
        (json!({"level": 5, "emails": [{"value": "a@x.example", "type": "Work"}]}), "emails", mail),
        (json!({"level": 5, "emails": [{"type": "work"}]}), "emails", mail),
        (json!({"level": i64::MAX, "email": "a@x.example"}), "emails", mail),
        (json!({BADGES: {"level": 6, "email": "a@x.example"}, "emailType": "home"}), "emails", mail),
        (json!({"level": 9, "emails": work(), "title": "Nurse"}), "title", chief),
        (json!({"level": 9, "emails": work(), "title": "chief"}), "title", chief),
        (json!({"level": 9, "emails": work()}), "rule \"careless\"", unanswered),
    ]);
}

#[test]
fn what_does_not_apply_is_dropped() {
    let guest = |mut beside: Value| {
        beside["guest"] = TRUE;
        beside["host"] = json!("Bo");
        beside
    };
    let phone = |display: &str| json!([{"value": "+12025550143", "display": display}]);
    takes(vec![
        (guest(json!({"badge": "Blue"})), "/X/badge", Value::Null),
        (guest(json!({"badge": "B7"})), "/X/badge", Value::Null),
        (guest(json!({BADGES: {"badge": "Blue"}})), "/X/badge", Value::Null),
        (guest(json!({"dea": "AP5836727"})), "/X/dea", Value::Null),
        (guest(json!({"dea": "nonsense"})), "/X/dea", Value::Null),
        (guest(json!({"phoneNumbers": phone("Desk")})), "/phoneNumbers/0/display", Value::Null),
        (guest(json!({"phoneNumbers": phone("Desk")})), "/phoneNumbers/0/value", json!("+12025550143")),
        (guest(json!({"badge": "Blue"})), "/X", json!({"guest": true, "host": "Bo"})),
        // Of others it is kept.
        (json!({"badge": "Blue"}), "/X/badge", json!("Blue")),
        (json!({"guest": false, "dea": "AP5836727"}), "/X/dea", json!("AP5836727")),
        (json!({"phoneNumbers": phone("Desk")}), "/phoneNumbers/0/display", json!("Desk")),
    ]);
    // What is dropped for guests is checked for all others.
    let dea = "send the DEA number, 2 characters and 7 digits with a valid check digit";
    let digits = "is a text with digits; send it without them";
    let of = |class: &str| format!("is {class}; {dea}");
    let (check, letter) = (
        of("a DEA number with a wrong check digit"),
        of("a text that begins with no registrant letter of the DEA"),
    );
    let (short, second) =
        (of("a text of 8 characters"), of("a text whose second character is neither a letter nor 9"));
    refuses(vec![
        (json!({"badge": "B7"}), "X:badge", digits),
        (json!({"guest": false, "badge": "7"}), "X:badge", digits),
        (json!({BADGES: {"badge": "B7"}}), "X:badge", digits),
        (json!({"guest": null, "badge": "B７"}), "X:badge", digits),
        (json!({"badge": 7}), "X:badge", digits),
        (json!({"dea": "AP5836728"}), "X:dea", &check),
        (json!({"dea": "ap5836720"}), "X:dea", &check),
        (json!({"guest": "false", "dea": "CP5836727"}), "X:dea", &letter),
        (json!({"dea": "AP583672"}), "X:dea", &short),
        (json!({"dea": "A85836727"}), "X:dea", &second),
        (json!({"badge": true}), "X:badge", "must be a string, not a boolean"),
    ]);
}

#[test]
fn what_does_not_apply_is_refused() {
    takes(vec![
        (json!({}), "/X/host", Value::Null),
        (json!({"host": ""}), "/X/host", Value::Null),
        (json!({"host": null}), "/X/host", Value::Null),
        (json!({"host": []}), "/X/host", Value::Null),
        (json!({"host": " "}), "/X/host", json!(" ")),
        (json!({"guest": false, "host": ""}), "/X/host", Value::Null),
        (json!({"guest": true, "host": "Bo"}), "/X/host", json!("Bo")),
        (json!({"guest": "true", "host": "Bo"}), "/X/host", json!("Bo")),
        (json!({BADGES: {"host": "Bo"}, "guest": true}), "/X/host", json!("Bo")),
        (json!({BADGES: {"host": "Bo", "guest": "TRUE"}}), "/X/host", json!("Bo")),
        (json!({"Guest": true, "Host": ["Bo"]}), "/X/host", json!("Bo")),
    ]);
    let problem = "does not apply here; leave it out: only guests have hosts";
    refuses(vec![
        (json!({"host": "Bo"}), "X:host", problem),
        (json!({"HOST": "Bo"}), "X:host", problem),
        (json!({"host": 7}), "X:host", problem),
        (json!({"host": ["Bo"]}), "X:host", problem),
        (json!({BADGES: {"host": "Bo"}}), "X:host", problem),
        (json!({"guest": false, "host": "Bo"}), "X:host", problem),
        (json!({"guest": "False", "host": "Bo"}), "X:host", problem),
        (json!({"guest": null, "host": "Bo"}), "X:host", problem),
        (json!({"guest": "", "host": "Bo"}), "X:host", problem),
        (json!({BADGES: {"guest": false, "host": "Bo"}}), "X:host", problem),
        (json!({"guest": true, BADGES: {"guest": false, "host": "Bo"}}), "X:host", problem),
    ]);
}

#[test]
fn members_of_value_sets() {
    const ENTERPRISE: &str = crate::urn::ENTERPRISE_USER;
    let department = format!("/{ENTERPRISE}/department");
    takes(vec![
        (json!({"preferredLanguage": "en"}), "/preferredLanguage", json!("en")),
        (json!({"preferredLanguage": " DE "}), "/preferredLanguage", json!("de")),
        (json!({ENTERPRISE: {"department": "pharmacy"}}), &department, json!("Pharmacy")),
        (json!({"buildings": "a1"}), "/X/buildings", json!(["A1"])),
        (json!({"buildings": ["c3", "a1"]}), "/X/buildings", json!(["C3", "A1"])),
        (json!({"buildings": "a1,A1, b2"}), "/X/buildings", json!(["A1", "B2"])),
        (json!({"floors": "2, 1"}), "/X/floors", json!("2,1")),
        (json!({"floors": 1}), "/X/floors", json!("1")),
        (json!({"rooms": [{"value": "r2"}]}), "/X/rooms/0/value", json!("R2")),
        (
            json!({"rooms": [{"value": "R2"}, {"value": "r1", "use": "lab"}]}),
            "/X/rooms/1",
            json!({"value": "R1", "use": "lab"}),
        ),
        (json!({"rooms": "R1"}), "/X/rooms/0/value", json!("R1")),
    ]);
    let of = |set: &str, values: &str| format!("is not in the tenant's value set \"{set}\"; send {values}");
    let (languages, departments) = (of("languages", "en, de"), of("departments", "ICU, Pharmacy"));
    let (buildings, floors, rooms) =
        (of("buildings", "A1, B2, C3"), of("floors", "1, 2"), of("rooms", "R1, R2"));
    refuses(vec![
        (json!({"preferredLanguage": "fr"}), "preferredLanguage", &languages),
        (json!({"preferredLanguage": "en-US"}), "preferredLanguage", &languages),
        (json!({"preferredLanguage": "German"}), "preferredLanguage", &languages),
        (json!({"preferredLanguage": " "}), "preferredLanguage", &languages),
        (json!({ENTERPRISE: {"department": "Cellar"}}), &format!("{ENTERPRISE}:department"), &departments),
        (json!({"buildings": "Z9"}), "X:buildings[0]", &buildings),
        (json!({"buildings": ["A1", "B2", "A"]}), "X:buildings[2]", &buildings),
        (json!({BADGES: {"buildings": "a1;b2"}}), "X:buildings[0]", &buildings),
        (json!({"floors": "1,9"}), "X:floors", &floors),
        (json!({"floors": [3]}), "X:floors", &floors),
        (json!({"rooms": [{"value": "R9"}]}), "X:rooms[0].value", &rooms),
        (json!({"rooms": [{"value": "R1"}, {"value": "R 2"}]}), "X:rooms[1].value", &rooms),
    ]);
}

#[test]
fn other_names() {
    takes(vec![
        (json!({"firstName": "Bea"}), "/name/givenName", json!("Bea")),
        (json!({"FIRSTNAME": "Bea"}), "/name/givenName", json!("Bea")),
        (json!({BADGES: {"firstName": "Bea"}}), "/name/givenName", json!("Bea")),
        (json!({"jobTitle": "Chief"}), "/title", json!("Chief")),
        (json!({"jobTitle": "Chief", "title": "Old"}), "/title", json!("Chief")),
        (json!({"email": "b@x.example"}), "/emails", json!([{"value": "b@x.example", "primary": true}])),
        (json!({"emailType": "home", "email": "b@x.example"}), "/emails/0/type", json!("home")),
        (json!({"phone": "+1 202 555 0143"}), "/phoneNumbers/0/value", json!("+12025550143")),
        (json!({"phone": {"value": "+12025550143"}}), "/phoneNumbers/0/value", json!("+12025550143")),
        (json!({"building": "c3"}), "/X/buildings", json!(["C3"])),
        (json!({"building": ["a1", "b2"]}), "/X/buildings", json!(["A1", "B2"])),
        (json!({"email": null, "phone": "", "building": []}), "/emails", Value::Null),
    ]);
    let plus = "send it with + and the country code, such as +12025550143";
    let (bare, zero) = (
        format!("is 8 digits without a +; {plus}"),
        format!("is a number whose country code begins with 0; {plus}"),
    );
    let set = "is not in the tenant's value set \"buildings\"; send A1, B2, C3";
    refuses(vec![
        (json!({"phone": "55501432"}), "phoneNumbers[0].value", &bare),
        (json!({BADGES: {"phone": "55501432"}}), "phoneNumbers[0].value", &bare),
        (json!({"phone": "+0255501432"}), "phoneNumbers[0].value", &zero),
        (json!({"phone": true}), "phone", "must be a string, not a boolean"),
        (json!({"phone": {"value": false}}), "phone", "must be a string, not a boolean"),
        (json!({"email": true}), "email", "must be a string, not a boolean"),
        (json!({"emailType": {"x": 1}}), "emailType", "must be a string, not an object"),
        (json!({"firstName": false}), "firstName", "must be a string, not a boolean"),
        (json!({"firstName": " "}), "name.givenName", "is required here; send a value"),
        (json!({"jobTitle": {"x": 1}}), "jobTitle", "must be a string, not an object"),
        (json!({"building": "Z9"}), "X:buildings[0]", set),
        (json!({"building": ["A1", "Z9"]}), "X:buildings[1]", set),
        (json!({"building": true}), "building[0]", "must be a string, not a boolean"),
    ]);
}

#[test]
fn defaults() {
    takes(vec![
        (json!({}), "/preferredLanguage", json!("en")),
        (json!({"preferredLanguage": null}), "/preferredLanguage", json!("en")),
        (json!({"preferredLanguage": ""}), "/preferredLanguage", json!("en")),
        (json!({"preferredLanguage": "de"}), "/preferredLanguage", json!("de")),
        (json!({}), "/X/guest", json!(false)),
        (json!({BADGES: {"guest": null}}), "/X/guest", json!(false)),
        (json!({"badge": "Blue"}), "/X", json!({"badge": "Blue", "guest": false})),
        (json!({"phone": "+12025550143"}), "/phoneNumbers/0/type", json!("work")),
        (
            json!({"phoneNumbers": [{"value": "+12025550143", "type": "home"}]}),
            "/phoneNumbers/0/type",
            json!("home"),
        ),
        (json!({"rooms": "R1"}), "/X/rooms/0/use", json!("desk")),
        (json!({"rooms": [{"value": "R1", "use": "lab"}, {"value": "R2"}]}), "/X/rooms/1/use", json!("desk")),
        (json!({}), "/X/rooms", Value::Null),
    ]);
    // A default that does not fit its attribute is a fault of the file.
    let (text, set) =
        ("does not fit: preferredLanguage: must be a string", "is not in the value set of the attribute");
    let (flag, number) =
        ("does not fit: guest: must be true or false", "does not fit: level: must be a whole number");
    for (key, default, problem) in [
        ("default = \"en\"", "default = 7", text),
        ("default = \"en\"", "default = true", text),
        (
            "default = \"en\"",
            "default = [\"en\", \"de\"]",
            "does not fit: preferredLanguage: takes one value, not a list",
        ),
        ("default = \"en\"", "default = { a = 1 }", text),
        ("default = \"en\"", "default = \"\"", "is empty and says nothing; remove it"),
        ("default = \"en\"", "default = []", "is empty and says nothing; remove it"),
        ("default = \"en\"", "default = \"fr\"", set),
        ("default = \"en\"", "default = \"en, de\"", set),
        ("default = false", "default = \"false\"", flag),
        ("default = false", "default = 0", flag),
        ("type = \"integer\"", "type = \"integer\"\ndefault = \"one\"", number),
        ("type = \"integer\"", "type = \"integer\"\ndefault = 1.5", number),
        (
            "name = \"badge\"\nformat = \"no-digits\"",
            "name = \"badge\"\nformat = \"no-digits\"\ndefault = \"B7\"",
            "is a text with digits; send it without them",
        ),
        (
            "format = \"dea\"",
            "format = \"dea\"\ndefault = \"AP5836728\"",
            "is a DEA number with a wrong check digit",
        ),
    ] {
        assert_eq!(FILE.matches(key).count(), 1, "{key}");
        let error = Profile::from_toml(&FILE.replace(key, default)).expect_err(default).to_string();
        assert!(error.starts_with("line ") && error.contains(problem), "{default}: {error}");
        assert!(!error.contains("5836728"), "{error}");
    }
}

#[test]
fn names_that_are_dropped() {
    takes(vec![
        (json!({"shoeSize": 43}), "/shoeSize", Value::Null),
        (json!({"SHOESIZE": "43"}), "/SHOESIZE", Value::Null),
        (json!({"shoeSize": {"eu": 43}}), "/shoeSize", Value::Null),
        (json!({"shoeSize": [43, 44]}), "/shoeSize", Value::Null),
        (json!({"sendInvite": true}), "/sendInvite", Value::Null),
        (json!({"sendInvite": null}), "/sendInvite", Value::Null),
        (json!({BADGES: {"shoeSize": 43, "badge": "Blue"}}), "/X", json!({"badge": "Blue", "guest": false})),
        (json!({"nickName": "Annie"}), "/nickName", Value::Null),
        (json!({"addresses": [{"locality": "Oslo"}]}), "/addresses", Value::Null),
        (json!({"password": "secret"}), "/password", Value::Null),
    ]);
    // In paths of a PATCH they do nothing; other names are faults.
    let patch = |path: &str| {
        patched(json!({"badge": "Blue"}), json!([{"op": "replace", "path": path, "value": "x"}]))
    };
    let unchanged = judge(json!({"badge": "Blue"})).expect("taken").0;
    let urn = |name: &str| format!("{BADGES}:{name}");
    for path in [
        "shoeSize",
        "SHOESIZE",
        "shoeSize.eu",
        "sendInvite",
        "SendInvite",
        "sendInvite.to",
        "nickName",
        "addresses",
        &urn("shoeSize"),
        &urn("sendInvite"),
        &urn("shoeSize.eu"),
    ] {
        assert_eq!(patch(path).unwrap_or_else(|error| panic!("{path}: {error}")), unchanged, "{path}");
    }
    for path in [
        "hatSize",
        "shoe",
        "shoeSizes",
        "myShoeSize",
        "shoe-size",
        "send",
        "sendInvites",
        "name.shoeSize",
        &urn("hatSize"),
        &urn("shoeSizes"),
        "urn:example:other:shoes",
    ] {
        let error = patch(path).expect_err(path);
        assert_eq!((error.status, error.scim_type), (400, Some(crate::ScimType::InvalidPath)), "{path}");
        assert!(error.detail.contains(path), "{path}: {error}");
    }
}

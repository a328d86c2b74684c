//! Conditions in CEL: what they see, what they may not do, what they cost.

use serde_json::{Value, json};

use super::*;

#[test]
fn conditions_that_hold_or_not() {
    let (document, _) = judge(json!({
        "title": "Nurse", "level": 3, "buildings": "A1, B2", "guest": false,
        "emails": [{"value": "a@x.example", "type": "work", "primary": true}, {"value": "b@x.example"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "ICU"},
    }))
    .expect("taken");
    let facts = facts::Facts::of(&PROFILE.user, &document);
    for (text, expected) in [
        ("true", true),
        ("user.title == 'Nurse'", true),
        ("user.title != null && user.title.startsWith('Nu')", true),
        ("user.name.familyName == null", true),
        ("user.name.givenName.endsWith('nn')", true),
        ("user.phoneNumbers.size() == 0", true),
        ("size(user.emails) == 2", true),
        ("user.emails.exists(e, e.type == 'work')", true),
        ("user.emails.all(e, e.value.contains('@'))", true),
        ("user.emails.all(e, e.type != null)", false),
        ("user.emails.exists_one(e, e.primary == true)", true),
        ("user.emails.filter(e, e.type == 'home').size() == 0", true),
        ("'A1' in ext.buildings", true),
        ("ext.buildings.all(b, b in ['A1', 'B2', 'C3'])", true),
        ("ext.level + 1 == 4", true),
        ("ext.level >= 3 ? user.title != null : true", true),
        ("ext.guest != true", true),
        ("ext.host != true", true),
        ("ext.department == 'ICU'", true),
        ("ext.employeeNumber == null", true),
        ("user.timezone == null || user.timezone.matches('^US/')", true),
        ("user.title.matches('[0-9]')", false),
        ("user.externalId == null", true),
        ("has(user.title)", true),
        ("user.active != false", true),
        ("ext.floors == null && ext.rooms.size() == 0", true),
    ] {
        let condition =
            Condition::compile(text, &PROFILE.user).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.text(), text);
        assert_eq!(condition.holds(&facts), Ok(expected), "{text}");
    }
    for text in ["user.timezone.startsWith('US')", "user.title", "1 / 0 == 1", "user.emails[7].value == ''"] {
        let condition =
            Condition::compile(text, &PROFILE.user).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(condition.holds(&facts).is_err(), "{text} has no answer");
    }
}

#[test]
fn conditions_that_are_refused() {
    let long = format!("user.title == '{}'", "x".repeat(MAX_CONDITION));
    let wide = format!("ext.level in [{}]", (0..101).map(|at| at.to_string()).collect::<Vec<_>>().join(","));
    let parts = (0..120).map(|_| "true").collect::<Vec<_>>().join("&&");
    let walks = (0..6).map(|_| "user.emails.all(e, true)").collect::<Vec<_>>().join(" && ");
    for (text, word) in [
        ("", "no CEL expression"),
        ("user.title ==", "no CEL expression"),
        ("user.title = 'x'", "no CEL expression"),
        ("title == 'x'", "user.attribute"),
        ("group.title == 'x'", "\"group\""),
        ("user.shoeSize == 1", "no \"shoeSize\""),
        ("user.Title == 'x'", "compare the spelling"),
        ("user.groups == null", "that a client may write"),
        ("user.password == null", "no \"password\""),
        ("user.name.surname == null", "no \"surname\""),
        ("user.emails.type == 'work'", "is a list"),
        ("ext.npi == null", "no \"npi\""),
        ("user.emails.all(e, user.phoneNumbers.exists(p, p.type == e.type))", "inside another"),
        ("user.emails.map(e, e.value).size() > 0", "+ or map"),
        ("user.emails.exists(e, e.value + e.type == 'x')", "+ or map"),
        ("user.title.matches(user.name.givenName)", "no constant"),
        ("user.emails.exists(e, e.value.matches('x'))", "inside a list"),
        ("user.title.matches('(')", "cannot be used"),
        ("user.title.matches('(\\\\w{100}){100}')", "cannot be used"),
        ("type(user.title) == string", "uses \"type\""),
        ("timestamp(user.title) == null", "uses \"timestamp\""),
        ("user.title.lowerAscii() == 'x'", "uses \"lowerAscii\""),
        (&long, "longer than 1000"),
        (&wide, "more than 100 elements"),
        (&parts, "more than 200 parts"),
        (&walks, "more than 5 lists"),
    ] {
        let problem = Condition::compile(text, &PROFILE.user).expect_err(text);
        assert!(problem.contains(word), "{text}: {problem}");
    }
}

/// The worst that the bounds leave: every list as long as it may be, every condition walking over all of them.
#[test]
fn conditions_cost_little() {
    let user = &PROFILE.user;
    let walk = "user.emails.all(e, user.emails.size() > 0 && !(e.value in ext.buildings))";
    let condition = Condition::compile(&[walk; 5].join(" && "), user).expect("compiles");
    let values: Vec<Value> = (0..MAX_RULE_ELEMENTS).map(|at| json!(format!("b{at}"))).collect();
    let emails: Vec<Value> =
        (0..MAX_RULE_ELEMENTS).map(|at| json!({"value": format!("u{at}@x.example")})).collect();
    let document =
        json!({"emails": emails, BADGES: {"buildings": values}}).as_object().cloned().expect("an object");
    let start = std::time::Instant::now();
    assert_eq!(condition.holds(&facts::Facts::of(user, &document)), Ok(true));
    let took = start.elapsed();
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}

//! Whatever is sent, there is an answer, and what is taken is canonical.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

proptest! {
    /// What validation has let through it lets through again, unchanged.
    #[test]
    fn validation_is_its_own_fixed_point(
        guest in any::<Option<bool>>(),
        buildings in prop::collection::vec("[aAbBcC][1-3],?", 0..5),
        phone in prop::option::of("\\+1 ?20255501[0-9]{2}"),
        kind in prop::option::of("work|home|"),
        language in prop::option::of("EN|de|"),
        level in prop::option::of(0..9),
    ) {
        let beside = json!({
            "guest": guest, "host": guest.filter(|guest| *guest).map(|_| "Bo"), "buildings": buildings,
            "phoneNumbers": [{"value": phone, "type": kind}], "preferredLanguage": language, "level": level,
            "badge": "Blue", "email": "a@x.example", "emailType": "work",
        });
        if let Ok((document, _)) = judge(beside) {
            let mut again = document.clone();
            validate_for(&PROFILE.user, &sets(), Findings::default(), &mut again).expect("taken again");
            prop_assert_eq!(again, document);
        }
    }

    /// Whatever stands under the names of the file, in a body or in a PATCH, there is an answer, and what is taken is
    /// canonical.
    #[test]
    fn any_value_is_answered(
        body in prop::collection::hash_map(any_name(), any_value(), 0..8),
        inner in prop::collection::hash_map(any_name(), any_value(), 0..4),
        operations in prop::collection::vec((any_verb(), prop::option::of(any_name()), any_value()), 0..4),
    ) {
        let mut body = serde_json::to_value(body).expect("json");
        body["userName"] = json!("ann@x.example");
        body["firstName"] = json!("Ann");
        if !inner.is_empty() {
            body[BADGES] = serde_json::to_value(inner).expect("json");
        }
        let taken = judge_with(&sets(), Leniencies::LENIENT, &body);
        let before = match taken {
            Ok((document, _)) => document,
            Err(_) => judge(json!({})).expect("taken").0,
        };
        let mut again = before.clone();
        validate_for(&PROFILE.user, &sets(), Findings::default(), &mut again).expect("taken again");
        prop_assert_eq!(&again, &before);
        for (verb, path, value) in operations {
            let operation = json!({"Operations": [{"op": verb, "path": path, "value": value}]});
            let Ok(patch) = PatchRequest::parse(&operation, Leniencies::LENIENT) else { continue };
            let rewritten = rewrite_patch(&PROFILE.user, &patch, &before);
            let Ok(patched) = rewritten.apply(&PROFILE.user, Leniencies::LENIENT, &before) else { continue };
            let mut document = patched.document;
            if validate_for(&PROFILE.user, &sets(), Findings::default(), &mut document).is_ok() {
                let mut again = document.clone();
                validate_for(&PROFILE.user, &sets(), Findings::default(), &mut again).expect("taken again");
                prop_assert_eq!(again, document);
            }
        }
    }
}

fn any_verb() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["add", "replace", "remove"])
}

fn any_name() -> impl Strategy<Value = String> {
    let names = [
        "email",
        "EMAILTYPE",
        "phone",
        "firstName",
        "building",
        "jobTitle",
        "shoeSize",
        "emails",
        "phoneNumbers",
        "name",
        "title",
        "buildings",
        "floors",
        "guest",
        "host",
        "level",
        "badge",
        "dea",
        "rooms",
        "preferredLanguage",
    ];
    let names: Vec<String> = names.map(str::to_owned).to_vec();
    prop_oneof![
        prop::sample::select(names.clone()),
        prop::sample::select(names).prop_map(|name| format!("{BADGES}:{name}"))
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec![
        "",
        " ",
        "work",
        "A1,b2",
        "+12025550143",
        "x@x.example",
        "true",
        "R1",
        "en",
        "7",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..10).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let key = prop::sample::select(vec!["value", "type", "primary", "email", "givenName", "use", "display"]);
    leaf.prop_recursive(2, 8, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..3)
                .prop_map(|fields| serde_json::to_value(fields).expect("json")),
        ]
    })
}

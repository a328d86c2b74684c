//! Edits of texts.

use super::*;
use crate::profile::{BUILTIN, Profile};

fn mdscripts() -> &'static str {
    Profile::builtin("mdscripts").expect("mdscripts")
}

fn edited(text: &str, edit: impl FnOnce(&mut Sheet)) -> String {
    let mut sheet = Sheet::parse(text).expect("a text");
    edit(&mut sheet);
    sheet.to_string()
}

fn text(text: &str) -> Option<Setting> {
    Some(Setting::Text(text.to_owned()))
}

fn rule(at: usize) -> Place {
    Place::top().entry("rule", at)
}

#[test]
fn only_the_prefix_changes() {
    let envi = Profile::builtin("envi").expect("envi");
    let changed = with_role_prefix(envi, "Acme \"x\" ").expect("a text");
    assert_eq!(changed, envi.replacen("prefix = \"Envi_\"", "prefix = 'Acme \"x\" '", 1));
    assert_eq!(with_role_prefix(&changed, "Envi_").expect("a text"), envi);
    let profile = Profile::from_toml(&changed).expect("a profile");
    assert_eq!(profile.roles.prefix.as_deref(), Some("Acme \"x\" "));
}

#[test]
fn a_key_comes_and_goes_and_comments_stay() {
    let text = "a = 1\n\n[roles] # who\nprefix = \"A_\" # the guide\nunlisted = \"grant\"\n";
    let without = with_role_prefix(text, "").expect("a text");
    assert_eq!(without, "a = 1\n\n[roles] # who\nunlisted = \"grant\"\n");
    assert_eq!(with_role_prefix(text, "B_").expect("a text"), text.replace("A_", "B_"));
    let added = with_role_prefix(&without, "C_").expect("a text");
    assert!(added.contains("prefix = \"C_\"") && added.contains("# who"), "{added}");
    assert!(with_role_prefix("a = 1\n", "D_").expect("a text").contains("[roles]\nprefix = \"D_\""));
    assert!(with_role_prefix("a = ", "D_").is_err() && with_role_prefix("roles = 1", "D_").is_err());
    assert_eq!(with_role_prefix("a = 1\n", "").expect("a text"), "a = 1\n");
}

#[test]
fn a_setting_of_an_entry_changes_and_no_other_line() {
    let changed = edited(mdscripts(), |sheet| {
        sheet.set(&rule(0), "message", text("send it")).expect("set");
        sheet.set(&rule(0), "name", text("providers-have-an-npi")).expect("the same");
        sheet.set(&rule(1), "paths", Some(Setting::Texts(vec!["name.givenName".into()]))).expect("set");
    });
    let differing: Vec<_> =
        mdscripts().lines().zip(changed.lines()).filter(|(old, new)| old != new).collect();
    assert_eq!(
        differing.iter().map(|(_, new)| *new).collect::<Vec<_>>(),
        ["message = \"send it\"", "paths = [\"name.givenName\"]"]
    );
    Profile::from_toml(&changed).expect("a profile");
}

#[test]
fn entries_come_after_the_last_and_go_with_their_comment() {
    let changed = edited(mdscripts(), |sheet| {
        assert_eq!(sheet.count(&Place::top(), "rule"), 2);
        sheet.set(&rule(2), "name", text("third")).expect("set");
        sheet.set(&rule(2), "require", Some(Setting::Texts(vec!["displayName".into()]))).expect("set");
    });
    let added =
        "remove them\"\n\n[[rule]]\nname = \"third\"\nrequire = [\"displayName\"]\n\n# Dropped, not refused";
    assert!(changed.contains(added), "{changed}");
    let back = edited(&changed, |sheet| sheet.remove(&rule(2)).expect("removed"));
    assert_eq!(back, mdscripts());
    let without =
        edited(mdscripts(), |sheet| sheet.remove(&Place::top().entry("not-applicable", 0)).expect("removed"));
    assert!(!without.contains("Dropped, not refused") && !without.contains("not-applicable"), "{without}");
    let nested = edited(mdscripts(), |sheet| {
        let place = Place::top().entry("extension", 0).entry("attribute", 6);
        sheet.set(&place, "name", text("badge")).expect("set");
        sheet.set(&place, "multi-valued", Some(Setting::Flag(true))).expect("set");
        assert!(sheet.set(&Place::top().entry("rule", 9), "name", text("x")).is_err(), "a gap");
    });
    assert!(
        nested.contains(
            "enter.\"\n\n[[extension.attribute]]\nname = \"badge\"\nmulti-valued = true\n\n# Okta keeps"
        ),
        "{nested}"
    );
}

#[test]
fn entries_change_places() {
    let changed = edited(mdscripts(), |sheet| sheet.swap(&rule(0)).expect("moved"));
    let at = |word: &str| changed.find(word).expect(word);
    assert!(at("names-of-providers-have-no-digits") < at("providers-have-an-npi\""), "{changed}");
    assert_eq!(edited(&changed, |sheet| sheet.swap(&rule(0)).expect("moved")), mdscripts());
    assert_eq!(edited(mdscripts(), |sheet| sheet.swap(&rule(1)).expect("the last")), mdscripts());
}

#[test]
fn an_attribute_is_one_thing() {
    let before = Sheet::parse(mdscripts()).expect("a text");
    let timezone = before.attribute("timezone");
    assert_eq!((timezone.format.as_str(), timezone.names.len(), timezone.required), ("time-zone", 1, false));
    let changed = edited(mdscripts(), |sheet| {
        let wanted = AttributeSettings { required: true, names: vec!["zone".into()], ..timezone.clone() };
        sheet.set_attribute("timezone", &wanted).expect("set");
        sheet.set_attribute("userName", &AttributeSettings::default()).expect("set");
        let names = AttributeSettings { names: vec!["nick".into()], ..AttributeSettings::default() };
        sheet.set_attribute("displayName", &names).expect("set");
    });
    let sheet = Sheet::parse(&changed).expect("a text");
    assert!(
        sheet.attribute("timezone").required && changed.contains("required = [\"timezone\"]"),
        "{changed}"
    );
    assert_eq!(sheet.names_of("timezone"), ["zone"]);
    assert_eq!(sheet.names_of("displayName"), ["nick"]);
    assert!(!changed.contains("path = \"userName\""), "{changed}");
    let back = edited(&changed, |sheet| sheet.set_attribute("timezone", &timezone).expect("set"));
    assert!(!back.contains("required = ["), "{back}");
}

#[test]
fn what_is_on_offer_comes_and_goes() {
    for (name, text) in BUILTIN {
        let same = edited(text, |sheet| set_offers(sheet, |offer| offer.offered).expect("set"));
        assert_eq!(same, text, "{name}");
        let more = edited(text, |sheet| {
            set_offers(sheet, |offer| offer.offered || offer.name == "nickName").expect("set")
        });
        let profile = Profile::from_saved_toml(&more).expect("a profile");
        assert!(profile.user.schema.attribute("nickName").is_some(), "{name}: {more}");
        let fewer = edited(text, |sheet| {
            set_offers(sheet, |offer| offer.offered && offer.name != "department").expect("set")
        });
        let profile = Profile::from_saved_toml(&fewer);
        let department = |profile: Profile| {
            profile.user.extensions.iter().any(|one| {
                one.schema.attribute("department").is_some() && one.schema.id.contains("enterprise")
            })
        };
        assert!(!profile.is_ok_and(department), "{name}: {fewer}");
    }
    let none = edited(Profile::builtin("generic").expect("generic"), |sheet| {
        set_offers(sheet, |offer| !offer.enterprise && offer.name == "title").expect("set");
    });
    assert!(none.contains("attributes = [\"title\"]") && none.contains("enterprise = false"), "{none}");
    assert!(!none.contains("enterprise-top-level"), "{none}");
}

#[test]
fn a_fault_leads_to_its_setting() {
    let text = mdscripts().replace("require = [\"npi\"]", "require = [\"npj\"]");
    let error = Profile::from_toml(&text).expect_err("a fault");
    assert_eq!(place_at(&text, error.line, error.column), Some((rule(0), Some("require".into()))));
    let text = mdscripts().replace("require = [\"npi\"]\n", "");
    let error = Profile::from_toml(&text).expect_err("a fault");
    assert_eq!(place_at(&text, error.line, error.column), Some((rule(0), Some("name".into()))));
    let text = mdscripts().replace("name = \"providers-have-an-npi\"\n", "");
    let error = Profile::from_toml(&text).expect_err("a fault");
    assert_eq!(place_at(&text, error.line, error.column), Some((rule(0), None)), "{error}");
    let text = mdscripts().replace("name = \"npi\"\nindexed = true", "name = \"npi\"\ncolour = true");
    let error = Profile::from_toml(&text).expect_err("a fault");
    let place = Place::top().entry("extension", 0).entry("attribute", 2);
    assert_eq!(place_at(&text, error.line, error.column), Some((place, Some("colour".into()))), "{error}");
    assert_eq!(place_at("a = ", 1, 1), None);
}

#[test]
fn changes_are_told_by_setting() {
    assert_eq!(changes(mdscripts(), mdscripts()), Ok(Vec::new()));
    let mut sheet = Sheet::parse(mdscripts()).expect("a text");
    sheet.set(&rule(0), "message", text("send it")).expect("set");
    sheet.swap(&rule(0)).expect("moved");
    sheet.set(&Place::top().entry("extension", 0).entry("attribute", 2), "indexed", None).expect("set");
    sheet.set(&Place::top().table("policies"), "delete", text("purge")).expect("set");
    sheet
        .set(
            &Place::top().table("user"),
            "attributes",
            Some(Setting::Texts(vec!["userName".into(), "title".into()])),
        )
        .expect("set");
    sheet.remove(&Place::top().entry("alias", 1)).expect("removed");
    sheet.set(&Place::top().entry("value-set", 2), "name", text("floors")).expect("set");
    sheet.set(&Place::top(), "version", Some(Setting::Number(2))).expect("set");
    let found: Vec<String> = changes(mdscripts(), &sheet.to_string())
        .expect("changes")
        .into_iter()
        .map(|change| {
            let entries: Vec<String> = change
                .entries
                .iter()
                .map(|entry| {
                    format!("{} {}", entry.key, entry.name.rsplit(':').nth(2).unwrap_or(&entry.name))
                })
                .collect();
            format!("{} {:?}", entries.join(" / "), change.shift)
        })
        .collect();
    let expected = [
        r#" Changed { key: "version", before: Some("1"), after: Some("2") }"#,
        r#"alias emailType Removed"#,
        r#"extension mdscripts / attribute npi Changed { key: "indexed", before: Some("true"), after: None }"#,
        r#"policies  Changed { key: "delete", before: Some("deactivate"), after: Some("purge") }"#,
        r#"rule providers-have-an-npi Changed { key: "message", before: Some("is required while isProvider is true; send the provider's NPI"), after: Some("send it") }"#,
        r#"rule  Reordered"#,
        r#"user  Listed { key: "attributes", added: ["title"], removed: ["name", "displayName", "timezone", "active", "emails"] }"#,
        r#"value-set floors Added"#,
    ];
    assert_eq!(found, expected);
}

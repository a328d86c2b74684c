//! Users as entries, without a directory.

use serde_json::json;

use super::*;

pub(in crate::ldap) fn mapping(change: &Value) -> Mapping {
    let mut settings = json!({
        "bindDn": "cn=rollcall,dc=x", "baseDn": "dc=x", "dn": "uid={userName},dc=x", "objectClasses": ["top", "person"],
        "link": {"attribute": "uid"},
        "attributes": {
            "cn": "{displayName|userName}", "givenName": "{name.givenName}", "mail": "{emails.value}", "number": "{id}",
            "telephoneNumber": "{phoneNumbers[type eq \"work\"].value}",
        },
        "active": {"attribute": "status", "inactive": "OFF"},
        "read": {"displayName": "cn", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "ou"},
    });
    for (name, value) in change.as_object().expect("an object") {
        settings[name] = value.clone();
    }
    Mapping::new(&serde_json::from_value(settings).expect("settings")).expect("a mapping")
}

fn user(document: &Value) -> Document {
    document.as_object().expect("an object").clone()
}

pub(in crate::ldap) fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> Entry {
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    Entry::new(dn.to_owned(), attributes.iter().map(|(name, all)| ((*name).to_owned(), values(all))))
}

#[test]
fn filters_and_names_hold_whatever_a_value_is() {
    let mapping = mapping(&json!({}));
    for hostile in ["*", "a)(uid=*", "x\\", "a\0b", "ann,dc=y", "a+cn=b", "#a", " a ", "ü\"<>;="] {
        let document = user(&json!({"userName": hostile}));
        let subject = Subject { id: "7", document: &document };
        let filter = mapping.sought(&[mapping.link_of(subject).expect("a link")], hostile).expect("a filter");
        assert!(parse_filter(&filter).is_ok(), "{filter}");
        assert_eq!(
            filter.matches(['(', '*']).count(),
            "(&(objectClass=person)(|(uid=)(number=)))".matches('(').count(),
            "{filter}"
        );
        let wanted = mapping.wanted(subject).expect("an entry");
        assert_eq!(wanted.name.naming(), [("uid".to_owned(), hostile.to_owned())]);
        assert_eq!(wanted.name.parent().to_string(), "dc=x");
    }
}

#[test]
fn a_condition_without_parentheses_gets_them() {
    for (typed, kept) in [
        ("objectClass=a", "(objectClass=a)"),
        (" (a=b) ", "(a=b)"),
        ("(&(a=b)(!(c=*)))", "(&(a=b)(!(c=*)))"),
        ("a:dn:2.4.6:=b", "(a:dn:2.4.6:=b)"),
    ] {
        let mapping = mapping(&json!({"filter": typed}));
        assert_eq!(mapping.filter, kept);
        assert!(parse_filter(mapping.sought(&["ann".to_owned()], "7").expect("a filter")).is_ok(), "{typed}");
    }
    for none in ["", "a", "&(a=b)(c=d)", "!(a=b)", "(a=b)(c=d)", "a=b)(c=d", "(a=b", "((a=b))"] {
        assert_eq!(filter_of(none).map_err(|unfit| unfit.member), Err("ldap.filter".to_owned()), "{none}");
    }
}

#[test]
fn entries_are_looked_for_by_link_and_id() {
    let mapping = mapping(&json!({}));
    assert_eq!(
        mapping.sought(&["b".to_owned(), "a".to_owned()], "7").as_deref(),
        Some("(&(objectClass=person)(|(uid=b)(uid=a)(number=7)))")
    );
    let unlinked = self::mapping(&json!({"attributes": {"cn": "{userName}"}}));
    assert_eq!(unlinked.sought(&[], "7"), None);
    let found = entry("uid=x,dc=x", &[("UID", &["Ann  Lee", "B"]), ("number", &["7"])]);
    for (link, held) in [("ann  lee", true), ("ann lee", false), ("b", true), ("", false)] {
        assert_eq!(mapping.has_link(&found, link), held, "{link}");
    }
    assert!(mapping.has_id(&found, "7") && !mapping.has_id(&found, "8") && !unlinked.has_id(&found, "7"));
}

#[test]
fn what_differs_is_told_and_nothing_else() {
    let mapping = mapping(&json!({}));
    let document = user(&json!({"userName": "ann", "emails": [{"value": "b@x"}, {"value": "a@x"}]}));
    let subject = Subject { id: "7", document: &document };
    let wanted = mapping.wanted(subject).expect("an entry");
    let same: [(&str, &[&str]); 5] = [
        ("UID", &["ann"]),
        ("cn", &["ann"]),
        ("Mail", &["a@x", "b@x"]),
        ("number", &["7"]),
        ("description", &["theirs"]),
    ];
    assert!(mapping.all_differences(&wanted, &entry("UID=Ann, DC=X", &same)).is_empty());
    let other = entry(
        "uid=ann,ou=y,dc=x",
        &[("uid", &["ann"]), ("cn", &["Ann"]), ("mail", &["a@x"]), ("status", &["OFF"])],
    );
    let told: Vec<String> =
        mapping.all_differences(&wanted, &other).into_iter().map(|one| one.attribute).collect();
    assert_eq!(told, ["dn", "cn", "mail", "status"], "an id that is not there yet is none");
    assert!(
        mapping.differences(&wanted, &other).iter().any(|one| one.attribute == "number"),
        "but it is written"
    );
    assert!(!mapping.is_of_another(&other, "7"));
    assert!(mapping.is_of_another(&entry("uid=ann,dc=x", &[("number", &["8"])]), "7"));
    assert!(mapping.wanted(Subject { id: "7", document: &Document::new() }).is_err(), "no name, no entry");
}

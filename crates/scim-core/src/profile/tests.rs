//! The files that ship, and what is refused.

use super::*;
use crate::{resource::Extension, schema::AttributeType};

fn builtin(name: &str) -> Profile {
    Profile::from_toml(Profile::builtin(name).expect("a file"))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn attributes(schema: &crate::schema::Schema) -> String {
    schema.attributes.iter().map(|attribute| attribute.name.as_str()).collect::<Vec<_>>().join(" ")
}

fn subs(profile: &Profile, name: &str) -> String {
    let attribute = profile.user.schema.attribute(name).expect(name);
    attribute.sub_attributes.iter().map(|sub| sub.name.as_str()).collect::<Vec<_>>().join(" ")
}

fn extension(profile: &Profile) -> Option<&Extension> {
    profile.user.extensions.iter().find(|extension| extension.schema.id.starts_with("urn:rollcall:"))
}

#[test]
fn the_six_files_say_what_the_guides_say() {
    use CredentialKind::{Basic, Bearer, Oauth};
    use DeletePolicy::{Deactivate, SoftDelete};
    use DuplicatePolicy::{Link, Reject};
    let rows = [
        ("generic", vec![Bearer, Basic, Oauth], Reject, SoftDelete, true, None, "/scim/v2"),
        ("epic-emp", vec![Bearer], Reject, Deactivate, false, None, "/scim/v2"),
        ("mdscripts", vec![Bearer], Link, Deactivate, false, None, "/scim/v2"),
        ("clinical-maestro", vec![Basic], Reject, Deactivate, false, None, "/scim/v2"),
        ("eptura-engage", vec![Bearer], Reject, SoftDelete, true, None, "/scim/api/V1"),
        ("envi", vec![Bearer], Reject, SoftDelete, true, Some("Envi_"), "/scim"),
    ];
    assert_eq!(rows.len(), BUILTIN.len());
    for (name, credentials, duplicate, delete, groups, prefix, base_path) in rows {
        let profile = builtin(name);
        assert_eq!(profile.name, name);
        assert_eq!(profile.version, 1, "{name}");
        assert!(!profile.title.is_empty() && profile.summary.ends_with('.'), "{name}");
        assert_eq!(profile.credentials, credentials, "{name}");
        assert_eq!((profile.policies.duplicate, profile.policies.delete), (duplicate, delete), "{name}");
        assert_eq!(profile.policies.unknown_member, UnknownMemberPolicy::Skip, "{name}");
        assert_eq!(profile.group.is_some(), groups, "{name}");
        assert_eq!(profile.roles.prefix.as_deref(), prefix, "{name}");
        assert_eq!(profile.base_path, base_path, "{name}");
        assert_eq!(profile.paste_with_bearer, name == "envi");
        assert_eq!(profile.feature_gate, name == "mdscripts");
        assert_eq!(profile.leniencies, Leniencies::LENIENT, "{name}");
        for kept in ["userName", "active", "name", "emails"] {
            assert!(profile.user.schema.attribute(kept).is_some(), "{name} {kept}");
        }
        assert_eq!(profile.user.schema.attribute("groups").is_some(), groups, "{name}");
        assert!(profile.examples.len() >= 2, "{name}");
        assert_eq!(profile.user.known.attributes.len(), 21, "{name}");
        if let Some(extension) = extension(&profile) {
            assert_eq!(
                extension.schema.id,
                format!("urn:rollcall:params:scim:schemas:extension:{name}:2.0:User")
            );
            assert!(extension.top_level && !extension.required);
        }
    }
}

#[test]
fn product_attributes_have_the_names_of_the_guides() {
    let mdscripts = builtin("mdscripts");
    assert_eq!(attributes(&mdscripts.user.schema), "userName name displayName timezone active emails");
    let own = &extension(&mdscripts).expect("an extension").schema;
    assert_eq!(attributes(own), "isProvider isPhysicianAssistant npi deaLicense role siteNumbers");
    assert_eq!(own.attribute("isprovider").map(|a| a.kind), Some(AttributeType::Boolean));
    assert!(own.attribute("siteNumbers").is_some_and(|a| a.multi_valued && a.kind == AttributeType::String));

    let epic = builtin("epic-emp");
    assert_eq!(
        attributes(&extension(&epic).expect("an extension").schema),
        "templates subTemplates linkedEmp linkedSer"
    );
    for refused in ["phoneNumbers", "photos", "addresses", "x509Certificates"] {
        assert!(epic.user.schema.attribute(refused).is_none(), "{refused}");
    }

    let maestro = builtin("clinical-maestro");
    assert_eq!(attributes(&maestro.user.schema), "userName name title active emails phoneNumbers");
    assert_eq!(subs(&maestro, "name"), "familyName givenName");
    assert_eq!(subs(&maestro, "emails"), "value type primary");
    assert_eq!(subs(&maestro, "phoneNumbers"), "value type primary");
    assert_eq!(attributes(&maestro.user.extensions[0].schema), "department");

    let envi = builtin("envi");
    assert_eq!(attributes(&envi.user.schema), "userName name active emails groups");
    assert!(envi.user.extensions.is_empty());
    assert_eq!(builtin("generic").user.extensions.len(), 1);
}

const HEAD: &str = "name = \"x\"\ntitle = \"X\"\nsummary = \"X.\"\nversion = 1\ncredentials = [\"bearer\"]\nbase-path = \"/scim\"\n";

/// Each row: what follows a good head, the line and column of the fault, and a word of the text.
#[test]
fn faults_are_named_with_their_place() {
    let own = "[[extension]]\nurn = \"urn:a:b\"\nname = \"A\"\n";
    let rows = [
        ("colour = 1".to_owned(), "line 7, column 1:", "colour"),
        ("[user]\ncolour = 1".into(), "line 8, column 1:", "colour"),
        ("[user]\nattributes = [\"userName\", \"shoeSize\"]".into(), "line 8, column 27:", "shoeSize"),
        ("[user]\nenterprise = [\"shoe\"]".into(), "line 8, column 14:", "department"),
        ("[user]\nenterprise = []".into(), "line 8, column 14:", "false"),
        ("[user]\nenterprise = 7".into(), "line 8, column 14:", "true, false, or a list"),
        ("[user]\nenterprise = false\nenterprise-top-level = true".into(), "line 9,", "remove"),
        ("[user]\nrequired = [\"shoe\"]".into(), "line 8, column 13:", "shoe"),
        ("[user]\nrequired = [\"groups\"]".into(), "line 8, column 13:", "read-only"),
        ("[user]\nattributes = []\nrequired = [\"title\"]".into(), "line 9, column 13:", "title"),
        ("[user]\nrequired = [\"externalId\"]".into(), "line 8, column 13:", "no schema"),
        ("[resource-types]\nusers = false".into(), "line 8, column 9:", "users"),
        ("[policies]\nduplicate = \"maybe\"".into(), "line 8, column 13:", "reject"),
        ("[leniencies]\nmagic = true".into(), "line 8, column 1:", "magic"),
        ("[roles]\nmagic = true".into(), "line 8, column 1:", "magic"),
        (own.into(), "line 8, column 7:", "no attributes"),
        (
            "[[extension]]\nurn = \"a:b:c\"\nname = \"A\"\nattribute = [{name=\"a\"}]".into(),
            "line 8, column 7:",
            "URN",
        ),
        (
            format!(
                "[[extension]]\nurn = \"{}\"\nname = \"A\"\nattribute = [{{name=\"a\"}}]",
                crate::urn::USER.to_uppercase()
            ),
            "line 8, column 7:",
            "exists already",
        ),
        (
            format!("{own}aliases = [\"URN:A:B\"]\nattribute = [{{name=\"a\"}}]"),
            "line 10, column 12:",
            "second time",
        ),
        (format!("{own}attribute = [{{name=\"9a\"}}]"), "line 10, column 20:", "no attribute name"),
        (format!("{own}attribute = [{{name=\"a\"}}, {{name=\"A\"}}]"), "line 10, column 32:", "twice"),
        (
            format!("{own}top-level = true\nattribute = [{{name=\"TITLE\"}}]"),
            "line 11, column 20:",
            "top level",
        ),
        (format!("{own}attribute = [{{name=\"a\", type=\"text\"}}]"), "line 10, column 30:", "dateTime"),
        (
            format!("{own}attribute = [{{name=\"a\", type=\"complex\"}}]"),
            "line 10, column 20:",
            "sub-attribute",
        ),
        (
            format!(
                "{own}attribute = [{{name=\"a\", type=\"complex\", multi-valued=true, \
                 sub-attribute=[{{name=\"b\", multi-valued=true}}]}}]"
            ),
            "line 10, column 81:",
            "a list inside of a list",
        ),
        (format!("{own}attribute = [{{name=\"a\", size=1}}]"), "line 10, column 25:", "size"),
        ("name = ".into(), "line 7,", ""),
    ];
    assert!(Profile::from_toml(HEAD).is_ok());
    for (rest, place, word) in rows {
        let error = Profile::from_toml(&format!("{HEAD}{rest}")).expect_err(&rest).to_string();
        assert!(error.starts_with(place) && error.contains(word), "{rest}\n=> {error}");
    }
    for (good, bad, word) in [
        ("name = \"x\"", "name = \"X y\"", "a-z"),
        ("version = 1", "version = 0", "from 1"),
        ("title = \"X\"", "title = \" \"", "empty"),
        ("[\"bearer\"]", "[]", "at least one"),
        ("[\"bearer\"]", "[\"bearer\", \"bearer\"]", "once"),
        ("[\"bearer\"]", "[\"cookie\"]", "cookie"),
        ("\"/scim\"", "\"/scim/v3\"", "/scim/v2"),
        ("version = 1\n", "", "version"),
    ] {
        let error = Profile::from_toml(&HEAD.replace(good, bad)).expect_err(bad).to_string();
        assert!(error.starts_with("line ") && error.contains(word), "{bad} => {error}");
    }
}

#[test]
fn whatever_is_cut_the_indispensable_stays() {
    let profile =
        Profile::from_toml(&format!("{HEAD}[user]\nattributes = []\nenterprise = false")).expect("compiles");
    assert_eq!(attributes(&profile.user.schema), "userName active groups");
    for name in ["schemas", "id", "externalId", "meta", "userName", "active", "groups"] {
        assert!(matches!(profile.user.resolve(name), crate::path::Resolved::Attribute(_)), "{name}");
    }
}

#[test]
fn characteristics_reach_the_schema() {
    let text = format!(
        "{HEAD}[leniencies]\nboolean-strings = false\n[[extension]]\nurn = \"urn:a:b\"\nname = \"A\"\n\
         [[extension.attribute]]\nname = \"key\"\nrequired = true\ncase-exact = true\nmutability = \"immutable\"\n\
         returned = \"request\"\nuniqueness = \"server\"\ncanonical-values = [\"a\"]\ndescription = \"d\"\n\
         [[extension.attribute]]\nname = \"boss\"\ntype = \"complex\"\nmulti-valued = true\n\
         [[extension.attribute.sub-attribute]]\nname = \"$ref\"\ntype = \"reference\"\nreference-types = [\"User\"]\n"
    );
    let profile = Profile::from_toml(&text).expect("compiles");
    assert!(!profile.leniencies.boolean_strings && profile.leniencies.missing_schemas);
    let extension = &profile.user.extensions[1];
    assert!(extension.required);
    let shown = serde_json::to_value(&*extension.schema).expect("json");
    assert_eq!(
        shown["attributes"][0],
        serde_json::json!({
            "name": "key", "type": "string", "multiValued": false, "description": "d", "required": true,
            "canonicalValues": ["a"], "caseExact": true, "mutability": "immutable", "returned": "request",
            "uniqueness": "server",
        })
    );
    assert_eq!(shown["attributes"][1]["subAttributes"][0]["caseExact"], true);
}

/// Keys beyond the schemas: what follows a good head and an extension with `badge` and `on`, the place of the fault (or
/// as much of it as matters), and a word of the text.
#[test]
fn faults_of_constraints_rules_and_examples_are_named_with_their_place() {
    let own = "[[extension]]\nurn = \"urn:a:b\"\nname = \"A\"\n[[extension.attribute]]\nname = \"badge\"\n\
               [[extension.attribute]]\nname = \"on\"\ntype = \"boolean\"\n";
    let rows = [
        ("[[attribute]]\npath = \"shoe\"\nformat = \"npi\"", "line 16, column 8:", "not on offer"),
        ("[[attribute]]\npath = \"groups\"\nrequired = true", "line 16, column 8:", "read-only"),
        ("[[attribute]]\npath = \"badge\"", "line 16, column 8:", "asks nothing"),
        ("[[attribute]]\npath = \"badge\"\nformat = \"zip\"", "line 17, column 10:", "npi, dea, time-zone"),
        ("[[attribute]]\npath = \"on\"\nformat = \"npi\"", "line 17, column 10:", "only a string"),
        ("[[attribute]]\npath = \"name\"\nformat = \"npi\"", "line 17, column 10:", "only a string"),
        ("[[attribute]]\npath = \"badge\"\nvalue-set = \"x\"", "line 17, column 13:", "declare it"),
        ("[[attribute]]\npath = \"on\"\ndefault = \"yes\"", "line 17, column 11:", "true or false"),
        ("[[attribute]]\npath = \"badge\"\ndefault = \"\"", "line 17, column 11:", "empty"),
        ("[[attribute]]\npath = \"name\"\ndefault = {}", "line 17, column 11:", "sub-attributes"),
        (
            "[[attribute]]\npath = \"badge\"\nformat = \"email\"\ndefault = \"x\"",
            "line 18, column 11:",
            "without an @",
        ),
        (
            "[[value-set]]\nname = \"v\"\ntitle = \"V\"\nvalues = [\"a\"]\n[[attribute]]\npath = \"badge\"\n\
             value-set = \"v\"\ndefault = \"b\"",
            "line 22, column 11:",
            "not in the value set",
        ),
        (
            "[[attribute]]\npath = \"badge\"\nformat = \"npi\"\n[[attribute]]\npath = \"BADGE\"\nrequired = true",
            "line 19, column 8:",
            "constrained already",
        ),
        ("[[attribute]]\npath = \"badge\"\npattern = \"x\"", "line 17, column 1:", "pattern"),
        ("[formats]\ndea-registrants = \"A1\"", "line 16, column 19:", "letters"),
        ("[[alias]]\nname = \"9\"\npath = \"title\"", "line 16, column 8:", "no attribute name"),
        ("[[alias]]\nname = \"x\"\npath = \"shoe\"", "line 17, column 8:", "not on offer"),
        ("[[alias]]\nname = \"x\"\npath = \"name\"", "line 17, column 8:", "complex"),
        ("[[alias]]\nname = \"id\"\npath = \"title\"", "line 16, column 8:", "common"),
        ("[[alias]]\nname = \"nickName\"\npath = \"title\"", "line 16, column 8:", "on offer itself"),
        (
            "[[alias]]\nname = \"x\"\npath = \"title\"\n[[alias]]\nname = \"X\"\npath = \"title\"",
            "line 19, column 8:",
            "already",
        ),
        ("[[value-set]]\nname = \"a b\"\ntitle = \"V\"", "line 16, column 8:", "letters"),
        ("[[value-set]]\nname = \"v\"\ntitle = \"V\"\nvalues = []", "line 16, column 8:", "empty list"),
        ("[[value-set]]\nname = \"v\"\ntitle = \"V\"\nvalues = [7]", "line 18, column 1", "a text, or"),
        (
            "[[value-set]]\nname = \"v\"\ntitle = \"V\"\n[[value-set]]\nname = \"v\"\ntitle = \"V\"",
            "line 19, column 8:",
            "twice",
        ),
        ("[[rule]]\nname = \"r\"", "line 16, column 8:", "exactly one"),
        (
            "[[rule]]\nname = \"r\"\nrequire = [\"badge\"]\nformat = \"npi\"\npaths = [\"badge\"]",
            "line 16, column 8:",
            "exactly one",
        ),
        ("[[rule]]\nname = \"r\"\nrequire = []", "line 16, column 8:", "no attribute"),
        ("[[rule]]\nname = \"r\"\nrequire = [\"x\"]", "line 17, column 12:", "not on offer"),
        (
            "[[rule]]\nname = \"r\"\nrequire = [\"badge\"]\npaths = [\"badge\"]",
            "line 16, column 8:",
            "belongs to format",
        ),
        (
            "[[rule]]\nname = \"r\"\nrequire = [\"badge\"]\npath = \"badge\"",
            "line 16, column 8:",
            "belongs to condition",
        ),
        ("[[rule]]\nname = \"r\"\nformat = \"npi\"\npaths = [\"on\"]", "line 18, column 10:", "no string"),
        ("[[rule]]\nname = \"r\"\ncondition = \"true\"", "line 17, column 13:", "message"),
        ("[[rule]]\nname = \"r\"\ncondition = \"true\"\nmessage = \"m\"", "line 17, column 13:", "path"),
        (
            "[[rule]]\nname = \"r\"\ncondition = \"ext.off\"\nmessage = \"m\"\npath = \"badge\"",
            "line 17, column 13:",
            "no \"off\"",
        ),
        ("[[rule]]\nname = \"r\"\nwhen = \"(\"\nrequire = [\"badge\"]", "line 17, column 8:", "CEL"),
        (
            "[[rule]]\nname = \"r\"\nrequire = [\"badge\"]\n[[rule]]\nname = \"r\"\nrequire = [\"badge\"]",
            "line 19, column 8:",
            "second rule",
        ),
        (
            "[[not-applicable]]\nwhen = \"ext.on\"\nattributes = []\nreason = \"r\"",
            "line 16, column 8:",
            "no attribute",
        ),
        (
            "[[not-applicable]]\nwhen = \"ext.on\"\nattributes = [\"x\"]\nreason = \"r\"",
            "line 17, column 15:",
            "not on offer",
        ),
        (
            "[[not-applicable]]\nwhen = \"ext.on\"\nattributes = [\"badge\"]\nthen = \"keep\"\nreason = \"r\"",
            "line 18, column 8:",
            "refuse",
        ),
        ("[roles]\ncatalogue = \"x\"", "line 16, column 13:", "declare it"),
        ("[[roles.rule]]\nrole = \"x\"", "line 16, column 8:", "exactly one of prefix"),
        ("[[roles.rule]]\ngroup = \"x\"", "line 16, column 9:", "gives no role"),
        ("[[roles.rule]]\nprefix = \"\"", "line 16, column 10:", "every group"),
        ("[[roles.rule]]\npattern = \"(\"\nrole = \"x\"", "line 16, column 11:", "regular expression"),
        ("[[roles.rule]]\npattern = \"x\"\nprefix = \"x\"", "line 17, column 10:", "exactly one of prefix"),
        ("[organization]\ntitle = \"O\"\nvalue-set = \"x\"", "line 17, column 13:", "declare it"),
        (
            "[[gate]]\nname = \"g\"\ntitle = \"G\"\nvalues = [\"a\"]\nopens = [\"b\"]",
            "line 19, column 10:",
            "none of values",
        ),
        (
            "[[gate]]\nname = \"g\"\ntitle = \"G\"\nvalues = [\"a\"]\nopens = []",
            "line 16, column 8:",
            "never opens",
        ),
        ("[policies]\ndelete = \"deactivate\"\nretention-days = 30", "line 15", "soft-delete"),
        ("[policies]\nretention-days = 0", "line 15", "from 1"),
        ("[policies]\ndelete = \"purge\"\nrelink-on-return = true", "line 15", "soft-delete"),
        ("[[example]]\ntitle = \"e\"\nvalid = true\nuser = \"{\"", "line 18, column 8:", "no JSON"),
        (
            "[[example]]\ntitle = \"e\"\nvalid = true\nuser = \"{}\"",
            "line 18, column 8:",
            "userName: is required",
        ),
        (
            "[[example]]\ntitle = \"e\"\nvalid = false\nuser = '{\"userName\": \"a\"}'\npath = \"userName\"",
            "line 18, column 8:",
            "should be refused",
        ),
        (
            "[[example]]\ntitle = \"e\"\nvalid = false\nuser = \"{}\"\npath = \"title\"",
            "line 19, column 8:",
            "not at title",
        ),
        ("[[example]]\ntitle = \"e\"\nvalid = false\nuser = \"{}\"", "line 16, column 9:", "has a path"),
        (
            "[[example]]\ntitle = \"e\"\nvalid = true\nuser = '{\"userName\": \"a\"}'\nbecomes = '{\"userName\": \"b\"}'",
            "line 19, column 11:",
            "becomes {\"userName\":\"a\"}",
        ),
    ];
    assert!(Profile::from_toml(&format!("{HEAD}{own}")).is_ok());
    for (rest, place, word) in rows {
        let text = format!("{HEAD}{own}{rest}");
        let error = Profile::from_toml(&text).expect_err(rest).to_string();
        assert!(error.starts_with(place) && error.contains(word), "{rest}\n=> {error}");
    }
    for (rest, place, word) in [
        ("[user]\ndropped = [\"title\"]", "line 8, column 12:", "is known"),
        ("[user]\ndropped = [\"a b\"]", "line 8, column 12:", "no attribute name"),
        ("[user]\nattributes = [\"name.shoe\"]", "line 8, column 15:", "familyName"),
        (
            "[user]\nattributes = [\"groups\"]\n[resource-types]\ngroups = false",
            "line 8, column 15:",
            "groups",
        ),
    ] {
        let error = Profile::from_toml(&format!("{HEAD}{rest}")).expect_err(rest).to_string();
        assert!(error.starts_with(place) && error.contains(word), "{rest}\n=> {error}");
    }
}

#[test]
fn a_saved_profile_loads_whatever_its_examples_come_to() {
    let text = format!("{HEAD}[[example]]\ntitle = \"e\"\nvalid = true\nuser = \"{{}}\"\n");
    assert!(Profile::from_toml(&text).is_err());
    let profile = Profile::from_saved_toml(&text).expect("compiles");
    assert_eq!(profile.examples.len(), 1);
}

#[test]
fn a_profile_says_what_its_tenants_are_made_of() {
    let envi = builtin("envi");
    assert_eq!(envi.roles.catalogue.as_deref(), Some("roles"));
    assert_eq!(
        envi.organization.as_ref().map(|organization| organization.title.as_str()),
        Some("Organization")
    );
    let open = |name: &str, value: &str| {
        envi.gates.iter().find(|gate| gate.name == name).expect(name).is_open(value)
    };
    assert!(open("domain-type", "Simple") && !open("domain-type", "Other"));
    assert!(open("authentication", "WS Trust") && open("authentication", "HTTP Redirect"));
    assert!(!open("authentication", "Other"));
    let text =
        format!("{HEAD}[policies]\ndelete = \"soft-delete\"\nretention-days = 30\nrelink-on-return = true");
    let policies = Profile::from_toml(&text).expect("compiles").policies;
    assert_eq!((policies.retention_days, policies.relink_on_return), (Some(30), true));
    for (name, _) in BUILTIN {
        assert!(!builtin(name).policies.relink_on_return, "{name}");
    }
}

#[test]
fn the_console_speaks_as_the_guide_does() {
    let words = |profile: &Profile| {
        let People { active, inactive } = &profile.people;
        [&profile.console_page, active, inactive].map(String::clone)
    };
    for (name, page, active, inactive) in [
        ("generic", "Setup", "Active", "Inactive"),
        ("mdscripts", "Okta SCIM", "Active", "Inactive"),
        ("envi", "SCIM Configuration", "Active", "Inactive"),
        ("clinical-maestro", "Setup", "Internal contacts", "Inactive users"),
    ] {
        assert_eq!(words(&builtin(name)), [page, active, inactive], "{name}");
    }
    let text = format!("{HEAD}console-page = \" Provisioning \"\n[people]\ninactive = \"Former staff\"");
    let profile = Profile::from_toml(&text).expect("compiles");
    assert_eq!(words(&profile), ["Provisioning", "Active", "Former staff"]);
    let long = format!("console-page = \"{}\"", "é".repeat(41));
    for (rest, place) in [
        ("console-page = \" \"", "line 7, column 16:"),
        (long.as_str(), "line 7, column 16:"),
        ("[people]\nactive = \"\"", "line 8, column 10:"),
        ("[people]\ninactive = \"a\\tb\"", "line 8, column 12:"),
    ] {
        let error = Profile::from_toml(&format!("{HEAD}{rest}")).expect_err(rest).to_string();
        assert!(error.starts_with(place) && error.contains("1 to 40"), "{rest}\n=> {error}");
    }
}

/// `docs/profile.schema.json` is what editors check a profile with. To write it anew:
/// `ROLLCALL_WRITE_SCHEMA=1 cargo test -p scim-core the_schema_of_the_file_is_fresh`.
#[test]
fn the_schema_of_the_file_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/profile.schema.json");
    let mut schema = schemars::schema_for!(file::ProfileFile).to_value();
    schema["title"] = "Rollcall profile".into();
    let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("json"));
    if std::env::var_os("ROLLCALL_WRITE_SCHEMA").is_some() {
        std::fs::write(path, &text).expect("written");
    }
    let kept = std::fs::read_to_string(path).expect("docs/profile.schema.json");
    assert!(kept == text, "docs/profile.schema.json is old; write it anew as this test says");
}

/// Every key of the file has a line in the guide.
#[test]
fn the_guide_has_every_key() {
    let guide = include_str!("../../../../docs/profiles.md");
    let schema = schemars::schema_for!(file::ProfileFile).to_value();
    let mut keys = std::collections::BTreeSet::new();
    gather_keys(&schema, &mut keys);
    assert!(keys.len() > 80, "{}", keys.len());
    let missing: Vec<_> = keys.iter().filter(|key| !guide.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/profiles.md says nothing of {missing:?}");
}

fn gather_keys(schema: &serde_json::Value, keys: &mut std::collections::BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(fields) => {
            if let Some(properties) = fields.get("properties").and_then(serde_json::Value::as_object) {
                keys.extend(properties.keys().cloned());
            }
            fields.values().for_each(|value| gather_keys(value, keys));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| gather_keys(value, keys)),
        _ => {}
    }
}

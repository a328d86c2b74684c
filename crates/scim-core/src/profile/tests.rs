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
        ("clinical-maestro", vec![Basic, Bearer], Reject, Deactivate, false, None, "/scim/v2"),
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
        for kept in ["userName", "active", "groups", "name", "emails"] {
            assert!(profile.user.schema.attribute(kept).is_some(), "{name} {kept}");
        }
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
    assert_eq!(
        attributes(&mdscripts.user.schema),
        "userName name displayName timezone active emails groups roles"
    );
    let own = &extension(&mdscripts).expect("an extension").schema;
    assert_eq!(attributes(own), "isProvider isPhysicianAssistant npi deaLicense siteNumbers");
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
    assert_eq!(attributes(&maestro.user.schema), "userName name title active emails phoneNumbers groups");
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
        let error = Profile::from_toml(&format!("{HEAD}{rest}")).expect_err(&rest).0;
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
        let error = Profile::from_toml(&HEAD.replace(good, bad)).expect_err(bad).0;
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

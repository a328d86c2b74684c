//! What the page says of each product to each identity provider.

use scim_core::profile::{BUILTIN, Profile};

use super::{
    mapping::Mapping,
    providers::{self, Table},
    steps::{Chapter, Given},
    words::Word,
};

fn profile(name: &str) -> Profile {
    Profile::from_toml(Profile::builtin(name).expect(name)).expect(name)
}

fn row<'m>(mapping: &'m Mapping, variable: &str) -> (&'m super::mapping::Row, &'m [String]) {
    let at = mapping.rows.iter().position(|row| row.variable == variable).expect(variable);
    (&mapping.rows[at], &mapping.cells[at])
}

#[test]
fn okta_is_told_names_and_namespaces() {
    let mapping = Mapping::of(&profile("mdscripts"), Table::Okta);
    let urn = "urn:rollcall:params:scim:schemas:extension:mdscripts:2.0:User";
    assert_eq!(row(&mapping, "npi").1, ["npi", "string", "npi", urn, ""]);
    assert_eq!(row(&mapping, "isProvider").1[1], "boolean");
    assert_eq!(row(&mapping, "siteNumbers").1[1], "string", "one text with commas");
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    let email = ["email", "string", "emails.^[primary==true].value", core, "user.email"];
    assert_eq!(row(&mapping, "email").1, email);
    assert_eq!(mapping.to_add(), 6);
    for gone in ["department", "title", "primaryPhone", "managerValue"] {
        assert!(mapping.superfluous.contains(&gone), "{gone}");
    }
    assert!(!mapping.superfluous.contains(&"timezone"));
    let text = mapping.text.lines().find(|line| line.contains("\tnpi\t")).expect("a line");
    assert_eq!(text.split('\t').count(), 6, "{text}");
}

/// The table of Clinical Maestro's guide, name by name.
#[test]
fn a_guides_own_names_are_kept() {
    let mapping = Mapping::of(&profile("clinical-maestro"), Table::Okta);
    let names: Vec<_> = mapping.rows.iter().map(|row| (row.title.as_str(), row.variable.as_str())).collect();
    let guide = [
        ("Username", "userName"),
        ("Given name", "givenName"),
        ("Family name", "familyName"),
        ("Primary email", "email"),
        ("Title", "title"),
        ("Department", "department"),
        ("Primary phone", "primaryPhone"),
        ("Primary phone type", "primaryPhoneType"),
    ];
    for name in guide {
        assert!(names.contains(&name), "{name:?} of {names:?}");
    }
    // SCIM has the type of an address too; the guide's table does not, nor does anything else stand there.
    assert_eq!(names.len(), guide.len() + 1, "{names:?}");
    let envi = Mapping::of(&profile("envi"), Table::Okta);
    let names: Vec<_> = envi.rows.iter().map(|row| row.variable.as_str()).collect();
    assert_eq!(names, ["userName", "givenName", "familyName", "email", "emailType"]);
}

#[test]
fn entra_is_told_targets_and_sources() {
    let mapping = Mapping::of(&profile("mdscripts"), Table::Entra);
    let urn = "urn:rollcall:params:scim:schemas:extension:mdscripts:2.0:User";
    assert_eq!(row(&mapping, "npi").1, [&format!("{urn}:npi"), "String", ""]);
    assert_eq!(row(&mapping, "isProvider").1[1], "Boolean");
    assert_eq!(row(&mapping, "email").1[0], "emails[type eq \"work\"].value");
    assert!(row(&mapping, "active").1[2].starts_with("Switch([IsSoftDeleted]"));
    assert!(!mapping.rows.iter().any(|row| row.variable == "emailType"), "it is a part of the target");
    let mapping = Mapping::of(&profile("generic"), Table::Entra);
    let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
    assert_eq!(row(&mapping, "department").1, [department, "String", "[department]"]);
    assert_eq!(row(&mapping, "managerValue").1[1], "Reference");
}

#[test]
fn templates_are_json_that_the_product_takes() {
    for (name, _) in BUILTIN {
        let profile = profile(name);
        for table in [Table::OneLogin, Table::Paths] {
            let text = Mapping::of(&profile, table).text;
            let body: serde_json::Value = serde_json::from_str(&text).expect(name);
            assert_eq!(body["schemas"][0], "urn:ietf:params:scim:schemas:core:2.0:User", "{name}");
            assert!(body["userName"].is_string() && !text.contains("null"), "{name}: {text}");
        }
    }
    let text = Mapping::of(&profile("mdscripts"), Table::OneLogin).text;
    let body: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let own = &body["urn:rollcall:params:scim:schemas:extension:mdscripts:2.0:User"];
    assert_eq!(own["npi"], "{$parameters.npi}");
    assert_eq!(body["emails"][0]["value"], "{$user.email}");
    assert_eq!(body["name"]["familyName"], "{$user.lastname}");
}

/// All marks are closed, and no placeholder is left.
#[test]
fn texts_have_no_loose_ends() {
    let given = Given {
        base_url: "https://scim.example.com/t/acme/scim",
        prefix: Some("Envi_"),
        groups: true,
        own: true,
        with_bearer: true,
    };
    let whole = |word: &Word| {
        let (Word::Plain(text) | Word::Screen(text) | Word::Typed(text)) = word;
        let parameter = text.contains("{$parameters.");
        let marks = matches!(word, Word::Plain(_)) && (text.contains("**") || text.contains('`'));
        assert!(!marks && (parameter || !text.contains('{')), "{text}");
    };
    for provider in &providers::ALL {
        let texts = provider.steps.iter().chain(provider.traps).map(|(_, text)| *text);
        for text in texts.chain(provider.asks.iter().map(|(_, _, text)| *text)) {
            super::steps::Step::new(text, &given).words.iter().for_each(whole);
        }
    }
    let mut guides = 0;
    for (name, _) in BUILTIN {
        let Some(guide) = profile(name).setup else { continue };
        guides += 1;
        for chapter in &guide.chapters {
            for step in Chapter::of_guide(chapter, &given).steps {
                step.words.iter().chain(step.parts.iter().flatten()).for_each(whole);
            }
        }
        assert!(!guide.notes.is_empty(), "{name}: whom to ask");
    }
    assert_eq!(guides, 5, "all of the guides");
}

#[test]
fn what_does_not_fit_together_is_told() {
    let unfit = |name: &str, word: &str| {
        super::unfit(&profile(name).credentials, providers::by_word(word).expect(word))
    };
    assert_eq!(unfit("envi", "okta-header"), None);
    assert_eq!(unfit("generic", "okta-basic"), None);
    let told = unfit("clinical-maestro", "entra").expect("unfit");
    assert!(told.contains("a user name and a password") && told.contains("Microsoft Entra ID"), "{told}");
}

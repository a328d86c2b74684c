//! Pages about a tenant's configuration.

use askama::Template;
use provisioning::configuration::{ValueDifference, diff};
use scim_core::{
    profile::{Profile, ProfileError, edit},
    value_set::AllowedValue,
};
use store::admins::AdminRole;

use super::{at, chrome, head, person};
use crate::{
    chrome::{Badge, Chrome},
    diff_view,
    form::Errors,
    pager::Pager,
    pages::{
        closed::ClosedPage,
        configuration::{ConfigurationPage, Preview},
        profile::{
            DryRun, Fault, MisfitRow, ProfilePage, UpgradeCard, VersionRow, facts, part,
            versions::VersionPage, words,
        },
        settings::{Choice, LimitField, OrganizationField, SettingsPage},
        value_set::{
            ValueForm, ValueSetPage,
            preview::{Line, Preview as SetPreview, lines},
            versions::{VersionPage as SetVersionPage, VersionRow as SetVersionRow},
        },
        value_sets::{SetCard, ValueSetsPage},
    },
};

fn organization() -> OrganizationField {
    OrganizationField {
        title: "Organization".into(),
        required: true,
        value: "old".into(),
        choices: vec![
            ("testing".into(), "For Testing Purpose".into()),
            ("north".into(), "<b>Northwind</b>".into()),
        ],
        value_set: Some("organizations".into()),
    }
}

fn settings(wrong: bool) -> SettingsPage {
    let mut errors = Errors::default();
    if wrong {
        errors.add("name", "Use 1 to 200 printable characters.");
        errors
            .add("max-token-lifetime", "\"11y\" is no longest life; write a duration of 1 day to 10 years.");
        errors
            .add("organization", "\"west\" is not in the value set \"organizations\"; send testing, north.");
    }
    let choice = |field: &str, title: &str, values: &[&str], value: &str| Choice {
        field: format!("property-{field}"),
        title: title.into(),
        value: value.into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        opens: values.first().map(|value| (*value).to_owned()).unwrap_or_default(),
    };
    SettingsPage {
        chrome: chrome("Settings · Northwind Hospital"),
        head: head("settings"),
        saved: !wrong,
        name: "Northwind \"Hospital\"".into(),
        organization: Some(organization()),
        properties: vec![
            choice("domain-type", "Domain type", &["Simple", "Other"], "Simple"),
            choice("authentication", "Authentication", &["HTTP Redirect", "WS Trust", "Other"], "Other"),
        ],
        reasons: vec!["Authentication is Other; this page is there for HTTP Redirect or WS Trust.".into()],
        errors,
        compatibility: "lenient".into(),
        limit: LimitField {
            value: if wrong { "11y" } else { "90d" }.into(),
            holds: "90 days".into(),
            platform: "2 years".into(),
        },
        rate: "50".to_owned(),
        active: true,
        retention: "30 days".into(),
    }
}

fn edit(preview: bool, wrong: bool) -> ConfigurationPage {
    let mut errors = Errors::default();
    if wrong {
        errors.add("prefix", "Use 1 to 100 printable characters, such as Envi_");
    }
    let roles = ["14 people gain Manager, 2 lose it", "1 person loses <Buyer>"];
    ConfigurationPage {
        chrome: chrome("Edit SCIM Configuration · Northwind Hospital"),
        head: head("setup"),
        active: false,
        organization: Some(OrganizationField { choices: Vec::new(), ..organization() }),
        prefix: Some("Envi_".into()),
        version: 3,
        preview: preview
            .then(|| Preview { prefix: "Acme_".into(), roles: roles.map(str::to_owned).to_vec() }),
        errors,
    }
}

fn closed(feature_off: bool, role: AdminRole) -> ClosedPage {
    let reason = if feature_off {
        "SCIM is not turned on for this organization; ask the support of MDScripts to request it."
    } else {
        "Domain type is not set; this page is there for Simple."
    };
    let mut head = head("setup");
    head.page_open = false;
    ClosedPage {
        chrome: Chrome::of("Okta SCIM · Northwind Hospital", Some(&person(role).admin)),
        head,
        reasons: vec![reason.into()],
        feature_off,
    }
}

fn envi() -> (String, String) {
    let old = Profile::builtin("envi").expect("envi").to_owned();
    let new = old.replace("prefix = \"Envi_\"", "prefix = \"<Acme>_\"").replace("version = 1", "version = 2");
    (old, new)
}

fn version(version: i32, current: bool) -> VersionRow {
    VersionRow { version, saved: at(i64::from(version) - 20), by: "ada.lovelace@example.com".into(), current }
}

fn profile(role: AdminRole) -> ProfilePage {
    let (old, new) = envi();
    ProfilePage {
        chrome: Chrome::of("Profile · Northwind Hospital", Some(&person(role).admin)),
        head: head("profile"),
        notice: None,
        errors: Errors::default(),
        facts: facts(&Profile::from_toml(&old).expect("envi")),
        version: 3,
        text: new.clone(),
        changed: false,
        parts: part::overview(&new),
        source: None,
        fault: None,
        dry_run: None,
        upgrade: Some(UpgradeCard { from: 1, to: 2, diff: diff_view::rows(diff(&old, &new).as_deref()) }),
        versions: vec![version(3, true), version(2, false), version(1, false)],
        older: None,
    }
}

fn checked() -> ProfilePage {
    let (old, new) = envi();
    let misfit = |name: &str| MisfitRow {
        id: "0199f0a0-0000-7000-8000-000000000001".into(),
        user_name: name.into(),
        problems: vec!["userName: is no e-mail address; send one like ann@hospital.example".into()],
    };
    ProfilePage {
        source: Some("This is the text of version 1.".into()),
        changed: true,
        dry_run: Some(DryRun {
            words: words::words(&edit::changes(&old, &new).expect("texts")),
            more: true,
            diff: diff_view::rows(diff(&old, &new).as_deref()),
            roles: vec!["14 people gain Manager, 2 lose it".into(), "3 people lose Buyer".into()],
            people:
                "The first 2000 users were looked at: 2 no longer fit. Nobody is changed; the next change of such a user is refused."
                    .into(),
            misfits: vec![misfit("amara"), misfit("<script>alert(1)</script>")],
            digest: "ab".repeat(32),
        }),
        ..profile(AdminRole::Operator)
    }
}

fn faulty() -> ProfilePage {
    let (_, text) = envi();
    let text = text.replace("base-path = \"/scim\"", "base-path = /scim");
    let error = ProfileError { line: 7, column: 13, problem: "string values must be quoted".into() };
    let page = profile(AdminRole::Operator);
    ProfilePage { fault: Some(Fault::new(&text, &error)), text, ..page }
}

fn old_version() -> VersionPage {
    let (old, new) = envi();
    VersionPage {
        chrome: chrome("Version 1 of the profile · Northwind Hospital"),
        head: head("profile"),
        row: version(1, false),
        words: words::words(&edit::changes(&old, &new).expect("texts")),
        diff: diff_view::rows(diff(&old, &new).as_deref()),
        current: 3,
        text: old,
    }
}

fn set(name: &str, title: &str, count: usize) -> SetCard {
    let value = |number: usize| AllowedValue {
        value: format!("{}", 100 + number),
        label: (number.is_multiple_of(2)).then(|| format!("Site <{number}>")),
    };
    SetCard {
        name: name.into(),
        title: title.into(),
        summary: format!("{count} values"),
        source: if count > 0 {
            Badge::new("ok", "Of this tenant")
        } else {
            Badge::new("quiet", "Not filled")
        },
        meaning: "Only these values are allowed.",
        values: (0..count.min(12)).map(value).collect(),
        more: count.saturating_sub(12),
    }
}

fn value_set(wrong: bool, role: AdminRole) -> ValueSetPage {
    let mut errors = Errors::default();
    if wrong {
        errors
            .add("values", "Line 3: \"12\" is there already, as value 1; values are compared without case.");
    }
    ValueSetPage {
        chrome: Chrome::of("Sites · Northwind Hospital", Some(&person(role).admin)),
        head: head("value-sets"),
        set: set("siteNumbers", "Sites of the organization", 3),
        uses: vec!["urn:example:params:scim:schemas:extension:badges:2.0:User:siteNumbers".into()],
        rows: set("", "", 7).values,
        search: String::new(),
        pager: Pager::new("/console/tenants/northwind/value-sets/siteNumbers", &[], 1, 7, 31),
        text: Some("12, Main street\n17\n\"1,8\",\"A <b> \"\"x\"\"\"\n".into()),
        preview: None,
        versions: set_versions(),
        typed: ValueForm::default(),
        can_clear: true,
        notice: (!wrong).then_some("The list is saved. It holds in every node within a second."),
        errors,
    }
}

fn set_versions() -> Vec<SetVersionRow> {
    let row = |version: i32, by: &str, summary: &str| SetVersionRow {
        version,
        saved: at(i64::from(version) - 20),
        by: by.into(),
        summary: summary.into(),
        current: version == 3,
    };
    vec![
        row(3, "ada.lovelace@example.com", "3 values"),
        row(2, "grace@example.com", "no list of its own"),
        row(1, "", "2 values"),
    ]
}

fn set_difference() -> Vec<Line> {
    let values = |values: &[&str]| values.iter().map(|value| AllowedValue::from(*value)).collect::<Vec<_>>();
    let mut new = values(&["17", "<b>20</b>"]);
    new[0].label = Some("Main \"street\"".into());
    lines(&ValueDifference::of(&values(&["12", "17"]), &new))
}

fn value_set_checked() -> ValueSetPage {
    ValueSetPage {
        notice: None,
        preview: Some(SetPreview {
            lines: set_difference(),
            roles: vec!["14 people gain Manager, 2 lose it".into()],
            people: "All 37 users were looked at: 1 no longer fits.".into(),
            misfits: checked().dry_run.expect("a dry run").misfits,
            text: "17\n20\n".into(),
            digest: "ab".repeat(32),
            clears: false,
        }),
        ..value_set(false, AdminRole::Operator)
    }
}

fn set_version(cleared: bool) -> SetVersionPage {
    SetVersionPage {
        chrome: chrome("Version 1 of Sites · Northwind Hospital"),
        head: head("value-sets"),
        name: "siteNumbers".into(),
        title: "Sites of the organization".into(),
        row: set_versions().remove(if cleared { 1 } else { 2 }),
        text: (!cleared).then(|| "12\n17\n".into()),
        lines: set_difference(),
    }
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    let sets = ValueSetsPage {
        chrome: chrome("Value sets · Northwind Hospital"),
        head: head("value-sets"),
        sets: vec![set("roles", "Roles of Envi", 40), set("organizations", "Organizations of the domain", 0)],
    };
    let no_sets = ValueSetsPage {
        chrome: chrome("Value sets · Northwind Hospital"),
        head: head("value-sets"),
        sets: Vec::new(),
    };
    vec![
        ("settings", settings(false).render()),
        ("settings-wrong", settings(true).render()),
        ("setup-edit", edit(false, false).render()),
        ("setup-edit-preview", edit(true, false).render()),
        ("setup-edit-wrong", edit(false, true).render()),
        ("setup-closed", closed(false, AdminRole::Manager).render()),
        ("setup-feature-off", closed(true, AdminRole::Manager).render()),
        ("setup-feature-off-operator", closed(true, AdminRole::Operator).render()),
        ("profile", profile(AdminRole::Operator).render()),
        ("profile-auditor", profile(AdminRole::Auditor).render()),
        ("profile-checked", checked().render()),
        ("profile-fault", faulty().render()),
        ("profile-version", old_version().render()),
        ("value-sets", sets.render()),
        ("value-sets-none", no_sets.render()),
        ("value-set", value_set(false, AdminRole::Operator).render()),
        ("value-set-wrong", value_set(true, AdminRole::Operator).render()),
        ("value-set-checked", value_set_checked().render()),
        ("value-set-version", set_version(false).render()),
        ("value-set-version-cleared", set_version(true).render()),
        ("value-set-auditor", value_set(false, AdminRole::Auditor).render()),
    ]
}

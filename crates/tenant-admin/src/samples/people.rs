//! Pages about users and groups.

use askama::Template;
use serde_json::json;

use super::{at, chrome, head};
use crate::{
    chrome::Badge,
    form::Errors,
    pager::Pager,
    pages::{
        group::GroupPage,
        groups::{GroupRow, GroupsPage},
        purge::PurgePage,
        user::{
            Deleted, InGroup, Link, RoleRow, UserPage,
            attributes::{AttributeRow, Section, Shown},
            history::{Change, Entry, Noted},
        },
        users::{UserRow, UsersPage, View},
    },
};

fn user_rows() -> Vec<UserRow> {
    let row = |number: u32, name: &str, active, roles: &[&str]| UserRow {
        id: format!("0199f0a0-0000-7000-8000-{number:012}"),
        user_name: format!("{}@northwind.example", name.to_lowercase().replace(' ', ".")),
        display_name: name.into(),
        email: format!("{}@northwind.example", name.to_lowercase().replace(' ', ".")),
        status: Badge::active(active),
        deleted: None,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    };
    vec![
        row(1, "Amara Okafor", true, &["Manager", "testing"]),
        row(2, "Bjorn Haugen", true, &[]),
        row(3, "Chandra Iyer", false, &["Buyer"]),
        UserRow {
            id: "x".into(),
            user_name: "<script>alert(1)</script>".into(),
            display_name: "\"><img src=x onerror=alert(1)>".into(),
            email: String::new(),
            status: Badge::deleted(),
            deleted: Some(at(-4)),
            roles: vec!["<b>bold</b>".into()],
        },
    ]
}

fn users(search: &str, empty: bool) -> UsersPage {
    let rows = if empty { Vec::new() } else { user_rows() };
    let total = if empty { 0 } else { 1284 };
    UsersPage {
        chrome: chrome("Users · Northwind Hospital"),
        head: head("users"),
        search: search.into(),
        views: [
            ("active", "Internal contacts", 1284),
            ("inactive", "Inactive users", 31),
            ("deleted", "Deleted", 4),
        ]
        .map(|(status, name, count)| View {
            status,
            name: name.into(),
            count: search.is_empty().then_some(count),
            link: format!("/console/tenants/northwind/users?status={status}"),
            current: status == "active",
        })
        .into(),
        notice: empty.then_some("The user was deleted for good."),
        fresh: empty && search.is_empty(),
        pager: Pager::new("/console/tenants/northwind/users", &[("q", search)], 1, rows.len(), total),
        rows,
        summary: format!("{total} users"),
        has_roles: true,
    }
}

fn sections() -> Vec<Section> {
    let row = |name: &str, values: &[(&str, &[&str])]| AttributeRow {
        name: name.into(),
        values: values
            .iter()
            .map(|(text, marks)| Shown {
                text: (*text).into(),
                marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
            })
            .collect(),
    };
    vec![
        Section {
            title: "Attributes".into(),
            urn: String::new(),
            rows: vec![
                row("externalId", &[("00u1abcdEFGH2345x697", &[])]),
                row("userName", &[("amara.okafor@northwind.example", &[])]),
                row("name.givenName", &[("Amara", &[])]),
                row("name.familyName", &[("Okafor", &[])]),
                row("title", &[("<script>alert(1)</script>", &[])]),
                row(
                    "emails",
                    &[
                        ("amara.okafor@northwind.example", &["work", "primary"]),
                        ("amara@home.example", &["home"]),
                    ],
                ),
            ],
        },
        Section {
            title: "Enterprise User".into(),
            urn: scim_core::urn::ENTERPRISE_USER.into(),
            rows: vec![row("department", &[("Surgery", &[])]), row("costCenter", &[("4130", &[])])],
        },
    ]
}

fn history() -> Vec<Entry> {
    let entry = |what: &str, kind, days, changes: Vec<Change>| Entry {
        what: what.into(),
        kind,
        who: "token Okta production".into(),
        when: at(days),
        version: 3,
        cause: "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90".into(),
        changes,
        notes: Vec::new(),
        purged: false,
    };
    let noted = |text: &str, first: &[&str], rest: usize, unnamed| Noted {
        text: text.into(),
        first: first.iter().map(|path| (*path).to_owned()).collect(),
        rest: (0..rest).map(|number| format!("attribute{number}")).collect(),
        unnamed,
    };
    vec![
        entry("Gained role Manager", "ok", 0, Vec::new()),
        entry(
            "Updated",
            "quiet",
            -3,
            vec![
                Change {
                    name: "title".into(),
                    before: Some("Nurse".into()),
                    after: Some("Head nurse".into()),
                },
                Change { name: "nickName".into(), before: Some("Ama".into()), after: None },
            ],
        ),
        entry("Deactivated", "bad", -20, Vec::new()),
        Entry {
            notes: vec![
                noted("was left out: Envi has no such attribute", &["nickName", "title", "locale"], 14, 3),
                noted("does not apply here and was left out: isProvider is not true", &["npi"], 0, 0),
                noted("2 more were noted", &[], 0, 0),
            ],
            ..entry("Created", "ok", -90, Vec::new())
        },
    ]
}

fn link(name: &str) -> Link {
    Link { id: "0199f0a0-0000-7000-8000-00000000aaaa".into(), name: name.into() }
}

fn user() -> UserPage {
    UserPage {
        chrome: chrome("Amara Okafor · Northwind Hospital"),
        head: head("users"),
        id: "0199f0a0-0000-7000-8000-000000000001".into(),
        name: "Amara Okafor".into(),
        user_name: "amara.okafor@northwind.example".into(),
        status: Badge::active(true),
        notice: Some(
            "The user is restored. Groups and roles come back when the identity provider pushes them.",
        ),
        problem: None,
        deleted: None,
        erasable: false,
        sections: sections(),
        groups: vec![
            InGroup { group: link("All staff"), indirect: true },
            InGroup { group: link("Envi_Manager"), indirect: false },
            InGroup { group: link("envi_testing"), indirect: false },
            InGroup { group: link("Everyone"), indirect: false },
        ],
        roles: vec![
            RoleRow { name: "Manager".into(), via: vec![link("Envi_Manager")] },
            RoleRow { name: "testing".into(), via: vec![link("envi_testing"), link("ENVI_Testing")] },
        ],
        history: history(),
        created: Some(at(-90)),
        modified: Some(at(-3)),
        version: "W/\"3\"".into(),
        location: "https://scim.example.com/t/northwind/scim/v2/Users/0199f0a0-0000-7000-8000-000000000001"
            .into(),
        raw: crate::pages::user::pretty(
            &json!({"schemas": ["x"], "title": "</code></pre><script>alert(1)</script>"}),
        ),
        prefix: Some("Envi_".into()),
    }
}

fn deleted_user() -> UserPage {
    UserPage {
        status: Badge::deleted(),
        notice: None,
        problem: Some(
            "userName: another user has this name by now. Rename or delete the other one first.".into(),
        ),
        deleted: Some(Deleted { at: at(-4), purged_from: Some(at(26)) }),
        erasable: true,
        groups: Vec::new(),
        roles: Vec::new(),
        ..user()
    }
}

fn purge(mistyped: bool) -> PurgePage {
    let mut errors = Errors::default();
    if mistyped {
        errors.add("user_name", "That is not the user name. Type it exactly as it is shown.");
    }
    PurgePage {
        chrome: chrome("Delete Amara Okafor permanently"),
        head: head("users"),
        id: "0199f0a0-0000-7000-8000-000000000001".into(),
        name: "Amara Okafor".into(),
        user_name: "amara.okafor@northwind.example".into(),
        typed: if mistyped { "\"><script>amara</script>".into() } else { String::new() },
        errors,
    }
}

fn groups(empty: bool) -> GroupsPage {
    let row = |name: &str, users, roles: &[&str]| GroupRow {
        id: "0199f0a0-0000-7000-8000-00000000aaaa".into(),
        name: name.into(),
        users,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    };
    let rows = vec![
        row("Envi_Manager", 14, &["Manager"]),
        row("envi_testing", 3, &["testing"]),
        row("Everyone", 1284, &[]),
    ];
    let rows = if empty { Vec::new() } else { rows };
    GroupsPage {
        chrome: chrome("Groups · Northwind Hospital"),
        head: head("groups"),
        search: String::new(),
        pager: Pager::new("/x", &[], 1, rows.len(), rows.len() as u64),
        summary: format!("{} groups", rows.len()),
        rows,
        prefix: Some("Envi_".into()),
        why_none: "the name does not start with Envi_".into(),
    }
}

fn group() -> GroupPage {
    GroupPage {
        chrome: chrome("Envi_Manager · Northwind Hospital"),
        head: head("groups"),
        id: "0199f0a0-0000-7000-8000-00000000aaaa".into(),
        name: "Envi_Manager".into(),
        roles: vec!["Manager".into()],
        gives_roles: true,
        why_none: "the name does not start with Envi_".into(),
        members: user_rows(),
        pager: Pager::new("/x", &[], 2, 25, 90),
        summary: "90 users".into(),
        sections: Vec::new(),
        history: history(),
        created: Some(at(-90)),
        modified: Some(at(-3)),
        version: "W/\"7\"".into(),
        location: "https://scim.example.com/t/northwind/scim/v2/Groups/0199f0a0-0000-7000-8000-00000000aaaa"
            .into(),
        raw: "{}".into(),
    }
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    vec![
        ("users", users("", false).render()),
        ("users-empty", users("", true).render()),
        ("users-none-fit", users("zz<\"", true).render()),
        ("user", user().render()),
        ("user-deleted", deleted_user().render()),
        ("purge", purge(false).render()),
        ("purge-mistyped", purge(true).render()),
        ("groups", groups(false).render()),
        ("groups-empty", groups(true).render()),
        ("group", group().render()),
    ]
}

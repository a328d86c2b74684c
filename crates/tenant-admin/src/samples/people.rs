//! Pages about users and groups.

use askama::Template;
use serde_json::json;

use super::{at, chrome, head};
use crate::{
    chrome::Badge,
    form::Errors,
    pager::{Pager, Step, Walk},
    pages::{
        delete::DeletePage,
        group::GroupPage,
        groups::{GroupRow, GroupsPage},
        purge::PurgePage,
        roles::Why,
        user::{
            Deleted, InGroup, Link, RoleRow, UserPage, Via,
            attributes::{AttributeRow, Section, Shown},
            history::{Change, Entry, History, Noted, Told},
        },
        users::{Asked, FilterProblem, UserRow, UsersPage, View},
    },
    when::Took,
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

/// A page in the middle of a list.
fn walk(path: &str, total: u64) -> Walk {
    let ids = ["0199f0a0-0000-7000-8000-000000000001", "0199f0a0-0000-7000-8000-000000000025"];
    let total = store::users::Bounded { count: total, more: false };
    Walk::new(path, &[], &Step::default(), &ids, (true, true), Some(total))
}

fn users(search: &str, empty: bool) -> UsersPage {
    let path = "/console/tenants/northwind/users";
    let asked = Asked { search: search.into(), status: "active", ..Asked::default() };
    let total = if empty { 0 } else { 1284 };
    UsersPage {
        chrome: chrome("Users · Northwind Hospital"),
        head: head("users"),
        views: [
            ("active", "Internal contacts", "1284"),
            ("inactive", "Inactive users", "31"),
            ("deleted", "Deleted", "200000+"),
        ]
        .map(|(status, name, count)| View {
            status,
            name: name.into(),
            count: search.is_empty().then(|| count.into()),
            link: format!("{path}?status={status}"),
            current: status == "active",
        })
        .into(),
        notice: empty.then_some("The user was deleted for good."),
        fresh: empty && search.is_empty(),
        walk: if empty { Walk::default() } else { walk(path, total) },
        rows: if empty { Vec::new() } else { user_rows() },
        summary: format!("{total} users"),
        has_roles: true,
        cut: false,
        inside: (!search.is_empty()).then(|| format!("{path}?q=x&inside=1")),
        all: path.into(),
        problem: None,
        examples: [
            r#"name.familyName sw "Le""#,
            "not (externalId pr)",
            r#"meta.lastModified gt "2026-11-14T00:00:00Z""#,
        ]
        .map(|text| (text.to_owned(), format!("{path}?filter=x")))
        .into(),
        export: Some("/console/tenants/northwind/export?status=active".into()),
        asked,
    }
}

fn users_cut() -> UsersPage {
    UsersPage { cut: true, notice: None, ..users("ma", false) }
}

fn users_with_a_mistake() -> UsersPage {
    let text = r#"userName xx "<b>""#;
    let detail = "filter, column 10: \"xx\" is no operator; use eq, ne, co, sw, ew, gt, ge, lt, le or pr";
    UsersPage {
        problem: Some(FilterProblem::new(text, detail)),
        asked: Asked { filter: text.into(), status: "active", ..Asked::default() },
        export: None,
        notice: None,
        fresh: false,
        ..users("", true)
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

fn told(days: i64) -> Vec<Told> {
    let of = |who: &str, delivered: Option<i64>, applied: Option<i64>, otherwise| Told {
        who: who.into(),
        delivered: delivered.map(Took),
        applied: applied.map(Took),
        otherwise,
    };
    match days {
        -20.. => vec![
            of("Our application", Some(120), Some(3_000), None),
            of("Data warehouse", None, None, Some(Badge::new("quiet", "not delivered yet"))),
        ],
        _ => vec![of("Our application", None, None, Some(Badge::new("bad", "given up")))],
    }
}

fn history() -> History {
    let page = "/console/tenants/northwind/users/0199f0a0-0000-7000-8000-000000000001";
    History {
        entries: entries(),
        older: Some(format!("{page}?until=x#history")),
        newest: Some(format!("{page}#history")),
    }
}

fn entries() -> Vec<Entry> {
    let entry = |what: &str, kind, days, changes: Vec<Change>| Entry {
        what: what.into(),
        kind,
        who: "token Okta production".into(),
        when: at(days),
        version: 3,
        cause: "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90".into(),
        request: (days != -20).then(|| "/console/tenants/northwind/activity?request=x".into()),
        committed: (days > -20).then_some(Took(8)),
        told: told(days),
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

fn via(group: &str) -> Via {
    Via { group: link(group), why: "the name begins with Envi_".into() }
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
        active: true,
        deletable: true,
        sections: sections(),
        groups: vec![
            InGroup { group: link("All staff"), indirect: true },
            InGroup { group: link("Envi_Manager"), indirect: false },
            InGroup { group: link("envi_testing"), indirect: false },
            InGroup { group: link("Everyone"), indirect: false },
        ],
        roles: vec![
            RoleRow {
                key: "manager".into(),
                name: "Manager".into(),
                via: vec![via("Envi_Manager")],
                assigned: true,
            },
            RoleRow {
                key: "a/b".into(),
                name: "testing".into(),
                via: vec![via("envi_testing"), via("ENVI_Testing")],
                assigned: false,
            },
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
        active: false,
        deletable: false,
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

fn inactive_user() -> UserPage {
    UserPage {
        status: Badge::active(false),
        active: false,
        erasable: true,
        notice: Some("The user is inactive."),
        ..user()
    }
}

fn delete(for_good: bool) -> DeletePage {
    let mut errors = Errors::default();
    if for_good {
        errors.add("user_name", "That is not the user name. Type it exactly as it is shown.");
    }
    DeletePage {
        chrome: chrome("Delete Amara Okafor"),
        head: head("users"),
        id: "0199f0a0-0000-7000-8000-000000000001".into(),
        name: "Amara Okafor".into(),
        user_name: "amara.okafor@northwind.example".into(),
        for_good,
        days: Some(30),
        typed: String::new(),
        errors,
    }
}

/// What a group gives.
pub(super) fn why(roles: &[&str]) -> Why {
    let none = if roles.is_empty() { "the name does not start with Envi_" } else { "" };
    let rule = |role: &&str| ((*role).to_owned(), "the name begins with Envi_".to_owned());
    Why { roles: roles.iter().map(rule).collect(), none: none.into() }
}

fn groups(empty: bool) -> GroupsPage {
    let row = |name: &str, members: &str, roles: &[&str]| GroupRow {
        id: "0199f0a0-0000-7000-8000-00000000aaaa".into(),
        name: name.into(),
        members: members.into(),
        why: why(roles),
    };
    let rows = vec![
        row("Envi_Manager", "14", &["Manager"]),
        row("envi_testing", "3", &["testing"]),
        row("Everyone", "10000+", &[]),
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
    }
}

fn group() -> GroupPage {
    GroupPage {
        chrome: chrome("Envi_Manager · Northwind Hospital"),
        head: head("groups"),
        id: "0199f0a0-0000-7000-8000-00000000aaaa".into(),
        name: "Envi_Manager".into(),
        why: why(&["Manager"]),
        gives_roles: true,
        search: "am".into(),
        members: user_rows(),
        walk: walk("/x", 90),
        cut: true,
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
        ("users-cut", users_cut().render()),
        ("users-filter-wrong", users_with_a_mistake().render()),
        ("user", user().render()),
        ("user-inactive", inactive_user().render()),
        ("delete", delete(false).render()),
        ("delete-for-good", delete(true).render()),
        ("user-deleted", deleted_user().render()),
        ("purge", purge(false).render()),
        ("purge-mistyped", purge(true).render()),
        ("groups", groups(false).render()),
        ("groups-empty", groups(true).render()),
        ("group", group().render()),
    ]
}

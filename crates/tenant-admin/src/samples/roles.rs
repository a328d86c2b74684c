//! Pages about roles.

use askama::Template;
use store::{groups::HeldRole, users::Bounded};

use super::{chrome, head, people::why};
use crate::{
    chrome::Badge,
    form::Errors,
    pages::{
        role::{Holder, RolePage},
        roles::{GroupLine, GroupList, Preview, RolesPage, RuleField, RuleRow, RulesForm, Tried},
        user::{Link, Via},
    },
};

fn groups() -> GroupList {
    let line = |name: &str, roles: &[&str]| GroupLine { id: "x".into(), name: name.into(), why: why(roles) };
    let path = "/console/tenants/northwind/roles";
    GroupList {
        rows: vec![line("Envi_<b>Manager", &["<b>Manager"]), line("Everyone", &[])],
        views: vec![
            ("All", format!("{path}#groups"), true),
            ("Give a role", format!("{path}?show=roles#groups"), false),
            ("Give none", format!("{path}?show=none#groups"), false),
        ],
        first: None,
        next: Some(format!("{path}?after=x#groups")),
        any: true,
    }
}

fn form(preview: bool) -> RulesForm {
    let field = |kind, wanted: &str, role: &str| RuleField { kind, wanted: wanted.into(), role: role.into() };
    let mut errors = Errors::default();
    if !preview {
        errors.add("rule-fields", "Rule 2: say which role it gives.");
    }
    RulesForm {
        version: 3,
        prefix: "Envi_".into(),
        rules: vec![
            field("group", "Acme Owners", "Owner"),
            field("group", "\"><script>", ""),
            field("group", "", ""),
        ],
        errors,
        preview: preview.then(|| Preview {
            roles: vec!["14 people gain Manager, 2 lose it".into()],
            groups: vec![("Envi_Manager".into(), "no role".into(), "Manager".into())],
            more: 3,
            whole: false,
            digest: "ab".repeat(32),
        }),
    }
}

fn roles(rules: bool, tried: Option<Tried>) -> RolesPage {
    let rule =
        |groups, wanted: &str, role: &str| RuleRow { groups, wanted: wanted.into(), role: role.into() };
    let rules = if rules {
        vec![
            rule("named", "acme owners", "Owner"),
            rule("whose whole name matches", "acme-(?<role>[a-z]+)-.*", "${role}"),
            rule("whose name starts with", "Envi_", ""),
        ]
    } else {
        Vec::new()
    };
    let held = |name: &str, count, more| HeldRole {
        key: name.to_lowercase(),
        name: name.into(),
        holders: Bounded { count, more },
    };
    RolesPage {
        chrome: chrome("Roles · Northwind Hospital"),
        head: head("roles"),
        matches: "The first rule that gives a role counts.",
        unmatched: "A group that no rule knows is kept and gives no role.",
        catalogue: Some(("roles".into(), "A role that is not in it is given as the group writes it.")),
        protected: vec!["owner".into()],
        group: if tried.is_some() { "envi_<Manager>".into() } else { String::new() },
        external_id: String::new(),
        tried,
        notice: None,
        form: RulesForm { errors: Errors::default(), ..form(false) },
        editing: false,
        groups: if rules.is_empty() { GroupList::default() } else { groups() },
        held: if rules.is_empty() {
            Vec::new()
        } else {
            vec![held("Manager", 10_000, true), held("Owner", 1, false)]
        },
        rules,
    }
}

fn role(empty: bool) -> RolePage {
    let via = |name: &str| Via {
        group: Link { id: "x".into(), name: name.into() },
        why: "the name begins with Envi_".into(),
    };
    let holder = || Holder {
        id: "0199f0a0-0000-7000-8000-000000000001".into(),
        user_name: "amara.okafor@northwind.example".into(),
        display_name: "Amara Okafor".into(),
        status: Badge::active(true),
        via: vec![via("Envi_Manager"), via("ENVI_manager")],
    };
    RolePage {
        chrome: chrome("Manager · Northwind Hospital"),
        head: head("roles"),
        name: "Manager".into(),
        protected: true,
        holders: if empty { Vec::new() } else { vec![holder()] },
        first: None,
        next: (!empty).then(|| "/console/tenants/northwind/roles/manager?after=x".into()),
    }
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    let gives = |roles: &[&str]| Tried { roles: why(roles).roles, none: why(roles).none, refused: None };
    let refused = "displayName: no role belongs to a group of this name; do not push it.".to_owned();
    vec![
        ("roles", roles(true, None).render()),
        ("roles-tried", roles(true, Some(gives(&["Manager"]))).render()),
        ("roles-tried-none", roles(true, Some(gives(&[]))).render()),
        ("roles-refused", roles(true, Some(Tried { refused: Some(refused), ..gives(&[]) })).render()),
        ("roles-none", roles(false, None).render()),
        ("roles-preview", RolesPage { form: form(true), editing: true, ..roles(true, None) }.render()),
        ("roles-wrong", RolesPage { form: form(false), editing: true, ..roles(true, None) }.render()),
        ("role", role(false).render()),
        ("role-nobody", role(true).render()),
    ]
}

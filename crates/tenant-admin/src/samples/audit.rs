//! Audit pages.

use askama::Template;
use serde_json::json;
use store::admins::AdminRole;

use super::{at, chrome, head, person};
use crate::{
    chrome::{Badge, Chrome},
    form::Errors,
    pages::audit::{
        AuditPage, Row,
        chain::{ChainCard, Checked, Told},
        differences,
        entry::{EntryPage, Links},
        filters::Filters,
        words::{self, Object},
    },
};

const BASE: &str = "/console/tenants/northwind/audit";

fn hash(digit: &str) -> String {
    digit.repeat(32)
}

fn chain(base: &str, fault: bool) -> ChainCard {
    ChainCard {
        base: base.into(),
        head: 48_213,
        hash: hash("a7"),
        waiting: 0,
        running: None,
        check: Some(Checked {
            through: if fault { 48_209 } else { 48_198 },
            purged: if fault { 0 } else { 12 },
            at: at(0),
            newer: 15,
            fault: fault.then(|| Told {
                number: 48_210,
                what:
                    "Entry 48210 is not what was written: it was changed, moved or inserted in the database."
                        .into(),
                there: true,
            }),
        }),
    }
}

fn row(number: i64, event: &str, name: &str, kind: &str, who: &str, changed: &[&str]) -> Row {
    Row {
        number,
        when: at(0),
        what: words::event(
            event,
            Some(&json!({"role": {"name": "Manager"}, "group": {"display": "Envi_Manager"}})),
        )
        .0,
        object: Object {
            kind: kind.into(),
            name: name.into(),
            id: "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90".into(),
            link: (kind == "User").then(|| "/console/tenants/northwind/users/0199f0a0".into()),
        },
        who: who.into(),
        changed: changed.iter().map(|name| (*name).to_owned()).collect(),
        more_changed: if changed.len() > 3 { 3 } else { 0 },
        wrong: false,
    }
}

fn list(fault: bool) -> AuditPage {
    let okta = "token Okta production";
    let mut rows = vec![
        row(
            48_213,
            "user.updated",
            "amara.okafor@northwind.example",
            "User",
            okta,
            &["title", "name.familyName"],
        ),
        row(48_212, "role.granted", "amara.okafor@northwind.example", "User", okta, &[]),
        row(48_211, "membership.added", "amara.okafor@northwind.example", "User", okta, &[]),
        row(
            48_210,
            "tenant.updated",
            "Northwind Hospital",
            "Tenant",
            "ada.lovelace@example.com",
            &["name", "organization", "credentialDays", "properties.domain-type"],
        ),
        row(48_209, "credential.revoked", "Okta staging", "Credential", "command line", &["revokedAt"]),
        row(48_208, "user.purged", "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90", "User", "Rollcall", &[]),
        row(48_207, "credential.throttled", "Okta production", "Credential", "somebody at 203.0.113.7", &[]),
    ];
    rows[3].wrong = fault;
    let codes = ["credential.created", "tenant.updated", "user.created", "user.updated"];
    AuditPage {
        chrome: chrome("Audit · Northwind Hospital"),
        head: Some(head("audit")),
        base: BASE.into(),
        chain: chain(BASE, fault),
        filters: Filters::default(),
        errors: Errors::default(),
        events: codes.iter().map(|code| ((*code).to_owned(), words::event(code, None).0)).collect(),
        kinds: words::OF_TENANTS,
        rows,
        newest: None,
        older: Some(format!("{BASE}?before=48207")),
        csv: format!("{BASE}/export"),
        lines: format!("{BASE}/export?format=jsonl"),
    }
}

fn installation() -> AuditPage {
    let mut rows = vec![
        row(3, "signing-key.rotated", "9vYKJnilR9YW-Dw4", "SigningKey", "platform token Onboarding", &[]),
        row(2, "platform-token.created", "Billing service", "PlatformToken", "ada.lovelace@example.com", &[]),
        row(1, "admin.created", "ada.lovelace@example.com", "Admin", "command line", &[]),
    ];
    rows.iter_mut().for_each(|row| row.object.link = None);
    let base = "/console/audit";
    AuditPage {
        chrome: chrome("Audit · the installation"),
        head: None,
        base: base.into(),
        chain: ChainCard { head: 3, check: None, ..chain(base, false) },
        kinds: words::OF_INSTALLATION,
        rows,
        older: None,
        csv: format!("{base}/export"),
        lines: format!("{base}/export?format=jsonl"),
        ..list(false)
    }
}

fn empty(searched: bool) -> AuditPage {
    let filters =
        Filters { q: "nobody".into(), from: "26.11.2026".into(), actor: "Ada".into(), ..Filters::default() };
    let mut errors = Errors::default();
    errors.add("from", "This is no date. Write it like 2026-11-26.");
    AuditPage {
        chrome: Chrome::of("Audit · Northwind Hospital", Some(&person(AdminRole::Auditor).admin)),
        chain: ChainCard { head: 0, waiting: 3, check: None, ..chain(BASE, false) },
        filters: if searched { filters } else { Filters::default() },
        errors: if searched { errors } else { Errors::default() },
        rows: Vec::new(),
        older: None,
        ..list(false)
    }
}

fn entry(event: &str, payload: Option<serde_json::Value>, fault: bool) -> EntryPage {
    let (what, kind) = words::event(event, payload.as_ref());
    EntryPage {
        chrome: chrome("Entry 48210 · Audit"),
        head: Some(head("audit")),
        base: BASE.into(),
        number: 48_210,
        what: Badge::new(kind, what),
        event: event.into(),
        object: row(48_210, event, "amara.okafor@northwind.example", "User", "", &[]).object,
        version: 4,
        who: "token Okta production".into(),
        who_id: "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a91".into(),
        when: at(0),
        cause: "02ebcb13-26c7-4efa-8baa-d87413678907".into(),
        differences: differences::of(payload.as_ref()),
        facts: differences::facts(payload.as_ref()),
        notes: payload.as_ref().map(crate::pages::user::history::notes).unwrap_or_default(),
        raw: payload.as_ref().and_then(|payload| serde_json::to_string_pretty(payload).ok()),
        digest: hash("5e"),
        hash: hash("a7"),
        fault: chain(BASE, fault).fault_at(48_210).cloned(),
        verified: (!fault).then(|| at(0)),
        links: Links {
            of_object: format!("{BASE}?object=1"),
            of_actor: format!("{BASE}?actor=Okta"),
            of_request: format!("{BASE}?request=1"),
            older: Some(format!("{BASE}/48209")),
            newer: Some(format!("{BASE}/48211")),
        },
    }
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    let updated = json!({
        "before": {"title": "Nurse", "name": {"familyName": "Okafor"}, "nickName": "Am", "emails": [{"value": "amara@old.example", "type": "work"}]},
        "state": {"title": "Head nurse", "name": {"familyName": "Okafor-Lindqvist"}, "timezone": "Europe/Oslo", "emails": [{"value": "amara.okafor@northwind.example", "type": "work", "primary": true}]},
        "notes": [{"path": "locale", "text": "was left out: Envi has no such attribute"}],
    });
    let granted = json!({"role": {"key": "manager", "name": "Manager"}, "group": {"id": "0199f0a0", "display": "Envi_Manager"}});
    let running = AuditPage {
        chain: ChainCard { running: Some(12_500), check: None, waiting: 3, ..chain(BASE, false) },
        ..list(false)
    };
    let further = AuditPage { rows: Vec::new(), ..list(false) };
    vec![
        ("audit", list(false).render()),
        ("audit-fault", list(true).render()),
        ("audit-running", running.render()),
        ("audit-further", further.render()),
        ("audit-empty", empty(false).render()),
        ("audit-searched", empty(true).render()),
        ("audit-installation", installation().render()),
        ("audit-entry", entry("user.updated", Some(updated.clone()), false).render()),
        ("audit-entry-fault", entry("user.updated", Some(updated), true).render()),
        ("audit-entry-role", entry("role.granted", Some(granted), false).render()),
        ("audit-entry-purged", entry("user.deactivated", None, false).render()),
    ]
}

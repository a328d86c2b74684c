//! Pages about the installation itself.

use super::{at, chrome};
use askama::Template;

use crate::{
    chrome::Badge,
    form::Errors,
    pages::{
        platform_token::PlatformTokenPage,
        platform_tokens::{Event, Issued, NewTokenForm, PlatformTokensPage, Row},
        setup::token_form,
    },
};
use token_service::Longest;

fn row(name: &str, hint: &str, scope: &str, state: Badge, live: bool) -> Row {
    Row {
        id: format!("0199f0a0-0000-7000-8000-00000000{hint}"),
        name: name.into(),
        hint: hint.into(),
        scope: scope.into(),
        from: if live { "203.0.113.0/24".into() } else { String::new() },
        report_only: false,
        created: at(-90),
        created_by: "command line".into(),
        used: live.then(|| at(0)),
        used_from: if live { "203.0.113.7 billing/1.4".into() } else { String::new() },
        expires: at(275),
        state,
        live,
        rotates: live,
    }
}

fn tokens(empty: bool, issued: bool, wrong: bool) -> PlatformTokensPage {
    let rows = vec![
        row("Billing service", "a1b2", "directory:read", Badge::new("ok", "Active"), true),
        row("Onboarding", "c3d4", "admin:* directory:read", Badge::new("quiet", "Revoked"), false),
    ];
    let event = |what: &str, who: &str, days| Event { what: what.into(), who: who.into(), at: at(days) };
    let events = vec![
        event("Token “Onboarding” revoked", "ada.lovelace@example.com", -2),
        event("Token “Billing service” made", "command line", -90),
        event("Person “ada.lovelace@example.com” entered", "command line", -91),
    ];
    let mut errors = Errors::default();
    if wrong {
        errors.add("name", "A platform token named \"Billing service\" exists; revoke it first.");
        errors.add("from", "\"example.com\" is no network; write an address or CIDR.");
        errors.add("scopes", "Choose at least one.");
    }
    PlatformTokensPage {
        chrome: chrome("Platform tokens"),
        notice: None,
        issued: issued.then(|| Issued {
            name: "Billing service".into(),
            token: format!("rcl_{}.{}", "eyJhbGciOiJFZERTQSIsImtpZCI6IjAxOTlmMGEwIn0", "ab".repeat(150)),
            old: Some("The old token, …a1b2, works until 22 Nov 2026, 10:00 UTC (in 1 day).".into()),
        }),
        address: "https://scim.example.com/api/v1".into(),
        rows: if empty { Vec::new() } else { rows },
        choices: token_form::choices(Longest::of(None, None)),
        typed: NewTokenForm::fresh(Longest::of(None, None)),
        errors,
        events: if empty { Vec::new() } else { events },
    }
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    let state = Badge::new("ok", "Active");
    let token = row("Billing service", "a1b2", "directory:read", state, true);
    let one = PlatformTokenPage::new(chrome("Billing service"), token);
    vec![
        ("platform-tokens", tokens(false, false, false).render()),
        ("platform-tokens-empty", tokens(true, false, false).render()),
        ("platform-tokens-issued", tokens(false, true, false).render()),
        ("platform-tokens-wrong", tokens(false, false, true).render()),
        ("platform-token", one.render()),
    ]
}

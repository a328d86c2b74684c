//! The installation's overview, host names, and the end of a tenant.

use askama::Template;
use store::{
    activity::{HOUR, HourOfTraffic, Traffic, hour_of},
    admins::AdminRole,
};

use super::{NOW, at, chrome, head, person, setup};
use crate::{
    chrome::{Badge, Chrome},
    form::Errors,
    pager::Pager,
    pages::{
        delete_tenant::DeleteTenantPage,
        deleted_tenants::{self, DeletedTenantsPage},
        domains::{self, DomainsPage},
        installation::{InstallationPage, Line, Section, Stat},
    },
    plot::{Plot, Span},
};

/// A working day with a bad hour.
pub(super) fn plot(span: Span, quiet: bool) -> Plot {
    let hours = (0..30 * 24).map(|ago: i64| {
        let at = hour_of(NOW) - ago * HOUR;
        let of_day = at.div_euclid(HOUR).rem_euclid(24);
        let requests =
            if (7..19).contains(&of_day) { 180 - (of_day - 12).pow(2) * 4 } else { of_day % 5 * 3 };
        let client_errors = if of_day == 9 { 74 } else { requests / 40 };
        let traffic = Traffic { requests, client_errors, server_errors: 0, duration_us: 0 };
        HourOfTraffic { hour: at, traffic }
    });
    let hours: Vec<_> = hours.filter(|_| !quiet).collect();
    Plot::new(span, &hours, NOW)
}

fn stat(value: &str, label: &'static str, detail: &str) -> Stat {
    Stat {
        value: value.into(),
        label,
        detail: detail.into(),
        href: (label == "tenants").then_some("/console/tenants"),
    }
}

fn line(badge: Badge, slug: &str, name: &str, text: &str, next: &'static str) -> Line {
    let link = format!("/console/tenants/{slug}");
    Line { badge, slug: slug.into(), name: name.into(), text: text.into(), next: (next, link) }
}

fn sections() -> Vec<Section> {
    vec![
        Section {
            id: "failing",
            title: "Requests that fail".into(),
            hint: "A fifth or more of a tenant's requests failed in the last 24 hours. Each failure stands as a task in Okta, or is tried again by Entra ID.",
            lines: vec![line(
                Badge::new("bad", "Failing"),
                "contoso",
                "Contoso Health",
                "74 of 180 requests in 24 hours failed (41 %). The last one 3 minutes ago: 409 uniqueness, POST /Users.",
                "See what fails",
            )],
            more: 0,
        },
        Section {
            id: "expiring",
            title: "Credentials that end soon".into(),
            hint: "Within 60 days. Make the next one and give it to the customer before: when it ends, its identity provider is refused.",
            lines: vec![
                line(
                    Badge::new("bad", "Ends in 3 days"),
                    "fabrikam",
                    "Fabrikam Clinics",
                    "Token “Okta”, on 24 Nov 2026, 10:00 UTC.",
                    "Rotate it",
                ),
                line(
                    Badge::new("warn", "Ends in 44 days"),
                    "adventure",
                    "Adventure Works Surgical Partners of the North",
                    "User name “okta@adventure”, on 4 Jan 2027, 10:00 UTC.",
                    "Replace it",
                ),
            ],
            more: 12,
        },
        Section {
            id: "silent",
            title: "Tenants that went silent".into(),
            hint: crate::health::QUIET,
            lines: vec![line(
                Badge::new("quiet", "Silent"),
                "litware",
                "Litware",
                "Last heard 9 days ago.",
                "Test the connection",
            )],
            more: 0,
        },
    ]
}

fn installation(span: Span, quiet: bool, empty: bool, role: AdminRole) -> InstallationPage {
    InstallationPage {
        chrome: Chrome::of("Overview", Some(&person(role).admin)),
        stats: vec![
            stat("48", "tenants", "45 active"),
            stat("104212", "users", "active or not"),
            stat("1734", "requests", "in the last 24 hours, 74 failed (4 %)"),
        ],
        plot: plot(span, quiet),
        plot_path: "/console/".into(),
        sections: if quiet { Vec::new() } else { sections() },
        empty,
        refusals: (!quiet && !empty).then(|| setup::refusals(2)),
    }
}

fn domain(host: &str, state: Badge, proven: bool, problem: Option<&str>) -> domains::Row {
    domains::Row {
        host: host.into(),
        ids: domains::ids(host.len()),
        state,
        base_url: format!("https://{host}/scim"),
        record: format!("_rollcall.{host}"),
        text: format!("rollcall-domain-verification={}", "0f1e2d3c".repeat(4)),
        proven,
        claimed: at(-2),
        claimed_by: "ada.lovelace@example.com".into(),
        checked: problem.map(|_| at(0)),
        problem: problem.map(str::to_owned),
        ends: (!proven || problem.is_some()).then(|| at(5)),
    }
}

fn domains(empty: bool, wrong: bool) -> DomainsPage {
    let mut errors = Errors::default();
    if wrong {
        errors.add("host", "Enter the host name alone, without https:// and without a path.");
    }
    let rows = vec![
        domain("scim.northwind.example", Badge::new("ok", "Proven"), true, None),
        domain(
            "directory.northwind.example",
            Badge::new("bad", "Proof missing"),
            true,
            Some("There is no TXT record of that name yet."),
        ),
        domain(
            "xn--mnchen-3ya.northwind.example",
            Badge::new("warn", "Not proven"),
            false,
            Some("There is a TXT record of that name, but it holds something else."),
        ),
    ];
    DomainsPage {
        chrome: chrome("Host names"),
        head: head("settings"),
        notice: None,
        given: Some("northwind.customers.example".into()),
        rows: if empty { Vec::new() } else { rows },
        full: false,
        host: if wrong { "https://northwind.example".into() } else { String::new() },
        errors,
    }
}

fn delete(wrong: bool) -> DeleteTenantPage {
    let mut errors = Errors::default();
    if wrong {
        errors.add(
            "confirm",
            "That is not northwind, so nothing was deleted; type the slug exactly as it is shown.",
        );
    }
    DeleteTenantPage {
        chrome: chrome("Delete Northwind Hospital"),
        head: head("settings"),
        contents: "1284 users and 31 groups".into(),
        credentials: 2,
        retention: "30 days".into(),
        typed: if wrong { "northwing".into() } else { String::new() },
        errors,
    }
}

fn deleted(empty: bool) -> DeletedTenantsPage {
    let row = |slug: &str, name: &str, days, restorable| deleted_tenants::Row {
        id: format!("0199f0a0-0000-7000-8000-0000000{:05}", slug.len()),
        slug: slug.into(),
        name: name.into(),
        deleted: at(days),
        deleted_by: "ada.lovelace@example.com".into(),
        purged: at(days + 30),
        restorable,
    };
    let rows = vec![row("tailspin", "Tailspin Dental", -2, true), row("wingtip", "Wingtip Labs", -31, false)];
    DeletedTenantsPage {
        chrome: chrome("Deleted tenants"),
        notice: (!empty).then_some("The tenant is deleted: it is there for nobody any more."),
        retention: "30 days".into(),
        rows: if empty { Vec::new() } else { rows },
        pager: Pager::default(),
    }
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    vec![
        ("installation", installation(Span::Day, false, false, AdminRole::Operator).render()),
        ("installation-month", installation(Span::Month, false, false, AdminRole::Auditor).render()),
        ("installation-week", installation(Span::Week, false, false, AdminRole::Operator).render()),
        ("installation-quiet", installation(Span::Day, true, false, AdminRole::Operator).render()),
        ("installation-empty", installation(Span::Day, true, true, AdminRole::Operator).render()),
        ("installation-nobodys", installation(Span::Day, true, true, AdminRole::Manager).render()),
        ("domains", domains(false, false).render()),
        ("domains-empty", domains(true, false).render()),
        ("domains-wrong", domains(true, true).render()),
        ("delete-tenant", delete(false).render()),
        ("delete-tenant-wrong", delete(true).render()),
        ("deleted-tenants", deleted(false).render()),
        ("deleted-tenants-empty", deleted(true).render()),
    ]
}

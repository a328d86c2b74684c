//! Every template with sample data: each page must keep the console's rules, and can be written out to be looked at
//! (`CONSOLE_SAMPLES=DIR`).

mod activity;
mod audit;
mod configuration;
mod destinations;
mod guest;
mod imports;
mod keys;
mod people;
mod platform;
mod roles;
mod rules;
mod setup;
mod sign_in;
mod tenants;

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use store::{
    AdminId,
    admins::{Admin, AdminRole},
    tenants::TenantCounts,
};

use crate::{
    chrome::{Badge, Chrome, TenantHead},
    error::PageError,
    extract::Person,
    findings::{Finding, Weight},
    form::Errors,
    health::{Health, Next},
    pager::Pager,
    pages::{
        deactivate::DeactivatePage,
        delivery::Kept,
        new_tenant::{NewTenantForm, NewTenantPage, Product},
        overview::OverviewPage,
        tenants::{Row, TenantsPage},
    },
    plot::Span,
    when::Moment,
};

const NOW: i64 = 1_795_255_200_000;
const DAY: i64 = 86_400_000;

fn chrome(title: &str) -> Chrome {
    Chrome::of(title, Some(&person(AdminRole::Operator).admin))
}

fn person(role: AdminRole) -> Person {
    let admin = Admin {
        id: AdminId::generate(),
        email: "ada.lovelace@example.com".into(),
        password_hash: String::new(),
        role,
        tenants: BTreeSet::new(),
        created_at: NOW,
    };
    Person { admin: Arc::new(admin), sitting: None }
}

fn head(tab: &'static str) -> TenantHead {
    TenantHead {
        slug: "northwind".into(),
        name: "Northwind Hospital".into(),
        product: "Envi".into(),
        status: Badge::active(true),
        groups: true,
        page: "SCIM Configuration".into(),
        page_open: true,
        value_sets: true,
        tab,
    }
}

fn at(days: i64) -> Moment {
    Moment::new(NOW + days * DAY - 7_380_000, NOW)
}

fn tenant_list(empty: bool) -> TenantsPage {
    let row = |slug: &str, name: &str, product: &str, active, users, groups, credential: Badge| Row {
        slug: slug.into(),
        name: name.into(),
        product: product.into(),
        status: Badge::active(active),
        users,
        groups,
        heard: (users > 0).then(|| at(if users > 400 { 0 } else { -9 })),
        credential,
    };
    let rows = vec![
        row(
            "northwind",
            "Northwind Hospital",
            "Envi",
            true,
            1284,
            Some(31),
            Badge::new("ok", "Ends in 10 months"),
        ),
        row("contoso", "Contoso Health", "Epic EMP", true, 412, None, Badge::new("warn", "Ends in 19 days")),
        row("fabrikam", "Fabrikam Clinics", "MDScripts", true, 37, None, Badge::new("bad", "Ends in 3 days")),
        row(
            "litware",
            "Litware",
            "Generic SCIM 2.0",
            false,
            0,
            Some(0),
            Badge::new("quiet", "No credential"),
        ),
        row(
            "adventure",
            "Adventure Works Surgical Partners of the North",
            "Eptura Engage",
            true,
            9,
            Some(2),
            Badge::new("bad", "No live credential"),
        ),
    ];
    let rows = if empty { Vec::new() } else { rows };
    TenantsPage {
        chrome: chrome("Tenants"),
        search: String::new(),
        status: String::new(),
        profile: String::new(),
        profiles: crate::pages::new_tenant::products(),
        summary: "48 tenants".into(),
        pager: if empty { Pager::default() } else { Pager::new("/console/tenants", &[], 1, 25, 48) },
        rows,
    }
}

fn new_tenant() -> NewTenantPage {
    let product = |name: &str, title: &str, summary: &str| Product {
        name: name.into(),
        title: title.into(),
        summary: summary.into(),
        facts: vec![
            ("Signs in with", "bearer token".into()),
            ("Base path", "/scim/v2".into()),
            ("Groups", "yes; Envi_… gives a role".into()),
            ("Same userName again", "refused (409)".into()),
            ("Delete", "hides the user, frees the name".into()),
        ],
    };
    let mut errors = Errors::default();
    errors.add("slug", "This slug is taken. A slug is never used twice, not even after its tenant is gone.");
    NewTenantPage {
        chrome: chrome("New tenant"),
        typed: NewTenantForm {
            name: "Northwind Hospital".into(),
            slug: "northwind".into(),
            profile: "envi".into(),
            compatibility: "lenient".into(),
        },
        errors,
        products: vec![
            product(
                "generic",
                "Generic SCIM 2.0",
                "All of the core schemas and the enterprise extension, nothing more.",
            ),
            product("epic-emp", "Epic EMP", "Clinicians with an NPI and a DEA licence."),
            product("mdscripts", "MDScripts", "Prescribers and staff of a practice, by site number."),
            product("envi", "Envi", "Buyers and managers of a supply chain; groups named Envi_… give roles."),
        ],
        origin: "https://scim.example.com".into(),
    }
}

fn overview(active: bool, role: AdminRole) -> OverviewPage {
    let mut page_head = head("overview");
    page_head.status = Badge::active(active);
    OverviewPage {
        chrome: Chrome::of("Northwind Hospital", Some(&person(role).admin)),
        head: page_head,
        active,
        notice: (!active)
            .then_some("The tenant is made. Activate it when its identity provider may connect."),
        counts: TenantCounts { users: 1284, active_users: 1251, groups: 31, roles: 9, credentials: 2 },
        health: if active {
            Health {
                badge: Badge::new("bad", "Failing"),
                text: "The last request failed 3 minutes ago: 409 uniqueness, POST /Users.".into(),
                next: Next::Failures,
            }
        } else {
            Health {
                badge: Badge::new("quiet", "Not connected"),
                text: "There is no credential yet with which an identity provider could get in.".into(),
                next: Next::Credential,
            }
        },
        findings: vec![Finding {
            code: "users-without-groups",
            weight: Weight::Look,
            what: "Users arrive, the first 3 days ago, but no group has been pushed.".into(),
            next: "In Okta choose the groups under Push Groups.",
        }],
        next: Some(("See what fails", "/console/tenants/northwind/activity?outcome=failed".into())),
        success: active.then(|| at(0)),
        failure: active.then(|| (at(0), "409 uniqueness, POST /Users".into(), "0199f0a0".into())),
        closed: if active {
            Vec::new()
        } else {
            vec!["Domain type is not set; this page is there for Simple.".into()]
        },
        own_urls: active.then(|| "https://scim.northwind.example/scim".to_owned()).into_iter().collect(),
        plot: tenants::plot(Span::Day, !active),
        kept: if active { destinations::kept() } else { Kept::default() },
        plot_path: "/console/tenants/northwind".into(),
        valid_token: active,
        next_end: active.then(|| ("Okta production".into(), Badge::new("warn", "in 44 days"))),
        profile_version: 3,
        organization: Some(("Organization".into(), active.then(|| "For Testing Purpose".into()))),
        properties: vec![("Domain type".into(), "Simple".into())],
        errors: Errors::default(),
    }
}

fn pages() -> Vec<(&'static str, String)> {
    let deactivate = DeactivatePage { chrome: chrome("Deactivate Northwind"), head: head("setup") };
    vec![
        ("tenants", tenant_list(false).render()),
        ("tenants-empty", tenant_list(true).render()),
        ("new-tenant", new_tenant().render()),
        ("overview", overview(true, AdminRole::Operator).render()),
        ("overview-inactive", overview(false, AdminRole::Operator).render()),
        ("overview-auditor", overview(true, AdminRole::Auditor).render()),
        ("deactivate", deactivate.render()),
        ("error", Ok(PageError::NotFound.sample(Some(&person(AdminRole::Manager))))),
        (
            "error-not-yours",
            Ok(PageError::NotYours(AdminRole::Auditor).sample(Some(&person(AdminRole::Auditor)))),
        ),
        ("error-signed-out", Ok(PageError::SignedOut.sample(None))),
    ]
    .into_iter()
    .chain(setup::pages())
    .chain(guest::pages())
    .chain(keys::pages())
    .chain(people::pages())
    .chain(roles::pages())
    .chain(imports::pages())
    .chain(platform::pages())
    .chain(destinations::pages())
    .chain(audit::pages())
    .chain(sign_in::pages())
    .chain(configuration::pages())
    .chain(tenants::pages())
    .chain(rules::pages())
    .chain(activity::pages())
    .map(|(name, page)| (name, page.expect("a page")))
    .collect()
}

#[test]
fn every_page_keeps_the_rules() {
    for (name, html) in pages() {
        assert_eq!(html.matches("<h1").count(), 1, "{name}: one h1");
        assert!(
            html.contains("<html lang=\"en\">") && html.contains("<main ") && html.contains("class=\"skip\""),
            "{name}"
        );
        assert!(!html.contains(" style=") && !html.contains("<style"), "{name}: inline style");
        let handler = html
            .split(" on")
            .skip(1)
            .any(|rest| rest.trim_start_matches(|ch: char| ch.is_ascii_lowercase()).starts_with("=\""));
        assert!(
            !html.contains("<script>") && !html.contains("<img src=x") && !handler,
            "{name}: inline script"
        );
        assert!(
            !html.contains("href=\"\"") && !html.contains("src=\"\""),
            "{name}: a static file is missing"
        );
        assert!(!html.contains("//cdn") && !html.contains("https://unpkg"), "{name}");
        let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        for id in &ids {
            assert_eq!(ids.iter().filter(|other| other == &id).count(), 1, "{name}: id {id} twice");
        }
        for target in html.split(" for=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(ids.contains(&target), "{name}: label for {target}");
        }
        for list in html.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(ids.contains(&list), "{name}: aria-labelledby {list}");
        }
    }
}

/// Writes all pages to the folder that `CONSOLE_SAMPLES` names, if any.
#[test]
fn pages_can_be_looked_at() {
    let Some(folder) = std::env::var_os("CONSOLE_SAMPLES").map(std::path::PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).expect("folder");
    for (name, html) in pages() {
        std::fs::write(folder.join(format!("{name}.html")), html).expect("page");
    }
    crate::assets::write_all(&folder);
}

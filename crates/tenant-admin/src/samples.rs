//! Every template with sample data: each page must keep the console's rules, and can be written out to be looked at
//! (`CONSOLE_SAMPLES=DIR`).

mod configuration;

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use serde_json::json;
use store::{
    AdminId,
    admins::{Admin, AdminRole},
    tenants::TenantCounts,
};

use crate::{
    chrome::{Badge, Chrome, TenantHead},
    error::PageError,
    extract::Person,
    form::Errors,
    pager::Pager,
    pages::{
        deactivate::DeactivatePage,
        group::GroupPage,
        groups::{GroupRow, GroupsPage},
        new_tenant::{NewTenantForm, NewTenantPage, Product},
        overview::OverviewPage,
        purge::PurgePage,
        revoke::RevokePage,
        rotate::RotatePage,
        setup::{BaseUrl, Credentials, IssuedLogin, IssuedToken, LoginForm, SetupPage, TokenForm, TokenRow},
        sign_in::SignInPage,
        tenants::{Row, TenantsPage},
        user::{
            Deleted, InGroup, Link, RoleRow, UserPage,
            attributes::{AttributeRow, Section, Shown},
            history::{Change, Entry, Noted},
        },
        users::{UserRow, UsersPage, View},
    },
    when::{DAY, Moment},
};

const NOW: i64 = 1_795_255_200_000;

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
    Person { admin: Arc::new(admin) }
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

fn tenants(empty: bool) -> TenantsPage {
    let row = |slug: &str, name: &str, product: &str, active, users, groups, token: Badge| Row {
        slug: slug.into(),
        name: name.into(),
        product: product.into(),
        status: Badge::active(active),
        users,
        inactive_users: users / 40,
        groups,
        token,
    };
    let rows = vec![
        row("northwind", "Northwind Hospital", "Envi", true, 1284, Some(31), Badge::new("ok", "Active")),
        row(
            "contoso",
            "Contoso Health",
            "Epic EMP",
            true,
            412,
            None,
            Badge::new("warn", "Expires in 19 days"),
        ),
        row(
            "fabrikam",
            "Fabrikam Clinics",
            "MDScripts",
            true,
            37,
            None,
            Badge::new("bad", "Expires in 3 days"),
        ),
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
        summary: "48 tenants".into(),
        pager: if empty { Pager::default() } else { Pager::new("/console/", &[], 1, 25, 48) },
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

fn token(name: &str, hint: &str, state: Badge, live: bool) -> TokenRow {
    TokenRow {
        id: format!("0199f0a0-0000-7000-8000-00000000{hint}"),
        name: name.into(),
        hint: hint.into(),
        scope: "scim:read scim:write".into(),
        created: at(-90),
        created_by: "ada.lovelace@example.com".into(),
        used: live.then(|| at(0)),
        used_from: if live { "203.0.113.7, Okta SCIM Client 1.0.0".into() } else { String::new() },
        expires: Some(at(if live { 275 } else { -2 })),
        state,
        live,
        serves: live,
        last_live: live,
        personal: false,
        replaced: false,
        rotates: live,
        basic: false,
    }
}

fn login(username: &str, id: &str, live: bool) -> TokenRow {
    let state = if live { Badge::new("ok", "Active") } else { Badge::new("quiet", "Revoked") };
    let row = token(username, id, state, live);
    TokenRow { hint: String::new(), basic: true, rotates: false, expires: None, ..row }
}

/// A token that was rotated, and the one that took its place.
fn rotated() -> Vec<TokenRow> {
    let new = token("Okta production", "e5f6", Badge::new("ok", "Active"), true);
    let old = token("Okta production", "a1b2", Badge::new("warn", "Until 22 Nov 2026, 10:00 UTC"), true);
    let old = TokenRow { replaced: true, rotates: false, last_live: false, expires: Some(at(1)), ..old };
    vec![TokenRow { last_live: false, ..new }, old]
}

/// The page of a product with user names and passwords.
fn setup_with_logins(issued: bool, wrong: bool) -> SetupPage {
    let mut page = setup(true, false, false);
    if wrong {
        page.errors.add("username", "\"okta@northwind\" is in use; a user name is unique among all tenants.");
        page.credentials.typed_login.username = "okta@northwind".into();
    }
    page.head.groups = false;
    page.prefix = None;
    let credentials = &mut page.credentials;
    (credentials.bearer, credentials.basic, credentials.tokens) = (false, true, Vec::new());
    credentials.logins =
        vec![login("okta@northwind", "a7b8", true), login("okta-test@northwind", "c9d0", false)];
    credentials.issued_login = issued.then(|| IssuedLogin {
        username: "okta@northwind".into(),
        password: "7vHqTn4ZcRx9mKpWd3sYbG2e".into(),
    });
    page
}

fn setup(active: bool, issued: bool, wrong: bool) -> SetupPage {
    let mut page_head = head("setup");
    page_head.status = Badge::active(active);
    let mut errors = Errors::default();
    if wrong {
        errors.add("name", "A live token has this name already. Choose another one.");
        errors.add("date", "Choose a day that is not over yet.");
    }
    let issued = issued.then(|| IssuedToken {
        name: "Okta production".into(),
        old: None,
        token: format!("rcl_{}.{}", "eyJhbGciOiJFZERTQSIsImtpZCI6IjAxOTlmMGEwIn0", "ab".repeat(150)),
    });
    SetupPage {
        chrome: chrome("Setup · Northwind Hospital"),
        active,
        notice: (!active).then_some("The tenant is inactive: its identity provider is answered 403."),
        base_urls: vec![
            BaseUrl {
                id: "base-url",
                label: "Base URL",
                value: "https://scim.example.com/t/northwind/scim/v2".into(),
            },
            BaseUrl {
                id: "base-url-host",
                label: "The same, on the tenant's own host",
                value: "https://northwind.scim.example.com/scim/v2".into(),
            },
        ],
        credentials: Credentials {
            bearer: true,
            basic: false,
            with_bearer: true,
            valid: active || issued.is_some(),
            tokens: if active || issued.is_some() {
                vec![
                    token("Okta production", "a1b2", Badge::new("ok", "Active"), true),
                    token("Okta test", "c3d4", Badge::new("quiet", "Revoked"), false),
                ]
            } else {
                Vec::new()
            },
            logins: Vec::new(),
            issued_token: issued,
            issued_login: None,
            typed_token: TokenForm {
                expires: if wrong { "date" } else { "1y" }.into(),
                ..TokenForm::fresh()
            },
            typed_login: LoginForm::default(),
            days: ("2026-11-21".into(), "2036-11-20".into()),
        },
        errors,
        organization: Some(("Organization".into(), active.then(|| "For Testing Purpose".into()))),
        quick_name: "SCIM Configuration 2026-11-21 10:00:00".into(),
        prefix: Some("Envi_".into()),
        head: page_head,
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
        valid_token: active,
        profile_version: 3,
        organization: Some(("Organization".into(), active.then(|| "For Testing Purpose".into()))),
        properties: vec![("Domain type".into(), "Simple".into())],
        errors: Errors::default(),
    }
}

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

fn sign_in(nobody: bool, refused: bool) -> SignInPage {
    SignInPage {
        chrome: Chrome::of("Sign in", None),
        nobody,
        email: if refused { "ada@example.com".into() } else { String::new() },
        next: "/console/".into(),
        refused,
    }
}

fn pages() -> Vec<(&'static str, String)> {
    let revoke = RevokePage {
        chrome: chrome("Revoke Okta production"),
        head: head("setup"),
        token: token("Okta production", "a1b2", Badge::new("ok", "Active"), true),
        mistyped: true,
    };
    let revoke_login = RevokePage {
        chrome: chrome("Revoke okta@northwind"),
        head: head("setup"),
        token: login("okta@northwind", "a7b8", true),
        mistyped: false,
    };
    let rotate = RotatePage {
        chrome: chrome("Rotate Okta production"),
        head: head("setup"),
        token: token("Okta production", "a1b2", Badge::new("ok", "Active"), true),
    };
    let mut after_rotation = setup(true, true, false);
    after_rotation.credentials.tokens = rotated();
    if let Some(issued) = &mut after_rotation.credentials.issued_token {
        issued.old = Some("The old token, …a1b2, works until 22 Nov 2026, 10:00 UTC (in 1 day).".into());
    }
    let mut both = setup(true, false, false);
    both.credentials.basic = true;
    both.credentials.logins = vec![login("okta@northwind", "a7b8", true)];
    let deactivate = DeactivatePage { chrome: chrome("Deactivate Northwind"), head: head("setup") };
    vec![
        ("sign-in", sign_in(false, false).render()),
        ("sign-in-refused", sign_in(false, true).render()),
        ("sign-in-nobody", sign_in(true, false).render()),
        ("tenants", tenants(false).render()),
        ("tenants-empty", tenants(true).render()),
        ("new-tenant", new_tenant().render()),
        ("overview", overview(true, AdminRole::Operator).render()),
        ("overview-inactive", overview(false, AdminRole::Operator).render()),
        ("overview-auditor", overview(true, AdminRole::Auditor).render()),
        ("setup", setup(true, false, false).render()),
        ("setup-inactive", setup(false, false, false).render()),
        ("setup-issued", setup(true, true, false).render()),
        ("setup-wrong", setup(true, false, true).render()),
        ("setup-rotated", after_rotation.render()),
        ("setup-logins", setup_with_logins(false, false).render()),
        ("setup-logins-issued", setup_with_logins(true, false).render()),
        ("setup-logins-wrong", setup_with_logins(false, true).render()),
        ("setup-both", both.render()),
        ("rotate", rotate.render()),
        ("revoke-login", revoke_login.render()),
        ("revoke", revoke.render()),
        ("deactivate", deactivate.render()),
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
        ("error", Ok(PageError::NotFound.sample(Some(&person(AdminRole::Manager))))),
        (
            "error-not-yours",
            Ok(PageError::NotYours(AdminRole::Auditor).sample(Some(&person(AdminRole::Auditor)))),
        ),
        ("error-signed-out", Ok(PageError::SignedOut.sample(None))),
    ]
    .into_iter()
    .chain(configuration::pages())
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

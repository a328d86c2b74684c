//! The page with the connection data, and what is asked before a credential changes.

use askama::Template;

use super::{NOW, at, chrome, head};
use crate::{
    chrome::Badge,
    form::Errors,
    pages::{
        federation::{FederationForm, FederationPage, Trusted},
        networks::{NetworksForm, NetworksPage},
        revoke::RevokePage,
        rotate::RotatePage,
        setup::{
            ClientForm, Credentials, IssuedClient, IssuedLogin, IssuedToken, LoginForm, RefusalRow, Refusals,
            RotationRow, SetupPage, TokenForm, TokenRow,
        },
    },
    when::Moment,
};

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
        networks: if live { vec!["203.0.113.0/24".into(), "2001:db8::/32".into()] } else { Vec::new() },
        report_only: false,
        ended: false,
        too_long: live.then(|| "90 days".into()),
        basic: false,
        client_id: None,
    }
}

fn client(name: &str, id: &str) -> TokenRow {
    let row = token(name, id, Badge::new("ok", "Active"), true);
    let client_id = Some(format!("rc_0f1e2d3c4b5a69788796a5b4c3d2{id}"));
    TokenRow { hint: String::new(), rotates: false, last_live: false, client_id, ..row }
}

/// The page of a product that takes everything.
fn setup_with_clients(issued: bool, wrong: bool) -> SetupPage {
    let mut page = setup(true, false, false);
    if wrong {
        page.errors.add(
            "client-name",
            "A credential named \"Entra\" exists; revoke it first, or choose another name.",
        );
        page.credentials.typed_client.name = "Entra".into();
    }
    let credentials = &mut page.credentials;
    credentials.basic = true;
    credentials.token_url = Some("https://scim.example.com/oauth/token".into());
    credentials.clients = vec![client("Entra", "a7b8"), client("Entra test", "c9d0")];
    credentials.issued_client = issued.then(|| IssuedClient {
        name: "Entra".into(),
        client_id: "rc_0f1e2d3c4b5a69788796a5b4c3d2a7b8".into(),
        secret: format!("rcs_{}", "Zx9".repeat(14) + "q"),
    });
    page
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

pub(super) fn setup(active: bool, issued: bool, wrong: bool) -> SetupPage {
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
    let longest = token_service::Longest::of(None, None);
    SetupPage {
        chrome: chrome("Setup · Northwind Hospital"),
        active,
        notice: (!active).then_some("The tenant is inactive: its identity provider is answered 403."),
        connection: super::guest::connection("envi", "okta-oin", if active { 4 } else { 0 }),
        credentials: Credentials {
            bearer: true,
            basic: false,
            token_url: None,
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
            issued_client: None,
            clients: Vec::new(),
            typed_client: ClientForm::fresh(longest),
            typed_token: TokenForm {
                expires: if wrong { "date" } else { "1y" }.into(),
                ..TokenForm::fresh(longest)
            },
            typed_login: LoginForm::default(),
            days: ("2026-11-21".into(), "2036-11-20".into()),
            choices: vec![("30d", "30 days".into()), ("1y", "1 year".into()), ("10y", "10 years".into())],
            quick: ("1y", "1 year".into()),
            limit: wrong.then(|| "90 days".into()),
            rotations: Vec::new(),
        },
        errors,
        organization: Some(("Organization".into(), active.then(|| "For Testing Purpose".into()))),
        quick_name: "SCIM Configuration 2026-11-21 10:00:00".into(),
        prefix: Some("Envi_".into()),
        links: active.then(super::guest::links),
        refusals: if active { refusals(8) } else { Refusals::new("What was refused", Vec::new()) },
        head: page_head,
    }
}

/// So many refusals.
pub(super) fn refusals(count: usize) -> Refusals {
    let row = |at: i64, count: u64, what: &str, remedy: &'static str, sent: &str, username: Option<&str>| {
        RefusalRow {
            status: 401,
            last: Moment::new(NOW - at * 1000, NOW),
            first: (count > 1).then(|| Moment::new(NOW - (at + 3600) * 1000, NOW)),
            count,
            what: what.into(),
            remedy,
            base_url: "https://scim.example.com/t/northwind/scim/v2".into(),
            sent: sent.into(),
            username: username.map(str::to_owned),
            sender: "203.0.113.7".into(),
            agent: "Okta SCIM Client 1.0.0".into(),
        }
    };
    let rows = vec![
        row(
            12,
            1,
            "The token “Okta test” expired on 2026-11-20 10:00 UTC.",
            "Make a new one and enter it in the identity provider.",
            "Bearer rcl_…, 512 characters, ending in c3d4, #1c29f3d0",
            None,
        ),
        row(
            95,
            14,
            "No Authorization header was sent.",
            "Enter the token in the identity provider. In Okta: Provisioning, Integration, API Token; in Entra: Provisioning, Admin Credentials, Secret Token.",
            "",
            None,
        ),
        row(
            4000,
            3,
            "The user name “okta@northwind”: the password is wrong.",
            "Enter the password that was shown when the user name was made. If it is lost, revoke the user name and make it again.",
            "Basic, #77aa01be",
            Some("okta@northwind"),
        ),
    ];
    Refusals::new("What was refused", rows.into_iter().cycle().take(count).collect())
}

fn federation(trusted: bool, wrong: bool) -> FederationPage {
    let directory = "3f2c1a9e-7d54-4b0e-9a61-5c8d2e7f4b10";
    let issuer = format!("https://sts.windows.net/{directory}/");
    let mut errors = Errors::default();
    let mut typed = FederationForm::default();
    if wrong {
        typed.directory = "northwind.onmicrosoft.com".into();
        typed.issuer = "https://10.0.0.1/".into();
        errors.add("directory", "\"northwind.onmicrosoft.com\" is no directory id; copy the Tenant ID.");
        errors.add("issuer", "10.0.0.1 leads to 10.0.0.1, which is not on the public internet.");
    }
    FederationPage {
        chrome: chrome("Entra ID without a secret token · Northwind Hospital"),
        head: head("setup"),
        active: trusted,
        notice: None,
        no_keys: trusted.then(|| "sts.windows.net did not answer in time".into()),
        base_url: "https://scim.example.com/t/northwind/scim/v2".into(),
        audience: token_service::federation::ENTRA_AUDIENCE,
        current: trusted.then(|| Trusted {
            id: "0199f0a0-0000-7000-8000-00000000a1b2".into(),
            directory: directory.into(),
            issuer,
            audience: token_service::federation::ENTRA_AUDIENCE.into(),
            keys_url: Some("https://login.microsoftonline.com/common/discovery/keys".into()),
            scope: "scim:read scim:write".into(),
            state: Badge::new("ok", "Active"),
            live: true,
            used: Some(at(0)),
            used_from: "203.0.113.7".into(),
        }),
        typed,
        errors,
    }
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
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
    let advice = "The new token, …e5f6, was used 3 minutes ago from 203.0.113.7 Okta SCIM Client 1.0.0; the old one, \
                  …a1b2, was last used 2 hours ago: it is safe to revoke.";
    after_rotation.credentials.rotations = vec![RotationRow {
        name: "Okta <production>".into(),
        advice: advice.into(),
        revoke: Some("0199f0a0-0000-7000-8000-00000000a1b2".into()),
    }];
    let networks = |wrong: bool| {
        let mut errors = Errors::default();
        if wrong {
            errors.add("networks", "\"example.com\" is no network; write an address or CIDR.");
        }
        NetworksPage {
            chrome: chrome("Networks of Okta production"),
            head: head("setup"),
            token: token("Okta production", "a1b2", Badge::new("ok", "Active"), true),
            typed: NetworksForm {
                networks: if wrong { "example.com </textarea>" } else { "203.0.113.0/24\n2001:db8::/32" }
                    .into(),
                report_only: wrong.then(|| "on".into()),
            },
            errors,
        }
    };
    let mut both = setup(true, false, false);
    both.credentials.basic = true;
    both.credentials.logins = vec![login("okta@northwind", "a7b8", true)];
    vec![
        ("setup", setup(true, false, false).render()),
        ("setup-inactive", setup(false, false, false).render()),
        ("setup-issued", setup(true, true, false).render()),
        ("setup-wrong", setup(true, false, true).render()),
        ("setup-rotated", after_rotation.render()),
        ("setup-logins", setup_with_logins(false, false).render()),
        ("setup-logins-issued", setup_with_logins(true, false).render()),
        ("setup-logins-wrong", setup_with_logins(false, true).render()),
        ("setup-both", both.render()),
        ("setup-clients", setup_with_clients(false, false).render()),
        ("setup-clients-issued", setup_with_clients(true, false).render()),
        ("setup-clients-wrong", setup_with_clients(false, true).render()),
        ("federation", federation(false, false).render()),
        ("federation-trusted", federation(true, false).render()),
        ("federation-wrong", federation(false, true).render()),
        ("networks", networks(false).render()),
        ("networks-wrong", networks(true).render()),
        ("rotate", rotate.render()),
        ("revoke-login", revoke_login.render()),
        ("revoke", revoke.render()),
    ]
}

//! The set-up page for each identity provider, and for who comes by a link.

use askama::Template;
use scim_core::profile::Profile;

use super::{NOW, at, setup};
use crate::{
    chrome::{Badge, Chrome},
    connect::{
        Connect,
        checklist::{Checklist, Facts, Failure, Refusal, Seen},
        providers,
    },
    error::PageError,
    form::Errors,
    pages::{
        guest::{DoorPage, GuestIssued, GuestPage, LeftPage, Makes},
        setup::{
            SetupPage,
            address::BaseUrl,
            connection::Connection,
            links::{IssuedLink, LinkRow, SetupLinks},
            progress::{Act, Progress},
        },
    },
    when::Moment,
};

const MINUTE: i64 = 60_000;
const URL: &str = "https://scim.example.com/t/northwind/scim/v2";

/// What has been heard after so many steps.
fn facts(steps: usize) -> Facts {
    let seen = |step: usize| {
        let since = i64::try_from(step).unwrap_or(0) * MINUTE;
        (steps >= step).then_some(Seen { first: NOW - 90 * MINUTE + since, last: NOW - 20_000 })
    };
    Facts {
        now: NOW,
        guest: false,
        active: steps > 0,
        credential: (steps > 0).then_some(NOW - 100 * MINUTE),
        had_credential: steps > 0,
        groups: true,
        provider: "Okta",
        test: "Test API Credentials",
        pushes: true,
        call: seen(2),
        lookup: seen(3),
        user: seen(4),
        update: None,
        group: seen(5),
        membership: seen(6),
        failure: None,
        refusal: None,
    }
}

fn progress(facts: &Facts) -> Progress {
    let act = facts.credential.is_none().then(|| Act { label: "Make it", to: "#make".into(), post: false });
    Progress { list: Checklist::of(facts), act }
}

/// Of a product for an identity provider, after so many steps.
pub(super) fn connection(profile: &str, word: &str, steps: usize) -> Connection {
    let profile = Profile::from_toml(Profile::builtin(profile).expect("built in")).expect("a profile");
    let provider = providers::by_word(word).expect("a provider");
    Connection {
        base_urls: vec![
            BaseUrl {
                id: "base-url".into(),
                label: provider.url_label,
                value: format!("{URL}{}", provider.url_suffix),
            },
            BaseUrl {
                id: "base-url-host".into(),
                label: "The same, on the tenant's own host",
                value: "https://northwind.scim.example.com/scim/v2".into(),
            },
        ],
        connect: Connect::of(&profile, provider, URL),
        progress: progress(&facts(steps)),
        choose_to: "/console/tenants/northwind/setup/provider".into(),
        live: "/console/tenants/northwind/setup/live".into(),
    }
}

/// Links in each of their states.
pub(super) fn links() -> SetupLinks {
    let row = |id: &str, note: &str, state: Badge, live: bool, opened: bool, used: bool| LinkRow {
        id: format!("0199f0a0-0000-7000-8000-00000000{id}"),
        note: note.into(),
        made: at(-2),
        made_by: "ada.lovelace@example.com".into(),
        opened: opened.then(|| at(-1)),
        openings: i32::from(opened) * 3,
        used: used.then(|| at(0)),
        ends: at(if live { 5 } else { -1 }),
        state,
        live,
    };
    SetupLinks {
        rows: vec![
            row("1001", "Ines <IT> of Northwind", Badge::new("ok", "Used"), true, true, true),
            row("1002", "Their consultant", Badge::new("warn", "Not opened yet"), true, false, false),
            row("1003", "Somebody", Badge::new("quiet", "Revoked"), false, true, false),
        ],
        issued: None,
        note: String::new(),
    }
}

fn guest(profile: &str, word: &str, steps: usize, makes: Option<Makes>) -> GuestPage {
    GuestPage {
        chrome: Chrome::of("Set up Envi", None),
        name: "Northwind Hospital".into(),
        product: "Envi".into(),
        connection: connection(profile, word, steps),
        makes,
        used: (steps > 0).then(|| at(0)),
        issued: None,
        choices: vec![("30d", "30 days".into()), ("1y", "1 year".into())],
        expires: "1y".into(),
        username: String::new(),
        with_bearer: true,
        until: at(6),
        errors: Errors::default(),
    }
}

fn setup_for(profile: &str, word: &str, facts: &Facts) -> SetupPage {
    let mut page = setup::setup(true, false, false);
    page.connection = connection(profile, word, 4);
    page.connection.progress = progress(facts);
    page
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    let token = || GuestIssued::Token(format!("rcl_{}", "ab".repeat(200)));
    let login = || GuestIssued::Login {
        username: "okta@northwind".into(),
        password: "7vHqTn4ZcRx9mKpWd3sYbG2e".into(),
    };
    let mut with_link = setup::setup(true, false, false);
    with_link.links = Some(SetupLinks {
        issued: Some(IssuedLink {
            url: format!("https://scim.example.com/setup/{}", "Zx9".repeat(14)),
            until: Moment::new(NOW + 7 * 86_400_000, NOW),
        }),
        ..links()
    });
    let refused = Facts {
        refusal: Some(Refusal {
            status: 401,
            what: "The token “Okta” belongs to another tenant.".into(),
            remedy: "Use the Base URL of the tenant that it was made for.".into(),
            count: 3,
            last: NOW - 12_000,
        }),
        ..facts(1)
    };
    let failing = Facts {
        failure: Some(Failure {
            status: 400,
            reason: "npi is required while isProvider is true; send the provider's NPI".into(),
            of_groups: false,
            count: 4,
            last: NOW - MINUTE,
        }),
        ..facts(3)
    };
    let mut used = guest("envi", "okta-oin", 1, Some(Makes::Token));
    used.errors.add("", "This link has made its one credential already.");
    let issued = |issued, of: GuestPage| GuestPage { issued: Some(issued), ..of };
    let door = DoorPage {
        chrome: Chrome::of("Set up Envi", None),
        name: "Northwind Hospital".into(),
        product: "Envi".into(),
        issuer: "ada.lovelace@example.com".into(),
        until: at(6),
    };
    let envi = |steps| guest("envi", "okta-oin", steps, Some(Makes::Token));
    let maestro = |steps| guest("clinical-maestro", "okta-basic", steps, Some(Makes::Login));
    vec![
        ("setup-okta-header", setup_for("generic", "okta-header", &facts(6)).render()),
        ("setup-okta-basic", setup_for("clinical-maestro", "okta-basic", &facts(4)).render()),
        ("setup-entra", setup_for("mdscripts", "entra", &failing).render()),
        ("setup-onelogin", setup_for("mdscripts", "onelogin", &refused).render()),
        ("setup-jumpcloud", setup_for("generic", "jumpcloud", &facts(4)).render()),
        ("setup-generic", setup_for("epic-emp", "generic", &facts(0)).render()),
        ("setup-unfit", setup_for("clinical-maestro", "entra", &facts(0)).render()),
        ("setup-link", with_link.render()),
        ("guest-door", door.render()),
        ("guest", envi(0).render()),
        ("guest-issued", issued(token(), envi(1)).render()),
        ("guest-used", used.render()),
        ("guest-login", maestro(0).render()),
        ("guest-login-issued", issued(login(), maestro(1)).render()),
        ("guest-nothing", guest("generic", "entra", 0, None).render()),
        ("guest-left", LeftPage { chrome: Chrome::of("Signed out", None) }.render()),
        ("guest-gone", Ok(PageError::NoSetup.sample(None))),
    ]
}

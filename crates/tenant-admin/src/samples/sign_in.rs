//! Sign-in, one's own account, and the people of the console.

use super::{at, chrome};
use askama::Template;

use crate::{
    chrome::{Badge, Chrome},
    form::Errors,
    pager::Pager,
    pages::{
        account::{AccountPage, SessionLine},
        admin::AdminPage,
        admins::{AdminsPage, Link, PersonForm, Row},
        invitation::{InvitationPage, Invited},
        second_factor::{Qr, SecondFactorPage, Shown, Step},
        sign_in::SignInPage,
        sign_in_code::SignInCodePage,
    },
};

const LINK: &str = "https://scim.example.com/console/invitation/4fQ0x2mJ8kV1tZ7cB9nR5wY3uA6sD0gH2jK4lP8oI1e";

fn sign_in() -> SignInPage {
    SignInPage {
        chrome: Chrome::of("Sign in", None),
        nobody: false,
        email: String::new(),
        next: "/console/".into(),
        refused: false,
        problem: None,
        notice: None,
        provider: None,
    }
}

fn with_provider(problem: bool) -> SignInPage {
    let text = "eve@example.com is not on the list of people of this console. Ask an operator of this installation to add it.";
    SignInPage {
        provider: Some(("login.example.com".into(), "/console/sign-in/with".into())),
        problem: problem.then(|| text.to_owned()),
        ..sign_in()
    }
}

fn code(problem: bool) -> SignInCodePage {
    let text = "This code is wrong or was used already; wait for the next one, and see that the phone's clock is right.";
    SignInCodePage {
        chrome: Chrome::of("Sign in", None),
        email: "ada.lovelace@example.com".into(),
        next: "/console/".into(),
        problem: problem.then(|| text.to_owned()),
    }
}

fn invitation(errors: Errors) -> InvitationPage {
    let invited = Invited {
        email: "grace.hopper@example.com".into(),
        secret: "4fQ0x2mJ8kV1tZ7cB9nR5wY3uA6sD0gH2jK4lP8oI1e".into(),
        by: "ada.lovelace@example.com".into(),
        until: at(7),
        again: false,
    };
    InvitationPage::new(Some(invited), errors)
}

fn weak() -> Errors {
    let mut errors = Errors::default();
    errors.add(
        "password",
        "This one is easily guessed. Dates are often easy to guess. Take four or more words that have nothing to do with \
         each other or with you, or let a password manager make one.",
    );
    errors
}

fn sessions() -> Vec<SessionLine> {
    let line = |id: &str, this, browser: &str, address: &str, since, seen| SessionLine {
        id: id.repeat(32),
        this,
        browser: browser.into(),
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0".into(),
        address: address.into(),
        since: at(since),
        seen: at(seen),
    };
    vec![
        line("a1", true, "Firefox on Linux", "203.0.113.7", 0, 0),
        line("b2", false, "Safari on iPhone", "2001:db8:85a3::8a2e:370:7334", -1, 0),
    ]
}

fn account(second_factor: bool, has_password: bool, errors: Errors) -> AccountPage {
    AccountPage {
        chrome: chrome("Your account"),
        notice: second_factor.then_some("The password is changed. All your other sessions have ended."),
        email: "ada.lovelace@example.com".into(),
        role: "Operator: all tenants and the installation itself.",
        has_password,
        second_factor,
        codes_left: 9,
        sessions: sessions(),
        errors,
        shortest: 12,
    }
}

fn second_factor(step: Step, wrong: Option<&'static str>) -> SecondFactorPage {
    let mut errors = Errors::default();
    if let Some(field) = wrong {
        errors.add(field, "This code is wrong or was used already; wait for the next one, and see that the phone's clock is right.");
    }
    SecondFactorPage {
        chrome: chrome("Second factor"),
        notice: None,
        step,
        required: wrong.is_some(),
        errors,
    }
}

fn shown() -> Step {
    let uri = "otpauth://totp/Rollcall%20scim.example.com:ada.lovelace%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\
               &issuer=Rollcall%20scim.example.com";
    let qr = Qr::of(uri).expect("a QR code");
    Step::Shown(Shown { secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP".into(), qr })
}

fn row(email: &str, role: &'static str, tenants: &[&str], state: Badge, second_factor: bool) -> Row {
    Row {
        id: "0199f0a0-0000-7000-8000-000000000001".into(),
        email: email.into(),
        role,
        tenants: tenants.iter().map(|slug| (*slug).to_owned()).collect(),
        more: if tenants.len() > 2 { 4 } else { 0 },
        all: role != "Manager",
        you: email.starts_with("ada"),
        second_factor,
        by_provider: email.starts_with("linus"),
        seen: (state.kind == "ok").then(|| at(0)),
        state,
    }
}

fn link() -> Link {
    Link { email: "grace.hopper@example.com".into(), link: LINK.into(), until: at(7) }
}

fn people(issued: bool, wrong: bool) -> AdminsPage {
    let ok = || Badge::new("ok", "Can sign in");
    let mut errors = Errors::default();
    if wrong {
        errors.add("email", "Ada.lovelace@example.com is on the list of people already.");
        errors.add("tenants", "There is no tenant “nortwind”. Write slugs, as in the list of tenants.");
        errors.add("role", "Choose a role.");
    }
    AdminsPage {
        chrome: chrome("People"),
        notice: None,
        issued: issued.then(link),
        rows: vec![
            row("ada.lovelace@example.com", "Operator", &[], ok(), true),
            row(
                "grace.hopper@example.com",
                "Manager",
                &["northwind", "contoso", "fabrikam"],
                Badge::new("warn", "Invited"),
                false,
            ),
            row("linus@example.com", "Auditor", &[], ok(), false),
            row(
                "margaret.hamilton@navigation.example.com",
                "Manager",
                &["litware"],
                Badge::new("bad", "Invitation expired"),
                false,
            ),
        ],
        pager: Pager::default(),
        typed: PersonForm { role: "manager".into(), ..PersonForm::default() },
        errors,
    }
}

fn person(issued: bool, last: bool) -> AdminPage {
    let mut errors = Errors::default();
    if last {
        errors.add(
            "role",
            "This is the last operator who can sign in, so nothing was changed; make another operator first, who has chosen \
             a password.",
        );
    }
    let mut lines = sessions();
    lines.iter_mut().for_each(|line| line.this = false);
    AdminPage {
        deleted: usize::from(last),
        chrome: chrome("grace.hopper@example.com"),
        notice: None,
        issued: issued.then(link),
        person: row(
            "grace.hopper@example.com",
            "Manager",
            &["northwind"],
            Badge::new("ok", "Can sign in"),
            true,
        ),
        has_password: true,
        typed: PersonForm {
            email: String::new(),
            role: "manager".into(),
            tenants: "contoso, fabrikam, northwind".into(),
        },
        sessions: if issued { Vec::new() } else { lines },
        errors,
    }
}

/// All of them, by name.
pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    let refused = SignInPage { refused: true, email: "ada@example.com".into(), ..sign_in() };
    let done = SignInPage { notice: Some("The password is kept. Sign in with it."), ..sign_in() };
    let codes = (0..10).map(|at| format!("abcd-efgh-jkmn-pq{at}r")).collect();
    vec![
        ("sign-in", sign_in().render()),
        ("sign-in-refused", refused.render()),
        ("sign-in-nobody", SignInPage { nobody: true, ..sign_in() }.render()),
        ("sign-in-done", done.render()),
        ("sign-in-provider", with_provider(false).render()),
        ("sign-in-provider-refused", with_provider(true).render()),
        ("sign-in-code", code(false).render()),
        ("sign-in-code-wrong", code(true).render()),
        ("invitation", invitation(Errors::default()).render()),
        ("invitation-weak", invitation(weak()).render()),
        ("invitation-gone", InvitationPage::new(None, Errors::default()).render()),
        ("account", account(false, true, Errors::default()).render()),
        ("account-second-factor", account(true, true, Errors::default()).render()),
        ("account-wrong", account(false, true, weak()).render()),
        ("account-provider", account(false, false, Errors::default()).render()),
        ("second-factor-none", second_factor(Step::None, None).render()),
        ("second-factor-shown", second_factor(shown(), None).render()),
        ("second-factor-wrong", second_factor(shown(), Some("code")).render()),
        ("second-factor-on", second_factor(Step::On(2), None).render()),
        ("second-factor-on-wrong", second_factor(Step::On(9), Some("off-code")).render()),
        ("second-factor-codes", second_factor(Step::Codes(codes), None).render()),
        ("second-factor-elsewhere", second_factor(Step::Elsewhere, None).render()),
        ("people", people(false, false).render()),
        ("people-issued", people(true, false).render()),
        ("people-wrong", people(false, true).render()),
        ("person", person(false, false).render()),
        ("person-issued", person(true, false).render()),
        ("person-last", person(false, true).render()),
    ]
}

//! Signing in, in a real browser: invited, with a second factor, out everywhere.

use totp_rs::{Builder, Secret, Totp};

use crate::{
    browsing::Browser,
    harness::{Installation, on_both_databases},
};

on_both_databases!(first_sign_in_with_a_second_factor, signed_out_everywhere);

const EMAIL: &str = "operator@rollcall.example";
const PASSWORD: &str = "seven quiet fields of barley";

/// What the phone shows this many half minutes from now.
fn shown(app: &Totp, steps: u64) -> String {
    app.generate(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() + 30 * steps).to_string()
}

async fn first_sign_in_with_a_second_factor(installation: Installation) {
    let server = installation.serve_with(&["--console-second-factor", "required"]).await;
    let link = installation.run(&["admin", "invite", EMAIL]);
    let (_, path) = link.split_once("/console/").unwrap();
    let browser = Browser::open(1440, 1000).await;

    browser.goto(&format!("{}/console/{path}", server.origin)).await;
    browser.shows("main", EMAIL).await;
    browser.fill("#password", "operator@rollcall").await;
    browser.press("Keep this password").await;
    browser.shows("#problems", "easily guessed").await;
    browser.picture("invitation-weak").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Keep this password").await;
    browser.shows("[role=status]", "The password is kept").await;

    // The first sign-in leads to the second factor, whatever was asked for.
    browser.fill("#email", EMAIL).await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.shows("main", "asks everybody for one").await;
    browser.goto(&format!("{}/console/tenants/new", server.origin)).await;
    browser.shows("h1", "Second factor").await;
    browser.press("Begin").await;
    browser.picture("second-factor").await;
    let key = browser.text("#factor-key").await.replace(' ', "");
    let app = Builder::new().with_secret(Secret::try_from_base32(key).unwrap()).build().unwrap();
    browser.fill("#code", &shown(&app, 0)).await;
    browser.press("Turn it on").await;
    let codes = browser.text("#codes").await;
    let codes: Vec<&str> = codes.lines().collect();
    assert_eq!(codes.len(), 10, "{codes:?}");
    browser.picture("recovery-codes").await;
    browser.follow("I have saved them").await;
    browser.shows("main", "10 recovery codes are left").await;
    browser.picture("account").await;
    browser.press("Sign out").await;

    // With the phone.
    browser.fill("#email", EMAIL).await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.shows("h1", "Type your code").await;
    browser.picture("code").await;
    browser.fill("#code", &shown(&app, 1)).await;
    browser.press("Sign in").await;
    browser.shows("h1", "Overview").await;
    browser.press("Sign out").await;

    // And without it.
    browser.fill("#email", EMAIL).await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.shows("h1", "Type your code").await;
    browser.fill("#code", codes[0]).await;
    browser.press("Sign in").await;
    browser.shows("[role=status]", "used up now").await;
    browser.shows("main", "9 left").await;

    // Somebody at the command line takes the second factor away: the session ends, and the password does again.
    installation.run(&["admin", "reset-second-factor", EMAIL]);
    browser.goto(&format!("{}/console/account", server.origin)).await;
    crate::harness::eventually(std::time::Duration::from_secs(1), "the session ends", || async {
        browser.goto(&format!("{}/console/account", server.origin)).await;
        browser.text("h1").await.contains("Sign in")
    })
    .await;
    browser.close().await;
}

async fn signed_out_everywhere(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let (here, there) = (Browser::open(1440, 1000).await, Browser::open(390, 900).await);
    for browser in [&here, &there] {
        browser.sign_in(&server.origin, EMAIL, &password).await;
    }
    let account = format!("{}/console/account", server.origin);
    here.goto(&account).await;
    here.shows("#sessions", "Chrome on Linux").await;
    assert_eq!(here.text("#sessions").await.matches("This one").count(), 1);
    assert_eq!(here.text("#sessions").await.matches("127.0.0.1").count(), 2);
    here.picture("sessions").await;
    there.goto(&account).await;
    let sideways = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(there.client.execute(sideways, Vec::new()).await.unwrap(), 0, "the account on a phone");
    there.picture("sessions-phone").await;

    here.press("Sign out everywhere else").await;
    here.shows("[role=status]", "everywhere else").await;
    there.goto(&account).await;
    there.shows("h1", "Sign in to Rollcall").await;
    there.fill("#email", EMAIL).await;
    there.fill("#password", &password).await;
    there.press("Sign in").await;
    there.shows("h1", "Your account").await;
    there
        .act(fantoccini::Locator::Css("button[value=all]"), |button| async move { button.click().await })
        .await;
    there.shows("[role=status]", "signed out everywhere").await;
    here.goto(&account).await;
    here.shows("h1", "Sign in to Rollcall").await;
    here.close().await;
    there.close().await;
}

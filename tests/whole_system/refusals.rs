//! What was refused, as the people of a tenant find it: on the set-up page, on the command line.

use serde_json::json;

use crate::{
    browsing::Browser,
    harness::{Installation, Scim, basic_header, eventually, on_both_databases},
};

on_both_databases!(what_was_refused_is_told);

const EMAIL: &str = "operator@rollcall.example";
const LIST: &str = "/Users?startIndex=1&count=2";

async fn what_was_refused_is_told(installation: Installation) {
    let server = installation.serve().await;
    let operator = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let valid = installation.tenant("acme", "generic");
    let revoked = installation.run(&["token", "create", "acme", "--name", "Old one"]);
    installation.run(&["token", "revoke", "acme", "Old one"]);
    let okta = Scim::new(server.base_url("acme"), &valid);
    let wrong = |value: &str| Scim::new(server.base_url("acme"), value);
    for value in [
        format!("Bearer {revoked}"),
        "Bearer".to_owned(),
        "https://scim.example.com/t/acme/scim/v2".to_owned(),
        valid[..200].to_owned(),
        basic_header("maggie@acme", "wrong password"),
    ] {
        assert_eq!(wrong(&value).get(LIST).await.0, 401, "{value}");
    }
    let shared =
        Scim::new(format!("{}/scim/v2", server.origin), "Bearer 00aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcd");
    assert_eq!(shared.get(LIST).await.0, 401);
    // A flood of guesses from the address that the valid credential comes from, too.
    let guesses = (0..30).map(|number| {
        let client = wrong(&format!("Bearer guess-{number}"));
        async move { client.get(LIST).await.0 }
    });
    let (answers, let_in) = futures::join!(futures::future::join_all(guesses), okta.get(LIST));
    assert_eq!(let_in.0, 200);
    assert!(
        answers.contains(&429) && answers.iter().all(|status| matches!(status, 401 | 429)),
        "{answers:?}"
    );
    assert_eq!(okta.get(LIST).await.0, 200);

    let browser = Browser::open(1440, 1400).await;
    browser.sign_in(&server.origin, EMAIL, &operator).await;
    browser.shows("#refusals", "looks like an API token of Okta").await;
    browser.picture("refused-shared").await;
    browser.goto(&format!("{}/console/tenants/acme/setup", server.origin)).await;
    browser.click("#refusals .more summary").await;
    for words in [
        "The token “Old one” was revoked on ",
        " UTC by command line.",
        "names a scheme, and nothing comes after it",
        "This is an address, not a token",
        "its end is missing",
        "The user name is not one of this tenant's",
        "answered 401",
        "Bearer, many different ones",
        "127.0.0.1",
    ] {
        browser.shows("#refusals", words).await;
    }
    let page = browser.client.source().await.unwrap();
    assert!(!page.contains(&revoked[10..40]) && !page.contains("guess-") && !page.contains("maggie@acme"));
    browser.picture("refused").await;
    browser.close().await;

    // The command line reads what the server has written.
    let rows = installation.json(&["token", "refusals", "acme", "--json"]);
    let old = rows.as_array().unwrap().iter().find(|row| row["mistake"] == "revoked").unwrap();
    assert_eq!((&old["status"], &old["count"]), (&json!(401), &json!(1)));
    assert!(revoked.ends_with(old["sent"]["tail"].as_str().unwrap()), "{old}");
    let table = installation.run(&["token", "refusals", "acme"]);
    assert!(table.contains("Old one") && table.contains("#"), "{table}");
    let shared = installation.json(&["token", "refusals", "--json"]);
    assert_eq!(shared[0]["mistake"], "okta-api-token");
    // What a server that is told to end has not written yet is written then.
    assert_eq!(wrong("Bearer \"quoted\"").get(LIST).await.0 / 100, 4);
    let (status, _) = server.terminate().await;
    assert!(status.success());
    let kept = || async {
        let rows = installation.json(&["token", "refusals", "acme", "--json"]);
        rows.as_array().unwrap().iter().any(|row| row["mistake"] == "quoted")
    };
    eventually(std::time::Duration::from_secs(5), "the last one", kept).await;
}

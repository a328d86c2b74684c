//! What limits credentials, on the command line and in a running server: networks, the longest life, warnings, metrics.

use std::time::Duration;

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::{
    browsing::Browser,
    harness::{
        Database, Installation, PATIENCE, Scim, Server, basic_header, eventually, free_port,
        on_both_databases,
    },
};

on_both_databases!(
    a_credential_is_limited_to_networks,
    new_credentials_keep_to_the_longest_life,
    the_list_says_which_token_is_used,
    people_are_warned_before_the_end,
    limits_are_set_in_a_browser,
);

/// The contract's limit for a change to hold in every running node.
const WITHIN: Duration = Duration::from_secs(1);
const LIST: &str = "/Users?startIndex=1&count=2";

async fn a_credential_is_limited_to_networks(installation: Installation) {
    let server = installation.serve().await;
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let create = ["token", "create", "acme", "--name", "Okta", "--allow-from", "203.0.113.0/24, 2001:db8::1"];
    let token = installation.run(&create);
    let password =
        installation.run(&["basic", "create", "acme", "--username", "okta@acme", "--allow-from", "::1"]);
    let base_url = server.base_url("acme");
    let okta = Scim::new(&base_url, format!("Bearer {token}"));
    let basic = Scim::new(&base_url, basic_header("okta@acme", &password));
    let status = async |scim: &Scim| scim.get(LIST).await.0;
    assert_eq!((status(&okta).await, status(&basic).await), (401, 401), "they come from 127.0.0.1");

    let row = installation.json(&["token", "list", "acme", "--json"])[0].clone();
    assert_eq!(row["allowed_from"], json!(["203.0.113.0/24", "2001:db8::1/128"]));
    assert_eq!((&row["report_only"], &row["created_by"]), (&json!(false), &json!("command line")));
    let allow = |more: &[&str]| installation.run(&[&["token", "allow", "acme", "okta"], more].concat());
    assert!(
        allow(&["--report-only"]).ends_with("from 203.0.113.0/24, 2001:db8::1/128, elsewhere only reported")
    );
    eventually(WITHIN, "reported", || async { okta.get(LIST).await.0 == 200 }).await;
    allow(&["--enforce"]);
    eventually(WITHIN, "enforced", || async { okta.get(LIST).await.0 == 401 }).await;
    assert!(allow(&["--from", "127.0.0.0/8"]).ends_with("from 127.0.0.0/8"));
    eventually(WITHIN, "another network", || async { okta.get(LIST).await.0 == 200 }).await;
    let shown = installation.run(&["token", "list", "acme"]);
    assert!(shown.contains("from 127.0.0.0/8") && shown.contains("by command line"), "{shown}");
    // A rotation keeps the networks.
    installation.run(&["token", "rotate", "acme", "Okta"]);
    assert_eq!(
        installation.json(&["token", "list", "acme", "--json"])[0]["allowed_from"],
        json!(["127.0.0.0/8"])
    );
    assert_eq!(allow(&["--from-anywhere"]).matches("from anywhere").count(), 2, "both tokens of the name");
    installation.run(&["basic", "allow", "acme", "OKTA@acme", "--from", "127.0.0.1"]);
    eventually(WITHIN, "a user name's", || async { basic.get(LIST).await.0 == 200 }).await;
    assert_eq!(
        installation.json(&["basic", "list", "acme", "--json"])[0]["allowed_from"],
        json!(["127.0.0.1/32"])
    );

    for (arguments, word) in [
        (&["token", "allow", "acme", "Okta"][..], "--from-anywhere"),
        (&["token", "allow", "acme", "Okta", "--report-only"], "it has no networks"),
        (&["token", "allow", "acme", "Okta", "--from", "example.com"], "CIDR"),
        (&["token", "allow", "acme", "nonesuch", "--from-anywhere"], "token list acme"),
        (&["token", "create", "acme", "--name", "x", "--report-only"], "--allow-from"),
        (&["basic", "allow", "acme", "nonesuch", "--from-anywhere"], "basic list acme"),
    ] {
        let error = installation.refuse(arguments);
        assert!(error.contains(word), "{arguments:?}: {error}");
    }
}

async fn new_credentials_keep_to_the_longest_life(installation: Installation) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let token =
        |name: &str, more: &[&str]| [&["token", "create", "acme", "--name", name], more].concat().join(" ");
    let run = |text: String| installation.run(&text.split(' ').collect::<Vec<_>>());
    run(token("old", &["--expires-in", "10y"]));
    assert!(
        installation
            .run(&["tenant", "set", "acme"])
            .contains("max-token-lifetime: 10y (this installation's)")
    );
    let set = installation.run(&["tenant", "set", "acme", "--max-token-lifetime", "90d"]);
    assert!(set.ends_with("max-token-lifetime: 90d"), "{set}");
    // The flag is a setting of all commands, too; here it is not.
    let set = installation.run(&["tenant", "set", "acme", "--max-token-lifetime", "none"]);
    assert!(set.ends_with("max-token-lifetime: 10y (this installation's)"), "{set}");
    let set = installation.run(&["tenant", "set", "acme", "--max-token-lifetime", "90d"]);
    assert!(set.ends_with("max-token-lifetime: 90d"), "{set}");
    assert!(!set.contains("rate-limit"), "{set}");
    let set = installation.run(&["tenant", "set", "acme", "--rate-limit", "50"]);
    assert!(set.contains("\nrate-limit: 50\n"), "{set}");
    assert_eq!(installation.json(&["tenant", "list", "--json"])[0]["rate_limit"], 50);
    let set = installation.run(&["tenant", "set", "acme", "--rate-limit", "0"]);
    assert!(!set.contains("rate-limit"), "{set}");
    let refused = installation.refuse(&[
        "token",
        "create",
        "acme",
        "--name",
        "x",
        "--expires-in",
        "60d",
        "--max-token-lifetime",
        "30d",
    ]);
    assert!(refused.contains("30 days at most"), "{refused}");
    assert_eq!(installation.json(&["tenant", "list", "--json"])[0]["max_token_lifetime"], "90d");
    let refused = installation.refuse(&token("long", &["--expires-in", "1y"]).split(' ').collect::<Vec<_>>());
    assert!(refused.contains("90 days at most"), "{refused}");
    run(token("usual", &[]));
    installation.run(&["basic", "create", "acme", "--username", "okta@acme"]);
    let rows = installation.json(&["token", "list", "acme", "--json"]);
    let days = |row: &Value| {
        let millis = |field: &str| scim_core::timestamp::parse(row[field].as_str().unwrap()).unwrap();
        (millis("expires") - millis("created") + 60_000) / 86_400_000
    };
    assert_eq!((days(&rows[0]), &rows[0]["exceeds_policy"]), (90, &json!(false)));
    assert_eq!((days(&rows[1]), &rows[1]["exceeds_policy"]), (3652, &json!(true)));
    assert_eq!(days(&installation.json(&["basic", "list", "acme", "--json"])[0]), 90);
    assert!(installation.run(&["token", "list", "acme"]).contains("longer than 90 days"));

    // The installation's own, by variable; the smaller holds.
    for (variable, expected) in [("30d", "30 days at most"), ("2y", "90 days at most")] {
        let mut command =
            installation.command(&["token", "create", "acme", "--name", "x", "--expires-in", "1y"]);
        let output = command.env("ROLLCALL_MAX_TOKEN_LIFETIME", variable).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(expected), "{error}");
    }
    installation.run(&["tenant", "set", "acme", "--max-token-lifetime", "none"]);
    run(token("long", &["--expires-in", "10y"]));
    assert!(
        installation
            .refuse(&["tenant", "set", "acme", "--max-token-lifetime", "11y"])
            .contains("such as 90d or 2y")
    );
}

async fn the_list_says_which_token_is_used(installation: Installation) {
    let server = installation.serve().await;
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let first = installation.run(&["token", "create", "acme", "--name", "Okta"]);
    assert_eq!(installation.json(&["token", "list", "acme", "--json"])[0]["rotation"], json!(null));
    let second = installation.run(&["token", "rotate", "acme", "Okta", "--grace", "7d"]);
    let in_use = || {
        let rows = installation.json(&["token", "list", "acme", "--json"]);
        assert_eq!(rows[0]["rotation"], rows[1]["rotation"]);
        assert_eq!(rows[0]["rotation"]["safe_to_revoke"], json!(false));
        rows[0]["rotation"]["in_use"].as_str().unwrap().to_owned()
    };
    assert_eq!(in_use(), "neither");
    for (token, expected) in [(first, "old"), (second, "both")] {
        let scim = Scim::new(server.base_url("acme"), format!("Bearer {token}"));
        eventually(WITHIN, "a token", || async { scim.get(LIST).await.0 == 200 }).await;
        eventually(PATIENCE, expected, || async { in_use() == expected }).await;
    }
    let shown = installation.run(&["token", "list", "acme"]);
    assert!(shown.contains("Okta: The new token") && shown.contains("from 127.0.0.1"), "{shown}");
}

async fn metrics(address: &str, forwarded: bool) -> (u16, String) {
    let mut request = reqwest::Client::new().get(format!("{address}/metrics"));
    if forwarded {
        request = request.header("x-forwarded-for", "192.0.2.1");
    }
    // The listener may not be there yet.
    let Ok(answer) = request.send().await else { return (0, String::new()) };
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn people_are_warned_before_the_end(installation: Installation) {
    installation.run(&["migrate"]);
    for slug in ["acme", "calm"] {
        installation.run(&["tenant", "create", slug, "--activate"]);
        installation.run(&["token", "create", slug, "--name", "Okta", "--expires-in", "90d"]);
    }
    // As if it had been made 70 days ago.
    let ago = "UPDATE credentials SET created_at = created_at - 6048000000, expires_at = expires_at - 6048000000 \
               WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 'acme')";
    installation.database().await.execute_unprepared(ago).await.unwrap();
    let server = installation.serve().await;
    let warned = async || {
        let sql = "SELECT COUNT(*) FROM outbox WHERE event = 'credential.expiring'";
        let database = installation.database().await;
        let statement = sea_orm::Statement::from_string(database.get_database_backend(), sql);
        let row = database.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap()
    };
    eventually(PATIENCE, "a warning", || async { warned().await == 1 }).await;
    assert_eq!(installation.json(&["token", "list", "acme", "--json"])[0]["expires_within_days"], 30);

    Scim::new(server.base_url("acme"), "Bearer nonsense").get(LIST).await;
    let token = installation.run(&["token", "create", "acme", "--name", "Entra"]);
    let scim = Scim::new(server.base_url("acme"), format!("Bearer {token}"));
    eventually(WITHIN, "a token", || async { scim.get(LIST).await.0 == 200 }).await;
    let (status, text) = metrics(&server.origin, false).await;
    assert_eq!(status, 200);
    for line in [
        "# HELP rollcall_credential_verifications_total Credentials that were checked",
        "rollcall_credential_verifications_total{kind=\"bearer\",outcome=\"foreign\"} 1",
        "rollcall_credential_verifications_total{kind=\"bearer\",outcome=\"accepted\"} 1",
        "rollcall_credential_expiry_warnings_total{days=\"30\"} 1",
        "rollcall_credentials_expiring{days=\"60\"} 1",
        "rollcall_credentials_expiring{days=\"30\"} 1",
        "rollcall_credentials_expiring{days=\"7\"} 0",
        "rollcall_credential_next_expiry_timestamp_seconds{tenant=\"acme\"} 1",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("calm"), "its token lives for three months: {text}");
    // Whoever comes through a proxy on this machine is a stranger.
    let (status, text) = metrics(&server.origin, true).await;
    assert_eq!(status, 404);
    assert!(!text.contains("rollcall_"), "{text}");

    // Another start, another node: nothing is told twice.
    drop(server);
    let server = installation.serve().await;
    eventually(PATIENCE, "a round", || async {
        metrics(&server.origin, false).await.1.contains("days=\"60\"} 1")
    })
    .await;
    assert_eq!(warned().await, 1);
}

#[tokio::test]
async fn metrics_have_the_admin_listener_where_there_is_one() {
    let installation = Installation::new(Database::Sqlite).await;
    let (main, admin) = (free_port(), free_port());
    let arguments =
        ["serve", "--listen", &format!("127.0.0.1:{main}"), "--admin-listen", &format!("127.0.0.1:{admin}")];
    let server = Server::start(&mut installation.command(&arguments), main).await;
    let admin = format!("http://127.0.0.1:{admin}");
    eventually(PATIENCE, "metrics", || async {
        metrics(&admin, true).await.1.contains("rollcall_credentials_expiring")
    })
    .await;
    assert_eq!(metrics(&server.origin, false).await.0, 404);
}

async fn limits_are_set_in_a_browser(installation: Installation) {
    const EMAIL: &str = "operator@rollcall.example";
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let browser = Browser::open(1440, 1000).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.goto(&format!("{}/console/tenants/acme/settings", server.origin)).await;
    browser.fill("#max-token-lifetime", "90d").await;
    browser.press("Save").await;
    browser.shows("[role=status]", "saved").await;
    browser.picture("limits-settings").await;

    let setup = format!("{}/console/tenants/acme/setup", server.origin);
    browser.goto(&setup).await;
    assert_eq!(browser.options("#expires").await, ["30 days", "90 days", "On a day…"]);
    browser.fill("#new-token #name", "Okta production").await;
    browser.click("#new-token summary").await;
    browser.fill("#networks", "203.0.113.0/24").await;
    browser.picture("limits-new-token").await;
    browser.press("Make token").await;
    let token = browser.text("#token-only").await;
    let okta = Scim::new(server.base_url("acme"), format!("Bearer {token}"));
    assert_eq!(okta.get(LIST).await.0, 401, "it comes from 127.0.0.1");
    browser.goto(&setup).await;
    browser.shows("#tokens", "only from 203.0.113.0/24").await;
    browser.click("#tokens a[href$='/networks']").await;
    browser.shows("h1", "Networks of Okta production").await;
    browser.fill("#networks", "127.0.0.0/8").await;
    browser.picture("limits-networks").await;
    browser.press("Save").await;
    browser.shows("#tokens", "only from 127.0.0.0/8").await;
    assert_eq!(okta.get(LIST).await.0, 200, "at once");

    let second = installation.run(&["token", "rotate", "acme", "Okta production"]);
    let new = Scim::new(server.base_url("acme"), format!("Bearer {second}"));
    eventually(WITHIN, "a new token", || async { new.get(LIST).await.0 == 200 }).await;
    let told = || async {
        browser.goto(&setup).await;
        browser.text("#tokens .rotation").await.contains("The new token")
    };
    eventually(PATIENCE, "a use", told).await;
    let down = "document.getElementById('tokens').scrollIntoView()";
    browser.client.execute(down, Vec::new()).await.unwrap();
    browser.picture("limits-rotation").await;
    browser.goto(&format!("{}/console/tenants/acme", server.origin)).await;
    browser.shows("main", "Next expiry").await;
    browser.picture("limits-overview").await;
    browser.close().await;
}

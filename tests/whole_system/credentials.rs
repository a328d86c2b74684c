//! User names with passwords, and tokens that make way for new ones: on the command line and in a running server.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Installation, Scim, basic_header, eventually, on_both_databases};

on_both_databases!(
    a_user_name_lives_and_dies,
    okta_signs_in_with_a_user_name,
    a_token_makes_way_for_a_new_one,
    each_product_has_its_kind
);

/// The contract's limit for a change to hold in every running node.
const WITHIN: Duration = Duration::from_secs(1);
const LIST: &str = "/Users?startIndex=1&count=2";

async fn a_user_name_lives_and_dies(installation: Installation) {
    let server = installation.serve().await;
    installation.run(&["tenant", "create", "acme", "--profile", "clinical-maestro", "--activate"]);
    let password = installation.run(&["basic", "create", "acme", "--username", "okta@acme"]);
    assert_eq!((password.lines().count(), password.len()), (1, 24), "the password alone");
    let okta = Scim::new(server.base_url("acme"), basic_header("okta@acme", &password));
    eventually(WITHIN, "a new user name", || async { okta.get(LIST).await.0 == 200 }).await;
    // On the shared host the tenant is the one that the user name belongs to.
    let shared = Scim::new(format!("{}/scim/v2", server.origin), basic_header("okta@acme", &password));
    let ann = shared.create("/Users", json!({"userName": "ann@example.com"})).await;
    assert_eq!(okta.get(&format!("/Users/{ann}")).await.0, 200);

    let listed = installation.json(&["basic", "list", "acme", "--json"]);
    assert_eq!(listed[0]["username"], "okta@acme");
    assert_eq!((&listed[0]["state"], &listed[0]["expires"]), (&json!("live"), &json!(null)));
    assert!(!listed.to_string().contains(&password) && !listed.to_string().contains("argon2"), "{listed}");
    assert!(installation.run(&["basic", "list", "acme"]).contains("okta@acme"));
    assert_eq!(installation.json(&["token", "list", "acme", "--json"]), json!([]), "it is no token");

    installation.run(&["tenant", "create", "beta", "--activate"]);
    let taken = installation.refuse(&["basic", "create", "beta", "--username", "OKTA@acme"]);
    assert!(taken.contains("unique among all tenants"), "{taken}");
    assert_eq!(installation.run(&["basic", "revoke", "acme", "Okta@ACME"]), "okta@acme revoked");
    eventually(WITHIN, "a revoked user name", || async { okta.get(LIST).await.0 == 401 }).await;
    assert_eq!(installation.json(&["basic", "list", "acme", "--json"])[0]["state"], "revoked");
    let again = installation.run(&["basic", "create", "beta", "--username", "okta@acme"]);
    let beta = Scim::new(server.base_url("beta"), basic_header("okta@acme", &again));
    eventually(WITHIN, "another tenant's", || async { beta.get(LIST).await.0 == 200 }).await;
    assert_eq!(okta.get(LIST).await.0, 401);
}

async fn okta_signs_in_with_a_user_name(installation: Installation) {
    let server = installation.serve().await;
    let authorization = installation.tenant("maestro", "clinical-maestro");
    assert!(authorization.starts_with("Basic "));
    let okta = Scim::new(server.base_url("maestro"), authorization);
    eventually(WITHIN, "a new user name", || async { okta.get(LIST).await.0 == 200 }).await;
    let config = okta.get("/ServiceProviderConfig").await.1;
    let schemes: Vec<_> =
        config["authenticationSchemes"].as_array().unwrap().iter().map(|scheme| &scheme["type"]).collect();
    assert_eq!(schemes, ["httpbasic"]);

    // Where a product takes several kinds, all of its credentials work; the simulator plays with either.
    let token = installation.tenant("acme", "generic");
    let password = installation.run(&["basic", "create", "acme", "--username", "okta@acme"]);
    for authorization in [token, basic_header("okta@acme", &password)] {
        let base_url = server.base_url("acme");
        let arguments = ["simulate", "okta", "--base-url", &base_url, "--authorization", &authorization];
        let seed = if authorization.starts_with("Basic") { "2" } else { "1" };
        let size = ["--users", "6", "--groups", "2", "--seed", seed, "--json"];
        let report = installation.json(&[&arguments[..], &size].concat());
        assert_eq!(report["failures"], json!([]));
    }
}

async fn a_token_makes_way_for_a_new_one(installation: Installation) {
    let server = installation.serve().await;
    let scim = |token: &str| Scim::new(server.base_url("acme"), format!("Bearer {token}"));
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let create = ["token", "create", "acme", "--name", "Okta", "--expires-in", "90d", "--scope", "scim:read"];
    let first = installation.run(&create);
    let second = installation.run(&["token", "rotate", "acme", "okta"]);
    assert_eq!(second.lines().count(), 1);
    assert!(second.starts_with("rcl_") && second != first);
    let (old, new) = (scim(&first), scim(&second));
    eventually(WITHIN, "a new token", || async { new.get(LIST).await.0 == 200 }).await;
    assert_eq!(old.get(LIST).await.0, 200, "for another day");
    assert_eq!(new.send("POST", "/Users", Some(json!({"userName": "x"}))).await.0, 403, "same scope");

    let tokens = installation.json(&["token", "list", "acme", "--json"]);
    let (new_row, old_row) = (&tokens[0], &tokens[1]);
    assert_eq!((&new_row["name"], &old_row["name"]), (&json!("Okta"), &json!("Okta")));
    assert_eq!((&new_row["replaced"], &old_row["replaced"]), (&json!(false), &json!(true)));
    assert!(first.ends_with(old_row["hint"].as_str().unwrap()), "{old_row}");
    assert!(installation.run(&["token", "list", "acme"]).contains("live, rotated"));
    let days = |from: &serde_json::Value, to: &serde_json::Value| {
        let millis = |text: &serde_json::Value| scim_core::timestamp::parse(text.as_str().unwrap()).unwrap();
        (millis(to) - millis(from) + 60_000) / 86_400_000
    };
    assert_eq!(days(&new_row["created"], &new_row["expires"]), 90, "same lifetime");
    assert_eq!(days(&new_row["created"], &old_row["expires"]), 1, "the old one's last day");

    // The old one goes alone by its ending; without grace it would have gone at once.
    let hint = old_row["hint"].as_str().unwrap();
    installation.run(&["token", "revoke", "acme", "Okta", "--hint", hint]);
    eventually(WITHIN, "a revoked token", || async { old.get(LIST).await.0 == 401 }).await;
    assert_eq!(new.get(LIST).await.0, 200);
    let third = scim(&installation.run(&["token", "rotate", "acme", "Okta", "--grace", "0"]));
    eventually(WITHIN, "no grace", || async { new.get(LIST).await.0 == 401 }).await;
    eventually(WITHIN, "a new token", || async { third.get(LIST).await.0 == 200 }).await;
    installation.run(&["token", "rotate", "acme", "Okta", "--grace", "7d"]);
    // A name without its ending revokes all that bear it.
    assert_eq!(installation.run(&["token", "revoke", "acme", "Okta"]).lines().count(), 2);
    eventually(WITHIN, "revoked tokens", || async { third.get(LIST).await.0 == 401 }).await;
}

async fn each_product_has_its_kind(installation: Installation) {
    installation.run(&["migrate"]);
    installation.tenant("maestro", "clinical-maestro");
    installation.tenant("envi", "envi");
    installation.tenant("both", "generic");
    installation.run(&["basic", "create", "both", "--username", "okta@both", "--expires-in", "1y"]);
    for (arguments, word) in [
        (&["token", "create", "maestro", "--name", "x"][..], "rollcall basic create maestro --username"),
        (&["token", "rotate", "maestro", "x"], "rollcall basic create maestro --username"),
        (&["basic", "create", "envi", "--username", "x"], "rollcall token create envi --name"),
        (&["basic", "create", "both", "--username", "a:b"], "colon"),
        (&["basic", "create", "both", "--username", "x", "--expires-in", "11y"], "10y"),
        (&["basic", "create", "both", "--username", "x", "--scope", "everything"], "everything"),
        (&["basic", "create", "both", "--username", "OKTA@both"], "revoke it first"),
        (&["basic", "create", "nobody", "--username", "x"], "tenant list"),
        (&["basic", "revoke", "both", "nonesuch"], "basic list both"),
        (&["basic", "revoke", "both", "Okta"], "basic list both"),
        (&["token", "revoke", "both", "okta@both"], "token list both"),
        (&["token", "revoke", "both", "Okta", "--hint", "none"], "token list both"),
        (&["token", "rotate", "both", "nonesuch"], "token list both"),
        (&["token", "rotate", "both", "Okta", "--grace", "soon"], "--grace: \"soon\""),
    ] {
        let error = installation.refuse(arguments);
        assert!(error.contains(word), "{arguments:?}: {error}");
    }
}

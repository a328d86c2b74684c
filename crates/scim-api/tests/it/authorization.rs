//! Who is let in, and that every refusal looks the same.

use serde_json::Value;
use store::tenants::TenantStatus;

use crate::{
    client::{Client, Reply, id, patch, user},
    world::{SHARED_HOST, World},
};

on_both!(
    every_form_of_the_header,
    refusals_are_alike,
    an_inactive_tenant_is_told,
    scopes_are_kept,
    a_use_is_noted,
    two_headers_are_none,
);

const LIST: &str = "/Users?startIndex=1&count=2";

fn token(client: &Client) -> String {
    client
        .authorization
        .as_deref()
        .and_then(|value| value.strip_prefix("Bearer "))
        .expect("a token")
        .to_owned()
}

async fn every_form_of_the_header(world: World) {
    let okta = world.tenant("acme").await;
    let t = token(&okta);
    for form in [
        format!("Bearer {t}"),
        format!("bearer {t}"),
        format!("BEARER {t}"),
        format!("Bearer  {t}"),
        t.clone(),
        format!("Bearer Bearer {t}"),
        format!(" Bearer {t} "),
    ] {
        okta.with_authorization(Some(&form)).get(LIST).await.expect(200);
    }
    for form in
        [None, Some("Bearer"), Some(""), Some("non-token"), Some("Bearer non-token"), Some("Basic eDp5")]
    {
        okta.with_authorization(form).get(LIST).await.expect_error(401, "");
    }
    // One character of the signature changed, or left out. Not the last one: that may carry unused bits only.
    let middle = t.len() - 40;
    let other = if t.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let forged = format!("{}{other}{}", &t[..middle], &t[middle + 1..]);
    let torn = format!("{}{}", &t[..middle], &t[middle + 1..]);
    for bad in [forged, torn] {
        okta.with_authorization(Some(&format!("Bearer {bad}"))).get(LIST).await.expect_error(401, "");
    }
}

/// Everything of an answer but the request id.
fn face(reply: &Reply) -> (u16, Vec<(String, String)>, Value) {
    let mut headers: Vec<(String, String)> = reply
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    headers.sort();
    let text = reply.text.replace(reply.header("x-request-id"), "");
    let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
    (reply.status.as_u16(), headers, body)
}

async fn refusals_are_alike(world: World) {
    let acme = world.tenant("acme").await;
    let beta = world.tenant("beta").await;
    let asleep = world.tenant("asleep").await;
    world.set_status(&asleep, TenantStatus::Inactive).await;
    let revoked = world.client("acme", "scim:read scim:write").await;
    revoked.get(LIST).await.expect(200);
    world.revoke(&revoked).await;
    let user = id(&beta.create_user("known@example.com").await);

    let unknown = acme.at(SHARED_HOST, "/t/unknown/scim/v2");
    let callers = [
        acme.with_authorization(None),
        acme.with_authorization(Some("non-token")),
        revoked.clone(),
        acme.at(&beta.host, &beta.base),
        unknown.clone(),
        unknown.with_authorization(None),
        acme.at(SHARED_HOST, "/t/ACME/scim/v2"),
        acme.at(SHARED_HOST, "/t/asleep/scim/v2"),
        asleep.with_authorization(None),
        acme.at("beta.tenants.example.net", "/scim/v2"),
        acme.at("unknown.tenants.example.net", "/scim/v2"),
        acme.at("console.tenants.example.net", "/scim/v2"),
        acme.at("beta.tenants.example.net", "/t/acme/scim/v2"),
        acme.at(SHARED_HOST, "/scim/v2").with_authorization(None),
        acme.at(SHARED_HOST, "/t/unknown"),
    ];
    let known = format!("/Users/{user}");
    let paths = [LIST, known.as_str(), "/ServiceProviderConfig", "/Schemas", "/Nothing", "/users", ""];
    let wanted = face(&callers[0].get(LIST).await);
    assert_eq!(wanted.0, 401);
    assert!(wanted.1.contains(&("www-authenticate".into(), "Bearer realm=\"SCIM\"".into())));
    for caller in &callers {
        for path in paths {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
                let reply = caller.call(method, path, None).await;
                assert_eq!(face(&reply), wanted, "{reply:?}");
            }
        }
    }
    // A HEAD is the same without the body.
    let head = face(&callers[0].call("HEAD", LIST, None).await);
    assert_eq!((head.0, head.2), (401, Value::Null));
}

async fn an_inactive_tenant_is_told(world: World) {
    let okta = world.tenant("acme").await;
    world.set_status(&okta, TenantStatus::Inactive).await;
    for path in [LIST, "/ServiceProviderConfig", "/Nothing"] {
        okta.get(path).await.expect_error(403, "");
    }
    okta.at(SHARED_HOST, "/scim/v2").get(LIST).await.expect_error(403, "");
    okta.post("/Users", &user("a@example.com")).await.expect_error(403, "");
    world.set_status(&okta, TenantStatus::Active).await;
    okta.get(LIST).await.expect(200);
}

async fn scopes_are_kept(world: World) {
    let okta = world.tenant("acme").await;
    let user = okta.create_user("scope@example.com").await;
    let path = format!("/Users/{}", id(&user));
    let reader = world.client("acme", "scim:read").await;
    let writer = world.client("acme", "scim:write").await;
    let other = world.client("acme", "directory:read").await;

    reader.get(&path).await.expect(200);
    assert_eq!(reader.call("HEAD", &path, None).await.status, 200);
    reader.post("/Users/.search", &serde_json::json!({})).await.expect(200);
    reader.get("/Schemas").await.expect(200);
    let title = patch(serde_json::json!([{"op": "replace", "value": {"title": "X"}}]));
    let refused = [
        reader.post("/Users", &crate::client::user("new@example.com")).await,
        reader.put(&path, &user).await,
        reader.patch(&path, &title).await,
        reader.delete(&path).await,
        reader.post("/Groups", &crate::client::group("G", &[])).await,
        writer.get(&path).await,
        writer.get("/ServiceProviderConfig").await,
        other.get(&path).await,
        other.patch(&path, &title).await,
    ];
    for reply in refused {
        assert!(reply.expect_error(403, "").contains("scope"), "{reply:?}");
    }
    assert_eq!(okta.get(&path).await.expect(200), user, "nothing was changed");
    writer.patch(&path, &title).await.expect(200);
}

async fn a_use_is_noted(world: World) {
    let okta = world.tenant("acme").await;
    okta.get(LIST).await.expect(200);
    okta.with_authorization(Some("non-token")).get(LIST).await.expect(401);
    world.tokens.flush_uses().await.expect("flushed");
    let credentials = world.scope(&okta).await.credentials().await.expect("credentials");
    assert_eq!(credentials.len(), 1);
    assert!(credentials[0].last_used_at.is_some());
    assert_eq!(credentials[0].last_used_from.as_deref(), Some("Okta SCIM Client 1.0.0"));
}

async fn two_headers_are_none(world: World) {
    let okta = world.tenant("acme").await;
    let mut request = okta.request("GET", LIST, None);
    let again = request.headers()["authorization"].clone();
    request.headers_mut().append("authorization", again);
    okta.send(request).await.expect_error(401, "");
}

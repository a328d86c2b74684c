//! Signing in with a user name and a password (RFC 7617): wherever a token works, for tenants that take it.

use secrecy::ExposeSecret as _;
use store::tenants::TenantStatus;

use crate::{
    client::{Client, id, user},
    world::{SHARED_HOST, World, basic_header},
};

on_both!(
    it_works_at_every_form_of_address,
    the_header_is_read_as_rfc_7617_says,
    another_tenants_login_is_refused,
    a_revoked_one_is_refused_at_once,
    an_expired_one_is_refused,
    an_inactive_tenant_is_told,
    only_what_the_profile_takes,
    a_crowd_of_strangers_keeps_nobody_out,
    names_that_nobody_has_take_no_place,
    its_use_is_noted,
);

const LIST: &str = "/Users?startIndex=1&count=2";

/// A Clinical Maestro tenant and its client.
async fn maestro(world: &World) -> Client {
    world.bare_tenant("clinical-maestro", "acme").await;
    world.basic_client("acme", "okta@acme").await
}

/// The same client with this user name and password.
fn with(client: &Client, username: &str, password: &str) -> Client {
    client.with_authorization(Some(&basic_header(username, password)))
}

async fn it_works_at_every_form_of_address(world: World) {
    let okta = maestro(&world).await;
    let created = id(&okta.create_user("ann@example.com").await);
    for (host, base) in [
        (SHARED_HOST, "/t/acme/scim/v2"),
        (SHARED_HOST, "/t/acme/scim"),
        (SHARED_HOST, "/t/acme/scim/api/V1"),
        ("127.0.0.1:8080", "/t/acme/scim/v2"),
        ("acme.tenants.example.net", "/scim/v2"),
        (SHARED_HOST, "/scim/v2"),
        (SHARED_HOST, "/scim"),
        (SHARED_HOST, "/scim/api/V1"),
    ] {
        let okta = okta.at(host, base);
        assert_eq!(okta.get(LIST).await.expect(200)["totalResults"], 1, "{host}{base}");
        assert_eq!(id(&okta.get(&format!("/Users/{created}")).await.expect(200)), created);
        with(&okta, "okta@acme", "wrong").get(LIST).await.expect_error(401, "");
        with(&okta, "nobody", "wrong").get(LIST).await.expect_error(401, "");
    }
}

async fn the_header_is_read_as_rfc_7617_says(world: World) {
    world.tenant("acme").await;
    let made = world.basic("acme", "Okta@Acme.example", None).await;
    let okta = world.client("acme", "scim:read").await;
    let password = made.password.expose_secret();
    let header = basic_header("Okta@Acme.example", password);
    let (_, encoded) = header.split_once(' ').expect("a scheme");
    for form in [
        header.clone(),
        format!("basic {encoded}"),
        format!("BASIC  {encoded}"),
        format!(" Basic {encoded} "),
        format!("Basic {}", encoded.trim_end_matches('=')),
        basic_header("okta@acme.EXAMPLE", password),
    ] {
        okta.with_authorization(Some(&form)).get(LIST).await.expect(200);
    }
    let lower = password.to_lowercase();
    for form in [
        "Basic".to_owned(),
        "Basic !".to_owned(),
        format!("Bearer {encoded}"),
        encoded.to_owned(),
        format!("Bearer {password}"),
        basic_header("Okta@Acme.example", ""),
        basic_header("Okta@Acme.example", &format!("{lower}x")),
        basic_header("Okta@Acme.example", &format!("{password}:")),
        basic_header("", password),
        basic_header("okta", password),
    ] {
        let reply = okta.with_authorization(Some(&form)).get(LIST).await;
        assert!(reply.expect_error(401, "").contains("user name and password"), "{reply:?}");
        let challenges: Vec<_> = reply.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(challenges, ["Bearer realm=\"SCIM\"", "Basic realm=\"SCIM\", charset=\"UTF-8\""]);
        assert!(!reply.text.contains(password));
    }
}

async fn another_tenants_login_is_refused(world: World) {
    let acme = maestro(&world).await;
    world.bare_tenant("clinical-maestro", "beta").await;
    let beta = world.basic_client("beta", "okta@beta").await;
    beta.create_user("theirs@example.com").await;
    for (host, base) in [(SHARED_HOST, "/t/beta/scim/v2"), ("beta.tenants.example.net", "/scim/v2")] {
        acme.at(host, base).get(LIST).await.expect_error(401, "");
        acme.at(host, base).post("/Users", &user("x@example.com")).await.expect_error(401, "");
        beta.at(host, base).get(LIST).await.expect(200);
    }
    // On the shared host each sees its own.
    assert_eq!(acme.at(SHARED_HOST, "/scim/v2").get(LIST).await.expect(200)["totalResults"], 0);
    assert_eq!(beta.at(SHARED_HOST, "/scim/v2").get(LIST).await.expect(200)["totalResults"], 1);
    acme.at(SHARED_HOST, "/t/nobody/scim/v2").get(LIST).await.expect_error(401, "");
}

async fn a_revoked_one_is_refused_at_once(world: World) {
    let okta = maestro(&world).await;
    let other = world.basic_client("acme", "entra@acme").await;
    okta.get(LIST).await.expect(200);
    world.revoke(&okta).await;
    for client in [okta.clone(), okta.at(SHARED_HOST, "/scim/v2")] {
        client.get(LIST).await.expect_error(401, "");
    }
    other.get(LIST).await.expect(200);
    // The same user name with a new password: the old one stays shut out.
    let again = world.basic_client("acme", "okta@acme").await;
    again.get(LIST).await.expect(200);
    okta.get(LIST).await.expect_error(401, "");
}

async fn an_expired_one_is_refused(world: World) {
    let okta = maestro(&world).await;
    let made = world.basic("acme", "short@acme", Some(world.store.now() + 3_600_000)).await;
    let short = with(&okta, "short@acme", made.password.expose_secret());
    short.get(LIST).await.expect(200);
    world.advance(3_600_000);
    short.get(LIST).await.expect_error(401, "");
    okta.get(LIST).await.expect(200);
}

async fn an_inactive_tenant_is_told(world: World) {
    let okta = maestro(&world).await;
    okta.get(LIST).await.expect(200);
    world.set_status(&okta, TenantStatus::Inactive).await;
    for client in [okta.clone(), okta.at(SHARED_HOST, "/scim/v2")] {
        client.get(LIST).await.expect_error(403, "");
    }
    with(&okta, "okta@acme", "wrong").get(LIST).await.expect_error(401, "");
    world.set_status(&okta, TenantStatus::Active).await;
    okta.get(LIST).await.expect(200);
}

async fn only_what_the_profile_takes(world: World) {
    let okta = maestro(&world).await;
    let token = world.client("acme", "scim:read scim:write").await;
    let envi = world.tenant_of("envi", "envi").await;
    let stray = world.basic_client("envi", "okta@envi").await;
    for refused in [&token, &stray] {
        for client in [refused.clone(), refused.at(SHARED_HOST, "/scim/v2")] {
            client.get(LIST).await.expect_error(401, "");
        }
    }
    // Both kinds, where both are taken.
    let both = world.tenant("both").await;
    world.basic_client("both", "okta@both").await.get(LIST).await.expect(200);
    for client in [okta, envi, both] {
        client.get(LIST).await.expect(200);
    }
}

/// Wrong passwords from many sides: whoever was let in before is served all the while.
async fn a_crowd_of_strangers_keeps_nobody_out(world: World) {
    let okta = maestro(&world).await;
    okta.get(LIST).await.expect(200);
    let strangers = (0..150).map(|number| {
        let client = with(&okta, "okta@acme", &format!("wrong password {number}"));
        async move { client.get(LIST).await }
    });
    let valid = async {
        for _ in 0..20 {
            okta.get(LIST).await.expect(200);
        }
    };
    let (replies, ()) = futures::join!(futures::future::join_all(strangers), valid);
    for reply in replies {
        match reply.status.as_u16() {
            429 => assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0)),
            status => assert_eq!(status, 401, "{reply:?}"),
        }
    }
}

/// Guessed user names: whoever comes for the first time meanwhile is let in.
async fn names_that_nobody_has_take_no_place(world: World) {
    let okta = maestro(&world).await;
    let strangers = (0..200).map(|number| {
        let client = with(&okta, &format!("stranger {number}"), "wrong password");
        async move { client.get(LIST).await }
    });
    let valid = okta.get(LIST);
    let (replies, valid) = futures::join!(futures::future::join_all(strangers), valid);
    valid.expect(200);
    for reply in replies {
        assert_eq!(reply.status.as_u16(), 401, "{reply:?}");
    }
}

async fn its_use_is_noted(world: World) {
    let okta = maestro(&world).await;
    okta.get(LIST).await.expect(200);
    let changed = okta.create_user("ann@example.com").await;
    world.tokens.flush_uses().await.expect("flushed");
    let scope = world.scope(&okta).await;
    let credentials = scope.credentials().await.expect("credentials");
    assert_eq!(credentials.len(), 1);
    assert_eq!(credentials[0].last_used_from.as_deref(), Some("Okta SCIM Client 1.0.0"));
    let trail = scope.audit(Some(&id(&changed)), 10).await.expect("a trail");
    assert_eq!(trail[0].actor.name, "okta@acme");
}

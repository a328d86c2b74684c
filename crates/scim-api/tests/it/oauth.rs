//! Access tokens of OAuth clients: wherever a token works, for tenants that take them.

use secrecy::ExposeSecret as _;
use store::tenants::TenantStatus;
use token_service::NewClient;

use crate::{
    client::{Client, id},
    world::{BOTH_SCOPES, SHARED_HOST, World, context},
};

on_both!(
    it_works_at_every_form_of_address,
    it_does_what_its_scope_says,
    an_inactive_tenant_is_told,
    only_what_the_profile_takes,
    a_change_bears_the_clients_name,
);

const LIST: &str = "/Users?startIndex=1&count=2";
const HOUR: i64 = 3_600_000;

/// A client of the tenant with an access token of these scopes of a new OAuth client, Entra.
async fn entra(world: &World, slug: &str, scope: &str) -> Client {
    let tenant = world.state.tenants.by_slug(slug).await.expect("a look-up").expect("a tenant");
    let new = NewClient {
        name: "Entra".into(),
        scope: BOTH_SCOPES.into(),
        expires_at: world.store.now() + 24 * HOUR,
        allowed_from: Default::default(),
    };
    let made = world.tokens.create_client(tenant.id(), new, &context()).await.expect("a client");
    let client = world.tokens.verify_client(&made.client_id, &made.secret).await.expect("accepted");
    let issued =
        world.tokens.issue_access_token(&client, Some(scope), Default::default()).await.expect("issued");
    Client {
        app: world.app.clone(),
        host: SHARED_HOST.into(),
        base: format!("/t/{slug}/scim/v2"),
        authorization: Some(format!("Bearer {}", issued.token.expose_secret())),
    }
}

async fn it_works_at_every_form_of_address(world: World) {
    world.bare_tenant("generic", "acme").await;
    world.bare_tenant("generic", "beta").await;
    let entra = entra(&world, "acme", BOTH_SCOPES).await;
    entra.create_user("ann@example.com").await;
    for (host, base) in [
        (SHARED_HOST, "/t/acme/scim/v2"),
        (SHARED_HOST, "/t/acme/scim"),
        ("acme.tenants.example.net", "/scim/v2"),
        (SHARED_HOST, "/scim/v2"),
    ] {
        assert_eq!(entra.at(host, base).get(LIST).await.expect(200)["totalResults"], 1, "{host}{base}");
    }
    entra.at(SHARED_HOST, "/t/beta/scim/v2").get(LIST).await.expect_error(401, "");
    entra.at("beta.tenants.example.net", "/scim/v2").get(LIST).await.expect_error(401, "");
    world.advance(HOUR);
    entra.get(LIST).await.expect_error(401, "");
}

async fn it_does_what_its_scope_says(world: World) {
    world.bare_tenant("generic", "acme").await;
    let reader = entra(&world, "acme", "scim:read").await;
    reader.get(LIST).await.expect(200);
    reader.post("/Users", &crate::client::user("x@example.com")).await.expect_error(403, "");
}

async fn an_inactive_tenant_is_told(world: World) {
    world.bare_tenant("generic", "acme").await;
    let entra = entra(&world, "acme", BOTH_SCOPES).await;
    entra.get(LIST).await.expect(200);
    world.set_status(&entra, TenantStatus::Inactive).await;
    entra.get(LIST).await.expect_error(403, "");
    world.set_status(&entra, TenantStatus::Active).await;
    entra.get(LIST).await.expect(200);
    world.revoke(&entra).await;
    entra.get(LIST).await.expect_error(401, "");
}

async fn only_what_the_profile_takes(world: World) {
    world.bare_tenant("envi", "envi").await;
    let stray = entra(&world, "envi", BOTH_SCOPES).await;
    for client in [stray.at(SHARED_HOST, "/scim/v2"), stray] {
        client.get(LIST).await.expect_error(401, "");
    }
}

async fn a_change_bears_the_clients_name(world: World) {
    world.bare_tenant("generic", "acme").await;
    let entra = entra(&world, "acme", BOTH_SCOPES).await;
    let created = id(&entra.create_user("ann@example.com").await);
    let trail = world.scope(&entra).await.audit(Some(&created), 10).await.expect("a trail");
    assert_eq!(trail[0].actor.name, "Entra");
}

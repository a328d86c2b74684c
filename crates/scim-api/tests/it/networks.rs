//! From where a credential is taken, and what other nodes know of it.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, extract::ConnectInfo};
use scim_api::ScimState;
use store::{credentials::AllowedFrom, tenants::TenantStatus};
use token_service::Networks;

use crate::{
    client::{Client, Reply},
    world::World,
};

on_both!(
    a_credential_from_elsewhere_is_refused_like_any_other,
    a_trusted_proxy_is_believed,
    a_deactivated_tenant_is_closed_on_every_node,
);

const LIST: &str = "/Users?startIndex=1&count=2";

/// A request as it comes from this peer, with these `X-Forwarded-For`.
async fn from(client: &Client, peer: &str, forwarded: Option<&str>) -> Reply {
    let mut request = client.request("GET", LIST, None);
    let peer: SocketAddr = format!("{peer}:4711").parse().expect("an address");
    request.extensions_mut().insert(ConnectInfo(peer));
    if let Some(forwarded) = forwarded {
        request.headers_mut().insert("x-forwarded-for", forwarded.parse().expect("a header value"));
    }
    client.send(request).await
}

/// Limits all credentials of a client's tenant.
async fn limit(world: &World, client: &Client, networks: &str, report_only: bool) {
    let networks: Networks = networks.parse().expect("networks");
    let allowed = AllowedFrom { networks: networks.0, report_only };
    let scope = world.scope(client).await;
    for credential in scope.credentials().await.expect("credentials") {
        let changed =
            world.tokens.allow_from(scope.id(), credential.id, &allowed, &crate::world::context()).await;
        changed.expect("changed");
    }
}

/// Status and body without the request id.
fn face(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.text.replace(reply.header("x-request-id"), ""))
}

async fn a_credential_from_elsewhere_is_refused_like_any_other(world: World) {
    let token = world.tenant("acme").await;
    let basic = world.basic_client("acme", "okta@acme").await;
    for okta in [&token, &basic] {
        from(okta, "192.0.2.1", None).await.expect(200);
    }
    limit(&world, &token, "203.0.113.0/24", false).await;
    for okta in [&token, &basic] {
        from(okta, "203.0.113.7", None).await.expect(200);
        let refused = from(okta, "192.0.2.1", None).await;
        assert_eq!(face(&refused), face(&okta.with_authorization(None).get(LIST).await), "the same 401");
        // What a stranger claims is not believed; and without an address it comes from nowhere.
        from(okta, "192.0.2.1", Some("203.0.113.7")).await.expect_error(401, "");
        okta.get(LIST).await.expect_error(401, "");
    }
    limit(&world, &token, "203.0.113.0/24", true).await;
    for okta in [&token, &basic] {
        from(okta, "192.0.2.1", None).await.expect(200);
    }
}

async fn a_trusted_proxy_is_believed(world: World) {
    let okta = world.tenant("acme").await;
    limit(&world, &okta, "203.0.113.0/24", false).await;
    let trusted_proxies = "10.0.0.0/8".parse().expect("networks");
    let state = ScimState { trusted_proxies, ..world.state.clone() };
    let okta = Client { app: scim_api::service(state, Router::new()), ..okta };
    from(&okta, "10.1.2.3", Some("203.0.113.7")).await.expect(200);
    from(&okta, "10.1.2.3", Some("192.0.2.1, 203.0.113.7")).await.expect(200);
    from(&okta, "10.1.2.3", Some("203.0.113.7, 192.0.2.1")).await.expect_error(401, "");
    from(&okta, "10.1.2.3", None).await.expect_error(401, "");
    from(&okta, "192.0.2.1", Some("203.0.113.7")).await.expect_error(401, "");
}

/// The contract's second, for every kind of credential, and back again.
async fn a_deactivated_tenant_is_closed_on_every_node(world: World) {
    let here = [world.tenant("acme").await, world.basic_client("acme", "okta@acme").await];
    let app = world.another_node().await;
    let there = here.clone().map(|client| Client { app: app.clone(), ..client });
    for (status, expected) in [(TenantStatus::Inactive, 403), (TenantStatus::Active, 200)] {
        for client in here.iter().chain(&there) {
            client.get(LIST).await.expect(if expected == 200 { 403 } else { 200 });
        }
        world.set_status(&here[0], status).await;
        for client in &here {
            client.get(LIST).await.expect(expected);
        }
        let known = async {
            while there[0].get(LIST).await.status != expected || there[1].get(LIST).await.status != expected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(1), known).await.expect("within a second");
    }
}

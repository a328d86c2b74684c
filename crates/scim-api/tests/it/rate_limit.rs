//! More requests than a tenant may send are refused, and nobody else's.

use std::{num::NonZeroU32, time::Duration};

use axum::Router;
use futures::future::join_all;
use scim_api::ScimState;

use crate::{
    client::{Client, Reply, user},
    world::{BOTH_SCOPES, SHARED_HOST, World},
};

on_both!(
    one_too_many_is_told_when_to_come_back,
    a_tenant_is_counted_at_every_address,
    strangers_count_for_nothing,
    off_unless_asked_for,
    a_tenants_own_limit_counts,
);

/// The same client at a node that takes so many requests a second.
fn limited(world: &World, client: &Client, per_second: u32) -> Client {
    let state = ScimState { rate_limit: NonZeroU32::new(per_second), ..world.state.clone() };
    Client { app: scim_api::service(state, Router::new()), ..client.clone() }
}

/// So many requests at the same time.
async fn burst(client: &Client, count: usize) -> Vec<Reply> {
    join_all((0..count).map(|_| client.get("/Users?count=0"))).await
}

fn refused(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.status == 429).count()
}

async fn one_too_many_is_told_when_to_come_back(world: World) {
    let acme = world.tenant("acme").await;
    let beta = limited(&world, &world.tenant("beta").await, 1);
    let acme = Client { app: beta.app.clone(), ..acme };
    acme.get("/Users").await.expect(200);
    let new: Vec<_> = (0..20).map(|at| user(&format!("u{at}@example.com"))).collect();
    let replies = join_all(new.iter().map(|body| acme.post("/Users", body))).await;
    let created = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(created + refused(&replies), replies.len(), "{replies:?}");
    assert!(refused(&replies) > 0, "{replies:?}");
    beta.get("/Users").await.expect(200);

    let mut last = replies.into_iter().rfind(|reply| reply.status == 429).expect("a refusal");
    let detail = last.expect_error(429, "");
    assert!(detail.contains("1 a second") && detail.contains("Retry-After"), "{detail}");
    // Somebody who does as told gets in; on a slow machine a refusal may be old by now, so at once or after that time.
    for _ in 0..3 {
        let wait: u64 = last.header("retry-after").parse().expect("whole seconds");
        assert_eq!(wait, 1);
        tokio::time::sleep(Duration::from_secs(wait)).await;
        last = acme.get("/Users").await;
        if last.status == 200 {
            break;
        }
    }
    assert_eq!(last.expect(200)["totalResults"], created, "what was refused was not done");
}

async fn a_tenant_is_counted_at_every_address(world: World) {
    let okta = limited(&world, &world.tenant("acme").await, 1);
    let mut clients = Vec::new();
    for (host, base) in
        [(SHARED_HOST, "/t/acme/scim/v2"), ("acme.tenants.example.net", "/scim"), (SHARED_HOST, "/scim/v2")]
    {
        for _ in 0..4 {
            let client = world.client("acme", BOTH_SCOPES).await;
            clients.push(Client { app: okta.app.clone(), ..client.at(host, base) });
        }
    }
    // One request by each of twelve credentials; also one that leads nowhere counts.
    let paths = ["/Users", "/ServiceProviderConfig", "/Nothing"];
    let sent = clients.iter().zip(paths.iter().cycle()).map(|(client, path)| client.get(path));
    let replies = join_all(sent).await;
    assert!(refused(&replies) > 0, "{replies:?}");
    assert!(refused(&replies) < replies.len(), "{replies:?}");
}

async fn strangers_count_for_nothing(world: World) {
    let okta = limited(&world, &world.tenant("acme").await, 1);
    for reply in burst(&okta.with_authorization(Some("Bearer rcl_none")), 20).await {
        reply.expect_error(401, "");
    }
    okta.get("/Users").await.expect(200);
}

async fn a_tenants_own_limit_counts(world: World) {
    let [acme, beta] = [world.tenant("acme").await, world.tenant("beta").await];
    for usual in [0, 1000] {
        let acme = limited(&world, &acme, usual);
        let beta = Client { app: acme.app.clone(), ..beta.clone() };
        world.rate_limit(&acme, Some(2)).await;
        let replies = burst(&acme, 60).await;
        assert!(refused(&replies) > 0, "{replies:?}");
        for reply in burst(&beta, 60).await {
            reply.expect(200);
        }
        world.rate_limit(&acme, None).await;
        for reply in burst(&acme, 60).await {
            reply.expect(200);
        }
    }
}

async fn off_unless_asked_for(world: World) {
    let okta = world.tenant("acme").await;
    for client in [okta.clone(), limited(&world, &okta, 0), limited(&world, &okta, 1000)] {
        for reply in burst(&client, 60).await {
            reply.expect(200);
        }
    }
}

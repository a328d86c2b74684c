//! What is told to the people of a tenant about requests that all get the same answer, and floods of guesses.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use store::tenants::TenantStatus;
use token_service::refusals::{Mistake, Refused};

use crate::{
    client::{Client, Reply, id},
    world::{SHARED_HOST, World, basic_header},
};

on_both!(
    each_mistake_is_told_to_the_tenant,
    what_the_address_names_is_told,
    a_flood_does_not_refuse_a_valid_one,
    who_comes_often_with_nothing_is_answered_the_same,
);

const LIST: &str = "/Users?startIndex=1&count=2";

impl World {
    async fn refused(&self, slug: &str) -> Vec<Refused> {
        let tenant = self.state.tenants.by_slug(slug).await.expect("a look-up").expect("a tenant");
        self.tokens.refusals(tenant.id(), &tenant.profile.credentials).await.expect("refusals")
    }

    async fn mistakes(&self, slug: &str) -> Vec<Mistake> {
        self.refused(slug).await.into_iter().map(|refused| refused.mistake).collect()
    }
}

/// A request from an address.
async fn from(client: &Client, address: &str) -> Reply {
    let mut request = client.request("GET", LIST, None);
    let peer: SocketAddr = address.parse().expect("an address");
    request.extensions_mut().insert(ConnectInfo(peer));
    client.send(request).await
}

async fn each_mistake_is_told_to_the_tenant(world: World) {
    let okta = world.tenant("acme").await;
    let token = okta.authorization.clone().expect("a token");
    let cut = token[..token.len() - 30].to_owned();
    for (value, expected) in [
        (None, Mistake::NoHeader),
        (Some("Bearer"), Mistake::NoToken),
        (Some("non-token"), Mistake::NotOurs),
        (Some("SSWS 00abc"), Mistake::OtherScheme),
        (Some(cut.as_str()), Mistake::CutShort),
        (Some("Basic eDp5"), Mistake::UnknownUserName),
    ] {
        okta.with_authorization(value).get(LIST).await.expect_error(401, "");
        assert_eq!(world.mistakes("acme").await[0], expected, "{value:?}");
        world.advance(1000);
    }
    let newest = &world.refused("acme").await[0];
    assert_eq!(newest.base_url, "https://scim.example.com/t/acme/scim/v2");
    assert_eq!(newest.agent, "Okta SCIM Client 1.0.0");
    let words = world.refused("acme").await.iter().map(|one| one.to_json().to_string()).collect::<String>();
    assert!(!words.contains(&token["Bearer rcl_".len()..][..20]), "no token is kept");
    // In another form of the address it is another row, told with that address.
    okta.with_authorization(None).at("acme.tenants.example.net", "/scim").get(LIST).await.expect(401);
    let newest = &world.refused("acme").await[0];
    assert_eq!(
        (newest.mistake, newest.base_url.as_str()),
        (Mistake::NoHeader, "https://acme.tenants.example.net/scim")
    );
}

async fn what_the_address_names_is_told(world: World) {
    let acme = world.tenant("acme").await;
    let beta = world.tenant("beta").await;
    // A good credential: at another tenant's address that tenant is told, at nobody's its own.
    acme.at(SHARED_HOST, "/t/beta/scim/v2").get(LIST).await.expect_error(401, "");
    assert_eq!(world.mistakes("beta").await, [Mistake::OtherTenant]);
    assert!(world.mistakes("acme").await.is_empty());
    acme.at(SHARED_HOST, "/t/acmee/scim/v2").get(LIST).await.expect_error(401, "");
    let told = world.refused("acme").await;
    assert_eq!((told.len(), told[0].mistake), (1, Mistake::UnknownTenant));
    assert!(told[0].base_url.ends_with("/t/acmee/scim/v2"));
    // Nothing of a stranger's is kept for a tenant that does not exist.
    acme.with_authorization(Some("non-token"))
        .at(SHARED_HOST, "/t/nobody/scim/v2")
        .get(LIST)
        .await
        .expect(401);
    assert!(world.tokens.shared_refusals().await.expect("refusals").is_empty());
    acme.with_authorization(Some("non-token")).at(SHARED_HOST, "/scim/v2").get(LIST).await.expect(401);
    let shared = world.tokens.shared_refusals().await.expect("refusals");
    assert_eq!((shared.len(), shared[0].mistake), (1, Mistake::NotOurs));

    world.set_status(&beta, TenantStatus::Inactive).await;
    beta.get(LIST).await.expect_error(403, "");
    let told = &world.refused("beta").await[0];
    assert_eq!((told.mistake, told.status()), (Mistake::TenantInactive, 403));
    let ann = id(&acme.create_user("ann@example.com").await);
    world.personal_client("acme", "scim:read", &ann).await.get(LIST).await.expect_error(403, "");
    world.advance(1000);
    world.client("acme", "directory:read").await.get(LIST).await.expect_error(403, "");
    let told = world.refused("acme").await;
    assert_eq!([told[0].mistake, told[1].mistake], [Mistake::MissingScope, Mistake::UserBound]);
    assert!(told[0].what.contains("lacks the scope scim:read"), "{}", told[0].what);
    // A kind that the product does not take.
    let envi = world.tenant_of("envi", "envi").await;
    envi.with_authorization(Some(&basic_header("okta", "wrong"))).get(LIST).await.expect_error(401, "");
    world.basic_client("envi", "okta@envi").await.get(LIST).await.expect_error(401, "");
    assert!(world.mistakes("envi").await.iter().all(|mistake| *mistake == Mistake::BasicNotTaken));
}

/// Okta's and Entra's customers share addresses: a neighbour's wrong token is not theirs.
async fn a_flood_does_not_refuse_a_valid_one(world: World) {
    let okta = world.tenant("acme").await;
    let peer = "203.0.113.9:4711";
    let flood = (0..30).map(|number| {
        let client = okta.with_authorization(Some(&format!("Bearer guess-{number}")));
        async move { from(&client, peer).await }
    });
    let valid = async {
        for _ in 0..20 {
            from(&okta, peer).await.expect(200);
        }
    };
    let (replies, ()) = futures::join!(futures::future::join_all(flood), valid);
    let turned_away: Vec<_> = replies.iter().filter(|reply| reply.status.as_u16() == 429).collect();
    assert_eq!(turned_away.len(), 10, "twenty are free");
    for reply in turned_away {
        assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
        assert!(reply.expect_error(429, "").contains("valid credential is let in at once"));
        assert!(reply.headers.get("www-authenticate").is_none());
    }
    assert!(replies.iter().all(|reply| matches!(reply.status.as_u16(), 401 | 429)));
    // Somebody else's wrong token is a 401 as ever, and the valid one is let in from the flooded address.
    let other = okta.with_authorization(Some("non-token"));
    from(&other, "203.0.113.10:4711").await.expect_error(401, "");
    from(&okta, peer).await.expect(200);
    let rows = world.refused("acme").await;
    let of_flood: Vec<_> = rows.iter().filter(|row| row.sender == "203.0.113.9".parse().ok()).collect();
    assert_eq!(of_flood.iter().map(|row| row.count).sum::<u64>(), 30);
    assert_eq!(of_flood.len(), 21, "those beyond the limit are one row");
    let trail = world.scope(&okta).await.audit(None, 100).await.expect("a trail");
    let told = trail.iter().filter(|record| record.event == "credential.throttled");
    assert_eq!(told.map(|record| record.object_type.as_str()).collect::<Vec<_>>(), ["Tenant"]);
}

/// An identity provider whose token has ended comes again and again: it guesses nothing, and is told the same each time.
async fn who_comes_often_with_nothing_is_answered_the_same(world: World) {
    let okta = world.tenant("acme").await;
    world.revoke(&okta).await;
    for client in [okta.clone(), okta.with_authorization(None)] {
        for _ in 0..40 {
            from(&client, "203.0.113.9:4711").await.expect_error(401, "");
        }
    }
    let rows = world.refused("acme").await;
    assert_eq!(rows.iter().map(|row| row.count).collect::<Vec<_>>(), [40, 40]);
}

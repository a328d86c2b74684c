//! A client gives back a token of its own (RFC 7009).

use http::StatusCode;
use store::tenants::TenantStatus;
use store_testing::on_both;
use token_service::{NewToken, Refusal};

use secrecy::ExposeSecret as _;

use crate::world::{HOUR, World, context};

const REVOKE: &str = "/oauth/revoke";

on_both! {
    async fn a_token_is_given_back(store: TestStore) {
        let world = World::new(store).await;
        let tenant = world.tenant("acme", "generic").await;
        let client = world.client(tenant, "Entra").await;
        let (basic, post, kept) = (world.token(&client).await, world.token(&client).await, world.token(&client).await);
        world.verify(&basic).await.unwrap();
        let form = [("token", basic.as_str()), ("token_type_hint", "refresh_token")];
        for _ in 0..2 {
            let reply = world.post(REVOKE, Some(&client.basic()), &form).await;
            assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        }
        let form = [("token", post.as_str()), ("client_id", &client.id), ("client_secret", &client.secret)];
        assert_eq!(world.post(REVOKE, None, &form).await.status, StatusCode::OK);
        for token in [&basic, &post] {
            assert!(matches!(world.verify(token).await, Err(Refusal::Revoked)));
        }
        world.verify(&kept).await.unwrap();
        // Also when the tenant is not served at the moment.
        let platform = world.store.platform();
        assert!(platform.configure_tenant(tenant, &TenantStatus::Inactive.into(), &context()).await.unwrap());
        let reply = world.post(REVOKE, Some(&client.basic()), &[("token", &kept)]).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(matches!(world.verify(&kept).await, Err(Refusal::Revoked)));
        let trail = world.store.tenant(tenant).audit(None, 100).await.unwrap();
        let revoked: Vec<_> = trail.iter().filter(|row| row.event == "token.revoked").collect();
        assert_eq!(revoked.len(), 3);
        assert!(revoked.iter().all(|row| row.actor.name == "Entra"));
    }

    async fn what_is_unknown_is_no_error_and_what_is_anothers_is(store: TestStore) {
        let world = World::new(store).await;
        let tenant = world.tenant("acme", "generic").await;
        let (client, other) = (world.client(tenant, "Entra").await, world.client(tenant, "other").await);
        let revoke = async |token: &str| world.post(REVOKE, Some(&client.basic()), &[("token", token)]).await;
        for unknown in ["x", "rcl_a.b.c", &world.token(&client).await[..80]] {
            assert_eq!(revoke(unknown).await.status, StatusCode::OK, "{unknown}");
        }
        let theirs = world.token(&other).await;
        revoke(&theirs).await.expect_error(400, "invalid_grant");
        let new = NewToken {
            name: "Okta".into(),
            scope: "scim:read".into(),
            expires_at: world.store.now() + HOUR,
            user: None,
            allowed_from: Default::default(),
        };
        let long_lived = world.tokens.issue(tenant, new, &context()).await.unwrap();
        let long_lived = long_lived.token.expose_secret();
        assert!(revoke(long_lived).await.expect_error(400, "unsupported_token_type").contains("console"));
        for valid in [theirs.as_str(), long_lived] {
            world.verify(valid).await.unwrap();
        }
    }

    async fn nobody_revokes_without_signing_in(store: TestStore) {
        let world = World::new(store).await;
        let tenant = world.tenant("acme", "generic").await;
        let client = world.client(tenant, "Entra").await;
        let token = world.token(&client).await;
        world.post(REVOKE, None, &[("token", &token)]).await.expect_error(401, "invalid_client");
        let bearer = format!("Bearer {token}");
        world.post(REVOKE, Some(&bearer), &[("token", &token)]).await.expect_error(401, "invalid_client");
        let form = [("token", token.as_str()), ("client_id", &client.id), ("client_secret", "rcs_wrong")];
        world.post(REVOKE, None, &form).await.expect_error(401, "invalid_client");
        world.post(REVOKE, Some(&client.basic()), &[]).await.expect_error(400, "invalid_request");
        world.verify(&token).await.unwrap();
    }
}

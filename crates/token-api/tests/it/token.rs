//! Access tokens for clients (RFC 6749 §4.4).

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{Request, StatusCode, header};
use scim_core::profile::CredentialKind;
use store::{credentials::AllowedFrom, tenants::TenantStatus};
use store_testing::on_both;
use token_service::{Networks, Refusal};

use crate::world::{Client, HOUR, World, context};

const TOKEN: &str = "/oauth/token";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// A tenant, and a client of it.
async fn entra(world: &World) -> Client {
    let tenant = world.tenant("acme", "generic").await;
    world.client(tenant, "Entra").await
}

on_both! {
    async fn a_client_from_elsewhere_is_like_an_unknown_one(store: TestStore) {
        let world = World::new(store).await;
        let tenant = world.tenant("acme", "generic").await;
        let client = world.client(tenant, "Entra").await;
        let id = world.store.tenant(tenant).credentials().await.unwrap()[0].id;
        let from = async |peer: &str| {
            let mut request = Request::post(TOKEN)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::AUTHORIZATION, client.basic())
                .body(Body::from("grant_type=client_credentials"))
                .unwrap();
            let peer: SocketAddr = format!("{peer}:4711").parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(peer));
            world.send(request).await
        };
        assert_eq!(from("192.0.2.1").await.status, StatusCode::OK);
        let networks = "10.0.0.0/8".parse::<Networks>().unwrap().0;
        for (report_only, expected) in [(false, 401), (true, 200)] {
            let allowed = AllowedFrom { networks: networks.clone(), report_only };
            world.tokens.allow_from(tenant, id, &allowed, &context()).await.unwrap();
            assert_eq!(from("10.1.2.3").await.status, StatusCode::OK);
            assert_eq!(from("192.0.2.1").await.status.as_u16(), expected);
            // Nobody knows where this one comes from.
            assert_eq!(world.post(TOKEN, Some(&client.basic()), &[GRANT]).await.status.as_u16(), expected);
        }
        let allowed = AllowedFrom { networks, report_only: false };
        world.tokens.allow_from(tenant, id, &allowed, &context()).await.unwrap();
        let wrong = Client { secret: "rcs_wrong".into(), ..client.clone() };
        let wrong = world.post(TOKEN, Some(&wrong.basic()), &[GRANT]).await;
        assert_eq!(from("192.0.2.1").await.body, wrong.body);
    }

    async fn a_client_signs_in_either_way(store: TestStore) {
        let world = World::new(store).await;
        let client = entra(&world).await;
        let basic = client.basic();
        // Each part encoded as a form has it, character by character.
        let encoded: Vec<String> = [&client.id, &client.secret]
            .map(|text| text.bytes().map(|byte| format!("%{byte:02X}")).collect())
            .to_vec();
        let encoded = format!("basic {}", BASE64_STANDARD.encode(encoded.join(":")));
        let (id, secret) = (("client_id", client.id.as_str()), ("client_secret", client.secret.as_str()));
        let unknown = ("resource", "https://graph.example");
        for (authorization, form) in [
            (Some(&basic), vec![GRANT]),
            (Some(&encoded), vec![GRANT]),
            (Some(&basic), vec![GRANT, id, ("client_secret", "")]),
            (None, vec![GRANT, id, secret]),
            (None, vec![secret, unknown, GRANT, id, ("scope", "")]),
        ] {
            let reply = world.post(TOKEN, authorization.map(String::as_str), &form).await;
            assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
            assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
            assert_eq!(reply.headers[header::PRAGMA], "no-cache");
            assert_eq!(reply.headers[header::CONTENT_TYPE], "application/json");
            assert_eq!((&reply.body["token_type"], &reply.body["expires_in"]), (&"Bearer".into(), &3600.into()));
            assert_eq!(reply.body["scope"], "scim:read scim:write");
            let principal = world.verify(reply.body["access_token"].as_str().unwrap()).await.unwrap();
            assert_eq!((principal.kind, principal.name.as_str()), (CredentialKind::Oauth, "Entra"));
        }
    }

    async fn a_token_ends_after_an_hour_and_another_is_asked_for(store: TestStore) {
        let world = World::new(store).await;
        let client = entra(&world).await;
        let first = world.token(&client).await;
        world.verify(&first).await.unwrap();
        world.store.advance(HOUR - 60_000);
        world.verify(&first).await.unwrap();
        let second = world.token(&client).await;
        world.store.advance(60_000);
        assert!(matches!(world.verify(&first).await, Err(Refusal::Expired)));
        world.verify(&second).await.unwrap();
        // The client itself ends too.
        world.store.advance(24 * HOUR);
        let reply = world.post(TOKEN, Some(&client.basic()), &[GRANT]).await;
        assert!(reply.expect_error(401, "invalid_client").contains("expired"));
    }

    async fn a_scope_may_be_asked_for(store: TestStore) {
        let world = World::new(store).await;
        let client = entra(&world).await;
        let ask = async |scope| world.post(TOKEN, Some(&client.basic()), &[GRANT, ("scope", scope)]).await;
        let reply = ask("scim:read").await;
        assert_eq!((reply.status, &reply.body["scope"]), (StatusCode::OK, &"scim:read".into()));
        let principal = world.verify(reply.body["access_token"].as_str().unwrap()).await.unwrap();
        assert!(principal.may("scim:read") && !principal.may("scim:write"));
        for scope in ["directory:read", "scim:read directory:read", "SCIM:READ", "\"", ".default"] {
            let reply = ask(scope).await;
            assert!(reply.expect_error(400, "invalid_scope").contains("scim:read scim:write"), "{scope}");
        }
    }

    /// Whoever guesses learns nothing; the administrator learns what to do.
    async fn an_unknown_client_and_a_wrong_secret_look_alike(store: TestStore) {
        let world = World::new(store).await;
        let client = entra(&world).await;
        let tenant = world.tenants.by_slug("acme").await.unwrap().unwrap().id();
        let gone = world.client(tenant, "gone").await;
        let row = world.tokens.list(tenant).await.unwrap().into_iter().find(|row| row.name == "gone").unwrap();
        assert!(world.tokens.revoke(tenant, row.id, &context()).await.unwrap());
        let wrong = Client { secret: gone.secret.clone(), ..client.clone() };
        let unknown = Client { id: "rc_00000000000000000000000000000000".into(), ..client.clone() };
        let mut bodies = Vec::new();
        for client in [&wrong, &unknown, &gone] {
            let (id, secret) = (("client_id", client.id.as_str()), ("client_secret", client.secret.as_str()));
            for (authorization, form) in [(Some(client.basic()), vec![GRANT]), (None, vec![GRANT, id, secret])] {
                let reply = world.post(TOKEN, authorization.as_deref(), &form).await;
                reply.expect_error(401, "invalid_client");
                assert!(reply.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic "));
                bodies.push(reply.body);
            }
        }
        assert!(bodies.windows(2).all(|two| two[0] == two[1]), "{bodies:?}");
    }

    async fn what_is_wrong_with_a_request_is_said(store: TestStore) {
        let world = World::new(store).await;
        let client = entra(&world).await;
        let basic = client.basic();
        let (id, secret) = (("client_id", client.id.as_str()), ("client_secret", client.secret.as_str()));
        let bearer = format!("Bearer {}", world.token(&client).await);
        for (authorization, form, status, code, word) in [
            (Some(&basic), vec![], 400, "invalid_request", "grant_type"),
            (Some(&basic), vec![("grant_type", "")], 400, "invalid_request", "grant_type"),
            (Some(&basic), vec![("grant_type", "password")], 400, "unsupported_grant_type", "client_credentials"),
            (Some(&basic), vec![GRANT, GRANT], 400, "invalid_request", "grant_type is there twice"),
            (Some(&basic), vec![GRANT, id, secret], 400, "invalid_request", "signs in twice"),
            (Some(&basic), vec![GRANT, secret], 400, "invalid_request", "signs in twice"),
            (Some(&basic), vec![GRANT, ("client_id", "rc_other")], 400, "invalid_request", "another client"),
            (None, vec![GRANT], 401, "invalid_client", "Nobody has signed in"),
            (None, vec![GRANT, id], 401, "invalid_client", "Nobody has signed in"),
            (None, vec![GRANT, secret], 401, "invalid_client", "Nobody has signed in"),
            (Some(&bearer), vec![GRANT], 401, "invalid_client", "Basic"),
            (Some(&"Basic !".to_owned()), vec![GRANT], 401, "invalid_client", "Basic"),
        ] {
            let reply = world.post(TOKEN, authorization.map(String::as_str), &form).await;
            let description = reply.expect_error(status, code);
            assert!(description.contains(word), "{description}");
            assert!(!reply.body.to_string().contains(&client.secret));
        }
        let post = |content_type: &'static str, body: String| {
            let request = Request::post(TOKEN).header(header::AUTHORIZATION, &basic);
            world.send(request.header(header::CONTENT_TYPE, content_type).body(Body::from(body)).unwrap())
        };
        for content_type in ["application/json", "", "text/plain"] {
            let reply = post(content_type, "grant_type=client_credentials".into()).await;
            assert!(reply.expect_error(400, "invalid_request").contains("x-www-form-urlencoded"));
        }
        let form = "Application/X-WWW-form-urlencoded; charset=UTF-8";
        assert_eq!(post(form, "grant_type=client_credentials".into()).await.status, StatusCode::OK);
        let padding = |length| format!("grant_type=client_credentials&x={}", "y".repeat(length));
        assert_eq!(post(form, padding(16_000)).await.status, StatusCode::OK);
        post(form, padding(17_000)).await.expect_error(413, "invalid_request");
        let twice = Request::post(TOKEN)
            .header(header::AUTHORIZATION, &basic)
            .header(header::AUTHORIZATION, &basic)
            .header(header::CONTENT_TYPE, form);
        let reply = world.send(twice.body(Body::from("grant_type=client_credentials")).unwrap()).await;
        reply.expect_error(400, "invalid_request");
        for method in ["GET", "PUT"] {
            let request = Request::builder().method(method).uri(TOKEN).body(Body::empty()).unwrap();
            let reply = world.send(request).await;
            reply.expect_error(405, "invalid_request");
            assert_eq!(reply.headers[header::ALLOW], "POST");
        }
    }

    async fn a_tenant_that_does_not_take_it_is_told(store: TestStore) {
        let world = World::new(store).await;
        let client = entra(&world).await;
        let tenant = world.tenants.by_slug("acme").await.unwrap().unwrap().id();
        let before = world.token(&client).await;
        let set = async |status: TenantStatus| {
            let platform = world.store.platform();
            assert!(platform.configure_tenant(tenant, &status.into(), &context()).await.unwrap());
        };
        set(TenantStatus::Inactive).await;
        let reply = world.post(TOKEN, Some(&client.basic()), &[GRANT]).await;
        assert!(reply.expect_error(400, "unauthorized_client").contains("not active"));
        let wrong = Client { secret: "rcs_wrong".into(), ..client.clone() };
        let reply = world.post(TOKEN, Some(&wrong.basic()), &[GRANT]).await;
        assert!(!reply.expect_error(401, "invalid_client").contains("active"), "told to those who have the secret");
        set(TenantStatus::Active).await;
        world.verify(&before).await.unwrap();
        world.token(&client).await;
        let envi = world.tenant("envi", "envi").await;
        let stray = world.client(envi, "Entra").await;
        let reply = world.post(TOKEN, Some(&stray.basic()), &[GRANT]).await;
        assert!(reply.expect_error(400, "unauthorized_client").contains("set-up page"));
    }

    async fn its_use_is_noted(store: TestStore) {
        let world = World::new(store).await;
        let client = entra(&world).await;
        world.token(&client).await;
        world.tokens.flush_uses().await.unwrap();
        let tenant = world.tenants.by_slug("acme").await.unwrap().unwrap().id();
        let listed = world.tokens.list(tenant).await.unwrap();
        assert_eq!(listed.len(), 1, "an access token is no row");
        assert_eq!(listed[0].last_used_from.as_deref(), Some("Entra"));
    }
}

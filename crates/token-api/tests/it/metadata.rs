//! Where everything is (RFC 8414).

use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::json;
use store_testing::on_both;

use crate::world::World;

on_both! {
    async fn it_names_the_endpoints(store: TestStore) {
        let world = World::new(store).await;
        let path = "/.well-known/oauth-authorization-server";
        let reply = world.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.headers[header::CONTENT_TYPE], "application/json");
        let methods = ["client_secret_basic", "client_secret_post"];
        let expected = json!({
            "issuer": "https://scim.example.com",
            "token_endpoint": "https://scim.example.com/oauth/token",
            "revocation_endpoint": "https://scim.example.com/oauth/revoke",
            "jwks_uri": "https://scim.example.com/.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": ["scim:read", "scim:write", "directory:read", "receipts:write"],
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
        });
        assert_eq!(reply.body, expected);
        let reply = world.send(Request::post(path).body(Body::empty()).unwrap()).await;
        reply.expect_error(405, "invalid_request");
    }
}

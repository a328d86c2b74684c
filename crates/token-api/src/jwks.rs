//! `GET /.well-known/jwks.json`: the public keys (RFC 7517), so that others check tokens without asking us.

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use token_service::{custody::PUBLISHED_FOR, host};

use crate::TokenApiState;

/// Where the keys are.
pub(crate) const PATH: &str = "/.well-known/jwks.json";
/// The registered media type (RFC 7517 §8.5.2). Libraries that ask for `application/json` read it as well, since none of
/// those that we know looks at the type.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/jwk-set+json");

/// Answers on the public URL's host alone: an issuer has one address for its keys.
pub(crate) async fn show(State(state): State<TokenApiState>, request: Request) -> Response {
    if !host::fits(request.uri(), request.headers(), &state.public_url) {
        let address = state.public_url.join(PATH).map(String::from).unwrap_or_default();
        return (StatusCode::MISDIRECTED_REQUEST, format!("The keys are published at {address}\n"))
            .into_response();
    }
    let keys = state.tokens.published_keys().await;
    let mut headers = HeaderMap::new();
    let cache = HeaderValue::from_str(&format!("public, max-age={PUBLISHED_FOR}"));
    headers.extend(cache.ok().map(|value| (header::CACHE_CONTROL, value)));
    headers.extend(HeaderValue::from_str(&keys.etag).ok().map(|value| (header::ETAG, value)));
    // Public keys are for everybody, pages of other sites too.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_known(request.headers(), &keys.etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
    (headers, keys.body).into_response()
}

/// Has the client this already? If-None-Match compares weakly (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let tags = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    tags.flat_map(|tags| tags.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body};
    use http_body_util::BodyExt as _;
    use store::{Actor, ActorKind, ChangeContext};
    use store_testing::{TestStore, on_both};
    use token_service::{MasterKey, TokenService};
    use tower::ServiceExt as _;

    use super::*;

    struct World {
        app: Router,
        tokens: TokenService,
    }

    async fn world(store: &TestStore) -> World {
        let key = MasterKey::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key");
        let tokens = TokenService::open(store.store(), key).await.expect("opened");
        let state = TokenApiState {
            admission: admission::Admission::default(),
            tokens: tokens.clone(),
            public_url: "https://rollcall.test".parse().expect("a URL"),
            trusted_proxies: Default::default(),
            tenants: provisioning::TenantDirectory::new(store.store()),
            access_token_lifetime: Default::default(),
        };
        World { app: crate::router(state), tokens }
    }

    impl World {
        async fn call(
            &self,
            method: &str,
            host: &str,
            known: Option<&str>,
        ) -> (StatusCode, HeaderMap, String) {
            let mut request = http::Request::builder().method(method).uri(PATH).header(header::HOST, host);
            if let Some(known) = known {
                request = request.header(header::IF_NONE_MATCH, known);
            }
            let request = request.body(Body::empty()).expect("a request");
            let (parts, body) = self.app.clone().oneshot(request).await.expect("an answer").into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
        }
    }

    fn kids(body: &str) -> Vec<String> {
        let set: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let keys = set["keys"].as_array().expect("keys").iter();
        keys.map(|key| key["kid"].as_str().expect("a key id").to_owned()).collect()
    }

    on_both! {
        async fn the_keys_are_published_for_a_while(store: TestStore) {
            let world = world(&store).await;
            let (status, headers, body) = world.call("GET", "rollcall.test", None).await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!(headers[header::CONTENT_TYPE], "application/jwk-set+json");
            assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=300");
            assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
            let before = kids(&body);
            assert_eq!(before.len(), 2, "the next key is there before it signs");
            let set: serde_json::Value = serde_json::from_str(&body).expect("JSON");
            for key in set["keys"].as_array().expect("keys") {
                let mut names: Vec<_> = key.as_object().expect("an object").keys().cloned().collect();
                names.sort();
                assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"], "nothing private");
            }

            let etag = headers[header::ETAG].to_str().expect("text").to_owned();
            for known in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".into()] {
                let (status, headers, body) = world.call("GET", "rollcall.test", Some(&known)).await;
                assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{known}");
                assert_eq!(headers[header::ETAG], etag.as_str());
                assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=300");
            }
            let actor = Actor { kind: ActorKind::Cli, id: String::new(), name: "test".into() };
            let by = ChangeContext { actor, cause: "test".into() };
            let done = world.tokens.rotate_keys(None, &by).await.expect("rotated");
            let (status, _, body) = world.call("GET", "rollcall.test", Some(&etag)).await;
            assert_eq!((status, kids(&body)), (StatusCode::OK, vec![done.active, done.next, done.retired]));
        }

        async fn only_under_the_public_name(store: TestStore) {
            let world = world(&store).await;
            for host in ["evil.example", "acme.rollcall.test", "127.0.0.1"] {
                let (status, headers, body) = world.call("GET", host, None).await;
                assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{host}");
                assert!(body.contains("https://rollcall.test/.well-known/jwks.json") && !body.contains("kid"));
                assert!(headers.get(header::ETAG).is_none());
            }
            let (status, _, body) = world.call("HEAD", "rollcall.test:443", None).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
            assert_eq!(world.call("POST", "rollcall.test", None).await.0, StatusCode::METHOD_NOT_ALLOWED);
        }
    }
}

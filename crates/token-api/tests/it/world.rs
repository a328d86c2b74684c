//! The endpoints over a fresh database, tenants and clients.

use axum::{Router, body::Body};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use provisioning::TenantDirectory;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use store::{Actor, ActorKind, ChangeContext, TenantId};
use store_testing::TestStore;
use token_api::TokenApiState;
use token_service::{MasterKey, NewClient, Presented, Principal, Refusal, TokenService};
use tower::ServiceExt as _;

pub(crate) const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

pub(crate) fn context() -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::Cli, id: String::new(), name: "test".into() },
        cause: "test".into(),
    }
}

pub(crate) struct World {
    pub(crate) store: TestStore,
    pub(crate) tokens: TokenService,
    pub(crate) tenants: TenantDirectory,
    app: Router,
}

/// A client as an identity provider holds it.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl World {
    pub(crate) async fn new(store: TestStore) -> Self {
        let key = MasterKey::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let tokens = TokenService::open(store.store(), key).await.unwrap();
        let tenants = TenantDirectory::new(store.store());
        let app = token_api::router(TokenApiState {
            admission: admission::Admission::default(),
            tokens: tokens.clone(),
            tenants: tenants.clone(),
            public_url: "https://scim.example.com".parse().unwrap(),
            trusted_proxies: Default::default(),
            access_token_lifetime: Default::default(),
        });
        Self { store, tokens, tenants, app }
    }

    /// A new active tenant.
    pub(crate) async fn tenant(&self, slug: &str, profile: &str) -> TenantId {
        self.tenants.create(slug, None, profile, "lenient", true, &context()).await.unwrap().id()
    }

    /// A client that may read and write for a day.
    pub(crate) async fn client(&self, tenant: TenantId, name: &str) -> Client {
        let new = NewClient {
            name: name.into(),
            scope: "scim:read scim:write".into(),
            expires_at: self.store.now() + DAY,
            allowed_from: Default::default(),
        };
        let made = self.tokens.create_client(tenant, new, &context()).await.unwrap();
        Client { id: made.client_id, secret: made.secret.expose_secret().to_owned() }
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<Principal, Refusal> {
        self.tokens.verify(&Presented::Bearer(token.into())).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// POSTs a form, with an Authorization header if there is one.
    pub(crate) async fn post(&self, path: &str, authorization: Option<&str>, form: &[(&str, &str)]) -> Reply {
        let mut request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::USER_AGENT, "Entra");
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// An access token by `client_secret_basic`.
    pub(crate) async fn token(&self, client: &Client) -> String {
        let grant = [("grant_type", "client_credentials")];
        let reply = self.post("/oauth/token", Some(&client.basic()), &grant).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        reply.body["access_token"].as_str().unwrap().to_owned()
    }
}

impl Client {
    /// Its `Authorization` header.
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", self.id, self.secret)))
    }
}

impl Reply {
    /// Is it this error, with a sentence for people that has only allowed characters? Gives the sentence.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, code: &str) -> &str {
        assert_eq!((self.status.as_u16(), &self.body["error"]), (status, &code.into()), "{self:?}");
        let description = self.body["error_description"].as_str().unwrap();
        assert!(
            description.len() > 20
                && description.chars().all(|ch| matches!(ch, ' '..='~') && ch != '"' && ch != '\\')
        );
        assert_eq!(self.headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(self.headers.contains_key(header::WWW_AUTHENTICATE), status == 401);
        description
    }
}

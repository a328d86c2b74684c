//! The API over an empty database, and a client of few words.

use axum::{Router, body::Body};
use http::{HeaderMap, Request, header};
use http_body_util::BodyExt;
use provisioning::{Provisioner, Tenant, TenantDirectory};
use scim_core::projection::Projection;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::sync::Arc;
use store::{Actor, ActorKind, ChangeContext, UserId};
use store_testing::TestStore;
use tenant_admin::ApiState;
use token_service::{MasterKey, Networks, NewPlatformToken, NewToken, TokenService};
use tower::ServiceExt;

pub(crate) const HOST: &str = "rollcall.test";
pub(crate) const DAY: i64 = 86_400_000;
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails with the answer unless it has this status.
    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// A problem about a field.
    #[track_caller]
    pub(crate) fn blames(&self, status: u16, field: &str) -> &Self {
        self.is(status);
        assert_eq!(self.body["field"], field, "{}", self.body);
        self
    }

    pub(crate) fn text(&self, pointer: &str) -> String {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub(crate) fn items(&self) -> &[Value] {
        self.body["items"].as_array().unwrap()
    }
}

/// The API and what is behind it.
pub(crate) struct Api {
    pub(crate) app: Router,
    pub(crate) state: ApiState,
    /// A token of the installation that may everything.
    pub(crate) token: String,
    /// Kept: its database goes with it.
    pub(crate) store: TestStore,
}

impl Api {
    pub(crate) async fn new(store: TestStore) -> Self {
        let tokens = TokenService::open(store.store(), MasterKey::from_base64(KEY).unwrap()).await.unwrap();
        let state = ApiState {
            admission: admission::Admission::default(),
            store: store.store(),
            provisioner: Provisioner::new(store.store()),
            tenants: TenantDirectory::new(store.store()),
            destinations: delivery::Destinations::new(
                store.store(),
                tokens.vault().clone(),
                egress::Client::default(),
            ),
            tokens,
            public_url: format!("https://{HOST}").parse().unwrap(),
            trusted_proxies: Networks::default(),
            live: tenant_admin::Live::default(),
        };
        let app = tenant_admin::api_router(state.clone());
        let mut api = Self { app, state, token: String::new(), store };
        api.token = api.platform("Vendor", "admin:* directory:read", 30 * DAY).await;
        api
    }

    /// A token of the installation that lives so long, in milliseconds.
    pub(crate) async fn platform(&self, name: &str, scope: &str, lives: i64) -> String {
        let expires_at = self.store.now() + lives;
        let new = NewPlatformToken {
            name: name.into(),
            scope: scope.into(),
            expires_at,
            allowed_from: Default::default(),
        };
        let issued = self.state.tokens.issue_platform(new, &context()).await.unwrap();
        issued.token.expose_secret().to_owned()
    }

    /// An active tenant.
    pub(crate) async fn tenant(&self, slug: &str, profile: &str) -> Arc<Tenant> {
        self.state.tenants.create(slug, None, profile, "lenient", true, &context()).await.unwrap();
        self.state.tenants.by_slug(slug).await.unwrap().unwrap()
    }

    /// A tenant's token.
    pub(crate) async fn tenant_token(&self, tenant: &Tenant, scope: &str, user: Option<UserId>) -> String {
        let new = NewToken {
            name: format!("{scope} {user:?}"),
            scope: scope.into(),
            expires_at: self.store.now() + 30 * DAY,
            user,
            allowed_from: Default::default(),
        };
        let issued = self.state.tokens.issue(tenant.id(), new, &context()).await.unwrap();
        issued.token.expose_secret().to_owned()
    }

    /// A user as the identity provider sends it; gives the id.
    pub(crate) async fn user(&self, tenant: &Tenant, user_name: &str) -> String {
        self.titled_user(tenant, user_name, None).await
    }

    /// The same with a title.
    pub(crate) async fn titled_user(&self, tenant: &Tenant, user_name: &str, title: Option<&str>) -> String {
        let (context, projection) = (context(), Projection::default());
        let base_url = "https://x/scim";
        let request = provisioning::Request { tenant, context: &context, base_url, projection: &projection };
        let body =
            json!({"schemas": [scim_core::urn::USER], "userName": user_name, "active": true, "title": title});
        let created = self.state.provisioner.create_user(request, &body).await.unwrap();
        created.rendered.body["id"].as_str().unwrap().to_owned()
    }

    /// A group with members; gives the id.
    pub(crate) async fn group(&self, tenant: &Tenant, name: &str, members: &[&str]) -> String {
        let (context, projection) = (context(), Projection::default());
        let base_url = "https://x/scim";
        let request = provisioning::Request { tenant, context: &context, base_url, projection: &projection };
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"schemas": [scim_core::urn::GROUP], "displayName": name, "members": members});
        let created = self.state.provisioner.create_group(request, &body).await.unwrap();
        created.body["id"].as_str().unwrap().to_owned()
    }

    /// Sends a request with headers and a body as they are.
    pub(crate) async fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.headers_mut().entry(header::HOST).or_insert(HOST.parse().unwrap());
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends a request with a token.
    pub(crate) async fn as_(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        if path.contains("/audit") {
            // As a server does by itself.
            self.store.number().await;
        }
        self.raw(method, &format!("/api/v1{path}"), &headers, &body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.as_(&self.token, "GET", path, None).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        self.as_(&self.token, method, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.as_(&self.token, "DELETE", path, None).await
    }

    /// The items of all pages of a list.
    pub(crate) async fn walk(&self, path: &str, limit: u64) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let mark = if path.contains('?') { '&' } else { '?' };
            let from = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
            let page = self.get(&format!("{path}{mark}limit={limit}{from}")).await;
            page.is(200);
            assert!(page.items().len() as u64 <= limit);
            items.extend(page.items().iter().cloned());
            cursor = page.text("/nextCursor");
            if cursor.is_empty() {
                return items;
            }
        }
    }
}

/// Somebody who prepares what a test needs.
pub(crate) fn context() -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::Cli, id: String::new(), name: "command line".into() },
        cause: "request-1".into(),
    }
}

//! A console over an empty database, and a browser of few words.

use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use provisioning::{Provisioner, Tenant, TenantDirectory};
use scim_core::projection::Projection;
use serde_json::Value;
use std::sync::Arc;
use store::{
    Actor, ActorKind, AdminId, ChangeContext, CredentialId, TenantId,
    activity::{ActivityBatch, LoggedRequest, NewRequest, RequestLine},
    admins::{Admin, AdminRole},
    tenants::TenantSettings,
};
use store_testing::TestStore;
use tenant_admin::{ConsoleState, SecondFactor};
use token_service::{MasterKey, NewPlatformToken, TokenService, passwords};
use tower::ServiceExt;

pub(crate) const HOST: &str = "rollcall.test";
pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// An answer.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    /// Text between two others.
    pub(crate) fn between(&self, before: &str, after: &str) -> Option<&str> {
        let start = self.body.find(before)? + before.len();
        let length = self.body[start..].find(after)?;
        Some(&self.body[start..start + length])
    }

    /// Fails with the page's text unless it is there.
    pub(crate) fn shows(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "{text:?} is not on the page ({}):\n{}", self.status, self.body);
        self
    }

    pub(crate) fn hides(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "{text:?} is on the page:\n{}", self.body);
        self
    }
}

/// A field of a form with files.
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    /// Its name, if it is a file.
    pub(crate) file: Option<&'a str>,
    pub(crate) content: &'a [u8],
}

/// The console and what is behind it.
pub(crate) struct Console {
    pub(crate) app: Router,
    pub(crate) state: ConsoleState,
    /// Cookie of the browser.
    pub(crate) cookie: Option<String>,
    /// Kept: its database goes with it.
    pub(crate) store: TestStore,
}

impl Console {
    /// Over an empty database, with no operator.
    pub(crate) async fn empty(store: TestStore) -> Self {
        let provisioner = Provisioner::new(store.store());
        let tokens = TokenService::open(store.store(), MasterKey::from_base64(KEY).unwrap()).await.unwrap();
        let egress = egress::Client::new("127.0.0.0/8".parse().unwrap());
        let destinations = delivery::Destinations::new(store.store(), tokens.vault().clone(), egress);
        let state = ConsoleState {
            admission: admission::Admission::default(),
            store: store.store(),
            provisioner,
            tenants: TenantDirectory::new(store.store()),
            tokens,
            destinations,
            public_url: format!("https://{HOST}").parse().unwrap(),
            tenant_domain: Some("customers.test".into()),
            trusted_proxies: Default::default(),
            second_factor: SecondFactor::Optional,
            oidc: None,
            secure_cookies: true,
            request_log_days: 7,
            live: Default::default(),
        };
        Self { app: tenant_admin::router(state.clone()), state, cookie: None, store }
    }

    /// With an operator who is signed in.
    pub(crate) async fn signed_in(store: TestStore) -> Self {
        let mut console = Self::empty(store).await;
        console.admin().await;
        let page = console.sign_in(EMAIL, PASSWORD).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        console
    }

    pub(crate) async fn admin(&self) {
        self.person(EMAIL, AdminRole::Operator, &[]).await;
    }

    /// Somebody who can sign in with [`PASSWORD`].
    pub(crate) async fn person(&self, email: &str, role: AdminRole, tenants: &[TenantId]) {
        let admin = Admin {
            id: AdminId::generate(),
            email: email.into(),
            password_hash: passwords::hash(PASSWORD.to_owned().into()).await.unwrap(),
            role,
            tenants: tenants.iter().copied().collect(),
            created_at: self.store.now(),
        };
        self.store.platform().create_admin(&admin, &context()).await.unwrap();
    }

    /// Signs in and keeps the cookie.
    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Page {
        let page = self.post("/console/sign-in", &[("email", email), ("password", password)]).await;
        if let Some(cookie) = page.headers.get(header::SET_COOKIE) {
            self.cookie = cookie.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        page
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send(Request::get(path), String::new()).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.send(request, form.finish()).await
    }

    /// Sends a form as `multipart/form-data` (RFC 7578).
    pub(crate) async fn upload(&self, path: &str, parts: &[Part<'_>]) -> Page {
        let mut body = Vec::new();
        for Part { name, file, content } in parts {
            let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
            let head = format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--limit--\r\n");
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=limit")
            .header("sec-fetch-site", "same-origin");
        self.send_bytes(request, body).await
    }

    pub(crate) async fn send(&self, request: http::request::Builder, body: String) -> Page {
        self.send_bytes(request, body.into_bytes()).await
    }

    pub(crate) async fn send_bytes(&self, request: http::request::Builder, body: Vec<u8>) -> Page {
        let mut request = request.body(Body::from(body)).unwrap();
        let headers = request.headers_mut();
        headers.entry(header::HOST).or_insert(HOST.parse().unwrap());
        if let Some(cookie) = &self.cookie {
            headers.insert(header::COOKIE, cookie.parse().unwrap());
        }
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        // A stream has no end.
        let body = match parts.headers.get(header::CONTENT_TYPE) {
            Some(kind) if kind == "text/event-stream" => Default::default(),
            _ => body.collect().await.unwrap().to_bytes(),
        };
        let body = String::from_utf8_lossy(&body).into_owned();
        Page { status: parts.status, headers: parts.headers, body }
    }

    /// An active tenant, made behind the console; the page with its connection data is offered.
    pub(crate) async fn tenant(&self, slug: &str, profile: &str) -> Arc<Tenant> {
        let name = format!("{slug} Hospital");
        let tenants = &self.state.tenants;
        let tenant = tenants.create(slug, Some(&name), profile, "lenient", true, &context()).await.unwrap();
        let opening =
            tenant.profile.gates.iter().map(|gate| (gate.name.clone(), gate.opens.first().cloned()));
        let settings = TenantSettings { properties: opening.collect(), ..TenantSettings::default() };
        tenants.configure(&tenant, &settings, &context()).await.unwrap();
        tenants.by_slug(slug).await.unwrap().unwrap()
    }

    /// A token of the installation, made behind the console; gives its id.
    pub(crate) async fn platform_token(&self, name: &str) -> String {
        let new = NewPlatformToken {
            name: name.into(),
            scope: "admin:*".into(),
            expires_at: self.store.now() + 90 * 86_400_000,
            allowed_from: Default::default(),
        };
        self.state.tokens.issue_platform(new, &context()).await.unwrap().kept.id.to_string()
    }

    /// Gives a tenant of a profile without value sets one of the name `sites`, which it has filled.
    pub(crate) async fn with_value_set(&self, tenant: &Tenant) {
        let text = format!("{}\n[[value-set]]\nname = \"sites\"\ntitle = \"Sites\"\n", tenant.row.profile);
        let version = tenant.row.profile_version;
        self.state.tenants.save_profile(tenant, &text, version, &context()).await.unwrap();
        let tenant = self.state.tenants.by_id(tenant.id()).await.unwrap().unwrap();
        let values = vec!["12".into(), "17".into()];
        self.state.tenants.set_value_set(&tenant, "sites", values, &context()).await.unwrap();
    }

    /// A user as the identity provider sends it; gives the id.
    pub(crate) async fn user(&self, tenant: &Tenant, body: Value) -> String {
        let (context, projection) = (context(), Projection::default());
        let request = provisioning::Request {
            tenant,
            context: &context,
            base_url: "https://x/scim",
            projection: &projection,
        };
        let created = self.state.provisioner.create_user(request, &body).await.unwrap();
        created.rendered.body["id"].as_str().unwrap().to_owned()
    }

    /// The identity provider deletes a user.
    pub(crate) async fn delete(&self, tenant: &Tenant, id: &str) {
        let (context, projection) = (context(), Projection::default());
        let request = provisioning::Request {
            tenant,
            context: &context,
            base_url: "https://x/scim",
            projection: &projection,
        };
        self.state.provisioner.delete_user(request, id, None).await.unwrap();
    }

    /// A request of the identity provider, a little later than all before; gives the id of its entry.
    pub(crate) async fn logged(&self, tenant: &Tenant, change: impl FnOnce(&mut LoggedRequest)) -> String {
        let line = RequestLine {
            id: uuid::Uuid::now_v7(),
            at: self.store.now(),
            request_id: "r-1".into(),
            credential: CredentialId(uuid::Uuid::nil()),
            credential_name: "Okta production".into(),
            method: "POST".into(),
            route: "/Users".into(),
            path: "/Users".into(),
            query: None,
            resource_id: None,
            status: 201,
            scim_type: None,
            detail: None,
            duration_us: 12_345,
            request_bytes: 20,
            response_bytes: Some(30),
            erased: false,
        };
        let mut entry = LoggedRequest {
            line,
            request_body: Some("{\"userName\":\"ann\"}".into()),
            response_body: Some("{\"id\":\"1\"}".into()),
            request_cut: false,
            response_cut: false,
        };
        change(&mut entry);
        let id = entry.line.id.to_string();
        let new = NewRequest { tenant: tenant.id(), entry, subjects: vec!["ann".into()] };
        let batch = ActivityBatch { requests: vec![new], ..ActivityBatch::default() };
        self.store.platform().write_activity(&batch).await.unwrap();
        self.store.advance(1);
        id
    }

    /// A file of one user that waits to be imported; gives the id.
    pub(crate) async fn import(&self, tenant: &Tenant) -> String {
        let file = futures::stream::iter([Ok::<_, ()>("userName\nann\n")]);
        let received = self.state.provisioner.receive_import(tenant, &context(), "a.csv", file).await;
        received.unwrap().to_string()
    }

    /// A group with members; gives the id.
    pub(crate) async fn group(&self, tenant: &Tenant, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| serde_json::json!({"value": id})).collect();
        let body = serde_json::json!({
            "schemas": [scim_core::urn::GROUP], "displayName": name, "members": members,
        });
        let (context, projection) = (context(), Projection::default());
        let request = provisioning::Request {
            tenant,
            context: &context,
            base_url: "https://x/scim",
            projection: &projection,
        };
        let created = self.state.provisioner.create_group(request, &body).await.unwrap();
        created.body["id"].as_str().unwrap().to_owned()
    }
}

/// The identity provider as an actor.
pub(crate) fn context() -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::Credential, id: "c-1".into(), name: "Okta production".into() },
        cause: "request-1".into(),
    }
}

/// A user document.
pub(crate) fn person(user_name: &str, given: &str, family: &str) -> Value {
    serde_json::json!({
        "schemas": [scim_core::urn::USER],
        "userName": user_name,
        "name": {"givenName": given, "familyName": family},
        "emails": [{"value": user_name, "type": "work", "primary": true}],
        "active": true,
    })
}

//! A client that checks on each answer what every answer must hold.

use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tower::ServiceExt as _;

/// Someone who sends requests to one base URL with one credential.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) app: Router,
    /// `Host` header.
    pub(crate) host: String,
    /// Path of the base URL.
    pub(crate) base: String,
    /// `Authorization` header.
    pub(crate) authorization: Option<String>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) request: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    /// The body.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }

    /// The body, after a look at the status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}: {self:?}", self.request);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// An error with a `scimType` (`""`: none).
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, scim_type: &str) -> String {
        let body = self.expect(status);
        assert_eq!(body["scimType"].as_str().unwrap_or_default(), scim_type, "{self:?}");
        body["detail"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}"));
        value.to_str().expect("text")
    }

    /// What holds for every answer of a SCIM address.
    #[track_caller]
    fn check(&self, is_head: bool) {
        assert_eq!(self.header("cache-control"), "no-store", "{self:?}");
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{self:?}");
        let request_id = self.header("x-request-id");
        assert!(!request_id.is_empty());
        if self.text.is_empty() {
            let may = is_head || matches!(self.status.as_u16(), 204 | 304);
            assert!(may, "an answer without a body: {self:?}");
            return;
        }
        assert_eq!(self.header("content-type"), "application/scim+json;charset=utf-8", "{self:?}");
        let body = self.json();
        if self.status.is_client_error() || self.status.is_server_error() {
            assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{self:?}");
            assert_eq!(body["status"], self.status.as_str(), "{self:?}");
            let detail = body["detail"].as_str().unwrap_or_default();
            let ending = format!(" (request id {request_id})");
            assert!(detail.strip_suffix(&ending).is_some_and(|said| !said.is_empty()), "{self:?}");
            let defined = ["schemas", "status", "scimType", "detail"];
            let known = |name: &String| defined.contains(&name.as_str());
            assert!(body.as_object().is_some_and(|body| body.keys().all(known)), "{self:?}");
        }
    }
}

/// Percent-encodes everything that could mean something in a query.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl Client {
    /// The same with another `Authorization` header.
    pub(crate) fn with_authorization(&self, authorization: Option<&str>) -> Self {
        Self { authorization: authorization.map(str::to_owned), ..self.clone() }
    }

    /// The same at another base URL.
    pub(crate) fn at(&self, host: &str, base: &str) -> Self {
        Self { host: host.to_owned(), base: base.to_owned(), ..self.clone() }
    }

    /// A request as an identity provider builds it; change it and [`Client::send`] it.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Request<Body> {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).expect("a method"))
            .uri(format!("{}{path}", self.base))
            .header("host", &self.host)
            .header("user-agent", "Okta SCIM Client 1.0.0")
            .header("accept", "application/scim+json");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/scim+json; charset=utf-8");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        request.body(body).expect("a request")
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let shown = format!("{} {}{}", request.method(), self.host, request.uri());
        let is_head = request.method() == Method::HEAD;
        let response = self.app.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let reply = Reply {
            request: shown,
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).expect("UTF-8"),
        };
        reply.check(is_head);
        reply
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.send(self.request(method, path, body)).await
    }

    /// With one more header.
    pub(crate) async fn call_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        header: (&'static str, &str),
    ) -> Reply {
        let mut request = self.request(method, path, body);
        request.headers_mut().insert(header.0, header.1.parse().expect("a header value"));
        self.send(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.call("PUT", path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.call("PATCH", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, None).await
    }

    /// `GET {endpoint}?filter=…`.
    pub(crate) async fn filter(&self, endpoint: &str, filter: &str) -> Reply {
        self.get(&format!("{endpoint}?filter={}", encode(filter))).await
    }

    /// PATCH with these operations.
    pub(crate) async fn operate(&self, path: &str, operations: Value) -> Reply {
        self.patch(path, &patch(operations)).await
    }

    /// Names of those whom a filter finds, in order.
    pub(crate) async fn found(&self, endpoint: &str, filter: &str) -> Vec<String> {
        let name = if endpoint == "/Users" { "userName" } else { "displayName" };
        let list = self.filter(endpoint, filter).await.expect(200);
        let resources = list["Resources"].as_array().expect("Resources").iter();
        let mut names: Vec<String> =
            resources.map(|one| one[name].as_str().expect("a name").to_owned()).collect();
        names.sort();
        assert_eq!(list["totalResults"], names.len(), "{filter}");
        names
    }

    /// Creates a user as Okta does; gives the answer's body.
    pub(crate) async fn create_user(&self, user_name: &str) -> Value {
        self.post("/Users", &user(user_name)).await.expect(201)
    }

    /// Creates a group with members; gives the answer's body.
    pub(crate) async fn create_group(&self, name: &str, members: &[&str]) -> Value {
        self.post("/Groups", &group(name, members)).await.expect(201)
    }
}

/// The body with which Okta creates a user.
pub(crate) fn user(user_name: &str) -> Value {
    serde_json::json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": user_name,
        "name": {"givenName": "Given", "familyName": "Family"},
        "emails": [{"primary": true, "value": user_name, "type": "work"}],
        "displayName": "Given Family", "locale": "en-US", "externalId": "00u1example",
        "groups": [], "password": "1mz050nq", "active": true,
    })
}

/// The body with which Okta pushes a group.
pub(crate) fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| serde_json::json!({"value": id})).collect();
    serde_json::json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name,
        "members": members,
    })
}

/// Each test looks at single values of an answer: what a JSON pointer leads to, `Null` where there is nothing. `X` and
/// `E` in front stand for the URNs of the test extension and of the enterprise extension.
pub(crate) fn at(answer: &Value, pointer: &str) -> Value {
    let pointer = match pointer.strip_prefix("/X").map(|rest| (crate::profiles::X, rest)) {
        Some((urn, rest)) => format!("/{urn}{rest}"),
        None => match pointer.strip_prefix("/E") {
            Some(rest) => format!("/{}{rest}", crate::profiles::ENTERPRISE),
            None => pointer.to_owned(),
        },
    };
    answer.pointer(&pointer).cloned().unwrap_or_default()
}

/// A PATCH body of these operations.
pub(crate) fn patch(operations: Value) -> Value {
    serde_json::json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    })
}

/// `id` of a resource.
#[track_caller]
pub(crate) fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap_or_else(|| panic!("no id: {resource}")).to_owned()
}

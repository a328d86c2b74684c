//! A tiny SCIM server in memory, right by default and wrong in one way on demand. It serves these tests only.

mod attributes;
mod filter;
mod patch;
mod products;
mod resources;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use idp_simulator::Target;
use idp_simulator::scenario::prepared;
use serde_json::{Map, Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const TOKEN: &str = "Bearer sesame-4711";

/// One thing that a server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    NewIdOnReactivation,
    TotalAsString,
    DuplicateAccepted,
    DuplicateByCaseAccepted,
    InactiveVanishes,
    ActiveLeftOutWhenFalse,
    BareTokenRefused,
    DeleteErases,
    DigitsTaken,
    LinkRefused,
    NoDefaults,
    NotApplicableKept,
    NpiTold,
    NpiUnchecked,
    SchemasTooWide,
    UnsupportedKept,
    ValueSetsUnchecked,
    PasswordEchoed,
    PutIgnored,
    PatchIgnored,
    TitleDropped,
    EmptyValueKept,
    ExtensionUndeclared,
    AddReplacesMembers,
    RemoveClearsMembers,
    PushNowAdds,
    MembersLeftOutOfPatchAnswer,
    UnknownMemberKept,
    RenameIgnored,
    GroupDeleteTakesUsers,
    DeletedGroupStays,
    HtmlError,
    PageRepeats,
    UnstableOrder,
    FilterIgnored,
    EmptyNameFindsAll,
    NumericErrorStatus,
    NoLocation,
    PlainJson,
    OpenToAll,
    NoChallenge,
    BulkIdInId,
    SameIdForAll,
    Redirects,
    CapitalNamesUnknown,
    CapitalOpsRefused,
    DeletedMemberStays,
    DeletedUserStays,
    DisableEndsMembership,
    DottedKeysFlat,
    DottedUrnRefused,
    DuplicateGroupAccepted,
    EmptyAnswerToPatch,
    EmptyListClears,
    ExcludedMembersAnswered,
    ExtensionReplacedWhole,
    ExternalIdAnyCase,
    ExternalIdFixed,
    FlagRefused,
    LocaleChecked,
    ManagerStays,
    ManagerTextDropped,
    ManagerUnfound,
    MisspelledUrnRefused,
    MissIs404,
    MissingElementIgnored,
    MissingElementRefused,
    NullReferenceRefused,
    NullsEchoed,
    PrimaryAsText,
    ReferenceAnswersWhole,
    RemovalIgnored,
    RemovalsFirst,
    RemoveByValueClears,
    SchemasHoldNulls,
    SchemasMissing,
    SecondSchemaRefused,
    TextBooleansKept,
    TextSelectorUnmatched,
    TwoPrimaries,
    UndeclaredExtensionDropped,
    UserNameFixed,
    WorkEmailUnfound,
}

#[derive(Default)]
struct Data {
    next: u64,
    calls: u64,
    users: Vec<Map<String, Value>>,
    groups: Vec<Map<String, Value>>,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) struct Mini {
    data: Mutex<Data>,
    flaw: Option<Flaw>,
    groups: bool,
    /// The product whose rules hold; empty for none.
    product: &'static str,
    /// So many answers of 429 come first.
    busy: Mutex<u32>,
    seen: Mutex<Vec<Seen>>,
    base: String,
}

type Answer = Result<(u16, Value), (u16, &'static str)>;

/// Starts a server; it ends with the test's runtime.
pub(crate) async fn start(flaw: Option<Flaw>, groups: bool, busy: u32) -> (Arc<Mini>, Target) {
    start_as("", flaw, groups, busy).await
}

/// Starts a server that is a product's, with the people whom the product knew before Okta.
pub(crate) async fn start_product(
    product: &'static str,
    flaw: Option<Flaw>,
    seed: u64,
) -> (Arc<Mini>, Target) {
    let groups = matches!(product, "eptura-engage" | "envi" | "generic");
    let (mini, target) = start_as(product, flaw, groups, 0).await;
    for user in prepared(product, seed).users {
        mini.create_user(&mut mini.data.lock().unwrap(), &user).unwrap();
    }
    (mini, target)
}

async fn start_as(product: &'static str, flaw: Option<Flaw>, groups: bool, busy: u32) -> (Arc<Mini>, Target) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}{}", listener.local_addr().unwrap(), products::base_path(product));
    let mini = Arc::new(Mini {
        data: Mutex::default(),
        flaw,
        groups,
        product,
        busy: Mutex::new(busy),
        seen: Mutex::default(),
        base: base.clone(),
    });
    let app = Router::new().fallback(handle).with_state(mini.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (mini, Target { base_url: format!("{base}/"), authorization: TOKEN.into() })
}

async fn handle(
    State(mini): State<Arc<Mini>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let seen = Seen { line: format!("{method} {uri}"), headers: headers.clone(), body: body.clone() };
    mini.seen.lock().unwrap().push(seen);
    {
        let mut busy = mini.busy.lock().unwrap();
        if *busy > 0 {
            *busy -= 1;
            return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "0")]).into_response();
        }
    }
    if mini.has(Flaw::Redirects) {
        return (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response();
    }
    let right = headers.get(header::AUTHORIZATION).is_some_and(|value| mini.knows(value));
    let answer = if right || mini.has(Flaw::OpenToAll) {
        mini.route(&method, &uri, &body)
    } else {
        Err((401, "sign in with the token of this tenant"))
    };
    mini.respond(answer)
}

impl Mini {
    pub(crate) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// The token, however it was pasted.
    fn knows(&self, value: &header::HeaderValue) -> bool {
        let text = value.to_str().unwrap();
        let words = text.split_whitespace().filter(|word| !word.eq_ignore_ascii_case("bearer"));
        let token = words.collect::<Vec<_>>().join(" ");
        if self.has(Flaw::BareTokenRefused) && !text.to_lowercase().starts_with("bearer") {
            return false;
        }
        format!("Bearer {token}") == TOKEN
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many users and groups there are.
    pub(crate) fn standing(&self) -> (usize, usize) {
        let data = self.data.lock().unwrap();
        (data.users.len(), data.groups.len())
    }

    /// A user who is there already.
    pub(crate) fn seed(&self, user_name: &str) {
        self.create_user(&mut self.data.lock().unwrap(), &json!({"userName": user_name, "active": true}))
            .unwrap();
    }

    fn resource_types(&self) -> Value {
        let extensions = self.extensions().map(|urn| json!({"schema": urn, "required": false}));
        let extensions: Vec<Value> = extensions.collect();
        let users = json!({"id": "User", "name": "User", "endpoint": "/Users", "schema": USER,
            "schemaExtensions": extensions});
        let groups = json!({"id": "Group", "name": "Group", "endpoint": "/Groups", "schema": GROUP});
        let mut types = vec![users];
        types.extend(self.groups.then_some(groups));
        let total = types.len();
        self.page(types, total, 1)
    }

    fn respond(&self, answer: Answer) -> Response {
        let kind = if self.has(Flaw::PlainJson) { "application/json" } else { "application/scim+json" };
        let (status, body) = match answer {
            Ok(good) => good,
            Err((status, _)) if self.has(Flaw::HtmlError) && status != 401 => {
                let status = StatusCode::from_u16(status).unwrap();
                return (
                    status,
                    [(header::CONTENT_TYPE, "text/html")],
                    format!("<html>oops, {TOKEN}</html>"),
                )
                    .into_response();
            }
            Err((status, detail)) => {
                let text = if self.has(Flaw::NumericErrorStatus) {
                    json!(status)
                } else {
                    json!(status.to_string())
                };
                let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": text, "detail": detail});
                match status {
                    400 => body["scimType"] = json!("invalidValue"),
                    409 => body["scimType"] = json!("uniqueness"),
                    _ => {}
                }
                (status, body)
            }
        };
        let mut response = StatusCode::from_u16(status).unwrap().into_response();
        if !body.is_null() {
            response =
                (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, kind)], body.to_string())
                    .into_response();
        }
        if status == 401 && !self.has(Flaw::NoChallenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, "Bearer".parse().unwrap());
        }
        if status == 201 && !self.has(Flaw::NoLocation) {
            let location = body["meta"]["location"].as_str().unwrap().parse().unwrap();
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }

    fn route(&self, method: &Method, uri: &Uri, body: &Value) -> Answer {
        let mut data = self.data.lock().unwrap();
        let path = uri.path().strip_prefix(products::base_path(self.product)).unwrap_or_default();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.first() == Some(&"Groups") && !self.groups {
            return Err((404, "no such resource type"));
        }
        if self.has(Flaw::FlagRefused) && uri.query().is_some_and(|query| query.contains("aadOptscim062020"))
        {
            return Err((400, "no such parameter"));
        }
        match (method.as_str(), parts.as_slice()) {
            ("GET", ["Schemas"]) if !self.has(Flaw::SchemasMissing) => {
                let schemas = self.schemas();
                let total = schemas.len();
                Ok((200, self.page(schemas, total, 1)))
            }
            ("GET", ["ResourceTypes"]) => Ok((200, self.resource_types())),
            ("GET", ["Users"]) => self.list(&mut data, uri, true),
            ("GET", ["Groups"]) => self.list(&mut data, uri, false),
            ("POST", ["Users"]) => self.create_user(&mut data, body),
            ("POST", ["Groups"]) => self.create_group(&mut data, body),
            (method, ["Users", id]) => self.user(&mut data, method, id, body),
            (method, ["Groups", id]) => self.group(&mut data, method, id, uri, body),
            _ => Err((404, "no such path")),
        }
    }
}

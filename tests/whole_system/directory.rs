//! The directory of `/api/v1` through `rollcall-client`: who somebody is at a sign-in, everybody once and then what changes,
//! webhooks that are believed.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap};
use futures::{StreamExt as _, TryStreamExt as _};
use rollcall_client::{
    Client, Delivered, Error, Event, Follow, Key, Page, Tenant, User, UserQuery, Webhook, WebhookError,
};
use serde_json::{Map, Value, json};

use crate::{
    api::program,
    harness::{Installation, PATIENCE, Scim, Server, eventually, on_both_databases},
};

on_both_databases!(
    a_sign_in_knows_who_it_is,
    a_load_and_the_feed_make_the_same_as_a_later_load,
    a_webhook_is_believed_by_its_signature,
);

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// As long as a new token may need to be known.
const WITHIN: Duration = Duration::from_secs(1);

/// What the identity provider does.
pub(crate) struct Provider(pub(crate) Scim);

impl Provider {
    pub(crate) fn of(installation: &Installation, server: &Server) -> Self {
        Self(Scim::new(server.base_url("acme"), installation.tenant("acme", "envi")))
    }

    pub(crate) async fn user(&self, name: &str) -> String {
        let body = json!({
            "schemas": [USER], "userName": name, "externalId": format!("ext-{name}"), "active": true,
            "name": {"givenName": "Ada", "familyName": "Reyes"},
            "emails": [{"primary": true, "value": name, "type": "work"}],
        });
        self.0.create("/Users", body).await
    }

    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        self.0.create("/Groups", json!({"schemas": [GROUP], "displayName": name, "members": members})).await
    }

    pub(crate) async fn patch(&self, path: &str, operation: Value) {
        let body = json!({"schemas": [PATCH], "Operations": [operation]});
        let (status, answer) = self.0.send("PATCH", path, Some(body)).await;
        assert!(matches!(status, 200 | 204), "{path}: {status} {answer}");
    }

    pub(crate) async fn active(&self, user: &str, active: bool) {
        let operation = json!({"op": "replace", "path": "active", "value": active});
        self.patch(&format!("/Users/{user}"), operation).await;
    }

    pub(crate) async fn delete(&self, path: &str) {
        assert_eq!(self.0.send("DELETE", path, None).await.0, 204, "{path}");
    }
}

/// A client with a token of the installation that reads directories.
async fn reader(installation: &Installation, server: &Server) -> Client {
    let token = reader_token(installation, server).await;
    Client::new(&server.origin, &token).unwrap()
}

/// Such a token, known to the server.
pub(crate) async fn reader_token(installation: &Installation, server: &Server) -> String {
    let create = ["token", "create", "--platform", "--name", "App", "--scope", "directory:read"];
    let token = installation.run(&create);
    let client = Client::new(&server.origin, &token).unwrap();
    eventually(WITHIN, "a new token", || async { client.events(&Follow::default()).await.is_ok() }).await;
    token
}

async fn all_of<T>(pages: impl futures::Stream<Item = Result<Page<T>, Error>>) -> Vec<T> {
    let pages: Vec<Page<T>> = pages.try_collect().await.unwrap();
    pages.into_iter().flat_map(|page| page.items).collect()
}

async fn a_sign_in_knows_who_it_is(installation: Installation) {
    let server = installation.serve().await;
    let okta = Provider::of(&installation, &server);
    let (ada, bo) = (okta.user("ada@envi.example").await, okta.user("bo@envi.example").await);
    let managers = okta.group("Envi_Manager", &[&ada, &bo]).await;
    let everyone = okta.group("Everyone", &[&ada, &managers]).await;
    okta.active(&bo, false).await;
    let client = reader(&installation, &server).await;
    let acme = client.tenant("acme");

    for key in [
        Key::UserName("ADA@envi.example"),
        Key::ExternalId("ext-ada@envi.example"),
        Key::Email("Ada@Envi.example"),
    ] {
        let found = acme.find(key).await.unwrap();
        let [who] = found.items.as_slice() else { panic!("{key:?}: {found:?}") };
        assert_eq!((who.id(), who.user_name(), who.is_active()), (ada.as_str(), "ada@envi.example", true));
        assert_eq!((who.role_names(), who.email()), (vec!["Manager"], Some("ada@envi.example")));
        assert_eq!(
            (who.roles[0].via.id.as_ref(), who.roles[0].via.display.as_str()),
            (Some(&managers), "Envi_Manager")
        );
        let groups: Vec<_> = who.groups.iter().map(|group| group.id.as_str()).collect();
        assert_eq!(groups, [&managers, &everyone]);
        assert_eq!(found.next_cursor, None);
    }
    assert!(!acme.find(Key::UserName("bo@envi.example")).await.unwrap().items[0].is_active());
    assert!(acme.find(Key::UserName("nobody")).await.unwrap().items.is_empty());
    assert_eq!(acme.user(&bo).await.unwrap().item.id(), bo);

    let names = |users: Vec<User>| users.iter().map(|user| user.user_name().to_owned()).collect::<Vec<_>>();
    let of = |active, limit| UserQuery { active, limit: Some(limit) };
    assert_eq!(names(all_of(acme.user_pages(of(Some(true), 1))).await), ["ada@envi.example"]);
    assert_eq!(names(all_of(acme.user_pages(of(Some(false), 1))).await), ["bo@envi.example"]);
    assert_eq!(all_of(acme.user_pages(of(None, 1))).await.len(), 2);
    let group = acme.group(&managers).await.unwrap().item;
    assert_eq!((group.display_name.as_str(), group.roles), ("Envi_Manager", vec!["Manager".to_owned()]));
    assert_eq!(all_of(acme.group_pages()).await.len(), 2);
    let members = all_of(acme.member_pages(&everyone)).await;
    let kinds: Vec<_> = members.iter().map(|member| (member.id.as_str(), member.kind.as_str())).collect();
    assert_eq!(kinds, [(ada.as_str(), "User"), (managers.as_str(), "Group")]);
    let roles = all_of(acme.role_pages()).await;
    assert_eq!((roles.len(), roles[0].role.as_str(), roles[0].holders.count), (1, "Manager", 2));
    assert_eq!(all_of(acme.holder_pages("manager")).await.len(), 2);

    // What does not go is told by type.
    assert!(acme.user("none").await.unwrap_err().is_not_found());
    let nowhere = client.tenant("nowhere").find(Key::UserName("x")).await.unwrap_err();
    assert!(nowhere.is_not_found() && !nowhere.may_pass(), "{nowhere}");
    let Error::Refused(problem) = acme.find(Key::Email("")).await.unwrap_err() else { panic!("not refused") };
    assert_eq!((problem.status, problem.field.as_deref()), (422, Some("email")));
    assert!(!problem.request_id.is_empty());
    let stranger = Client::new(&server.origin, "rcl_x").unwrap().tenant("acme");
    assert_eq!(stranger.user(&ada).await.unwrap_err().status(), Some(401));
    let mut lost = pin!(acme.follow(Follow::after(1_000_000)));
    assert!(lost.next().await.unwrap().unwrap_err().is_place_lost());
    assert!(lost.next().await.is_none(), "it has ended");
    let silent = Client::new("http://127.0.0.1:9", "rcl_x").unwrap().tenant("acme");
    let unreached = silent.user(&ada).await.unwrap_err();
    assert!(unreached.may_pass() && unreached.status().is_none(), "{unreached}");
}

/// What an application knows of a tenant.
#[derive(Debug, Default, PartialEq)]
struct Kept {
    users: BTreeMap<String, Map<String, Value>>,
    /// Of a user and a group.
    memberships: BTreeSet<(String, String)>,
    /// Of a user, a role and a group.
    roles: BTreeSet<(String, String, String)>,
}

impl Kept {
    fn load(&mut self, one: User) {
        let id = one.id().to_owned();
        self.memberships.extend(one.groups.into_iter().map(|group| (id.clone(), group.id)));
        self.roles.extend(
            one.roles.into_iter().map(|role| (id.clone(), role.role, role.via.id.unwrap_or_default())),
        );
        self.users.insert(id, attributes(one.user));
    }

    fn apply(&mut self, event: Event) {
        let (id, data) = (event.object.id, event.data.unwrap_or_default());
        let group = data.group.map(|group| group.id).unwrap_or_default();
        let role = data.role.map(|role| role.name).unwrap_or_default();
        match event.kind.as_str() {
            "user.deleted" | "user.purged" => {
                self.users.remove(&id);
            }
            kind if kind.starts_with("user.") => {
                self.users.insert(id, attributes(data.state.expect("a state")));
            }
            "membership.added" if event.object.kind == "User" => {
                self.memberships.insert((id, group));
            }
            "membership.removed" => {
                self.memberships.remove(&(id, group));
            }
            "role.granted" => {
                self.roles.insert((id, role, group));
            }
            "role.revoked" => {
                self.roles.remove(&(id, role, group));
            }
            _ => {}
        }
    }
}

/// What users and events of them both tell.
fn attributes(mut user: Map<String, Value>) -> Map<String, Value> {
    for name in ["id", "meta", "schemas"] {
        user.remove(name);
    }
    user
}

/// Changes of all kinds, one after the other.
async fn changes(okta: &Provider, people: Vec<String>) {
    let mut groups = Vec::new();
    for number in 0..4 {
        groups
            .push(okta.group(&format!("Envi_Role {number}"), &[&people[number], &people[number + 1]]).await);
    }
    for round in 0..12 {
        let (one, other) = (&people[round], &people[people.len() - 1 - round]);
        let group = format!("/Groups/{}", groups[round % 4]);
        okta.active(one, round % 2 == 0).await;
        let name = json!({"op": "replace", "path": "name.familyName", "value": format!("Reyes {round}")});
        okta.patch(&format!("/Users/{other}"), name).await;
        okta.patch(
            &group,
            json!({"op": "add", "path": "members", "value": [{"value": one}, {"value": other}]}),
        )
        .await;
        let gone = json!({"op": "remove", "path": format!("members[value eq \"{}\"]", people[round % 5])});
        okta.patch(&group, gone).await;
        okta.user(&format!("new{round}@envi.example")).await;
        if round % 4 == 3 {
            let name =
                json!({"op": "replace", "path": "displayName", "value": format!("Envi_Other {round}")});
            okta.patch(&group, name).await;
            okta.delete(&format!("/Users/{other}")).await;
        }
    }
    okta.delete(&format!("/Groups/{}", groups[0])).await;
}

async fn a_load_and_the_feed_make_the_same_as_a_later_load(installation: Installation) {
    let server = installation.serve().await;
    let okta = Provider::of(&installation, &server);
    let mut people = Vec::new();
    for number in 0..30 {
        people.push(okta.user(&format!("user{number}@envi.example")).await);
    }
    let acme = reader(&installation, &server).await.tenant("acme");

    let (mut copy, mut place) = (Kept::default(), None);
    let load = async {
        let mut pages = pin!(acme.user_pages(UserQuery { limit: Some(4), active: None }));
        while let Some(page) = pages.try_next().await.unwrap() {
            place.get_or_insert(page.position);
            page.items.into_iter().for_each(|user| copy.load(user));
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    let ((), ()) = tokio::join!(load, changes(&okta, people));
    okta.user("last@envi.example").await;

    let place = place.unwrap();
    let follow = Follow { limit: Some(7), ..Follow::after(place) };
    let mut told = 0;
    let last = tokio::time::timeout(PATIENCE, async {
        let (mut pages, mut last) = (pin!(acme.follow(follow)), place);
        loop {
            let page = pages.next().await.unwrap().unwrap();
            assert!(page.last > last);
            last = page.last;
            told += page.events.len();
            let names =
                page.events.iter().filter_map(|event| event.data.as_ref()?.state.as_ref()?.get("userName"));
            let is_end = names.into_iter().any(|name| name == "last@envi.example");
            page.events.into_iter().for_each(|event| copy.apply(event));
            if is_end {
                return last;
            }
        }
    })
    .await
    .expect("the last event comes");
    assert!(told > 50, "{told} events were told");

    let mut fresh = Kept::default();
    let pages: Vec<Page<User>> = acme.user_pages(UserQuery::default()).try_collect().await.unwrap();
    assert!(pages[0].position >= last, "{} {last}", pages[0].position);
    pages.into_iter().flat_map(|page| page.items).for_each(|user| fresh.load(user));
    assert!(fresh.users.len() > 30 && fresh.roles.len() > 3, "{fresh:?}");
    assert_eq!(copy, fresh);
    rest_is_silent(&acme, last).await;
}

/// Nothing more has happened.
async fn rest_is_silent(acme: &Tenant, last: i64) {
    let page = acme.events(&Follow::after(last)).await.unwrap();
    assert_eq!((page.events.len(), page.more), (0, false));
}

type Calls = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

async fn a_webhook_is_believed_by_its_signature(mut installation: Installation) {
    installation.set("ROLLCALL_EGRESS_ALLOW", Some("127.0.0.0/8"));
    let server = installation.serve().await;
    let okta = Provider::of(&installation, &server);
    let token = installation.run(&["token", "create", "--platform", "--name", "Onboarding"]);
    let vendor = program(&server, &token);
    eventually(WITHIN, "a new token", || async { vendor.get("/tenants").await.0 == 200 }).await;

    let calls = Calls::default();
    let take = async |State(calls): State<Calls>, headers: HeaderMap, body: Bytes| {
        calls.lock().unwrap().push((headers, body));
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().fallback(take).with_state(calls.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let new = json!({"name": "app", "url": url, "events": ["user.*"]});
    let (status, made) = vendor.send("POST", "/tenants/acme/destinations", Some(new)).await;
    assert_eq!(status, 201, "{made}");
    let webhook = Webhook::new(made["secret"].as_str().unwrap()).unwrap();
    let test = format!("/destinations/{}/test", made["destination"]["id"].as_str().unwrap());
    assert_eq!(vendor.send("POST", &test, Some(json!({}))).await.0, 200);
    let ada = okta.user("ada@envi.example").await;
    eventually(PATIENCE, "two calls", || async { calls.lock().unwrap().len() == 2 }).await;

    let calls = calls.lock().unwrap().clone();
    let told = |at: usize| webhook.verify(&calls[at].1, &calls[at].0).unwrap();
    assert!(matches!(told(0), Delivered::Test { .. }));
    let Delivered::Event(event) = told(1) else { panic!("{:?}", told(1)) };
    assert_eq!((event.kind.as_str(), &event.object.id), ("user.created", &ada));
    assert_eq!(event.tenant.slug, "acme");
    let other = Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let forged = [
        other.verify(&calls[1].1, &calls[1].0),
        webhook.verify(b"{}", &calls[1].0),
        webhook.verify(&calls[1].1, &calls[0].0),
        webhook.verify(&calls[1].1, &HeaderMap::new()),
    ];
    assert!(forged.iter().all(|one| matches!(one, Err(WebhookError::Forged(_)))), "{forged:?}");
}

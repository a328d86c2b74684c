//! Three customers of one installation, each with something of everything, and whoever may try to get from one to another.

use name_testing::NameServer;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use super::{
    prey::Prey,
    request::{Actor, Request, Wire},
    words::{Words, text},
};
use crate::{
    harness::{Console, Database, Installation, PATIENCE, Server, basic_header, eventually},
    oauth::{GRANT, post},
};

/// Tenants have hosts of their own below it.
pub(super) const DOMAIN: &str = "customers.example";
pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What the tenants' copies of `generic` have beside.
const ADDED: &str = "
[roles]
prefix = \"Role_\"
catalogue = \"roles\"

[entitlements]
catalogue = \"licences\"

[[value-set]]
name = \"roles\"
title = \"Roles\"

[[value-set]]
name = \"licences\"
title = \"Licences\"
";

/// Somebody at a tenant who means no good.
#[derive(Clone)]
pub(super) struct Thief {
    /// Its own tenant.
    pub(super) prey: Prey,
    pub(super) bearer: Actor,
    pub(super) basic: Actor,
    /// With an access token of an OAuth client.
    pub(super) access: Actor,
    /// With a token of one user.
    pub(super) bound: Actor,
    /// With a token for the API.
    pub(super) reader: Actor,
    /// With a token that was revoked.
    pub(super) revoked: Actor,
    /// At the console, for this tenant alone.
    pub(super) manager: Actor,
    pub(super) auditor: Actor,
    /// By a link to the set-up page.
    pub(super) guest: Actor,
    pub(super) client: (String, String),
}

pub(super) struct World {
    pub(super) installation: Installation,
    pub(super) wire: Wire,
    pub(super) tenants: Vec<Thief>,
    /// With a token of the installation, which opens no tenant's SCIM address.
    pub(super) platform: Actor,
    /// At the console, for all tenants.
    pub(super) operator: Actor,
    pub(super) origin: String,
    names: NameServer,
    server: Server,
}

impl World {
    pub(super) async fn new(database: Database) -> Self {
        let mut installation = Installation::new(database).await;
        let names = NameServer::start().await;
        installation.set("ROLLCALL_DNS_SERVERS", Some(&names.address().to_string()));
        installation.set("ROLLCALL_TENANT_DOMAIN", Some(DOMAIN));
        installation.set("ROLLCALL_TRUSTED_PROXIES", Some("127.0.0.0/8"));
        let server = installation.serve().await;
        let token = installation.run(&["token", "create", "--platform", "--name", "Vendor"]);
        let password = installation.run(&["admin", "create", "operator@rollcall.example", "--generate"]);
        let console = Console::sign_in(&server, "operator@rollcall.example", &password).await;
        let mut world = Self {
            wire: Wire::new(&server),
            tenants: Vec::new(),
            platform: Actor::with("platform token", format!("Bearer {token}")),
            operator: Actor::sitting("operator", console.cookie.clone()),
            origin: server.origin.clone(),
            installation,
            names,
            server,
        };
        let tenants = world.path(&world.platform, "/api/v1/tenants");
        eventually(PATIENCE, "a new platform token", async || world.wire.send(&tenants).await.status == 200)
            .await;
        for _ in 0..3 {
            let thief = world.settle(&console).await;
            world.tenants.push(thief);
        }
        world.settled().await;
        world
    }

    fn path(&self, actor: &Actor, path: &str) -> Request {
        Request::new("", actor, "GET", path)
    }

    /// Sends what must go through; gives the body.
    async fn must(&self, request: Request) -> Value {
        let answer = self.wire.send(&request).await;
        assert!((200..300).contains(&answer.status), "{}: {answer:?}", request.title());
        serde_json::from_str(&answer.body).unwrap_or(Value::Null)
    }

    async fn api(&self, method: &str, path: &str, body: Value) -> Value {
        let request = Request::new("", &self.platform, method, format!("/api/v1/tenants{path}"));
        self.must(if body.is_null() { request } else { request.json(&body) }).await
    }

    /// One more customer.
    async fn settle(&self, console: &Console) -> Thief {
        let mut words = Words::default();
        let slug = format!("customer-{:08x}", rand::random::<u32>());
        words.values.insert("slug", slug.clone());
        let generic = include_str!("../../../crates/scim-core/profiles/generic.toml");
        let switched =
            generic.replacen("groups = true", "groups = true\nroles = true\nentitlements = true", 1);
        let profile = format!("# {}\n{switched}{ADDED}", words.hidden("comment"));
        let name = words.hidden("company");
        let new = json!({"slug": slug, "name": name, "profileText": profile, "activate": true});
        let tenant = self.api("POST", "", new).await;
        words.keep("tenant", &tenant["id"]);
        for (set, word) in [("roles", "role"), ("licences", "licence")] {
            let values = json!({"values": [
                {"value": words.named(word), "label": words.hidden("label")}, {"value": words.hidden("second")},
            ]});
            self.api("PUT", &format!("/{slug}/value-sets/{set}"), values).await;
        }
        let credentials = format!("/{slug}/credentials");
        let made =
            self.api("POST", &format!("{credentials}/tokens"), json!({"name": words.named("called")})).await;
        words.keep("token", &made["credential"]["id"]);
        let bearer = actor("bearer token", &made["token"]);
        let login = words.named("username-of-login");
        let made = self.api("POST", &format!("{credentials}/basic"), json!({"username": login})).await;
        words.keep("login", &made["credential"]["id"]);
        let basic =
            Actor::with("user name and password", basic_header(&login, made["password"].as_str().unwrap()));
        let body = json!({"name": words.hidden("client")});
        let made = self.api("POST", &format!("{credentials}/clients"), body).await;
        words.keep("client", &made["credential"]["id"]);
        words.keep("client id", &made["clientId"]);
        let client = (text(&made["clientId"]), text(&made["clientSecret"]));
        let (status, issued) =
            post(&self.server, "/oauth/token", Some(basic_header(&client.0, &client.1)), &[GRANT]).await;
        assert_eq!(status, 200, "{issued}");
        let access = actor("access token", &issued["access_token"]);
        words.values.insert("access token", text(&issued["access_token"]));
        let scope = json!({"name": words.hidden("reader"), "scope": "directory:read receipts:write"});
        let made = self.api("POST", &format!("{credentials}/tokens"), scope).await;
        let reader = actor("token for the API", &made["token"]);
        let body = json!({"name": words.hidden("revoked")});
        let made = self.api("POST", &format!("{credentials}/tokens"), body).await;
        let revoked = actor("revoked token", &made["token"]);
        self.api("DELETE", &format!("{credentials}/{}", text(&made["credential"]["id"])), Value::Null).await;

        self.people(&mut words, &bearer).await;
        let body = json!({"name": words.hidden("bound"), "userId": words.values["user"]});
        let made = self.api("POST", &format!("{credentials}/tokens"), body).await;
        words.keep("bound", &made["credential"]["id"]);
        let bound = actor("token of one user", &made["token"]);

        self.domain(&mut words).await;
        self.destination(&mut words).await;
        let guest = self.link(&mut words, console).await;
        let file = format!("Login,{}\n{},38\n", words.hidden("column"), words.hidden("row"));
        let imported = console.upload(&format!("/console/tenants/{slug}/import"), &file).await;
        let place = imported.headers()["location"].to_str().unwrap().to_owned();
        words.values.insert("import", place.rsplit('/').next().unwrap().to_owned());

        let manager = self.person(&mut words, "manager").await;
        let auditor = self.person(&mut words, "auditor").await;
        // Somebody whose token is wrong.
        let stranger = Actor::with("stranger", "Bearer none");
        assert_eq!(
            self.wire.send(&self.path(&stranger, &format!("/t/{slug}/scim/v2/Users"))).await.status,
            401
        );
        self.lists(&mut words, &bearer).await;
        Thief {
            prey: Prey::new(words.values, words.hidden),
            bearer,
            basic,
            access,
            bound,
            reader,
            revoked,
            manager,
            auditor,
            guest,
            client,
        }
    }

    async fn people(&self, words: &mut Words, bearer: &Actor) {
        let slug = words.values["slug"].clone();
        let users = format!("/t/{slug}/scim/v2/Users");
        let new = |path: &str, body: &Value| Request::new("", bearer, "POST", path).scim(body);
        let user = |words: &mut Words, id: &'static str, more: Value| {
            let (name, family) = (words.named(user_words(id)[0]), words.hidden("family"));
            let mut body = json!({
                "schemas": [USER], "userName": name, "externalId": words.named(user_words(id)[1]),
                "name": {"familyName": family}, "displayName": words.named(user_words(id)[2]),
                "emails": [{"value": format!("{}@mail.example", words.named(user_words(id)[3])), "primary": true}],
                "title": words.hidden("title"),
            });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let body = user(words, "boss", json!({}));
        let made = self.must(new(&users, &body)).await;
        words.keep("boss", &made["id"]);
        let more = json!({"roles": [{"value": words.values["role"]}], "entitlements": [{"value": words.values["licence"]}],
            ENTERPRISE: {"manager": {"value": words.values["boss"]}, "employeeNumber": words.named("number")}});
        let body = user(words, "user", more);
        let made = self.must(new(&users, &body)).await;
        words.keep("user", &made["id"]);
        words.keep("etag", &made["meta"]["version"]);
        let body = user(words, "inactive", json!({"active": false}));
        let made = self.must(new(&users, &body)).await;
        words.keep("inactive", &made["id"]);
        let body = user(words, "gone", json!({}));
        let made = self.must(new(&users, &body)).await;
        words.keep("gone", &made["id"]);
        let gone = Request::new("", bearer, "DELETE", format!("{users}/{}", words.values["gone"]));
        self.must(gone).await;

        let groups = format!("/t/{slug}/scim/v2/Groups");
        let body = json!({"schemas": [GROUP], "displayName": words.named("subgroup name"),
            "members": [{"value": words.values["boss"]}]});
        let made = self.must(new(&groups, &body)).await;
        words.keep("subgroup", &made["id"]);
        let body = json!({"schemas": [GROUP], "displayName": words.named("group name"), "externalId": words.named("group of theirs"),
            "members": [{"value": words.values["user"]}, {"value": words.values["subgroup"], "type": "Group"}]});
        let made = self.must(new(&groups, &body)).await;
        words.keep("group", &made["id"]);
        let body = json!({"schemas": [GROUP], "displayName": format!("Role_{}", words.values["role"]),
            "members": [{"value": words.values["user"]}]});
        self.must(new(&groups, &body)).await;
    }

    /// A host name that it has proven.
    async fn domain(&self, words: &mut Words) {
        let slug = words.values["slug"].clone();
        let host = format!("{slug}.own.example");
        words.values.insert("host", host.clone());
        words.values.insert("their host", host.clone());
        let made = self.api("POST", &format!("/{slug}/domains"), json!({"host": host})).await;
        let (name, text) = (text(&made["record"]), text(&made["text"]));
        self.names.set(&name, &[&text]);
        self.api("POST", &format!("/{slug}/domains/{host}/verify"), Value::Null).await;
    }

    /// One that takes nothing, and is sent no more.
    async fn destination(&self, words: &mut Words) {
        let slug = words.values["slug"].clone();
        // A name that leads nowhere (RFC 6761 section 6.4).
        let body = json!({"name": words.hidden("application"), "after": 0,
            "url": format!("https://{}.invalid/hook", words.hidden("hook"))});
        let made = self.api("POST", &format!("/{slug}/destinations"), body).await;
        let id = text(made.get("destination").map_or(&made["id"], |destination| &destination["id"]));
        words.values.insert("destination", id.clone());
        let deliveries = format!("/api/v1/destinations/{id}/deliveries?limit=1");
        let tried = self.path(&self.platform, &deliveries);
        let is_tried =
            async || self.must(tried.clone()).await["items"].as_array().is_some_and(|all| !all.is_empty());
        eventually(PATIENCE, "an event that is to be delivered", is_tried).await;
        let pause = Request::new("", &self.platform, "PATCH", format!("/api/v1/destinations/{id}"));
        self.must(pause.json(&json!({"active": false}))).await;
        let database = self.installation.database().await;
        let dead = format!(
            "UPDATE deliveries SET state = 'dead', problem = '{}' WHERE destination = (SELECT id FROM destinations \
             WHERE name = '{}')",
            words.hidden("problem"),
            text(made.get("destination").map_or(&made["name"], |destination| &destination["name"]))
        );
        database.execute_unprepared(&dead).await.unwrap();
        database.close().await.unwrap();
    }

    /// A link to its set-up page, and who came by it.
    async fn link(&self, words: &mut Words, console: &Console) -> Actor {
        let slug = words.values["slug"].clone();
        let page = format!("/console/tenants/{slug}/setup");
        let made = console.post(&format!("{page}/links"), &[("note", &words.hidden("note"))]).await;
        assert_eq!(made.status(), 201);
        let shown = made.text().await.unwrap();
        let secret = shown.split(&format!("{}/setup/", self.origin)).nth(1).expect("the link is shown");
        let secret = secret.split('<').next().unwrap().to_owned();
        let link = shown.split(&format!("{page}/links/")).nth(1).expect("it can be revoked");
        words.values.insert("link", link.split('/').next().unwrap().to_owned());
        let opened = Console::new(&self.server).post(&format!("/setup/{secret}"), &[]).await;
        let cookie = opened.headers()["set-cookie"].to_str().unwrap();
        Actor::sitting("guest of a setup link", cookie.split(';').next().unwrap())
    }

    /// Somebody of the console who is given this tenant alone.
    async fn person(&self, words: &mut Words, role: &'static str) -> Actor {
        let slug = words.values["slug"].clone();
        let email = format!("{}@people.example", words.hidden(role));
        let create = ["admin", "create", &email, "--role", role, "--tenant", &slug, "--generate"];
        let password = self.installation.run(&create);
        let console = Console::sign_in(&self.server, &email, &password).await;
        if role == "manager" {
            let people = self.must(self.path(&self.platform, "/api/v1/admins?limit=200")).await;
            let mut all = people["items"].as_array().unwrap().iter();
            words.keep("person", &all.find(|person| person["email"] == email.as_str()).unwrap()["id"]);
            // Of another sitting of theirs.
            Console::sign_in(&self.server, &email, &password).await;
            let account = console.get("/console/account").await.text().await.unwrap();
            let sitting = account.split("/console/account/sessions/").nth(1).expect("another sitting");
            words.values.insert("sitting", sitting.split('/').next().unwrap().to_owned());
        }
        Actor::sitting(role, console.cookie)
    }

    /// What it finds in its own lists: cursors, an entry of the log, an event.
    async fn lists(&self, words: &mut Words, bearer: &Actor) {
        let slug = words.values["slug"].clone();
        for (name, list) in [("cursor /Users", "/Users"), ("cursor /Groups", "/Groups")] {
            let page = self.must(self.path(bearer, &format!("/t/{slug}/scim/v2{list}?cursor&count=1"))).await;
            words.keep(name, &page["nextCursor"]);
        }
        let requests = format!("/{slug}/requests?limit=1");
        let entry = async || self.api("GET", &requests, Value::Null).await["items"][0]["id"].clone();
        eventually(PATIENCE, "an entry of the log", async || entry().await.is_string()).await;
        words.keep("entry", &entry().await);
        let events = self.api("GET", &format!("/{slug}/events?limit=5"), Value::Null).await;
        let event = &events["events"][0];
        words.keep("delivered", &event["id"]);
        words.values.insert("place", event["position"].to_string());
        for (name, list) in [
            ("cursor users", "users"),
            ("cursor groups", "groups"),
            ("cursor credentials", "credentials"),
            ("cursor audit", "audit"),
            ("cursor requests", "requests"),
        ] {
            let page = self.api("GET", &format!("/{slug}/{list}?limit=1"), Value::Null).await;
            words.keep(name, &page["nextCursor"]);
        }
    }

    /// Waits until what is written a moment later is written.
    async fn settled(&self) {
        let database = self.installation.database().await;
        let now = async || {
            let mut all = Vec::new();
            for thief in &self.tenants {
                all.push(self.snapshot(&database, &thief.prey).await);
            }
            all
        };
        let mut before = now().await;
        let begun = std::time::Instant::now();
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
            let after = now().await;
            if after == before {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "the rows of the tenants do not come to rest");
            before = after;
        }
        database.close().await.unwrap();
    }

    /// All rows of a tenant.
    pub(super) async fn snapshot(
        &self,
        database: &sea_orm::DatabaseConnection,
        prey: &Prey,
    ) -> super::snapshot::Snapshot {
        super::snapshot::Snapshot::of(database, prey.get("tenant"), prey.get("person")).await
    }
}

/// Names of the texts of a user: userName, externalId, displayName, e-mail address.
fn user_words(id: &str) -> [&'static str; 4] {
    match id {
        "user" => ["user name", "external id", "display name", "mail"],
        "boss" => ["boss name", "boss external id", "boss display name", "boss mail"],
        "inactive" => ["inactive name", "inactive external id", "inactive display name", "inactive mail"],
        _ => ["gone name", "gone external id", "gone display name", "gone mail"],
    }
}

fn actor(name: &'static str, token: &Value) -> Actor {
    Actor::with(name, format!("Bearer {}", text(token)))
}

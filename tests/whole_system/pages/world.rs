//! An installation with something on every page, and where each page is.

use sea_orm::ConnectionTrait;
use serde_json::json;
use tenant_admin::ROUTES;

use crate::{
    browsing::Browser,
    harness::{Console, Database, Installation, PATIENCE, Scim, Server, eventually},
};

const EMAIL: &str = "operator@rollcall.example";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// A running installation and the ids of what is in it.
pub(crate) struct World {
    pub(crate) installation: Installation,
    pub(crate) server: Server,
    pub(crate) password: String,
    authorization: String,
    ids: Ids,
    /// `name=value` of the session of somebody who came by a setup link.
    guest: String,
}

/// What stands for the `{…}` of a path.
struct Ids {
    user: String,
    gone: String,
    group: String,
    token: String,
    login: String,
    client: String,
    platform: String,
    /// Of a setup link.
    secret: String,
    person: String,
    invitation: String,
    /// An entry of the log of requests.
    entry: String,
    /// A file that waits for its columns.
    import: String,
    /// Nobody takes what it is sent.
    destination: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::on(Database::Sqlite).await
    }

    pub(crate) async fn on(database: Database) -> Self {
        let installation = Installation::new(database).await;
        installation.run(&["migrate"]);
        let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
        let authorization = installation.tenant("northwind", "envi");
        installation.run(&["tenant", "create", "contoso", "--profile", "generic", "--activate"]);
        installation.run(&["tenant", "create", "fabrikam", "--profile", "mdscripts"]);
        installation.run(&["value-set", "set", "northwind", "roles", "Manager", "Buyer|Who buys"]);
        installation.run(&["basic", "create", "contoso", "--username", "okta@contoso"]);
        past(&installation).await;
        let server = installation.serve().await;
        let console = Console::sign_in(&server, EMAIL, &password).await;
        // The product's feature gate.
        let settings = [
            ("name", "Northwind Hospital"),
            ("property-domain-type", "Simple"),
            ("property-authentication", "HTTP Redirect"),
        ];
        assert_eq!(console.post("/console/tenants/northwind/settings", &settings).await.status(), 303);
        let (secret, guest) = setup_link(&console, &server).await;
        let okta = Scim::new(server.base_url("northwind"), &authorization);
        let (user, gone, group) = people(&okta).await;
        let import = console.upload("/console/tenants/northwind/import", "Login,Shoe size\nada@x,38\n").await;
        let import = import.headers()["location"].to_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let client = [("client-name", "Entra ID"), ("client-expires", "1y")];
        assert_eq!(console.post("/console/tenants/contoso/clients", &client).await.status(), 201);
        installation.run(&[
            "token",
            "create",
            "--platform",
            "--name",
            "Vendor",
            "--scope",
            "admin:read",
            "--expires-in",
            "1y",
        ]);
        // A name that leads nowhere (RFC 6761 section 6.4).
        let to = "https://app.invalid/rollcall";
        installation.run(&["destination", "create", "northwind", "--name", "Application", "--url", to]);
        let first = |arguments: &[&str]| {
            let rows = installation.json(arguments);
            rows[0]["id"].as_str().unwrap_or_else(|| panic!("{arguments:?}: {rows}")).to_owned()
        };
        let invitation = installation.run(&["admin", "invite", "zoe@rollcall.example"]);
        let ids = Ids {
            person: first(&["admin", "list", "--json"]),
            invitation: invitation.rsplit('/').next().unwrap().to_owned(),
            user,
            gone,
            group,
            token: first(&["token", "list", "northwind", "--json"]),
            login: first(&["basic", "list", "contoso", "--json"]),
            client: first(&["oauth", "list", "contoso", "--json"]),
            platform: first(&["token", "list", "--platform", "--json"]),
            secret,
            import,
            destination: first(&["destination", "list", "northwind", "--json"]),
            entry: logged(&console).await,
        };
        // Changes get their numbers a moment later.
        eventually(PATIENCE, "a numbered entry", || async {
            console.get("/console/audit/1").await.status() == 200
        })
        .await;
        Self { installation, server, password, authorization, ids, guest }
    }

    /// Somebody who is signed in, and came by a setup link as well.
    pub(crate) async fn console(&self) -> Console {
        let mut console = Console::sign_in(&self.server, EMAIL, &self.password).await;
        console.cookie = format!("{}; {}", console.cookie, self.guest);
        console
    }

    /// The same in a browser.
    pub(crate) async fn enter(&self, browser: &Browser) {
        browser.goto(&format!("{}/setup/{}", self.server.origin, self.ids.secret)).await;
        browser.press("Open the set-up page").await;
        browser.shows("h1", "Connect your identity provider").await;
        browser.sign_in(&self.server.origin, EMAIL, &self.password).await;
    }

    /// The identity provider of the tenant `northwind`.
    pub(crate) fn okta(&self) -> Scim {
        Scim::new(self.server.base_url("northwind"), &self.authorization)
    }

    /// The user whose page is looked at.
    pub(crate) fn user(&self) -> &str {
        &self.ids.user
    }

    /// Every page that the router has for somebody who is signed in: name for its picture, and address.
    pub(crate) fn pages(&self) -> Vec<(String, String)> {
        let pages = ROUTES.iter().filter(|(method, path, _)| *method == "GET" && !NO_PAGES.contains(path));
        let pages = pages.map(|(_, path, _)| (name(path), self.filled(path)));
        let more = MORE_PAGES.iter().map(|path| (name(path), (*path).to_owned()));
        pages.chain(more).map(|(name, path)| (name, format!("{}{path}", self.server.origin))).collect()
    }

    fn filled(&self, path: &str) -> String {
        let Ids {
            user,
            gone,
            group,
            token,
            login,
            client,
            platform,
            secret,
            person,
            invitation,
            import,
            destination,
            entry,
        } = &self.ids;
        let id = match path {
            path if path.contains("/platform-tokens/") => platform,
            path if path.contains("/admins/") => person,
            path if path.contains("/destinations/") => destination,
            path if path.ends_with("/purge") => gone,
            path if path.contains("/import/") => import,
            path if path.contains("/activity/") => entry,
            path if path.contains("/users/") => user,
            path if path.contains("/groups/") => group,
            path if path.contains("/tokens/") => token,
            path if path.contains("/logins/") => login,
            path if path.contains("/clients/") => client,
            _ => "",
        };
        // Envi takes tokens alone.
        let slug =
            if path.contains("/logins/") || path.contains("/clients/") { "contoso" } else { "northwind" };
        let values = [
            ("{slug}", slug),
            ("{version}", "1"),
            ("{set}", "roles"),
            ("{id}", id),
            ("/invitation/{secret}", &format!("/invitation/{invitation}")),
            ("{secret}", secret),
            ("{part}", "attributes"),
            ("{entry}", "name"),
            ("{number}", "1"),
            ("{key}", "manager"),
        ];
        let filled = values.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
        assert!(
            !filled.contains('{') && !filled.contains("//"),
            "{path}: say here what its parameters are in this world"
        );
        filled
    }
}

/// A setup link of the tenant `northwind`: its secret, and the cookie of whoever opened it.
async fn setup_link(console: &Console, server: &Server) -> (String, String) {
    let made = console.post("/console/tenants/northwind/setup/links", &[("note", "Ines")]).await;
    assert_eq!(made.status(), 201);
    let page = made.text().await.unwrap();
    let url = page.split(&format!("{}/setup/", server.origin)).nth(1).expect("the link is shown");
    let secret = url.split('<').next().unwrap().to_owned();
    let opened = Console::new(server).post(&format!("/setup/{secret}"), &[]).await;
    let cookie = opened.headers()["set-cookie"].to_str().unwrap();
    (secret, cookie.split(';').next().unwrap().to_owned())
}

/// The newest request in the log, which is written a moment after it.
async fn logged(console: &Console) -> String {
    let path = "/console/tenants/northwind/activity";
    let newest = || async {
        let page = console.get(path).await.text().await.unwrap();
        let link = format!("{path}/");
        let entries = page.split(&link).skip(1).filter_map(|rest| rest.get(..36));
        entries.map(str::to_owned).find(|id| id.chars().all(|ch| ch.is_ascii_hexdigit() || ch == '-'))
    };
    eventually(PATIENCE, "an entry of the log", || async { newest().await.is_some() }).await;
    newest().await.unwrap()
}

/// What is answered to GET and is no page.
const NO_PAGES: [&str; 14] = [
    "/",
    // Whoever is signed in is sent on from these.
    "/console/sign-in",
    "/console/sign-in/code",
    "/console/audit/export",
    "/console/tenants/{slug}/audit/export",
    // Without a provider there are none.
    "/console/sign-in/with",
    "/console/sign-in/callback",
    "/console/static/{*path}",
    "/console/tenants/{slug}/export",
    "/console/tenants/{slug}/import/{id}/errors",
    "/console/tenants/{slug}/value-sets/{set}/csv",
    "/console/tenants/{slug}/activity/live",
    "/console/tenants/{slug}/setup/live",
    "/setup/live",
];

/// Addresses whose page looks otherwise than the one that stands for its route.
const MORE_PAGES: [&str; 10] = [
    "/console/tenants/northwind/users?q=an&filter=userName+pr",
    "/console/tenants/northwind/users?q=nobody",
    "/console/tenants/northwind/roles?group=Everyone&show=none",
    "/console/tenants/fabrikam/profile/rules",
    "/console/tenants/fabrikam/profile/rules/0",
    "/console/tenants/fabrikam/profile/examples/0",
    "/console/tenants/fabrikam/profile/extension-attributes/0.2",
    "/console/tenants/fabrikam/profile/attributes/offered",
    "/console/tenants/fabrikam/profile/leniencies",
    "/console/tenants/fabrikam/profile/role-rules",
];

/// `/console/tenants/{slug}/users/{id}` → `tenants-slug-users-id`.
fn name(path: &str) -> String {
    let words: Vec<&str> = path
        .split(|ch: char| !ch.is_ascii_alphanumeric() && ch != '-')
        .filter(|word| !word.is_empty() && *word != "console")
        .collect();
    if words.is_empty() { "home".to_owned() } else { words.join("-") }
}

/// People who are there, Ann Ames with a role first; somebody who was deleted; and the group of Ann.
async fn people(okta: &Scim) -> (String, String, String) {
    let mut ids = Vec::new();
    for (number, name) in PEOPLE.iter().enumerate() {
        let (given, family) = name.split_once(' ').unwrap();
        let address = format!("{}@northwind.example", name.replace(' ', ".").to_lowercase());
        let user = json!({
            "schemas": [USER], "userName": address, "externalId": format!("00u{given}"), "active": number % 9 != 8,
            "name": {"givenName": given, "familyName": family},
            "emails": [{"value": address, "type": "work", "primary": true}],
        });
        ids.push(okta.create("/Users", user).await);
    }
    let mut groups = Vec::new();
    for (name, members) in GROUPS {
        let members: Vec<_> = members.iter().map(|number| json!({"value": ids[*number]})).collect();
        let group = json!({"schemas": [GROUP], "displayName": name, "members": members});
        groups.push(okta.create("/Groups", group).await);
    }
    let title = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "name.familyName", "value": "Ames-Ortiz"}]});
    assert_eq!(okta.send("PATCH", &format!("/Users/{}", ids[0]), Some(title)).await.0, 200);
    // Something that is refused.
    let again = json!({"schemas": [USER], "userName": "ann.ames@northwind.example"});
    let (status, answer) = okta.send("POST", "/Users", Some(again)).await;
    assert!(status >= 400, "{answer}");
    assert_eq!(okta.send("DELETE", &format!("/Users/{}", ids[2]), None).await.0, 204);
    (ids[0].clone(), ids[2].clone(), groups[0].clone())
}

/// The third is deleted, each ninth inactive.
const PEOPLE: [&str; 18] = [
    "Ann Ames",
    "Bo Berg",
    "Cy Cole",
    "Dana Diaz",
    "Eli Evans",
    "Fay Fischer",
    "Gus Garcia",
    "Hana Hoshi",
    "Ivo Ilic",
    "Jo Jansen",
    "Kim Keller",
    "Lea Lopez",
    "Max Moreau",
    "Nia Novak",
    "Ola Olsen",
    "Pia Park",
    "Quin Reyes",
    "Rosa Silva",
];

/// Names, and who is in them.
const GROUPS: [(&str, &[usize]); 4] = [
    ("Envi_Manager", &[0, 3, 9]),
    ("Envi_Buyer", &[0, 4, 5, 6, 7, 10, 11]),
    ("Envi_Receiving", &[12, 13, 14]),
    ("Everyone", &[0, 1, 3, 4, 5, 6, 7]),
];

/// Requests of each hour of a month, as a hospital's people come and go.
async fn past(installation: &Installation) {
    const HOURS: [i64; 24] =
        [2, 1, 1, 3, 2, 9, 31, 58, 74, 66, 52, 47, 38, 55, 61, 49, 33, 21, 12, 8, 6, 5, 4, 3];
    let hour = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64 / 3600;
    let row = |back: i64| {
        let at = hour - back;
        let weekend = [2, 3].contains(&(at / 24 % 7));
        let requests = HOURS[(at % 24) as usize] * (90 + at * 7919 % 40) / if weekend { 400 } else { 60 } + 1;
        format!("({}, {requests}, {})", at * 3_600_000, requests * (at * 31 % 5) / 160)
    };
    let rows: Vec<String> = (1..24 * 30).map(row).collect();
    let sql = format!(
        "WITH v (hour, requests, failed) AS (VALUES {}) \
         INSERT INTO traffic (tenant, hour, requests, client_errors, server_errors, duration_us) \
         SELECT t.id, v.hour, v.requests, v.failed, 0, v.requests * 4000 FROM tenants t, v WHERE t.slug = 'northwind'",
        rows.join(", ")
    );
    let database = installation.database().await;
    database.execute_unprepared(&sql).await.unwrap();
    database.close().await.unwrap();
}

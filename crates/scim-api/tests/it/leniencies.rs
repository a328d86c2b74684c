//! Each row of `scim_core::leniency`: what it takes when it is on, and the answer when it is off.

use std::collections::BTreeSet;

use scim_core::leniency::Leniencies;
use serde_json::{Value, json};

use crate::{
    client::{Client, Reply, at, group, id, user},
    profiles::{ENTERPRISE, GROUP, USER, X, every_kind},
    world::World,
};

on_both!(each_one_alone, all_but_one, strict_takes_none, lenient_takes_all);

/// A request that needs the leniency.
enum Probe {
    /// POST /Users: the body of a plain user with these keys laid over it.
    User(Value),
    /// POST /Groups.
    Group(Value),
    /// PATCH of a user with two e-mail addresses and a department.
    Patch(Value),
    /// The whole body of such a PATCH.
    PatchBody(Value),
    /// PATCH of a group with one member; `ID` stands for the member's id.
    PatchGroup(Value),
    /// GET /Users with a filter.
    Filter(String),
}

/// What comes of it when the leniency is off.
enum Off {
    /// 400 with this `scimType`.
    Refused(&'static str),
    /// It is done without the part that needed the leniency: nothing stands at the place.
    LeftOut,
}

/// The switch, a request that needs it, where to look in the answer, and what is there when it is on.
type Row = (&'static str, Probe, &'static str, Value, Off);

fn rows() -> Vec<Row> {
    use Off::{LeftOut, Refused};
    use Probe::{Filter, Group, Patch, PatchBody, PatchGroup, User};
    let invalid_value = || Refused("invalidValue");
    let one = || json!(1);
    vec![
        ("boolean-strings", User(json!({"active": "False"})), "/active", json!(false), invalid_value()),
        (
            "boolean-strings",
            User(json!({"roles": [{"value": "r", "primary": "True"}]})),
            "/roles/0/primary",
            json!(true),
            invalid_value(),
        ),
        (
            "boolean-strings",
            Patch(json!([{"op": "replace", "path": "active", "value": "False"}])),
            "/active",
            json!(false),
            invalid_value(),
        ),
        (
            "boolean-strings",
            Patch(json!([{"op": "add", "path": "emails[primary eq \"True\"].display", "value": "D"}])),
            "/emails/0/display",
            json!("D"),
            Refused("invalidFilter"),
        ),
        (
            "boolean-strings",
            Filter("active eq \"true\"".into()),
            "/totalResults",
            one(),
            Refused("invalidFilter"),
        ),
        (
            "missing-schemas",
            User(json!({"schemas": null})),
            "/userName",
            json!("probe@x"),
            Refused("invalidSyntax"),
        ),
        (
            "missing-schemas",
            User(json!({"schemas": ["urn:scim:schemas:core:1.0"]})),
            "/schemas",
            json!([USER]),
            Refused("invalidSyntax"),
        ),
        (
            "missing-schemas",
            PatchBody(json!({"Operations": [{"op": "add", "path": "title", "value": "T"}]})),
            "/title",
            json!("T"),
            Refused("invalidSyntax"),
        ),
        (
            "undeclared-extensions",
            User(json!({"schemas": [USER], (ENTERPRISE): {"department": "D"}})),
            "/E/department",
            json!("D"),
            invalid_value(),
        ),
        (
            "create-missing-element",
            Patch(json!([{"op": "add", "path": "ims[type eq \"a\"].value", "value": "i"}])),
            "/ims/0",
            json!({"value": "i", "type": "a"}),
            Refused("noTarget"),
        ),
        (
            "create-missing-element",
            Patch(json!([{"op": "replace", "path": "ims[type eq \"a\"]", "value": {"value": "i"}}])),
            "/ims/0",
            json!({"value": "i", "type": "a"}),
            Refused("noTarget"),
        ),
        (
            "remove-without-match",
            Patch(json!([{"op": "remove", "path": "emails[type eq \"fax\"]"}])),
            "/emails/1/value",
            json!("h@x"),
            Refused("noTarget"),
        ),
        (
            "remove-by-value",
            Patch(json!([{"op": "remove", "path": "emails", "value": [{"value": "w@x"}]}])),
            "/emails",
            json!([{"value": "h@x", "type": "home"}]),
            invalid_value(),
        ),
        (
            "remove-by-value",
            PatchGroup(json!([{"op": "remove", "path": "members", "value": [{"value": "ID"}]}])),
            "/members",
            json!([]),
            invalid_value(),
        ),
        (
            "dotted-keys",
            Patch(json!([{"op": "replace", "value": {"name.givenName": "Eva"}}])),
            "/name/givenName",
            json!("Eva"),
            invalid_value(),
        ),
        (
            "dotted-keys",
            Patch(json!([{"op": "replace", "value": {(format!("{ENTERPRISE}:department")): "New"}}])),
            "/E/department",
            json!("New"),
            invalid_value(),
        ),
        (
            "dotted-keys",
            Patch(json!([{"op": "replace", "value": {"emails[type eq \"home\"].value": "n@x"}}])),
            "/emails/1/value",
            json!("n@x"),
            invalid_value(),
        ),
        (
            "single-as-list",
            User(json!({"emails": {"value": "e@x"}})),
            "/emails/0/value",
            json!("e@x"),
            invalid_value(),
        ),
        ("single-as-list", User(json!({"title": ["T"]})), "/title", json!("T"), invalid_value()),
        (
            "single-as-list",
            User(json!({"schemas": USER})),
            "/schemas",
            json!([USER]),
            Refused("invalidSyntax"),
        ),
        (
            "single-as-list",
            User(json!({(X): {"siteNumbers": "12, 17,,12"}})),
            "/X/siteNumbers",
            json!(["12", "17"]),
            invalid_value(),
        ),
        (
            "single-as-list",
            Patch(
                json!([{"op": "replace", "path": (format!("{ENTERPRISE}:manager")), "value": [{"value": "7"}]}]),
            ),
            "/E/manager/value",
            json!("7"),
            invalid_value(),
        ),
        (
            "single-as-list",
            Patch(json!([{"op": "add", "value": [{"title": "T"}]}])),
            "/title",
            json!("T"),
            invalid_value(),
        ),
        (
            "single-as-list",
            Group(json!({"members": {"value": "nobody"}})),
            "/displayName",
            json!("probe"),
            invalid_value(),
        ),
        (
            "string-for-complex",
            User(json!({(ENTERPRISE): {"manager": "7"}})),
            "/E/manager/value",
            json!("7"),
            invalid_value(),
        ),
        (
            "string-for-complex",
            User(json!({(ENTERPRISE): {"manager": {"managerId": "7"}}})),
            "/E/manager/value",
            json!("7"),
            LeftOut,
        ),
        (
            "string-for-complex",
            User(json!({"roles": ["admin"]})),
            "/roles/0/value",
            json!("admin"),
            invalid_value(),
        ),
        (
            "string-for-complex",
            Group(json!({"members": ["nobody"]})),
            "/displayName",
            json!("probe"),
            invalid_value(),
        ),
        ("numbers-as-strings", User(json!({"title": 12})), "/title", json!("12"), invalid_value()),
        ("numbers-as-strings", User(json!({(X): {"count": "12"}})), "/X/count", json!(12), invalid_value()),
        ("numbers-as-strings", User(json!({(X): {"share": "0.5"}})), "/X/share", json!(0.5), invalid_value()),
        ("bare-extension-names", User(json!({"department": "D"})), "/E/department", json!("D"), LeftOut),
        (
            "bare-extension-names",
            Patch(json!([{"op": "replace", "path": "department", "value": "New"}])),
            "/E/department",
            json!("New"),
            Refused("invalidPath"),
        ),
        (
            "bare-extension-names",
            Filter("department eq \"surgery\"".into()),
            "/totalResults",
            one(),
            Refused("invalidFilter"),
        ),
        (
            "dotted-urns",
            Patch(json!([{"op": "replace", "path": (format!("{ENTERPRISE}.department")), "value": "New"}])),
            "/E/department",
            json!("New"),
            Refused("invalidPath"),
        ),
        (
            "dotted-urns",
            Filter(format!("{ENTERPRISE}.department eq \"surgery\"")),
            "/totalResults",
            one(),
            Refused("invalidFilter"),
        ),
        (
            "misspelt-enterprise-urn",
            User(json!({"schemas": [USER, MISSPELT], (MISSPELT): {"department": "D"}})),
            "/E/department",
            json!("D"),
            LeftOut,
        ),
        (
            "misspelt-enterprise-urn",
            User(json!({"schemas": [USER, SCIM_1], (SCIM_1): {"department": "D"}})),
            "/E/department",
            json!("D"),
            LeftOut,
        ),
        (
            "misspelt-enterprise-urn",
            Patch(json!([{"op": "replace", "path": (format!("{MISSPELT}:department")), "value": "New"}])),
            "/E/department",
            json!("New"),
            Refused("invalidPath"),
        ),
        ("nested-core", User(json!({(USER): {"title": "T"}})), "/title", json!("T"), invalid_value()),
        (
            "nested-core",
            Patch(json!([{"op": "add", "path": USER, "value": {"title": "T"}}])),
            "/title",
            json!("T"),
            Refused("invalidPath"),
        ),
        (
            "nested-core",
            Patch(json!([{"op": "add", "value": {(USER): {"title": "T"}}}])),
            "/title",
            json!("T"),
            LeftOut,
        ),
        (
            "wrapped-members",
            PatchGroup(json!([{"op": "replace", "path": "members", "value": {"members": []}}])),
            "/members",
            json!([]),
            invalid_value(),
        ),
        (
            "compare-after-brackets",
            Filter("emails[type eq \"home\"].value eq \"h@x\"".into()),
            "/totalResults",
            one(),
            Refused("invalidFilter"),
        ),
    ]
}

const MISSPELT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User";
const SCIM_1: &str = "urn:scim:schemas:extension:enterprise:1.0";

/// All switches, by the names that they have in a profile.
fn switches() -> BTreeSet<String> {
    let all = serde_json::to_value(Leniencies::LENIENT).expect("JSON");
    all.as_object().expect("an object").keys().cloned().collect()
}

/// A profile whose switches are all `others`, but for one.
fn profile(switch: &str, on: bool, others: bool) -> String {
    let lines = switches().into_iter().map(|name| {
        let value = if name == switch { on } else { others };
        format!("{name} = {value}\n")
    });
    format!("{}\n[leniencies]\n{}", every_kind(), lines.collect::<String>())
}

/// What a request is tried on.
struct Scene {
    okta: Client,
    user: String,
    group: String,
    member: String,
}

impl Scene {
    async fn new(okta: Client) -> Self {
        let mut body = user("scene@x");
        body["schemas"] = json!([USER, ENTERPRISE]);
        body["emails"] = json!([
            {"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"},
        ]);
        body[ENTERPRISE] = json!({"department": "Surgery"});
        let member = id(&okta.post("/Users", &body).await.expect(201));
        let group = format!("/Groups/{}", id(&okta.create_group("Scene", &[&member]).await));
        Self { okta, user: format!("/Users/{member}"), group, member }
    }

    async fn send(&self, probe: &Probe) -> Reply {
        let okta = &self.okta;
        match probe {
            Probe::User(more) => {
                let mut body = json!({"schemas": [USER, ENTERPRISE, X], "userName": "probe@x"});
                lay_over(&mut body, more);
                okta.post("/Users", &body).await
            }
            Probe::Group(more) => {
                let mut body = json!({"schemas": [GROUP], "displayName": "probe"});
                lay_over(&mut body, more);
                okta.post("/Groups", &body).await
            }
            Probe::Patch(operations) => okta.operate(&self.user, operations.clone()).await,
            Probe::PatchBody(body) => okta.patch(&self.user, body).await,
            Probe::PatchGroup(operations) => {
                let text = operations.to_string().replace("\"ID\"", &json!(self.member).to_string());
                okta.operate(&self.group, serde_json::from_str(&text).expect("JSON")).await
            }
            Probe::Filter(filter) => okta.filter("/Users", filter).await,
        }
    }

    /// Everything as it was.
    async fn tidy(&self, before: &[Value; 2]) {
        for (endpoint, filter) in
            [("/Users", "userName eq \"probe@x\""), ("/Groups", "displayName eq \"probe\"")]
        {
            for left in
                self.okta.filter(endpoint, filter).await.expect(200)["Resources"].as_array().expect("a list")
            {
                assert_eq!(self.okta.delete(&format!("{endpoint}/{}", id(left))).await.status, 204);
            }
        }
        self.okta.put(&self.user, &before[0]).await.expect(200);
        self.okta.put(&self.group, &group("Scene", &[&self.member])).await.expect(200);
    }

    async fn state(&self) -> [Value; 2] {
        [self.okta.get(&self.user).await.expect(200), self.okta.get(&self.group).await.expect(200)]
    }

    /// Sends each request for which `choose` says how the switch stands, and looks at what came of it.
    async fn check(&self, choose: impl Fn(&str) -> Option<bool>) {
        let before = self.state().await;
        for (switch, probe, pointer, wanted, off) in rows() {
            let Some(on) = choose(switch) else { continue };
            let reply = self.send(&probe).await;
            match (on, off) {
                (true, _) => {
                    assert!(reply.status.is_success(), "{switch} {pointer}: {reply:?}");
                    assert_eq!(at(&reply.json(), pointer), wanted, "{switch} {pointer}: {reply:?}");
                }
                (false, Off::Refused(scim_type)) => {
                    let refused = reply.expect_error(400, scim_type);
                    assert!(refused.len() > 20, "{switch}: {refused}");
                }
                (false, Off::LeftOut) => {
                    assert!(reply.status.is_success(), "{switch} {pointer}: {reply:?}");
                    assert_eq!(at(&reply.json(), pointer), Value::Null, "{switch} {pointer}: {reply:?}");
                }
            }
            self.tidy(&before).await;
        }
    }
}

async fn each_one_alone(world: World) {
    for (n, switch) in switches().into_iter().enumerate() {
        let okta = world.tenant_with(&profile(&switch, true, false), &format!("alone{n}")).await;
        Scene::new(okta).await.check(|name| (name == switch).then_some(true)).await;
    }
}

async fn all_but_one(world: World) {
    let shown: BTreeSet<String> = rows().into_iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(shown, switches(), "each switch has a row here");
    for (n, switch) in switches().into_iter().enumerate() {
        let okta = world.tenant_with(&profile(&switch, false, true), &format!("without{n}")).await;
        Scene::new(okta).await.check(|name| (name == switch).then_some(false)).await;
    }
}

/// `--compatibility strict`, whatever the profile says.
async fn strict_takes_none(world: World) {
    let okta = world.strict_tenant("acme").await;
    let needs_own_profile = |probe: &Probe| matches!(probe, Probe::User(body) if body.get(X).is_some());
    assert!(rows().iter().any(|row| needs_own_profile(&row.1)));
    let scene = Scene::new(okta).await;
    let before = scene.state().await;
    for (switch, probe, pointer, _, off) in rows().into_iter().filter(|row| !needs_own_profile(&row.1)) {
        let reply = scene.send(&probe).await;
        match off {
            Off::Refused(scim_type) => drop(reply.expect_error(400, scim_type)),
            Off::LeftOut => assert_eq!(at(&reply.json(), pointer), Value::Null, "{switch}: {reply:?}"),
        }
        scene.tidy(&before).await;
    }
}

async fn lenient_takes_all(world: World) {
    let okta = world.tenant_with(&every_kind(), "acme").await;
    Scene::new(okta).await.check(|_| Some(true)).await;
}

fn lay_over(body: &mut Value, more: &Value) {
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
}

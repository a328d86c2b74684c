//! A product that none of the built-in profiles is: one file, given to the service as a text, and no code.

use provisioning::ProfileSource;
use serde_json::{Value, json};

use crate::{
    client::{Client, encode, id},
    world::{BOTH_SCOPES, World, context},
};

on_both!(
    a_sixth_product_is_a_file,
    discovery_tells_of_it,
    what_does_not_fit_is_told_at_once,
    its_lists_names_and_rules_hold_in_every_verb,
    its_groups_are_roles
);

/// The extension of the product.
const RANGER: &str = "urn:example:params:scim:schemas:extension:ranger:1.0:User";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// Park rangers: every type of attribute, a value set, rules, roles, another name, a default.
const FILE: &str = r#"
name = "park-rangers"
title = "Park rangers"
summary = "Rangers with stations, ranks and equipment; groups named Ranger: … are roles."
version = 1
credentials = ["bearer"]
base-path = "/scim/v2"

[user]
attributes = ["userName", "name.givenName", "name.familyName", "emails", "timezone"]
enterprise = false
required = ["name.familyName"]
dropped = ["shoeSize"]

[[attribute]]
path = "timezone"
format = "time-zone"

[[extension]]
urn = "urn:example:params:scim:schemas:extension:ranger:1.0:User"
name = "Ranger"
description = "What a park knows of a ranger."
top-level = true

[[extension.attribute]]
name = "callSign"
description = "Name on the radio."
uniqueness = "none"
indexed = true
case-exact = true

[[extension.attribute]]
name = "armed"
type = "boolean"
default = false

[[extension.attribute]]
name = "rank"
type = "integer"

[[extension.attribute]]
name = "shift"
type = "decimal"

[[extension.attribute]]
name = "since"
type = "dateTime"

[[extension.attribute]]
name = "handbook"
type = "reference"
reference-types = ["external"]

[[extension.attribute]]
name = "stations"
multi-valued = true
format = "comma-list"
value-set = "stations"

[[extension.attribute]]
name = "radio"
type = "complex"
[[extension.attribute.sub-attribute]]
name = "model"
required = true
[[extension.attribute.sub-attribute]]
name = "channel"
type = "integer"

[[extension.attribute]]
name = "tools"
type = "complex"
multi-valued = true
[[extension.attribute.sub-attribute]]
name = "value"
[[extension.attribute.sub-attribute]]
name = "count"
type = "integer"
default = 1

[[alias]]
name = "email"
path = "emails.value"

[[alias]]
name = "station"
path = "stations"

[[value-set]]
name = "stations"
title = "Stations of the park"
values = ["North", { value = "South", label = "South gate" }]

[[rule]]
name = "armed-rangers-have-a-rank"
when = "ext.armed"
require = ["rank"]
message = "is required for armed rangers; send the rank"

[[rule]]
name = "chiefs-have-a-radio"
condition = "ext.rank == null || ext.rank < 9 || ext.radio.model != null"
path = "radio"
message = "rangers of rank 9 carry a radio; send its model"

[[not-applicable]]
when = "!ext.armed"
attributes = ["handbook"]
reason = "the handbook is about arms"

[policies]
duplicate = "reject"
delete = "soft-delete"

[roles]
match = "all"
protected = ["Chief"]

[[roles.rule]]
pattern = 'ranger: (?<role>.+)'

[[roles.rule]]
external-id = "00gchief"
role = "Chief"

[[example]]
title = "A ranger"
valid = true
user = '{"userName": "ann", "name": {"familyName": "Lee"}, "station": "north, south"}'

[[example]]
title = "An armed ranger without a rank"
valid = false
user = '{"userName": "ann", "name": {"familyName": "Lee"}, "armed": "true"}'
path = "urn:example:params:scim:schemas:extension:ranger:1.0:User:rank"
"#;

async fn park(world: &World) -> Client {
    let tenants = &world.state.tenants;
    tenants
        .create("park", None, ProfileSource::Text(FILE), "lenient", true, &context())
        .await
        .expect("a tenant");
    world.client("park", BOTH_SCOPES).await
}

/// A ranger with everything.
fn ranger(user_name: &str) -> Value {
    json!({
        "schemas": [USER, RANGER],
        "userName": user_name,
        "name": {"givenName": "Ann", "familyName": "Lee"},
        "email": "ann@park.example",
        "timezone": "us/mountain",
        RANGER: {
            "callSign": "Eagle 1", "armed": "True", "rank": 9, "shift": "7.5", "since": "2020-02-29T08:00:00+01:00",
            "handbook": "https://park.example/arms", "stations": "north, South",
            "radio": {"model": "R7", "channel": 16}, "tools": [{"value": "axe"}, {"value": "rope", "count": "2"}],
        },
    })
}

async fn a_sixth_product_is_a_file(world: World) {
    let okta = park(&world).await;
    let reply = okta.post("/Users", &ranger("ann@park.example")).await;
    let made = reply.expect(201);
    assert_eq!(made["schemas"], json!([USER, RANGER]));
    assert_eq!(made["timezone"], "US/Mountain");
    assert_eq!(made["emails"], json!([{"value": "ann@park.example", "primary": true}]));
    assert_eq!(
        made[RANGER],
        json!({
            "callSign": "Eagle 1", "armed": true, "rank": 9, "shift": 7.5, "since": "2020-02-29T07:00:00.000Z",
            "handbook": "https://park.example/arms", "stations": ["North", "South"],
            "radio": {"model": "R7", "channel": 16},
            "tools": [{"value": "axe", "count": 1}, {"value": "rope", "count": 2}],
        })
    );
    assert_eq!(okta.get(&format!("/Users/{}", id(&made))).await.expect(200), made);
    // Defaults, and what is dropped.
    let bare = json!({"userName": "bo", "name": {"familyName": "Lee"}, "shoeSize": 43, "handbook": "https://x.example"});
    let bare = okta.post("/Users", &bare).await.expect(201);
    assert_eq!(bare[RANGER], json!({"armed": false}));
    assert!(bare.get("shoeSize").is_none());
    okta.post("/Users", &ranger("ANN@park.example")).await.expect_error(409, "uniqueness");
}

async fn discovery_tells_of_it(world: World) {
    let okta = park(&world).await;
    let schema = okta.get(&format!("/Schemas/{RANGER}")).await.expect(200);
    assert_eq!((&schema["name"], &schema["id"]), (&json!("Ranger"), &json!(RANGER)));
    let shown: Vec<(&str, &str, bool)> = schema["attributes"]
        .as_array()
        .expect("attributes")
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().expect("a text");
            (text("name"), text("type"), one["multiValued"] == true)
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("callSign", "string", false),
            ("armed", "boolean", false),
            ("rank", "integer", false),
            ("shift", "decimal", false),
            ("since", "dateTime", false),
            ("handbook", "reference", false),
            ("stations", "string", true),
            ("radio", "complex", false),
            ("tools", "complex", true),
        ]
    );
    assert_eq!(schema["attributes"][0]["caseExact"], true);
    assert_eq!(schema["attributes"][5]["referenceTypes"], json!(["external"]));
    assert_eq!(schema["attributes"][7]["subAttributes"][0]["required"], true);
    assert_eq!(schema["attributes"][8]["subAttributes"][1]["type"], "integer");

    let core = okta.get(&format!("/Schemas/{USER}")).await.expect(200);
    let names: Vec<&str> = core["attributes"]
        .as_array()
        .expect("attributes")
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["userName", "name", "timezone", "active", "emails", "groups"]);
    let subs = core["attributes"][1]["subAttributes"].as_array().expect("parts").len();
    assert_eq!(subs, 2, "the given and the family name");
    assert_eq!(core["attributes"][1]["required"], true);

    let types = okta.get("/ResourceTypes").await.expect(200);
    assert_eq!(types["totalResults"], 2);
    let user = okta.get("/ResourceTypes/User").await.expect(200);
    assert_eq!(user["schema"], USER);
    assert_eq!(user["schemaExtensions"], json!([{"schema": RANGER, "required": false}]));
    okta.get("/ResourceTypes/Group").await.expect(200);
}

async fn what_does_not_fit_is_told_at_once(world: World) {
    let okta = park(&world).await;
    let wrong = json!({
        "schemas": [USER, RANGER],
        "userName": "",
        "name": {"givenName": "Ann"},
        "timezone": "Mountain",
        "email": true,
        RANGER: {
            "callSign": {"x": 1}, "armed": true, "shift": "long", "since": "yesterday", "stations": ["North", "West"],
            "radio": {"channel": "sixteen"}, "tools": [{"value": "axe", "count": 1.5}],
        },
    });
    let refused = okta.post("/Users", &wrong).await;
    let detail = refused.expect_error(400, "invalidValue");
    let x = |name: &str| format!("{RANGER}:{name}");
    for (path, problem) in [
        ("userName".to_owned(), "is required; send a value."),
        ("name.familyName".to_owned(), "is required; send a value."),
        (
            "timezone".to_owned(),
            "is a text of 8 characters, which is no name of the IANA time zone database; send one",
        ),
        ("email".to_owned(), "must be a string, not a boolean."),
        (x("callSign"), "must be a string, not an object."),
        (x("rank"), "is required for armed rangers; send the rank."),
        (x("shift"), "must be a number, not this string."),
        (x("since"), "must be a date with time and offset, such as 2026-01-31T08:00:00Z, not this string."),
        (x("stations[1]"), "is not in the tenant's value set \"stations\"; send North, South."),
        (x("radio.channel"), "must be a whole number, not this string."),
        (x("radio.model"), "is required; send a value."),
        (x("tools[0].count"), "must be a whole number, not a number."),
    ] {
        let said = format!("{path}: {problem}");
        assert_eq!(detail.matches(&said).count(), 1, "{said}\nin {detail}");
    }
    for value in ["Mountain", "West", "yesterday", "sixteen"] {
        assert!(!detail.contains(value), "{value} in {detail}");
    }
    let alone = json!({"userName": "ann", "name": {"familyName": "Lee"}, "rank": 9});
    let detail = okta.post("/Users", &alone).await.expect_error(400, "invalidValue");
    assert!(
        detail.starts_with(&format!("{RANGER}:radio: rangers of rank 9 carry a radio; send its model.")),
        "{detail}"
    );
    let list = okta.get("/Users").await.expect(200);
    assert_eq!(list["totalResults"], 0);
}

async fn its_lists_names_and_rules_hold_in_every_verb(world: World) {
    let okta = park(&world).await;
    let made = okta.post("/Users", &ranger("ann@park.example")).await.expect(201);
    let path = format!("/Users/{}", id(&made));
    for filter in [
        format!("{RANGER}:callSign eq \"Eagle 1\""),
        "callSign eq \"Eagle 1\"".to_owned(),
        "email eq \"ANN@park.example\"".to_owned(),
        "station eq \"north\"".to_owned(),
        "rank ge 9 and shift lt 8 and armed eq true".to_owned(),
        "since lt \"2020-02-29T07:00:00.001Z\"".to_owned(),
        "tools[value eq \"rope\" and count eq 2]".to_owned(),
        "radio.model sw \"r\"".to_owned(),
    ] {
        assert_eq!(okta.found("/Users", &filter).await, ["ann@park.example"], "{filter}");
    }
    assert!(okta.found("/Users", "callSign eq \"eagle 1\"").await.is_empty(), "it is compared with case");

    let change = json!([{"op": "replace", "value": {"station": "SOUTH", "email": "new@park.example"}}]);
    let after = okta.operate(&path, change).await.expect(200);
    assert_eq!(after[RANGER]["stations"], json!(["South"]));
    assert_eq!(after["emails"][0]["value"], "new@park.example");
    let off = json!([{"op": "replace", "path": format!("{RANGER}:armed"), "value": "false"}]);
    let after = okta.operate(&path, off).await.expect(200);
    assert!(after[RANGER].get("handbook").is_none(), "it does not apply any more");
    let refused = okta.operate(&path, json!([{"op": "remove", "path": "radio"}])).await;
    assert!(refused.expect_error(400, "invalidValue").contains("carry a radio"));
    let mut body = ranger("ann@park.example");
    body[RANGER]["stations"] = json!("East");
    let refused = okta.put(&path, &body).await.expect_error(400, "invalidValue");
    assert!(refused.contains("stations[0]: is not in the tenant's value set"), "{refused}");
    let shown = okta.get(&format!("{path}?attributes={}", encode("callSign"))).await.expect(200);
    assert_eq!(shown[RANGER], json!({"callSign": "Eagle 1"}));

    // A list of the tenant's own, without a change of the file.
    let tenant = world.state.tenants.by_slug("park").await.expect("a look-up").expect("a tenant");
    let tenants = &world.state.tenants;
    tenants.set_value_set(&tenant, "stations", vec!["East".into()], &context()).await.expect("filled");
    let after = okta.put(&path, &body).await.expect(200);
    assert_eq!(after[RANGER]["stations"], json!(["East"]));
}

async fn its_groups_are_roles(world: World) {
    let okta = park(&world).await;
    let made = okta.post("/Users", &ranger("ann@park.example")).await.expect(201);
    let user = id(&made);
    okta.create_group("Ranger: Scout", &[&user]).await;
    okta.create_group("ranger: chief", &[&user]).await;
    okta.create_group("Visitors", &[&user]).await;
    let scope = world.scope(&okta).await;
    let roles = async || {
        let grants = scope.roles_of_user(user.parse().expect("an id")).await.expect("roles");
        grants
            .into_iter()
            .map(|grant| format!("{} via {}", grant.role.name, grant.via.display))
            .collect::<Vec<_>>()
    };
    assert_eq!(roles().await, ["Scout via Ranger: Scout"], "a protected role is given by no pattern");
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Chiefs of the park",
        "externalId": "00gchief", "members": [{"value": user}],
    });
    okta.post("/Groups", &group).await.expect(201);
    assert_eq!(roles().await, ["Chief via Chiefs of the park", "Scout via Ranger: Scout"]);
}

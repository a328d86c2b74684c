//! What the service says of itself.

use serde_json::{Value, json};

use crate::{
    client::{Client, encode},
    world::World,
};

on_both!(configuration, authentication, schemas, resource_types, no_filters);

async fn configuration(world: World) {
    let okta = world.tenant("acme").await;
    let config = okta.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]));
    for (feature, supported) in [
        ("patch", true),
        ("bulk", true),
        ("filter", true),
        ("changePassword", false),
        ("sort", true),
        ("etag", true),
    ] {
        assert_eq!(config[feature]["supported"], supported, "{feature}");
    }
    assert_eq!(config["filter"]["maxResults"], scim_api::MAX_COUNT);
    let bulk = json!({"supported": true, "maxOperations": 1000, "maxPayloadSize": 4_194_304});
    assert_eq!(config["bulk"], bulk);
}

/// `authenticationSchemes` lists what a credential can be had for, and with what a request was let in.
async fn authentication(world: World) {
    let schemes = async |client: Client| {
        let config = client.get("/ServiceProviderConfig").await.expect(200);
        let schemes = config["authenticationSchemes"].as_array().expect("schemes").clone();
        let of =
            |scheme: &Value| (scheme["type"].as_str().expect("a type").to_owned(), scheme["primary"] == true);
        schemes.iter().map(of).collect::<Vec<_>>()
    };
    let [bearer, basic, oauth] = ["oauthbearertoken", "httpbasic", "oauth2"].map(str::to_owned);
    let generic = world.tenant("acme").await;
    assert_eq!(schemes(generic).await, [(bearer.clone(), true), (basic.clone(), false), (oauth, false)]);
    assert_eq!(schemes(world.tenant_of("envi", "envi").await).await, [(bearer, true)]);
    world.bare_tenant("clinical-maestro", "maestro").await;
    let maestro = world.basic_client("maestro", "okta@maestro").await;
    assert_eq!(schemes(maestro).await, [(basic, true)]);
}

#[track_caller]
fn no_nulls(value: &Value) {
    match value {
        Value::Null => panic!("a null"),
        Value::Array(items) => items.iter().for_each(no_nulls),
        Value::Object(fields) => fields.values().for_each(no_nulls),
        _ => {}
    }
}

async fn schemas(world: World) {
    let okta = world.tenant("acme").await;
    let list = okta.get("/Schemas").await.expect(200);
    assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    no_nulls(&list);
    let resources = list["Resources"].as_array().expect("Resources");
    assert_eq!(list["totalResults"], resources.len());
    let ids: Vec<&str> = resources.iter().filter_map(|schema| schema["id"].as_str()).collect();
    for wanted in ["core:2.0:User", "core:2.0:Group", "extension:enterprise:2.0:User"] {
        assert!(ids.contains(&format!("urn:ietf:params:scim:schemas:{wanted}").as_str()), "{ids:?}");
    }
    for (schema, id) in resources.iter().zip(&ids) {
        for spelling in [(*id).to_owned(), encode(id)] {
            assert_eq!(okta.get(&format!("/Schemas/{spelling}")).await.expect(200), *schema);
        }
        let location = schema["meta"]["location"].as_str().expect("a location");
        assert_eq!(location, format!("https://scim.example.com/t/acme/scim/v2/Schemas/{id}"));
    }
    okta.get("/Schemas/urn:example:none").await.expect_error(404, "");
}

async fn resource_types(world: World) {
    let okta = world.tenant("acme").await;
    let list = okta.get("/ResourceTypes").await.expect(200);
    no_nulls(&list);
    assert_eq!(list["totalResults"], 2);
    for (at, (name, endpoint)) in [("User", "/Users"), ("Group", "/Groups")].into_iter().enumerate() {
        let one = okta.get(&format!("/ResourceTypes/{name}")).await.expect(200);
        assert_eq!(one, list["Resources"][at]);
        assert_eq!((&one["id"], &one["endpoint"]), (&json!(name), &json!(endpoint)));
        assert_eq!(one["schema"], format!("urn:ietf:params:scim:schemas:core:2.0:{name}"));
    }
    okta.get("/ResourceTypes/Device").await.expect_error(404, "");
}

async fn no_filters(world: World) {
    let okta = world.tenant("acme").await;
    for path in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig", "/ResourceTypes/User"] {
        okta.filter(path, "id pr").await.expect_error(403, "");
    }
}

//! Resource types and resources with something of everything.

use std::sync::{Arc, LazyLock};

use scim_core::{ResourceType, projection::Envelope, resource::Extension, schema::Schema, search};
use serde_json::{Value, json};

/// Users with all of core SCIM and the enterprise extension.
pub static USER: LazyLock<ResourceType> = LazyLock::new(ResourceType::user);
/// Groups with all of core SCIM.
pub static GROUP: LazyLock<ResourceType> = LazyLock::new(ResourceType::group);

/// Users of a product: some core attributes not offered, an extension with aliases and attributes of every type.
pub static PRODUCT: LazyLock<ResourceType> = LazyLock::new(|| {
    let mut product = ResourceType::user();
    let mut core = (*product.schema).clone();
    core.attributes.retain(|attribute| !["nickName", "photos", "name"].contains(&attribute.name.as_str()));
    product.schema = Arc::new(core);
    let schema: Schema = serde_json::from_value(json!({
        "id": "urn:example:params:scim:1.0:User",
        "name": "Product",
        "attributes": [
            {"name": "npi", "caseExact": true},
            {"name": "siteNumbers", "multiValued": true},
            {"name": "isProvider", "type": "boolean"},
            {"name": "floor", "type": "integer"},
            {"name": "share", "type": "decimal"},
            {"name": "since", "type": "dateTime"},
            {"name": "badge", "type": "binary"},
            {"name": "secret", "mutability": "writeOnly", "returned": "never"},
            {"name": "desks", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "value"}, {"name": "type"}, {"name": "primary", "type": "boolean"},
                {"name": "since", "type": "dateTime"},
            ]},
        ],
    }))
    .expect("a schema");
    product.extensions = vec![Extension {
        schema: Arc::new(schema),
        required: false,
        aliases: vec!["urn:example".into()],
        top_level: true,
    }];
    product
});

/// All types.
pub fn types() -> [&'static ResourceType; 3] {
    [&USER, &GROUP, &PRODUCT]
}

/// What is kept beside a document.
pub fn envelope(edges: Option<Vec<Value>>) -> Envelope<'static> {
    Envelope {
        id: "0190-id",
        created: 1_000,
        last_modified: 1_795_255_200_000,
        version: 7,
        location: "https://h/scim/v2/Users/0190-id".into(),
        edges,
    }
}

/// A canonical document of each of [`types`].
pub static DOCUMENTS: LazyLock<[Value; 3]> = LazyLock::new(|| {
    let user = json!({
        "externalId": "00u1AbC",
        "userName": "Ann_100%@Example.com",
        "name": {"familyName": "Éclair", "givenName": "A or B"},
        "displayName": "not (x] \"quoted\" back\\slash",
        "active": true,
        "emails": [
            {"value": "ann@work.example", "type": "work", "primary": true},
            {"value": "ann@home.example", "type": "home"},
        ],
        "roles": [{"value": "admin"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Sales", "manager": {"value": "M-1"},
        },
    });
    let product = json!({
        "userName": "bob",
        "urn:example:params:scim:1.0:User": {
            "npi": "1234567893", "siteNumbers": ["7", "12"], "isProvider": true, "floor": -3, "share": 0.5,
            "since": "2026-01-31T08:00:00Z", "badge": "QUJD",
            "desks": [{"value": "A1", "type": "quiet", "primary": true}, {"value": "B2", "since": "2025-01-01T00:00:00Z"}],
        },
    });
    [user, json!({"displayName": "Envi_Buyers"}), product]
});

/// The search forms of [`DOCUMENTS`], complete.
pub static FORMS: LazyLock<[Value; 3]> = LazyLock::new(|| {
    let edges = [
        vec![json!({"value": "g-1", "display": "Everyone", "type": "direct"})],
        vec![
            json!({"value": "u-1", "display": "Ann", "type": "User"}),
            json!({"value": "g-2", "type": "Group"}),
        ],
        Vec::new(),
    ];
    let mut forms = [Value::Null, Value::Null, Value::Null];
    for (((form, resource_type), document), edges) in
        forms.iter_mut().zip(types()).zip(&*DOCUMENTS).zip(edges)
    {
        *form = search::form(resource_type, document.as_object().expect("an object"));
        search::complete(form, resource_type, &envelope(Some(edges)));
    }
    forms
});

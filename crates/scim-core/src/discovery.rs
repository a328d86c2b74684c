//! What a service provider tells about itself: the representations of resource types and schemas
//! (RFC 7643 §6, §7).

use serde_json::{Value, json};

use crate::{
    catalogue::CatalogueKind,
    resource::{ResourceKind, ResourceType},
    schema::Schema,
    urn,
};

impl ResourceType {
    /// The resource type as `/ResourceTypes` shows it. `base_url`: of the tenant's endpoint, without trailing slash.
    #[must_use]
    pub fn to_json(&self, base_url: &str) -> Value {
        let name = self.kind.name();
        let extensions: Vec<_> = self
            .extensions
            .iter()
            .map(|extension| json!({"schema": extension.schema.id, "required": extension.required}))
            .collect();
        json!({
            "schemas": [urn::RESOURCE_TYPE],
            "id": name,
            "name": name,
            "endpoint": self.kind.endpoint(),
            "description": match self.kind {
                ResourceKind::User => "User accounts",
                ResourceKind::Group => "Groups of users and groups",
            },
            "schema": self.schema.id,
            "schemaExtensions": extensions,
            "meta": {
                "resourceType": "ResourceType",
                "location": format!("{base_url}/ResourceTypes/{name}"),
            },
        })
    }

    /// The schemas that this type is made of: the core schema, then its extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        std::iter::once(&*self.schema).chain(self.extensions.iter().map(|extension| &*extension.schema))
    }
}

impl CatalogueKind {
    /// The resource type as `/ResourceTypes` shows it. `base_url`: of the tenant's endpoint, without trailing slash.
    #[must_use]
    pub fn to_json(self, base_url: &str) -> Value {
        let name = self.name();
        json!({
            "schemas": [urn::RESOURCE_TYPE],
            "id": name,
            "name": name,
            "endpoint": self.endpoint(),
            "description": self.description(),
            "schema": self.schema().id,
            "schemaExtensions": [],
            "meta": {
                "resourceType": "ResourceType",
                "location": format!("{base_url}/ResourceTypes/{name}"),
            },
        })
    }
}

impl Schema {
    /// The schema as `/Schemas` shows it. `base_url`: of the tenant's endpoint, without trailing slash.
    #[must_use]
    pub fn to_json(&self, base_url: &str) -> Value {
        json!({
            "schemas": [urn::SCHEMA],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": self.attributes,
            "meta": {
                "resourceType": "Schema",
                "location": format!("{base_url}/Schemas/{}", self.id),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    const BASE: &str = "https://h/t/acme/scim/v2";

    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(elements) => elements.iter().any(has_null),
            Value::Object(values) => values.values().any(has_null),
            _ => false,
        }
    }

    #[test]
    fn resource_types() {
        let user = ResourceType::user().to_json(BASE);
        assert_eq!(user["schemas"], json!([urn::RESOURCE_TYPE]));
        assert_eq!(user["schema"], urn::USER);
        assert_eq!(user["endpoint"], "/Users");
        assert_eq!(user["schemaExtensions"], json!([{"schema": urn::ENTERPRISE_USER, "required": false}]));
        assert_eq!(user["meta"]["location"], format!("{BASE}/ResourceTypes/User"));
        assert_eq!(ResourceType::group().to_json(BASE)["schema"], urn::GROUP);
        let role = CatalogueKind::Role.to_json(BASE);
        assert_eq!((&role["endpoint"], &role["schema"]), (&json!("/Roles"), &json!(urn::OKTA_ROLE)));
        let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&role), keys(&user));
        let names: Vec<_> = ResourceType::user().schemas().map(|schema| schema.id.clone()).collect();
        assert_eq!(names, [urn::USER, urn::ENTERPRISE_USER]);
    }

    #[test]
    fn schemas_show_characteristics_in_the_words_of_the_standard() {
        let user = schema::USER.to_json(BASE);
        assert_eq!(user["meta"]["location"], format!("{BASE}/Schemas/{}", urn::USER));
        let attribute = |name: &str| {
            let all = user["attributes"].as_array().expect("attributes");
            all.iter().find(|attribute| attribute["name"] == name).cloned().expect("the attribute")
        };
        let user_name = attribute("userName");
        assert_eq!(user_name["type"], "string");
        assert_eq!(user_name["multiValued"], false);
        assert_eq!(user_name["caseExact"], false);
        assert_eq!(user_name["mutability"], "readWrite");
        assert_eq!(user_name["uniqueness"], "server");
        assert_eq!(user_name.get("subAttributes"), None);
        assert_eq!(attribute("password")["mutability"], "writeOnly");
        assert_eq!(attribute("profileUrl")["referenceTypes"], json!(["external"]));
        assert_eq!(
            attribute("emails")["subAttributes"][2]["canonicalValues"],
            json!(["work", "home", "other"])
        );
        assert!(!has_null(&user));
    }

    #[test]
    fn a_schema_reads_back_from_its_own_form() {
        for schema in [&*schema::USER, &*schema::GROUP, &*schema::ENTERPRISE_USER, &*schema::COMMON] {
            let shown = schema.to_json(BASE);
            let again: Schema = serde_json::from_value(shown.clone()).expect("reads");
            assert_eq!(again.to_json(BASE), shown);
            assert!(!shown.to_string().contains("indexed"), "an index is nothing of RFC 7643");
        }
    }
}

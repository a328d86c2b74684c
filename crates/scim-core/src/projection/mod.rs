//! From a kept document to the answer: `schemas`, `id`, `meta`, and what `attributes` / `excludedAttributes` leave
//! (RFC 7644 §3.9).

mod text;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::{
    Document,
    error::{ScimError, ScimType},
    path::Resolved,
    resource::ResourceType,
    schema::{self, Attribute, Returned, Schema},
    timestamp,
};

pub use text::render_text;

/// Longest list of names taken, in bytes: all names of a schema with their URNs need less.
const MAX_LIST: usize = 16 * 1024;

/// Which attributes an answer holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    /// Canonical paths asked for; `None`: the default set.
    pub attributes: Option<Vec<String>>,
    /// Canonical paths left out.
    pub excluded: Vec<String>,
}

/// What is kept beside the document.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<'a> {
    /// Resource id.
    pub id: &'a str,
    /// Milliseconds.
    pub created: i64,
    /// Milliseconds.
    pub last_modified: i64,
    /// Version number, shown as a weak ETag `W/"7"`.
    pub version: i64,
    /// Absolute URL of the resource.
    pub location: String,
    /// `groups` of a user or `members` of a group, as SCIM complex values (with absolute `$ref`); `None` when they
    /// were not read.
    pub edges: Option<Vec<Value>>,
}

impl Projection {
    /// From the two query parameters (comma-separated lists, names in any case). Both together are 400
    /// `invalidValue`, and so is one longer than [`MAX_LIST`]; names nobody knows are ignored. A blank parameter counts
    /// as absent.
    pub fn parse(
        resource_type: &ResourceType,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Self, ScimError> {
        let given = |name: &str, list: Option<&str>| match list.filter(|list| !list.trim().is_empty()) {
            Some(list) if list.len() > MAX_LIST => {
                Err(ScimError::invalid_value(name, format!("is longer than {MAX_LIST} bytes; name fewer.")))
            }
            list => Ok(list.map(|list| canonical_paths(resource_type, list))),
        };
        match (given("attributes", attributes)?, given("excludedAttributes", excluded)?) {
            (Some(_), Some(_)) => Err(ScimError::bad_request(
                ScimType::InvalidValue,
                "attributes and excludedAttributes exclude each other; send one of them.",
            )),
            (attributes, excluded) => Ok(Self { attributes, excluded: excluded.unwrap_or_default() }),
        }
    }

    /// Does the answer need `groups` (user) or `members` (group)? If not, the store need not read the edges.
    #[must_use]
    pub fn wants_edges(&self, resource_type: &ResourceType) -> bool {
        resource_type
            .schema
            .attribute(resource_type.kind.edges())
            .is_some_and(|edges| self.wants("", edges) != Want::Nothing)
    }

    /// How much of a top-level attribute the answer holds. `prefix`: URN and colon of an extension, or nothing.
    fn wants(&self, prefix: &str, attribute: &Attribute) -> Want<'_> {
        let path = format!("{prefix}{}", attribute.name);
        match attribute.returned {
            Returned::Never => return Want::Nothing,
            Returned::Always => return Want::Default,
            Returned::Default | Returned::Request => {}
        }
        let Some(attributes) = &self.attributes else {
            let shown = attribute.returned == Returned::Default && !covers(&self.excluded, &path, prefix);
            let without = subs_of(&self.excluded, &path);
            return match (shown, without.is_empty()) {
                (false, _) => Want::Nothing,
                (true, true) => Want::Default,
                (true, false) => Want::Without(without),
            };
        };
        let by_extension = attribute.returned == Returned::Default && names_extension(attributes, prefix);
        if by_extension || attributes.contains(&path) {
            return Want::Default;
        }
        let only = subs_of(attributes, &path);
        if only.is_empty() { Want::Nothing } else { Want::Only(only) }
    }
}

/// How much of an attribute is shown.
#[derive(Debug, PartialEq)]
enum Want<'p> {
    Nothing,
    /// All that is not shown on request alone.
    Default,
    /// These sub-attributes, and those that are always shown.
    Only(Vec<&'p str>),
    /// All but these.
    Without(Vec<&'p str>),
}

impl Want<'_> {
    fn sub(&self, sub: &Attribute) -> bool {
        let listed = |names: &[&str]| names.contains(&sub.name.as_str());
        match (sub.returned, self) {
            (Returned::Never, _) | (_, Self::Nothing) => false,
            (Returned::Always, _) => true,
            (_, Self::Only(names)) => listed(names),
            (Returned::Request, _) => false,
            (Returned::Default, Self::Without(names)) => !listed(names),
            (Returned::Default, Self::Default) => true,
        }
    }
}

fn names_extension(paths: &[String], prefix: &str) -> bool {
    prefix.strip_suffix(':').is_some_and(|urn| paths.iter().any(|path| path == urn))
}

fn covers(paths: &[String], path: &String, prefix: &str) -> bool {
    paths.contains(path) || names_extension(paths, prefix)
}

/// Sub-attributes of `path` among the paths.
fn subs_of<'p>(paths: &'p [String], path: &str) -> Vec<&'p str> {
    paths.iter().filter_map(|named| named.strip_prefix(path)?.strip_prefix('.')).collect()
}

fn canonical_paths(resource_type: &ResourceType, list: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let path = match resource_type.resolve_in_query(name) {
            Resolved::Attribute(target) => Some(target.path()),
            Resolved::Extension(index) => {
                resource_type.extensions.get(index).map(|extension| extension.schema.id.clone())
            }
            Resolved::NotOffered(_) | Resolved::Unknown(_) => None,
        };
        paths.extend(path);
    }
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// The whole answer, keys in schema order after `schemas`, `id`, `externalId`; `meta` last. `groups` and `members`
/// come from the edges alone: `[]` when there are none, no key when they were not read.
#[must_use]
pub fn render(
    resource_type: &ResourceType,
    document: &Document,
    envelope: Envelope<'_>,
    projection: &Projection,
) -> Value {
    let mut answer = Map::new();
    answer.insert("schemas".into(), json!(resource_type.schema_urns(document)));
    answer.insert("id".into(), envelope.id.into());
    let meta = meta(resource_type, &envelope);
    let external_id = schema::COMMON.attribute("externalId");
    add(&mut answer, projection, "", external_id, document.get("externalId"));
    let edges = resource_type.kind.edges();
    let edge_list = envelope.edges.map(Value::Array);
    for attribute in &resource_type.schema.attributes {
        let is_edges = attribute.name == edges;
        let value = if is_edges { edge_list.as_ref() } else { document.get(&attribute.name) };
        add(&mut answer, projection, "", Some(attribute), value);
        let none = value.and_then(Value::as_array).is_some_and(Vec::is_empty);
        if is_edges && none && projection.wants("", attribute) != Want::Nothing {
            answer.insert(edges.to_owned(), json!([]));
        }
    }
    for extension in &resource_type.extensions {
        add_extension(&mut answer, projection, &extension.schema, document);
    }
    add(&mut answer, projection, "", schema::COMMON.attribute("meta"), Some(&meta));
    Value::Object(answer)
}

/// One element of `groups` or `members` as [`render`] shows it; `None` when nothing of it is shown.
#[must_use]
pub fn render_edge(resource_type: &ResourceType, edge: &Value, projection: &Projection) -> Option<Value> {
    let edges = resource_type.schema.attribute(resource_type.kind.edges())?;
    cut(edges, &projection.wants("", edges), edge)
}

fn meta(resource_type: &ResourceType, envelope: &Envelope<'_>) -> Value {
    json!({
        "resourceType": resource_type.kind.name(),
        "created": timestamp::to_rfc3339(envelope.created),
        "lastModified": timestamp::to_rfc3339(envelope.last_modified),
        "location": envelope.location,
        "version": etag(envelope.version),
    })
}

fn add_extension(
    answer: &mut Map<String, Value>,
    projection: &Projection,
    schema: &Schema,
    document: &Document,
) {
    let Some(values) = document.get(&schema.id).and_then(Value::as_object) else { return };
    let prefix = format!("{}:", schema.id);
    let mut inner = Map::new();
    for attribute in &schema.attributes {
        add(&mut inner, projection, &prefix, Some(attribute), values.get(&attribute.name));
    }
    if !inner.is_empty() {
        answer.insert(schema.id.clone(), Value::Object(inner));
    }
}

fn add(
    answer: &mut Map<String, Value>,
    projection: &Projection,
    prefix: &str,
    attribute: Option<&Arc<Attribute>>,
    value: Option<&Value>,
) {
    let (Some(attribute), Some(value)) = (attribute, value) else { return };
    let want = projection.wants(prefix, attribute);
    if want == Want::Nothing {
        return;
    }
    if let Some(value) = cut(attribute, &want, value) {
        answer.insert(attribute.name.clone(), value);
    }
}

/// What is wanted of a value; `None` when that is nothing.
fn cut(attribute: &Attribute, want: &Want<'_>, value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(elements) => {
            let elements: Vec<_> =
                elements.iter().filter_map(|element| cut(attribute, want, element)).collect();
            (!elements.is_empty()).then_some(Value::Array(elements))
        }
        Value::Object(values) if !attribute.sub_attributes.is_empty() => {
            let mut kept = Map::new();
            for sub in attribute.sub_attributes.iter().filter(|sub| want.sub(sub)) {
                if let Some(value) = values.get(&sub.name).filter(|value| !value.is_null()) {
                    kept.insert(sub.name.clone(), value.clone());
                }
            }
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        value => Some(value.clone()),
    }
}

/// `W/"7"`.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTERPRISE: &str = crate::urn::ENTERPRISE_USER;

    fn ann() -> Document {
        let document = json!({
            "externalId": "x1",
            "userName": "ann",
            "emails": [
                {"value": "a@w", "type": "work", "primary": true},
                {"value": "a@h", "display": "Home"},
            ],
            "name": {"givenName": "Ann", "familyName": "Lee"},
            "active": true,
            "leftOver": "of a former profile",
            ENTERPRISE: {"department": "Sales", "manager": {"value": "m"}},
        });
        document.as_object().cloned().expect("an object")
    }

    fn envelope(edges: Option<Vec<Value>>) -> Envelope<'static> {
        Envelope {
            id: "u1",
            created: 0,
            last_modified: 1,
            version: 7,
            location: "https://h/scim/v2/Users/u1".into(),
            edges,
        }
    }

    fn shown(resource_type: &ResourceType, attributes: Option<&str>, excluded: Option<&str>) -> Value {
        let projection = Projection::parse(resource_type, attributes, excluded).expect("fits");
        let group =
            json!({"value": "g", "$ref": "https://h/scim/v2/Groups/g", "display": "G", "type": "direct"});
        render(resource_type, &ann(), envelope(Some(vec![group])), &projection)
    }

    fn keys(value: &Value) -> String {
        let object = value.as_object().expect("an object");
        object.keys().map(|key| key.rsplit(':').nth(3).unwrap_or(key)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_default_answer_is_whole_and_in_order() {
        let answer = shown(&ResourceType::user(), None, None);
        assert_eq!(
            serde_json::to_string(&answer).expect("JSON"),
            serde_json::to_string(&json!({
                "schemas": [crate::urn::USER, ENTERPRISE],
                "id": "u1",
                "externalId": "x1",
                "userName": "ann",
                "name": {"familyName": "Lee", "givenName": "Ann"},
                "active": true,
                "emails": [
                    {"value": "a@w", "type": "work", "primary": true},
                    {"value": "a@h", "display": "Home"},
                ],
                "groups": [
                    {"value": "g", "$ref": "https://h/scim/v2/Groups/g", "display": "G", "type": "direct"},
                ],
                ENTERPRISE: {"department": "Sales", "manager": {"value": "m"}},
                "meta": {
                    "resourceType": "User",
                    "created": "1970-01-01T00:00:00.000Z",
                    "lastModified": "1970-01-01T00:00:00.001Z",
                    "location": "https://h/scim/v2/Users/u1",
                    "version": "W/\"7\"",
                },
            }))
            .expect("JSON")
        );
    }

    #[test]
    fn attributes_and_excluded_attributes() {
        let all = "schemas id externalId userName name active emails groups extension meta";
        for (attributes, excluded, expected) in [
            (Some("userName"), None, "schemas id userName"),
            (Some(" USERNAME , name.FamilyName "), None, "schemas id userName name"),
            (Some("urn:ietf:params:scim:schemas:core:2.0:User:userName"), None, "schemas id userName"),
            (
                Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
                None,
                "schemas id extension",
            ),
            (
                Some("URN:ietf:params:scim:schemas:extension:enterprise:2.0:user:Department"),
                None,
                "schemas id extension",
            ),
            (Some("meta.version,externalId"), None, "schemas id externalId meta"),
            (Some("password"), None, "schemas id"),
            (Some("nobody"), None, "schemas id"),
            (Some("groups"), None, "schemas id groups"),
            (Some(""), None, all),
            (Some(" "), Some(""), all),
            (None, Some("id,schemas"), all),
            (None, Some("nobody"), all),
            (None, Some("groups,META"), "schemas id externalId userName name active emails extension"),
            (None, Some("emails.display"), all),
            (
                None,
                Some("name.givenName,name.familyName"),
                "schemas id externalId userName active emails groups extension meta",
            ),
            (
                None,
                Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
                "schemas id externalId userName name active emails groups meta",
            ),
        ] {
            let answer = shown(&ResourceType::user(), attributes, excluded);
            assert_eq!(keys(&answer), expected, "{attributes:?} {excluded:?}");
        }
    }

    #[test]
    fn sub_attributes() {
        let user = ResourceType::user();
        let answer = shown(&user, Some("name.familyName,emails.VALUE,groups.display"), None);
        assert_eq!(answer["name"], json!({"familyName": "Lee"}));
        assert_eq!(answer["emails"], json!([{"value": "a@w"}, {"value": "a@h"}]));
        assert_eq!(answer["groups"], json!([{"display": "G"}]));
        let answer = shown(&user, Some("emails.display"), None);
        assert_eq!(answer["emails"], json!([{"display": "Home"}]));
        let answer = shown(&user, None, Some("emails.type,emails.primary"));
        assert_eq!(answer["emails"], json!([{"value": "a@w"}, {"value": "a@h", "display": "Home"}]));
        let department = format!("{ENTERPRISE}:department");
        assert_eq!(shown(&user, Some(&department), None)[ENTERPRISE], json!({"department": "Sales"}));
        assert_eq!(shown(&user, Some("department"), None)[ENTERPRISE], json!({"department": "Sales"}));
        assert_eq!(shown(&user, None, Some(&department))[ENTERPRISE], json!({"manager": {"value": "m"}}));
        let manager = format!("{ENTERPRISE}:manager.value");
        assert_eq!(shown(&user, Some(&manager), None)[ENTERPRISE], json!({"manager": {"value": "m"}}));
        assert_eq!(shown(&user, Some("meta.version"), None)["meta"], json!({"version": "W/\"7\""}));
    }

    #[test]
    fn both_parameters_are_refused() {
        let error =
            Projection::parse(&ResourceType::user(), Some("userName"), Some("name")).expect_err("both");
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
    }

    #[test]
    fn returned_decides() {
        let mut user = ResourceType::user();
        let mut schema = (*user.schema).clone();
        for attribute in &mut schema.attributes {
            let attribute = Arc::make_mut(attribute);
            match attribute.name.as_str() {
                "active" => attribute.returned = Returned::Request,
                "userName" => attribute.returned = Returned::Always,
                "name" => attribute.returned = Returned::Never,
                "emails" => {
                    for sub in &mut attribute.sub_attributes {
                        match sub.name.as_str() {
                            "value" => Arc::make_mut(sub).returned = Returned::Always,
                            "type" => Arc::make_mut(sub).returned = Returned::Request,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        user.schema = Arc::new(schema);
        let show = |attributes, excluded| shown(&user, attributes, excluded);
        assert_eq!(keys(&show(None, None)), "schemas id externalId userName emails groups extension meta");
        assert_eq!(keys(&show(Some("active,name"), None)), "schemas id userName active");
        assert_eq!(show(None, Some("userName"))["userName"], "ann");
        assert_eq!(show(None, None)["emails"][0], json!({"value": "a@w", "primary": true}));
        assert_eq!(show(Some("emails.type"), None)["emails"][0], json!({"value": "a@w", "type": "work"}));
        assert_eq!(show(None, Some("emails.value"))["emails"][1], json!({"value": "a@h", "display": "Home"}));
    }

    #[test]
    fn edges_are_an_empty_list_when_there_are_none() {
        let answer = |resource_type: &ResourceType, edges, excluded| {
            let projection = Projection::parse(resource_type, None, excluded).expect("fits");
            assert_eq!(projection.wants_edges(resource_type), excluded.is_none());
            render(resource_type, &Document::new(), envelope(edges), &projection)
        };
        for (resource_type, name) in [(ResourceType::user(), "groups"), (ResourceType::group(), "members")] {
            assert_eq!(answer(&resource_type, Some(Vec::new()), None)[name], json!([]));
            assert_eq!(answer(&resource_type, None, None).get(name), None);
            assert_eq!(answer(&resource_type, Some(vec![json!({"value": "x"})]), Some(name)).get(name), None);
        }
    }

    #[test]
    fn edges_are_read_only_where_they_are_shown() {
        let group = ResourceType::group();
        for (attributes, excluded, expected) in [
            (None, None, true),
            (Some("displayName"), None, false),
            (Some("members"), None, true),
            (Some("MEMBERS.value"), None, true),
            (None, Some("members"), false),
            (None, Some("members.display"), true),
        ] {
            let projection = Projection::parse(&group, attributes, excluded).expect("fits");
            assert_eq!(projection.wants_edges(&group), expected, "{attributes:?} {excluded:?}");
            // An element that comes later looks like one that was there from the beginning.
            let edge = json!({"value": "u", "display": "U", "type": "User"});
            let whole = render(&group, &Document::new(), envelope(Some(vec![edge.clone()])), &projection);
            assert_eq!(render_edge(&group, &edge, &projection), whole["members"].get(0).cloned());
        }
    }

    #[test]
    fn schemas_name_an_extension_exactly_when_it_has_a_value() {
        let user = ResourceType::user();
        let mut document = ann();
        document.remove(ENTERPRISE);
        let answer = render(&user, &document, envelope(None), &Projection::default());
        assert_eq!(answer["schemas"], json!([crate::urn::USER]));
        assert_eq!(shown(&user, Some("userName"), None)["schemas"], json!([crate::urn::USER, ENTERPRISE]));
    }
}

//! Catalogues: what roles and entitlements there are, as resources that an identity provider reads before it assigns any.
//!
//! The shapes are those that Okta Identity Governance asks for ("Build a SCIM 2.0 server with entitlements"): the `id` of
//! a resource is what stands in `roles.value` or `entitlements.value` of a user who has it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    error::ScimError,
    filter::{self, Filter},
    leniency::Leniencies,
    profile::Profile,
    resource::{Document, ResourceKind, ResourceType},
    roles::Role,
    schema::{self, Schema},
    search,
    value_set::{AllowedValue, ValueSets},
};

/// What a catalogue is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CatalogueKind {
    /// `/Roles`.
    Role,
    /// `/Entitlements`.
    Entitlement,
}

/// A list of what identity providers can assign to users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// Of what.
    pub kind: CatalogueKind,
    /// The tenant's value set that has it.
    pub value_set: String,
}

impl CatalogueKind {
    /// `Role` or `Entitlement`, as in `type` and `meta.resourceType`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::Entitlement => "Entitlement",
        }
    }

    /// `/Roles` or `/Entitlements`.
    #[must_use]
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::Role => "/Roles",
            Self::Entitlement => "/Entitlements",
        }
    }

    /// The attribute of a user that holds what was assigned.
    #[must_use]
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Role => "roles",
            Self::Entitlement => "entitlements",
        }
    }

    /// For people.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Role => "Roles that can be assigned to users",
            Self::Entitlement => "Entitlements that can be assigned to users",
        }
    }

    /// Okta's schema of it.
    #[must_use]
    pub fn schema(self) -> &'static Arc<Schema> {
        match self {
            Self::Role => &schema::ROLE,
            Self::Entitlement => &schema::ENTITLEMENT,
        }
    }

    /// A value of the catalogue as a resource, without `meta`: the parts that filters compare.
    fn document(self, value: &AllowedValue) -> Document {
        let shown = value.label.as_deref().map(str::trim).filter(|label| !label.is_empty());
        let mut document = Document::new();
        document.insert("displayName".into(), shown.unwrap_or(&value.value).into());
        document.insert("type".into(), self.name().into());
        document
    }

    /// A value of the catalogue as its endpoint shows it; `location` is its own.
    #[must_use]
    pub fn resource(self, value: &AllowedValue, location: String) -> Value {
        let document = self.document(value);
        json!({
            "schemas": [self.schema().id],
            "id": value.value,
            "displayName": document["displayName"],
            "type": document["type"],
            "meta": {"resourceType": self.name(), "location": location},
        })
    }

    /// A filter on the resources of the catalogue: `id`, `displayName` and `type` are compared. 400 `invalidFilter` as with
    /// any other resource.
    pub fn filter(self, text: &str) -> Result<CatalogueFilter, ScimError> {
        let resource_type = self.names();
        let filter = filter::parse(text, &resource_type, false)?;
        Ok(CatalogueFilter { kind: self, resource_type, filter })
    }

    /// Where the names of a filter are looked up. A group is the kind of resource that adds no names of its own.
    fn names(self) -> ResourceType {
        ResourceType {
            kind: ResourceKind::Group,
            schema: Arc::clone(self.schema()),
            known: Arc::clone(self.schema()),
            extensions: Vec::new(),
            product: Arc::default(),
            leniencies: Leniencies::STRICT,
        }
    }
}

/// See [`CatalogueKind::filter`].
#[derive(Debug)]
pub struct CatalogueFilter {
    kind: CatalogueKind,
    resource_type: ResourceType,
    filter: Filter,
}

impl CatalogueFilter {
    /// Does it select a value of the catalogue?
    #[must_use]
    pub fn matches(&self, value: &AllowedValue) -> bool {
        let mut form = search::form(&self.resource_type, &self.kind.document(value));
        form["id"] = value.value.as_str().into();
        self.filter.matches(&form)
    }
}

impl Profile {
    /// The catalogue of a kind, where the product offers it.
    #[must_use]
    pub fn catalogue(&self, kind: CatalogueKind) -> Option<&Catalogue> {
        self.catalogues.iter().find(|catalogue| catalogue.kind == kind)
    }

    /// What a catalogue has in a tenant whose value sets are these (see [`Profile::value_sets_of`]), in the set's order;
    /// protected roles, which groups alone give, are not in it.
    pub fn assignable<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        sets: &'a ValueSets,
    ) -> impl Iterator<Item = &'a AllowedValue> {
        let values = sets.get(&catalogue.value_set).map(|set| set.values()).unwrap_or_default();
        values.iter().filter(|value| self.may_assign(catalogue.kind, &value.value))
    }

    /// The value of a catalogue with this id: its spelling counts, as with every `id`.
    #[must_use]
    pub fn assignable_by_id<'a>(
        &self,
        catalogue: &Catalogue,
        sets: &'a ValueSets,
        id: &str,
    ) -> Option<&'a AllowedValue> {
        let found = sets.get(&catalogue.value_set)?.find(id)?;
        (found.value == id && self.may_assign(catalogue.kind, id)).then_some(found)
    }

    /// The roles that an identity provider has assigned to a user itself, each once, in the document's order. They count
    /// while the catalogue has them and they are not protected; without the resource type `roles` is an attribute like any
    /// other and gives none.
    #[must_use]
    pub fn assigned_roles(&self, sets: &ValueSets, document: &Document) -> Vec<Role> {
        let kind = CatalogueKind::Role;
        let Some(catalogue) = self.catalogue(kind) else { return Vec::new() };
        let set = sets.get(&catalogue.value_set);
        let entries = document.get(kind.attribute()).and_then(Value::as_array);
        let mut roles: Vec<Role> = Vec::new();
        for value in entries.into_iter().flatten().filter_map(|entry| entry["value"].as_str()) {
            let listed = match set {
                Some(set) => set.find(value).map(|found| found.value.as_str()),
                None => Some(value),
            };
            let Some(role) = listed.filter(|name| self.may_assign(kind, name)).map(Role::named) else {
                continue;
            };
            if !roles.iter().any(|known| known.key == role.key) {
                roles.push(role);
            }
        }
        roles
    }

    fn may_assign(&self, kind: CatalogueKind, value: &str) -> bool {
        kind != CatalogueKind::Role || !self.roles.is_protected(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::ScimType,
        intake::{self, Findings},
    };

    const FILE: &str = r#"
name = "doors"
title = "Doors"
summary = "Doors and who opens them."
version = 1
credentials = ["bearer"]
base-path = "/scim/v2"

[resource-types]
roles = true
entitlements = true

[roles]
prefix = "Door_"
catalogue = "roles"
protected = ["Owner"]

[entitlements]
catalogue = "licences"

[[value-set]]
name = "roles"
title = "Roles"
values = ["Guard", { value = "Porter", label = "Night porter" }, "Owner"]

[[value-set]]
name = "licences"
title = "Licences"
"#;

    fn profile() -> Profile {
        Profile::from_toml(FILE).expect("a profile")
    }

    fn sets(profile: &Profile) -> ValueSets {
        profile.value_sets_of(&ValueSets::default())
    }

    fn document(value: Value) -> Document {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn a_catalogue_has_what_can_be_assigned() {
        let profile = profile();
        let sets = sets(&profile);
        let roles = profile.catalogue(CatalogueKind::Role).expect("roles");
        let resources: Vec<_> = profile
            .assignable(roles, &sets)
            .map(|value| CatalogueKind::Role.resource(value, format!("https://h/Roles/{}", value.value)))
            .collect();
        let schemas = json!(["urn:okta:scim:schemas:core:1.0:Role"]);
        let resource = |id: &str, name: &str| {
            json!({
                "schemas": schemas, "id": id, "displayName": name, "type": "Role",
                "meta": {"resourceType": "Role", "location": format!("https://h/Roles/{id}")},
            })
        };
        assert_eq!(resources, [resource("Guard", "Guard"), resource("Porter", "Night porter")]);
        for (id, found) in [("Porter", true), ("porter", false), ("Owner", false), ("Cook", false)] {
            assert_eq!(profile.assignable_by_id(roles, &sets, id).is_some(), found, "{id}");
        }
        let licences = profile.catalogue(CatalogueKind::Entitlement).expect("entitlements");
        assert_eq!(profile.assignable(licences, &sets).count(), 0, "nobody has filled it");
    }

    #[test]
    fn filters_compare_what_is_shown() {
        let values = [
            AllowedValue { value: "Porter".into(), label: Some("Night porter".into()) },
            AllowedValue::from("Guard"),
        ];
        for (filter, found) in [
            ("displayName eq \"night PORTER\"", [true, false]),
            ("displayName co \"r\"", [true, true]),
            ("id eq \"Porter\"", [true, false]),
            ("id eq \"porter\"", [false, false]),
            ("type eq \"role\" and not (displayName sw \"night\")", [false, true]),
            ("externalId pr", [false, false]),
        ] {
            let filter = CatalogueKind::Role.filter(filter).expect(filter);
            assert_eq!([0, 1].map(|at| filter.matches(&values[at])), found, "{filter:?}");
        }
        for filter in ["members.value pr", "displayName", "value eq \"x\"", "userName eq \"x\""] {
            let error = CatalogueKind::Role.filter(filter).expect_err(filter);
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{filter}");
        }
    }

    #[test]
    fn a_user_holds_what_the_catalogue_has_and_nothing_else() {
        let profile = profile();
        let mut sets = sets(&profile);
        let kept = |sets: &ValueSets, user: Value| {
            let mut user = document(user);
            intake::validate_for(&profile.user, sets, Findings::default(), &mut user).map(|_| user)
        };
        let user = |role: &str| json!({"userName": "ann", "roles": [{"value": "guard"}, {"value": role}]});
        let ann = kept(&sets, user("PORTER")).expect("taken");
        assert_eq!(ann["roles"], json!([{"value": "Guard"}, {"value": "Porter"}]), "in the set's spelling");
        let names = |sets: &ValueSets, user: &Document| {
            let roles = profile.assigned_roles(sets, user);
            roles.into_iter().map(|role| role.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&sets, &ann), ["Guard", "Porter"]);

        let told = |error: ScimError| {
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
            error.detail
        };
        let unknown = told(kept(&sets, user("Cook")).expect_err("unknown"));
        assert_eq!(
            unknown,
            "roles[1].value: is not in the tenant's value set \"roles\"; send Guard, Porter."
        );
        let protected = told(kept(&sets, user(" OWNER ")).expect_err("protected"));
        assert!(protected.starts_with("roles[1].value: ") && protected.contains("protected"), "{protected}");

        // What was kept before the catalogue or the protection changed counts no longer.
        let owner = document(json!({"roles": [{"value": "Owner"}, {"value": "Cook"}, {"value": "porter"}]}));
        assert_eq!(names(&sets, &owner), ["Porter"]);
        // A list that nobody has filled allows everything but what is protected.
        sets.remove("roles");
        assert!(kept(&sets, user("Cook")).is_ok());
        assert!(kept(&sets, user("owner")).is_err());
        assert_eq!(names(&sets, &owner), ["Cook", "porter"]);

        // Entitlements have their own list; one that is called like a protected role is none.
        let held = json!({"userName": "ann", "entitlements": [{"value": "Owner"}]});
        sets.insert("licences", crate::value_set::ValueSet::new(["Owner".into()]));
        assert!(kept(&sets, held.clone()).is_ok());
        sets.insert("licences", crate::value_set::ValueSet::new(["Car".into()]));
        assert!(told(kept(&sets, held).expect_err("unknown")).contains("entitlements[0].value: "));
    }

    #[test]
    fn without_the_resource_types_nothing_is_assigned() {
        for (name, text) in crate::profile::BUILTIN {
            let profile = Profile::from_toml(text).expect(name);
            assert!(profile.catalogues.is_empty(), "{name}");
            let user = document(json!({"roles": [{"value": "Guard"}]}));
            assert_eq!(profile.assigned_roles(&ValueSets::default(), &user), [], "{name}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_told_with_its_place() {
        for (from, to, word) in [
            ("catalogue = \"roles\"\n", "", "[roles] catalogue"),
            ("[entitlements]\ncatalogue = \"licences\"\n", "", "[entitlements] catalogue"),
            ("catalogue = \"licences\"", "catalogue = \"none\"", "declare it"),
            ("[roles]\n", "[user]\nattributes = [\"entitlements\"]\n[roles]\n", "roles.value"),
            (
                "[roles]\n",
                "[[attribute]]\npath = \"roles.value\"\nvalue-set = \"licences\"\n[roles]\n",
                "constrained already",
            ),
        ] {
            assert!(FILE.contains(from), "{from}");
            let error = Profile::from_toml(&FILE.replacen(from, to, 1)).expect_err(word);
            assert!(error.line > 8 && error.problem.contains(word), "{from}\n=> {error}");
        }
    }
}

//! What a server says that it offers: the schemas and resource types of a product (RFC 7644, 4).

use serde_json::Value;

use super::Engine;
use crate::judge::{self, Requirement, demand};

impl Engine {
    /// `/Schemas` has these schemas of users, each with exactly these attributes (`name`, or `name.part`).
    pub(crate) async fn expect_schemas(&self, expected: &[(&str, &[&str])]) -> bool {
        let op = self.begin("read schemas");
        let Some((answer, schemas)) = op.resources("/Schemas").await else { return false };
        let requirement = Requirement {
            text: "the schemas of users are the product's and no others",
            source: "the product's guide; RFC 7644, 4",
        };
        let mut found: Vec<&str> = schemas.iter().filter_map(|schema| schema["id"].as_str()).collect();
        found.retain(|urn| *urn != judge::GROUP);
        let known = |urn: &&str| expected.iter().any(|(name, _)| name.eq_ignore_ascii_case(urn));
        let good = found.len() == expected.len() && found.iter().all(known);
        op.judge(&answer, [demand(good, requirement, || found.join(" "))])
            && op.judge(
                &answer,
                expected.iter().map(|(urn, names)| judge::offers_exactly(&schemas, urn, names)),
            )
    }

    /// The extension `urn` is announced with users, and its schema has these attributes.
    pub(crate) async fn expect_extension(&self, urn: &str, names: &[&str]) -> bool {
        let op = self.begin("read schemas");
        let Some((answer, schemas)) = op.resources("/Schemas").await else { return false };
        op.judge(&answer, [judge::offers_exactly(&schemas, urn, names)])
    }

    /// No schema of users has an attribute of one of these names.
    pub(crate) async fn expect_not_offered(&self, names: &[&str]) -> bool {
        let op = self.begin("read schemas");
        let Some((answer, schemas)) = op.resources("/Schemas").await else { return false };
        let requirement = Requirement {
            text: "an attribute that the product does not support is in no schema",
            source: "the product's guide; RFC 7643, 7",
        };
        let attributes =
            schemas.iter().flat_map(|schema| schema["attributes"].as_array().into_iter().flatten());
        let mut offered = attributes.filter_map(|attribute| attribute["name"].as_str());
        let found = offered.find(|offered| names.iter().any(|name| name.eq_ignore_ascii_case(offered)));
        let good = found.is_none() && !schemas.is_empty();
        op.judge(&answer, [demand(good, requirement, || found.unwrap_or("no schemas").to_owned())])
    }

    /// `/ResourceTypes` offers these and no others.
    pub(crate) async fn expect_resource_types(&self, expected: &[&str]) -> bool {
        let op = self.begin("read resource types");
        let Some((answer, types)) = op.resources("/ResourceTypes").await else { return false };
        let requirement = Requirement {
            text: "the resource types are the product's and no others",
            source: "the product's guide; RFC 7644, 4",
        };
        let mut found: Vec<&str> = types.iter().filter_map(|one| one["name"].as_str()).collect();
        found.sort_unstable();
        op.judge(&answer, [demand(found == expected, requirement, || found.join(" "))])
    }
}

impl super::Operation<'_> {
    /// A list of discovery, which is not paged.
    async fn resources(&self, path: &str) -> Option<(crate::client::Answer, Vec<Value>)> {
        let answer = self.get(path).await?;
        self.status(&answer, &[200]).then_some(())?;
        let resources = answer.json()["Resources"].as_array().cloned().unwrap_or_default();
        Some((answer, resources))
    }
}

//! Whether a resource that is kept would still be taken, after its tenant's profile or value sets have changed.

use super::{Findings, examine_for, take_all};
use crate::{Document, ScimError, leniency::Leniencies, resource::ResourceType, value_set::ValueSets};

/// What a profile refuses of a document that was kept under an earlier one, a text for each violation: path, what is
/// wrong, what to do; never a value. Empty when the same document would be taken today. What the profile no longer
/// offers is no violation: a write would leave it out.
#[must_use]
pub fn misfits(resource_type: &ResourceType, sets: &ValueSets, document: &Document) -> Vec<String> {
    match violations(resource_type, sets, document) {
        Ok(found) => found.0.into_lines(),
        Err(error) => vec![error.detail],
    }
}

/// [`misfits`] one by one; a document that cannot be judged at all is an error.
pub fn violations(
    resource_type: &ResourceType,
    sets: &ValueSets,
    document: &Document,
) -> Result<Findings, ScimError> {
    // How a body is written is no matter here: this one is ours.
    let body = serde_json::Value::Object(document.clone());
    let (mut intake, findings) = take_all(resource_type, Leniencies::LENIENT, &body)?;
    let (_, found) = examine_for(resource_type, sets, findings, &mut intake.document)?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        profile::Profile,
        value_set::{AllowedValue, ValueSet},
    };

    const FILE: &str = r#"
        name = "badges"
        title = "Badges"
        summary = "People with badges."
        version = 1
        credentials = ["bearer"]
        base-path = "/scim/v2"

        [user]
        attributes = ["userName", "title"]
        required = ["title"]

        [[extension]]
        urn = "urn:example:badges"
        name = "Badges"

        [[extension.attribute]]
        name = "floor"
        type = "integer"

        [[extension.attribute]]
        name = "site"
        value-set = "sites"

        [[value-set]]
        name = "sites"
        title = "Sites"
    "#;

    #[test]
    fn each_violation_is_told_and_no_value() {
        let profile = Profile::from_toml(FILE).expect("a profile");
        let sites = ["A1", "B2"].map(AllowedValue::from);
        let sets: ValueSets = [("sites", ValueSet::new(sites))].into_iter().collect();
        let of = |document: Value| misfits(&profile.user, &sets, document.as_object().expect("an object"));
        let fits =
            json!({"userName": "ann", "title": "Dr", "urn:example:badges": {"floor": 3, "site": "A1"}});
        assert_eq!(of(fits), Vec::<String>::new());
        let left_out = json!({"userName": "ann", "title": "Dr", "nickName": "Annie"});
        assert_eq!(of(left_out), Vec::<String>::new(), "what is no longer on offer stands in nobody's way");
        let found = of(json!({"userName": "ann", "urn:example:badges": {"floor": "third", "site": "Z9"}}));
        let paths: Vec<&str> = found.iter().filter_map(|text| text.split(": ").next()).collect();
        assert_eq!(paths, ["urn:example:badges:floor", "title", "urn:example:badges:site"], "{found:?}");
        assert!(found.iter().all(|text| !text.contains("third") && !text.contains("Z9")), "{found:?}");
    }
}

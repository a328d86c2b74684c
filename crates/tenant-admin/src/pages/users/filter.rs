//! The field for a SCIM filter: examples to press, and what is wrong with what was typed.

use provisioning::Tenant;
use scim_core::{filter, timestamp};

use super::Asked;
use crate::pager::link;

/// A week, in milliseconds.
const WEEK: i64 = 7 * 86_400_000;

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterProblem {
    /// The sentence.
    pub(crate) problem: String,
    /// The filter, and under it a mark at the place.
    pub(crate) place: Option<String>,
}

impl FilterProblem {
    /// Of an error that begins with `filter, column N: `.
    pub(crate) fn new(text: &str, detail: &str) -> Self {
        let told = detail.strip_prefix("filter, column ").and_then(|rest| rest.split_once(": "));
        let Some((column, problem)) = told else { return Self { problem: detail.to_owned(), place: None } };
        let at: usize = column.parse().unwrap_or(1);
        let place = format!("{text}\n{}^", " ".repeat(at.saturating_sub(1)));
        Self { problem: format!("At character {at}: {problem}"), place: Some(place) }
    }
}

/// Filters that the tenant's users can be asked for: text, and the list that it gives.
pub(crate) fn examples(tenant: &Tenant, now: i64, path: &str, asked: &Asked) -> Vec<(String, String)> {
    let kind = &tenant.profile.user;
    let since = timestamp::to_rfc3339((now - WEEK).div_euclid(86_400_000) * 86_400_000);
    let mut texts = vec![
        r#"name.familyName sw "Le""#.to_owned(),
        "not (externalId pr)".to_owned(),
        format!(r#"meta.lastModified gt "{since}""#),
        r#"emails[type eq "work" and value ew "example.com"]"#.to_owned(),
    ];
    if let Some(prefix) = tenant.profile.roles.prefix.as_deref() {
        texts.push(format!("groups.display sw {}", serde_json::Value::from(prefix)));
    }
    let own = kind.extensions.iter().rev().find_map(|extension| {
        let attribute = extension.schema.attributes.first()?;
        Some(format!("{}:{} pr", extension.schema.id, attribute.name))
    });
    texts.extend(own);
    texts.retain(|text| filter::parse(text, kind, true).is_ok());
    let there = |text: &String| Asked { filter: text.clone(), ..asked.clone() };
    texts.iter().map(|text| (text.clone(), link(path, &there(text).parameters()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim_core::ResourceType;

    #[test]
    fn the_place_of_a_mistake_is_marked() {
        let text = r#"userName xx "a""#;
        let error = filter::parse(text, &ResourceType::user(), true).expect_err("a mistake");
        let told = FilterProblem::new(text, &error.detail);
        assert!(told.problem.starts_with("At character 10: "), "{told:?}");
        assert_eq!(told.place.as_deref(), Some("userName xx \"a\"\n         ^"));
        assert_eq!(FilterProblem::new("x", "other").place, None);
    }
}

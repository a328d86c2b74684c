//! What was typed into a form, and what is wrong with it: beside each field, and as a summary on top.

use std::collections::BTreeMap;

/// Errors of a form by field name (the `id` of its control); `""` holds what belongs to no field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Errors(BTreeMap<&'static str, String>);

impl Errors {
    /// Notes what is wrong with a field; the first thing said stays.
    pub(crate) fn add(&mut self, field: &'static str, problem: impl Into<String>) {
        self.0.entry(field).or_insert_with(|| problem.into());
    }

    /// Notes a problem that names its field at the start (`slug: use …`), if it is one of these fields.
    pub(crate) fn add_told(&mut self, fields: &[&'static str], told: &str) {
        let named = told.split_once(": ");
        let field = named.and_then(|(start, _)| fields.iter().find(|field| **field == start));
        let (field, problem) = match (field, named) {
            (Some(field), Some((_, problem))) => (*field, problem),
            _ => ("", told),
        };
        let mut letters = problem.chars();
        let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
        self.add(field, format!("{first}{}.", letters.as_str().trim_end_matches('.')));
    }

    /// Nothing wrong?
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// All, for the summary: field and problem.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, problem)| (*field, problem.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_goes_to_the_field_that_it_names() {
        let mut errors = Errors::default();
        errors.add_told(&["slug"], "slug: use 1 to 63 characters");
        errors.add_told(&["slug"], "clock: is wrong.");
        assert_eq!(errors.of("slug"), Some("Use 1 to 63 characters."));
        assert_eq!(errors.of(""), Some("Clock: is wrong."));
    }
}

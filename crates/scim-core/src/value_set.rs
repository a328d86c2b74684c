//! Value sets: named lists of the values that an attribute may have in one tenant.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::fold::fold;

/// A value that is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedValue {
    /// As it is kept, whatever case a client sends it in.
    pub value: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl From<&str> for AllowedValue {
    fn from(value: &str) -> Self {
        Self { value: value.to_owned(), label: None }
    }
}

/// A list of allowed values in its own order, each once; compared without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueSet {
    values: Vec<AllowedValue>,
    by_key: HashMap<String, usize>,
}

/// Most values that an error names.
const NAMED: usize = 10;
/// Longest list of values that an error names, in characters.
const NAMED_LENGTH: usize = 200;

impl ValueSet {
    /// Of values in order; blanks around them are dropped, and so is what is blank or there already.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = AllowedValue>) -> Self {
        let mut set = Self::default();
        for mut allowed in values {
            allowed.value = allowed.value.trim().to_owned();
            let key = fold(&allowed.value);
            if !key.is_empty() && !set.by_key.contains_key(&key) {
                set.by_key.insert(key, set.values.len());
                set.values.push(allowed);
            }
        }
        set
    }

    /// The values in order.
    #[must_use]
    pub fn values(&self) -> &[AllowedValue] {
        &self.values
    }

    /// The value that a text means.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&AllowedValue> {
        self.by_key.get(&fold(text.trim())).and_then(|at| self.values.get(*at))
    }

    /// What may be sent, for an error text: the values of a short list, the number of a long one.
    #[must_use]
    pub fn remedy(&self) -> String {
        self.remedy_without(&HashSet::new())
    }

    /// [`Self::remedy`] where values of these keys may not be sent.
    pub(crate) fn remedy_without(&self, withheld: &HashSet<String>) -> String {
        let is_open =
            |allowed: &&AllowedValue| withheld.is_empty() || !withheld.contains(&fold(&allowed.value));
        let open: Vec<&str> =
            self.values.iter().filter(is_open).map(|allowed| allowed.value.as_str()).collect();
        let named = open.join(", ");
        match open.len() {
            0 => "no value is allowed until the list is filled".to_owned(),
            count if count <= NAMED && named.chars().count() <= NAMED_LENGTH => format!("send {named}"),
            count => format!("send one of its {count} values"),
        }
    }
}

/// The value sets of a tenant by name.
///
/// A set that is not there allows every value, and says so in a warning: a product's lists are filled by its operator,
/// often after the first people have arrived, and a user who is refused for a list that nobody has filled cannot be
/// told apart from one who is refused for a reason. A set that is there and empty allows none. A profile that wants a
/// list filled first says `required = true`: then a missing set counts as an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueSets(BTreeMap<String, Arc<ValueSet>>);

impl ValueSets {
    /// The set of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ValueSet> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// Puts a set in place of the one of that name.
    pub fn insert(&mut self, name: impl Into<String>, set: impl Into<Arc<ValueSet>>) {
        self.0.insert(name.into(), set.into());
    }

    /// Takes a set away.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// All of them by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ValueSet)> {
        self.0.iter().map(|(name, set)| (name.as_str(), set.as_ref()))
    }
}

impl<N: Into<String>> FromIterator<(N, ValueSet)> for ValueSets {
    fn from_iter<T: IntoIterator<Item = (N, ValueSet)>>(sets: T) -> Self {
        Self(sets.into_iter().map(|(name, set)| (name.into(), Arc::new(set))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(values: &[&str]) -> ValueSet {
        ValueSet::new(values.iter().map(|value| AllowedValue::from(*value)))
    }

    #[test]
    fn values_are_found_in_any_case_and_keep_the_spelling_of_the_set() {
        let set = set(&["Assistant", " Manager ", "MANAGER", "", "  ", "Straße"]);
        assert_eq!(set.values().len(), 3);
        for (text, found) in [
            ("Assistant", Some("Assistant")),
            ("assistant", Some("Assistant")),
            (" MANAGER ", Some("Manager")),
            ("STRASSE", Some("Straße")),
            ("", None),
            ("Owner", None),
            ("Assist", None),
        ] {
            assert_eq!(set.find(text).map(|allowed| allowed.value.as_str()), found, "{text:?}");
        }
    }

    #[test]
    fn a_short_list_is_named_and_a_long_one_counted() {
        assert_eq!(set(&["a", "b"]).remedy(), "send a, b");
        assert_eq!(set(&[]).remedy(), "no value is allowed until the list is filled");
        let many: Vec<String> = (0..11).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(set(&many).remedy(), "send one of its 11 values");
        assert_eq!(set(&[&"x".repeat(201)]).remedy(), "send one of its 1 values");
    }
}

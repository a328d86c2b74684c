//! Which roles a group gives its members.

use serde::{Deserialize, Serialize};

use crate::fold::fold;

/// A role that a group gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Role {
    /// Folded name: two spellings of one role have one key.
    pub key: String,
    /// As written by the first group that gave it.
    pub name: String,
}

/// A tenant's mapping of groups to roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct RoleMapping {
    /// A group whose displayName starts with this, compared without case, gives the role named by the rest.
    pub prefix: Option<String>,
}

impl RoleMapping {
    /// The roles of a group by its displayName.
    #[must_use]
    pub fn roles_of(&self, display_name: &str) -> Vec<Role> {
        let Some(prefix) = self.prefix.as_deref().filter(|prefix| !prefix.is_empty()) else {
            return Vec::new();
        };
        match strip_prefix_folded(display_name, prefix).map(str::trim) {
            Some(name) if !name.is_empty() => vec![Role { key: fold(name), name: name.to_owned() }],
            _ => Vec::new(),
        }
    }
}

/// The rest of `text` after `prefix`, compared by case folding; `None` if it does not start so.
fn strip_prefix_folded<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let wanted = fold(prefix);
    text.char_indices()
        .map(|(start, ch)| start + ch.len_utf8())
        .take_while(|end| *end <= wanted.len() * 4)
        .find(|end| fold(&text[..*end]) == wanted)
        .map(|end| &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(group: &str) -> Option<String> {
        let mapping = RoleMapping { prefix: Some("Envi_".into()) };
        mapping.roles_of(group).pop().map(|role| role.name)
    }

    #[test]
    fn prefix_gives_the_rest_in_any_case() {
        assert_eq!(role("Envi_Manager").as_deref(), Some("Manager"));
        assert_eq!(role("envi_testing").as_deref(), Some("testing"));
        assert_eq!(role("ENVI_").as_deref(), None);
        assert_eq!(role("Everyone"), None);
        assert_eq!(role("Environment"), None);
        assert_eq!(RoleMapping::default().roles_of("Envi_Manager"), []);
    }
}

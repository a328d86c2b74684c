//! Changes of single keys in a profile's text: everything else of it, comments included, stays as it is.

use toml_edit::{DocumentMut, Item, Table, value};

use super::ProfileError;

/// The text with another role prefix (`[roles] prefix`); an empty one removes the key. The error is that of a text that
/// is no TOML.
pub fn with_role_prefix(text: &str, prefix: &str) -> Result<String, ProfileError> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        ProfileError::at(text, error.span().map_or(0, |span| span.start), error.message())
    })?;
    let roles = document.entry("roles").or_insert(Item::Table(Table::new()));
    let Some(roles) = roles.as_table_like_mut() else {
        return Err(ProfileError::at(text, 0, "roles is no table; write it as [roles]"));
    };
    if prefix.is_empty() {
        roles.remove("prefix");
    } else if let Some(old) = roles.get_mut("prefix").and_then(Item::as_value_mut) {
        // What stands around the value, such as a comment behind it, is its decoration.
        let decoration = old.decor().clone();
        *old = prefix.into();
        *old.decor_mut() = decoration;
    } else {
        roles.insert("prefix", value(prefix));
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    #[test]
    fn only_the_prefix_changes() {
        let envi = Profile::builtin("envi").expect("envi");
        let changed = with_role_prefix(envi, "Acme \"x\" ").expect("a text");
        assert_eq!(changed, envi.replacen("prefix = \"Envi_\"", "prefix = 'Acme \"x\" '", 1));
        assert_eq!(with_role_prefix(&changed, "Envi_").expect("a text"), envi);
        let profile = Profile::from_toml(&changed).expect("a profile");
        assert_eq!(profile.roles.prefix.as_deref(), Some("Acme \"x\" "));
    }

    #[test]
    fn a_key_comes_and_goes_and_comments_stay() {
        let text = "a = 1\n\n[roles] # who\nprefix = \"A_\" # the guide\nunlisted = \"grant\"\n";
        let without = with_role_prefix(text, "").expect("a text");
        assert_eq!(without, "a = 1\n\n[roles] # who\nunlisted = \"grant\"\n");
        assert_eq!(with_role_prefix(text, "B_").expect("a text"), text.replace("A_", "B_"));
        let added = with_role_prefix(&without, "C_").expect("a text");
        assert!(added.contains("prefix = \"C_\"") && added.contains("# who"), "{added}");
        assert!(with_role_prefix("a = 1\n", "D_").expect("a text").contains("[roles]\nprefix = \"D_\""));
        assert!(with_role_prefix("a = ", "D_").is_err() && with_role_prefix("roles = 1", "D_").is_err());
    }
}

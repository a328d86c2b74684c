//! Changes of single keys in a profile's text: everything else of it, comments included, stays as it is.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TableLike, value};

use super::ProfileError;
use crate::roles::{RuleKind, RuleLine};

/// The text with another role prefix (`[roles] prefix`); an empty one removes the key. The error is that of a text that
/// is no TOML.
pub fn with_role_prefix(text: &str, prefix: &str) -> Result<String, ProfileError> {
    let mut document = parse(text)?;
    let roles = roles_of(text, &mut document)?;
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

/// The text with other rules (`[[roles.rule]]`), in this order; the prefix is no rule (see [`with_role_prefix`]). The
/// error is that of a text that is no TOML.
pub fn with_role_rules(text: &str, rules: &[RuleLine]) -> Result<String, ProfileError> {
    let mut document = parse(text)?;
    let roles = roles_of(text, &mut document)?;
    roles.remove("rule");
    let mut tables = ArrayOfTables::new();
    for rule in rules {
        let key = match rule.kind {
            RuleKind::Prefix => "prefix",
            RuleKind::Pattern => "pattern",
            RuleKind::Group => "group",
            RuleKind::ExternalId => "external-id",
        };
        let mut table = Table::new();
        table.insert(key, value(rule.wanted.as_str()));
        if let Some(role) = &rule.role {
            table.insert("role", value(role.as_str()));
        }
        tables.push(table);
    }
    if !rules.is_empty() {
        roles.insert("rule", Item::ArrayOfTables(tables));
    }
    Ok(document.to_string())
}

fn parse(text: &str) -> Result<DocumentMut, ProfileError> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        ProfileError::at(text, error.span().map_or(0, |span| span.start), error.message())
    })
}

/// The table `[roles]`, made where there is none.
fn roles_of<'d>(text: &str, document: &'d mut DocumentMut) -> Result<&'d mut dyn TableLike, ProfileError> {
    let roles = document.entry("roles").or_insert(Item::Table(Table::new()));
    let table = roles.as_table_like_mut();
    table.ok_or_else(|| ProfileError::at(text, 0, "roles is no table; write it as [roles]"))
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

    #[test]
    fn rules_are_replaced_and_the_rest_stays() {
        let line = |kind, wanted: &str, role: Option<&str>| RuleLine {
            kind,
            wanted: wanted.to_owned(),
            role: role.map(str::to_owned),
        };
        let rules = [
            line(RuleKind::Group, "Owners \"x\"", Some("Owner")),
            line(RuleKind::Pattern, "acme-(?<role>.+)", None),
            line(RuleKind::ExternalId, "00g7", Some("Auditor")),
            line(RuleKind::Prefix, "Staff", Some("Member")),
        ];
        let envi = Profile::builtin("envi").expect("envi");
        let changed = with_role_rules(envi, &rules).expect("a text");
        let profile = Profile::from_toml(&changed).expect("a profile");
        let shown: Vec<_> = profile.roles.lines().into_iter().map(|line| (line.kind, line.wanted)).collect();
        assert_eq!(
            shown,
            [
                (RuleKind::Group, "owners \"x\"".to_owned()),
                (RuleKind::Pattern, "acme-(?<role>.+)".to_owned()),
                (RuleKind::ExternalId, "00g7".to_owned()),
                (RuleKind::Prefix, "Staff".to_owned()),
                (RuleKind::Prefix, "Envi_".to_owned()),
            ]
        );
        assert_eq!(profile.value_sets.len(), Profile::from_toml(envi).expect("a profile").value_sets.len());
        assert_eq!(with_role_rules(&changed, &[]).expect("a text"), envi);
    }
}

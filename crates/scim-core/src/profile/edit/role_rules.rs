//! The rules of `[roles]` in a profile's text.

use super::{Place, Setting, Sheet};
use crate::{
    profile::ProfileError,
    roles::{RuleKind, RuleLine},
};

const KEYS: [(RuleKind, &str); 4] = [
    (RuleKind::Prefix, "prefix"),
    (RuleKind::Pattern, "pattern"),
    (RuleKind::Group, "group"),
    (RuleKind::ExternalId, "external-id"),
];

/// The text with these rules (`[[roles.rule]]`), in this order; the prefix is no rule (see [`super::with_role_prefix`]).
/// The error is that of a text that is no TOML, or has them in a form that cannot be changed one by one.
pub fn with_role_rules(text: &str, rules: &[RuleLine]) -> Result<String, ProfileError> {
    let mut sheet = Sheet::parse(text)?;
    let roles = Place::top().table("roles");
    for (at, rule) in rules.iter().enumerate() {
        let place = roles.clone().entry("rule", at);
        for (kind, key) in KEYS {
            let wanted = (kind == rule.kind).then(|| Setting::Text(rule.wanted.clone()));
            sheet.set(&place, key, wanted)?;
        }
        sheet.set(&place, "role", rule.role.clone().map(Setting::Text))?;
    }
    for at in (rules.len()..sheet.count(&roles, "rule")).rev() {
        sheet.remove(&roles.clone().entry("rule", at))?;
    }
    Ok(sheet.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

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
        let lines = |text: &str| -> Vec<(RuleKind, String)> {
            let profile = Profile::from_toml(text).expect("a profile");
            profile.roles.lines().into_iter().map(|line| (line.kind, line.wanted)).collect()
        };
        let changed = with_role_rules(envi, &rules).expect("a text");
        assert_eq!(
            lines(&changed),
            [
                (RuleKind::Group, "owners \"x\"".to_owned()),
                (RuleKind::Pattern, "acme-(?<role>.+)".to_owned()),
                (RuleKind::ExternalId, "00g7".to_owned()),
                (RuleKind::Prefix, "Staff".to_owned()),
                (RuleKind::Prefix, "Envi_".to_owned()),
            ]
        );
        let fewer = with_role_rules(&changed, &rules[2..]).expect("a text");
        assert_eq!(lines(&fewer)[0], (RuleKind::ExternalId, "00g7".to_owned()));
        assert_eq!(lines(&fewer).len(), 3);
        assert_eq!(with_role_rules(&changed, &[]).expect("a text"), envi);
        let commented = changed.replace("role = \"Auditor\"", "role = \"Auditor\" # since May");
        let kept = with_role_rules(&commented, &rules).expect("a text");
        assert_eq!(kept, commented, "what stays the same is not touched");
    }
}

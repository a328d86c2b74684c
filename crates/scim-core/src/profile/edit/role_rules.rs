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
    let count = sheet.count(&roles, "rule");
    for (at, rule) in rules.iter().enumerate() {
        // A rule that is there already comes up with the comment above it; what is no longer wanted sinks to the end.
        let lines: Vec<RuleLine> = (at..count).map(|at| line_of(&sheet, &roles, at)).collect();
        let of_the_same = |line: &RuleLine| (line.kind, &line.wanted) == (rule.kind, &rule.wanted);
        let found = lines.iter().position(|line| line == rule).or_else(|| lines.iter().position(of_the_same));
        for from in (at..at + found.unwrap_or(0)).rev() {
            sheet.swap(&roles.clone().entry("rule", from))?;
        }
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

/// A rule as it is written; one that has no kind, which no form can have made, is like none of those that are wanted.
fn line_of(sheet: &Sheet, roles: &Place, at: usize) -> RuleLine {
    let place = roles.clone().entry("rule", at);
    let text = |key| sheet.get(&place, key).and_then(|setting| setting.as_text().map(str::to_owned));
    let known = KEYS.iter().find_map(|(kind, key)| Some((*kind, text(key)?)));
    let (kind, wanted) = known.unwrap_or((RuleKind::Prefix, String::new()));
    RuleLine { kind, wanted, role: text("role") }
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

    #[test]
    fn a_rule_keeps_its_comment_when_others_go_or_move() {
        let line = |group: &str, role: &str| RuleLine {
            kind: RuleKind::Group,
            wanted: group.to_owned(),
            role: Some(role.to_owned()),
        };
        let entry =
            |name: &str| format!("# Of {name}.\n[[roles.rule]]\ngroup = \"{name}\"\nrole = \"{name}\"\n");
        let text = |names: &[&str]| {
            let entries: Vec<String> = names.iter().map(|name| entry(name)).collect();
            format!("name = \"x\"\n\n{}", entries.join("\n"))
        };
        let before = text(&["a", "b", "c"]);
        let rules = |names: &[&str]| names.iter().map(|name| line(name, name)).collect::<Vec<_>>();
        for left in [&["b", "c"][..], &["a", "c"], &["a", "b"], &["c"], &["c", "a", "b"]] {
            let after = with_role_rules(&before, &rules(left)).expect("a text");
            assert_eq!(
                after.split_whitespace().collect::<Vec<_>>(),
                text(left).split_whitespace().collect::<Vec<_>>(),
                "{left:?}"
            );
        }
        let changed = with_role_rules(&before, &[line("b", "B"), line("c", "c")]).expect("a text");
        for kept in
            ["# Of b.\n[[roles.rule]]\ngroup = \"b\"\nrole = \"B\"", "# Of c.\n[[roles.rule]]\ngroup = \"c\""]
        {
            assert!(changed.contains(kept) && !changed.contains("# Of a."), "{changed}");
        }
    }
}

//! Why a group gives a role, or none, in words.

use provisioning::Tenant;
use scim_core::roles::{RuleKind, RuleLine, Verdict};

/// What a group gives, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Why {
    /// Roles, each with the rule that gives it.
    pub(crate) roles: Vec<(String, String)>,
    /// Why it gives none, where it gives none.
    pub(crate) none: String,
}

impl Why {
    /// The rule that gives a role.
    pub(crate) fn rule_of(&self, role: &str) -> Option<&str> {
        self.roles.iter().find(|(name, _)| scim_core::fold::same(name, role)).map(|(_, rule)| rule.as_str())
    }

    /// The roles alone.
    pub(crate) fn names(&self) -> Vec<String> {
        self.roles.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// Of a group of this name.
pub(crate) fn why(tenant: &Tenant, name: &str, external_id: Option<&str>) -> Why {
    let lines = tenant.profile.roles.lines();
    let verdicts = tenant.profile.explain_group(&tenant.value_sets, name, external_id);
    let mut roles: Vec<(String, String)> = Vec::new();
    let mut none = None;
    for (line, verdict) in verdicts {
        match verdict {
            Verdict::Gives(role) if !roles.iter().any(|(known, _)| *known == role.name) => {
                roles.push((role.name, lines.get(line).map(rule).unwrap_or_default()));
            }
            Verdict::Gives(_) | Verdict::Passed => {}
            Verdict::Protected(role) => {
                none = Some(format!("“{role}” is protected: only a rule that names the group gives it"));
            }
            Verdict::Unlisted(role) => {
                let set = tenant.profile.roles.catalogue.as_deref().unwrap_or_default();
                none = Some(format!("“{role}” is not in the value set {set}"));
            }
            Verdict::Nameless => none = Some("nothing that could name a role is left of the name".to_owned()),
        }
    }
    let none = if roles.is_empty() { none.unwrap_or_else(|| unknown(&lines)) } else { String::new() };
    Why { roles, none }
}

/// Why no rule knows a group.
fn unknown(lines: &[RuleLine]) -> String {
    match lines {
        [] => "this product maps no group to a role".to_owned(),
        [RuleLine { kind: RuleKind::Prefix, wanted, .. }] => format!("the name does not start with {wanted}"),
        lines => format!("none of the {} rules knows the group", lines.len()),
    }
}

fn rule(line: &RuleLine) -> String {
    let wanted = &line.wanted;
    match line.kind {
        RuleKind::Prefix => format!("the name begins with {wanted}"),
        RuleKind::Pattern => format!("the name matches {wanted}"),
        RuleKind::Group => "a rule names the group".to_owned(),
        RuleKind::ExternalId => "a rule names its externalId".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_no_rule_knows_are_told_apart() {
        let line = |kind, wanted: &str| RuleLine { kind, wanted: wanted.into(), role: None };
        assert_eq!(unknown(&[]), "this product maps no group to a role");
        assert_eq!(unknown(&[line(RuleKind::Prefix, "Envi_")]), "the name does not start with Envi_");
        let two = [line(RuleKind::Group, "a"), line(RuleKind::Prefix, "b")];
        assert_eq!(unknown(&two), "none of the 2 rules knows the group");
        assert_eq!(rule(&two[1]), "the name begins with b");
    }
}

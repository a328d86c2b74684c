//! Which roles a group gives its members.

use std::collections::HashSet;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::{
    error::ScimError,
    fold::{self, fold},
    value_set::ValueSet,
};

/// A role that a group gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Role {
    /// Folded name: two spellings of one role have one key.
    pub key: String,
    /// As the catalogue spells it, or as written by the first group that gave it.
    pub name: String,
}

impl Role {
    pub(crate) fn named(name: &str) -> Self {
        Self { key: fold(name), name: name.to_owned() }
    }
}

/// Which of the rules that know a group count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Matches {
    /// The first that gives a role.
    #[default]
    First,
    /// Each that gives a role.
    All,
}

/// What becomes of a role that the catalogue does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UnlistedRole {
    /// It is granted as written.
    #[default]
    Grant,
    /// It is not granted.
    Ignore,
}

/// What becomes of a group that no rule knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UnmatchedGroup {
    /// It is kept and gives no roles.
    #[default]
    Keep,
    /// It is refused.
    Reject,
}

/// Longest regular expression of a rule, in bytes.
const MAX_PATTERN: usize = 200;
/// Largest automaton of a regular expression, in bytes.
const MAX_AUTOMATON: usize = 256 * 1024;

/// Most parts (`$1`, `${name}`) of a rule's role: each may be as long as a group's name.
const MAX_PARTS: usize = 10;

/// The start of a group's name, folded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    text: String,
    folded: String,
}

impl From<&str> for Prefix {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), folded: fold(text) }
    }
}

/// A group as the rules look at it.
struct Group<'a> {
    name: &'a str,
    /// The trimmed name, folded.
    key: String,
    external_id: Option<&'a str>,
}

impl<'a> Group<'a> {
    fn new(name: &'a str, external_id: Option<&'a str>) -> Self {
        Self { name, key: fold(name.trim()), external_id }
    }
}

/// Which groups a rule knows, and the role that it gives.
#[derive(Clone, Debug)]
pub(crate) enum RoleRule {
    /// Groups whose name starts so; the role is the rest, or a fixed one.
    Prefix(Prefix, Option<String>),
    /// Groups whose whole name matches; the role is made of its parts.
    Pattern(Regex, String),
    /// The group of a name, folded.
    Group(String, String),
    /// The group with an externalId.
    ExternalId(String, String),
}

/// How a rule tells its groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// By the start of the name.
    Prefix,
    /// By a regular expression for the whole name.
    Pattern,
    /// By the name.
    Group,
    /// By the externalId.
    ExternalId,
}

/// A rule, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLine {
    /// How it tells its groups.
    pub kind: RuleKind,
    /// The prefix, the expression, the name (folded) or the externalId.
    pub wanted: String,
    /// The role, which may have parts as `$1` and `${name}`; `None`: the rest of the name.
    pub role: Option<String>,
}

/// What a rule makes of a group that it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It gives this role.
    Gives(Role),
    /// The role is protected, and the rule does not name the group.
    Protected(String),
    /// The catalogue does not have the role, and such roles are not granted.
    Unlisted(String),
    /// Nothing is left for the name of a role.
    Nameless,
    /// A rule before it counts.
    Passed,
}

impl RoleRule {
    fn line(&self) -> RuleLine {
        let (kind, wanted, role) = match self {
            Self::Prefix(prefix, role) => (RuleKind::Prefix, prefix.text.clone(), role.clone()),
            Self::Pattern(regex, role) => {
                let whole = regex.as_str();
                let pattern = whole.strip_prefix("^(?:").and_then(|text| text.strip_suffix(")$"));
                (RuleKind::Pattern, pattern.unwrap_or(whole).to_owned(), Some(role.clone()))
            }
            Self::Group(name, role) => (RuleKind::Group, name.clone(), Some(role.clone())),
            Self::ExternalId(id, role) => (RuleKind::ExternalId, id.clone(), Some(role.clone())),
        };
        RuleLine { kind, wanted, role }
    }

    /// A rule with a regular expression; `role` absent: the part named `role`. The error says what is wrong.
    pub(crate) fn pattern(pattern: &str, role: Option<&str>) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN {
            return Err(format!("is longer than {MAX_PATTERN} bytes; use two rules"));
        }
        let whole = format!("^(?:{pattern})$");
        let regex = RegexBuilder::new(&whole).case_insensitive(true).size_limit(MAX_AUTOMATON).build();
        let regex = regex.map_err(|error| {
            let told = error.to_string();
            format!("is no regular expression: {}", told.lines().last().unwrap_or_default().trim())
        })?;
        if role.is_some_and(|role| role.matches('$').count() > MAX_PARTS) {
            return Err(format!("gives a role of more than {MAX_PARTS} parts; use fewer $"));
        }
        let names_role = regex.capture_names().flatten().any(|name| name == "role");
        match role {
            Some(role) => Ok(Self::Pattern(regex, role.to_owned())),
            None if names_role => Ok(Self::Pattern(regex, "${role}".to_owned())),
            None => Err("gives no role; add role = \"…\", or name a part with (?<role>…)".to_owned()),
        }
    }

    fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prefix(prefix, role), Self::Prefix(other, other_role)) => {
                (prefix, role) == (other, other_role)
            }
            (Self::Pattern(regex, role), Self::Pattern(other, other_role)) => {
                (regex.as_str(), role) == (other.as_str(), other_role)
            }
            (Self::Group(key, role), Self::Group(other, other_role))
            | (Self::ExternalId(key, role), Self::ExternalId(other, other_role)) => {
                (key, role) == (other, other_role)
            }
            _ => false,
        }
    }

    /// The role, and whether the rule names the group itself.
    fn role_of(&self, group: &Group<'_>) -> Option<(String, bool)> {
        self.name_of(group).filter(|(name, _)| !name.is_empty())
    }

    /// As [`Self::role_of`]; the name may be empty. `None`: the rule does not know the group.
    fn name_of(&self, group: &Group<'_>) -> Option<(String, bool)> {
        let (name, explicit) = match self {
            Self::Prefix(prefix, role) => {
                let rest = strip_prefix_folded(group.name, &prefix.folded)?;
                (role.clone().unwrap_or_else(|| rest.to_owned()), false)
            }
            Self::Pattern(regex, template) => {
                let mut name = String::new();
                regex.captures(group.name)?.expand(template, &mut name);
                (name, false)
            }
            Self::Group(key, role) => (group.key == *key).then(|| (role.clone(), true))?,
            Self::ExternalId(id, role) => (group.external_id == Some(id)).then(|| (role.clone(), true))?,
        };
        Some((name.trim().to_owned(), explicit))
    }
}

/// A tenant's mapping of groups to roles.
#[derive(Clone, Debug, Default)]
pub struct RoleMapping {
    /// A group whose displayName starts with this, compared without case, gives the role named by the rest, unless an
    /// earlier rule counts.
    pub prefix: Option<String>,
    /// Value set that holds the roles of the product.
    pub catalogue: Option<String>,
    /// Of groups that no rule knows.
    pub unmatched_group: UnmatchedGroup,
    pub(crate) rules: Vec<RoleRule>,
    pub(crate) matches: Matches,
    pub(crate) unlisted: UnlistedRole,
    /// Folded names.
    pub(crate) protected: HashSet<String>,
}

impl RoleMapping {
    /// A mapping by prefix alone.
    #[must_use]
    pub fn with_prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: Some(prefix.into()), ..Self::default() }
    }

    /// Does any group give a role?
    #[must_use]
    pub fn gives_roles(&self) -> bool {
        self.prefix.as_ref().is_some_and(|prefix| !prefix.is_empty()) || !self.rules.is_empty()
    }

    /// The rules in their order; the prefix comes last.
    #[must_use]
    pub fn lines(&self) -> Vec<RuleLine> {
        let by_prefix = self.prefix.as_deref().filter(|prefix| !prefix.is_empty()).map(|prefix| RuleLine {
            kind: RuleKind::Prefix,
            wanted: prefix.to_owned(),
            role: None,
        });
        self.rules.iter().map(RoleRule::line).chain(by_prefix).collect()
    }

    /// Which of the rules that know a group count.
    #[must_use]
    pub fn matches(&self) -> Matches {
        self.matches
    }

    /// What becomes of a role that the catalogue does not have.
    #[must_use]
    pub fn unlisted(&self) -> UnlistedRole {
        self.unlisted
    }

    /// Keys (see [`Role::key`]) of the protected roles.
    pub fn protected_keys(&self) -> impl Iterator<Item = &str> {
        self.protected.iter().map(String::as_str)
    }

    /// Whether both give every group the same roles, as far as the rules themselves tell.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let rules = self.rules.len() == other.rules.len()
            && self.rules.iter().zip(&other.rules).all(|(left, right)| left.is_same_as(right));
        rules
            && self.prefix == other.prefix
            && self.catalogue == other.catalogue
            && self.matches == other.matches
            && self.unlisted == other.unlisted
            && self.protected == other.protected
    }

    /// Whether a role is given only by a rule that names the group, and its last holder must keep it.
    #[must_use]
    pub fn is_protected(&self, role: &str) -> bool {
        !self.protected.is_empty() && self.protected.contains(&fold(role.trim()))
    }

    /// The roles of a group by its displayName alone; see [`Self::roles_for`].
    #[must_use]
    pub fn roles_of(&self, display_name: &str) -> Vec<Role> {
        self.roles_for(display_name, None, None)
    }

    /// The roles of a group, each once, in the order of the rules. `catalogue`: the value set named by
    /// [`Self::catalogue`], which gives the spelling.
    #[must_use]
    pub fn roles_for(
        &self,
        display_name: &str,
        external_id: Option<&str>,
        catalogue: Option<&ValueSet>,
    ) -> Vec<Role> {
        let mut roles: Vec<Role> = Vec::new();
        self.judge(display_name, external_id, catalogue, |_, verdict| {
            let Verdict::Gives(role) = verdict else { return true };
            if !roles.iter().any(|known| known.key == role.key) {
                roles.push(role);
            }
            self.matches == Matches::All
        });
        roles
    }

    /// What each rule that knows a group makes of it, with its place in [`Self::lines`]; for people who ask why.
    #[must_use]
    pub fn explain(
        &self,
        display_name: &str,
        external_id: Option<&str>,
        catalogue: Option<&ValueSet>,
    ) -> Vec<(usize, Verdict)> {
        let (mut told, mut given) = (Vec::new(), false);
        self.judge(display_name, external_id, catalogue, |line, verdict| {
            let passed = given && self.matches == Matches::First;
            given |= matches!(verdict, Verdict::Gives(_));
            told.push((line, if passed { Verdict::Passed } else { verdict }));
            true
        });
        told
    }

    /// Goes through the rules that know a group for as long as they are wanted.
    fn judge(
        &self,
        display_name: &str,
        external_id: Option<&str>,
        catalogue: Option<&ValueSet>,
        mut goes_on: impl FnMut(usize, Verdict) -> bool,
    ) {
        let by_prefix = self.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let by_prefix = by_prefix.map(|prefix| RoleRule::Prefix(Prefix::from(prefix), None));
        let group = Group::new(display_name, external_id);
        for (line, rule) in self.rules.iter().chain(&by_prefix).enumerate() {
            let Some((name, explicit)) = rule.name_of(&group) else { continue };
            let listed = catalogue.and_then(|catalogue| catalogue.find(&name));
            let verdict = match listed {
                _ if name.is_empty() => Verdict::Nameless,
                _ if !explicit && self.is_protected(&name) => Verdict::Protected(name),
                Some(listed) => Verdict::Gives(Role::named(&listed.value)),
                None if catalogue.is_some() && self.unlisted == UnlistedRole::Ignore => {
                    Verdict::Unlisted(name)
                }
                None => Verdict::Gives(Role::named(&name)),
            };
            if !goes_on(line, verdict) {
                return;
            }
        }
    }

    /// 400 `invalidValue` for a group that no rule knows, where the tenant wants none.
    pub fn admit(&self, display_name: &str, external_id: Option<&str>) -> Result<(), ScimError> {
        if self.unmatched_group == UnmatchedGroup::Keep || !self.gives_roles() {
            return Ok(());
        }
        let by_prefix = self.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let group = Group::new(display_name, external_id);
        let known = self.rules.iter().any(|rule| rule.role_of(&group).is_some())
            || by_prefix.is_some_and(|prefix| strip_prefix_folded(display_name, &fold(prefix)).is_some());
        if known {
            return Ok(());
        }
        let remedy = match by_prefix {
            Some(prefix) => format!("name it {prefix:?} and the role, or do not push it"),
            None => "do not push it, or add it to the role mapping".to_owned(),
        };
        Err(ScimError::invalid_value(
            "displayName",
            format!("no role belongs to a group of this name; {remedy}."),
        ))
    }
}

/// The rest of `text` after what folds to `folded`; `None` if it does not start so. Looks at each character once, and at
/// no more of them than `folded` has.
fn strip_prefix_folded<'a>(text: &'a str, folded: &str) -> Option<&'a str> {
    let (mut wanted, mut rest) = (folded, text);
    while !wanted.is_empty() {
        let first = rest.chars().next()?;
        wanted = match first.is_ascii() {
            true => wanted.strip_prefix(first.to_ascii_lowercase())?,
            false => wanted.strip_prefix(fold::full(first).as_str())?,
        };
        rest = rest.get(first.len_utf8()..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tables;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::value_set::AllowedValue;

    fn role(group: &str) -> Option<String> {
        let mapping = RoleMapping::with_prefix("Envi_");
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

    #[test]
    fn a_prefix_is_what_folds_alike_and_ends_between_two_characters() {
        for (text, prefix, rest) in [
            ("STRASSE-1", "straße", Some("-1")),
            ("Straße-1", "STRASSE", Some("-1")),
            ("Straße", "STRAS", None),
            ("ÉCOLE a", "école ", Some("a")),
            ("App_", "app_", Some("")),
            ("App", "app_", None),
            ("K9", "\u{212a}", Some("9")),
            ("", "a", None),
        ] {
            assert_eq!(strip_prefix_folded(text, &fold(prefix)), rest, "{text} {prefix}");
        }
    }

    fn names(roles: Vec<Role>) -> Vec<String> {
        roles.into_iter().map(|role| role.name).collect()
    }

    fn mapping(matches: Matches) -> RoleMapping {
        RoleMapping {
            rules: vec![
                RoleRule::Group(fold("Acme Owners"), "Owner".into()),
                RoleRule::ExternalId("00g7".into(), "Auditor".into()),
                RoleRule::pattern("acme-(?<role>[a-z]+)-.*", None).expect("a rule"),
                RoleRule::pattern("(\\w+) of (\\w+)", Some("$2 $1")).expect("a rule"),
                RoleRule::Prefix(Prefix::from("Staff"), Some("Member".into())),
            ],
            matches,
            prefix: Some("App_".into()),
            protected: [fold("Owner")].into(),
            ..RoleMapping::default()
        }
    }

    #[test]
    fn rules_in_order_by_prefix_pattern_name_and_external_id() {
        let first = mapping(Matches::First);
        for (group, external_id, role) in [
            ("Acme Owners", None, Some("Owner")),
            ("ACME OWNERS", None, Some("Owner")),
            (" acme owners ", None, Some("Owner")),
            ("Acme Owners 2", None, None),
            ("Anything", Some("00g7"), Some("Auditor")),
            ("Anything", Some("00G7"), None),
            ("Anything", Some("00g8"), None),
            ("Acme-manager-emea", None, Some("manager")),
            ("acme-MANAGER-", None, Some("MANAGER")),
            ("xacme-manager-emea", None, None),
            ("acme--emea", None, None),
            ("Head of Sales", None, Some("Sales Head")),
            ("Head of Sales now", None, None),
            ("staff-1", None, Some("Member")),
            ("Staff", None, Some("Member")),
            ("app_Viewer", None, Some("Viewer")),
            ("App_ ", None, None),
            ("Everyone", None, None),
            // A protected role by pattern or prefix is none.
            ("acme-owner-emea", None, None),
            ("App_Owner", None, None),
            ("App_ OWNER ", None, None),
        ] {
            let found = names(first.roles_for(group, external_id, None));
            assert_eq!(found.first().map(String::as_str), role, "{group} {external_id:?}");
            assert!(found.len() <= 1, "{group}");
        }
        assert!(first.is_protected(" OWNER ") && !first.is_protected("Viewer"));
    }

    #[test]
    fn rules_can_be_read_in_their_order() {
        let lines = mapping(Matches::All).lines();
        let shown: Vec<_> =
            lines.iter().map(|line| (line.kind, line.wanted.as_str(), line.role.as_deref())).collect();
        assert_eq!(
            shown,
            [
                (RuleKind::Group, "acme owners", Some("Owner")),
                (RuleKind::ExternalId, "00g7", Some("Auditor")),
                (RuleKind::Pattern, "acme-(?<role>[a-z]+)-.*", Some("${role}")),
                (RuleKind::Pattern, "(\\w+) of (\\w+)", Some("$2 $1")),
                (RuleKind::Prefix, "Staff", Some("Member")),
                (RuleKind::Prefix, "App_", None),
            ]
        );
        assert_eq!(RoleMapping::default().lines(), []);
    }

    #[test]
    fn people_are_told_why() {
        let catalogue = ValueSet::new(["Viewer", "Member"].map(AllowedValue::from));
        let mut mapping = mapping(Matches::First);
        let told = |mapping: &RoleMapping, group: &str, id: Option<&str>| {
            mapping.explain(group, id, Some(&catalogue))
        };
        let viewer = || Verdict::Gives(Role::named("Viewer"));
        assert_eq!(told(&mapping, "app_viewer", None), [(5, viewer())]);
        assert_eq!(told(&mapping, "App_", None), [(5, Verdict::Nameless)]);
        assert_eq!(told(&mapping, "App_owner", None), [(5, Verdict::Protected("owner".into()))]);
        assert_eq!(told(&mapping, "Everyone", None), []);
        let both = [(1, Verdict::Gives(Role::named("Auditor"))), (5, Verdict::Passed)];
        assert_eq!(told(&mapping, "App_Viewer", Some("00g7")), both);
        mapping.unlisted = UnlistedRole::Ignore;
        let both = [(1, Verdict::Unlisted("Auditor".into())), (5, viewer())];
        assert_eq!(told(&mapping, "App_Viewer", Some("00g7")), both);
    }

    #[test]
    fn mappings_are_compared_by_their_rules() {
        let first = mapping(Matches::First);
        assert!(first.is_same_as(&mapping(Matches::First)));
        assert!(!first.is_same_as(&mapping(Matches::All)));
        let changes: [fn(&mut RoleMapping); 6] = [
            |mapping| mapping.rules[0] = RoleRule::ExternalId(fold("Acme Owners"), "Owner".into()),
            |mapping| mapping.rules.swap(0, 1),
            |mapping| drop(mapping.rules.pop()),
            |mapping| mapping.prefix = None,
            |mapping| mapping.catalogue = Some("roles".into()),
            |mapping| mapping.protected.clear(),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut other = mapping(Matches::First);
            change(&mut other);
            assert!(!first.is_same_as(&other), "change {number}");
        }
        assert_eq!(first.protected_keys().collect::<Vec<_>>(), ["owner"]);
    }

    #[test]
    fn all_rules_may_count() {
        let all = mapping(Matches::All);
        assert_eq!(names(all.roles_for("Acme Owners", Some("00g7"), None)), ["Owner", "Auditor"]);
        assert_eq!(names(all.roles_for("App_auditor", Some("00g7"), None)), ["Auditor"], "each role once");
        assert_eq!(names(mapping(Matches::First).roles_for("Acme Owners", Some("00g7"), None)), ["Owner"]);
    }

    #[test]
    fn the_catalogue_gives_the_spelling() {
        let catalogue = ValueSet::new(["Viewer", "Manager"].map(AllowedValue::from));
        let mut mapping = mapping(Matches::First);
        assert_eq!(names(mapping.roles_for("app_VIEWER", None, Some(&catalogue))), ["Viewer"]);
        assert_eq!(names(mapping.roles_for("app_tester", None, Some(&catalogue))), ["tester"]);
        mapping.unlisted = UnlistedRole::Ignore;
        assert_eq!(names(mapping.roles_for("app_VIEWER", None, Some(&catalogue))), ["Viewer"]);
        assert!(mapping.roles_for("app_tester", None, Some(&catalogue)).is_empty());
        assert_eq!(
            names(mapping.roles_for("app_tester", None, None)),
            ["tester"],
            "without a list all are listed"
        );
    }

    #[test]
    fn groups_that_no_rule_knows_are_refused_where_that_is_wanted() {
        let mut mapping = mapping(Matches::First);
        assert!(mapping.admit("Everyone", None).is_ok());
        mapping.unmatched_group = UnmatchedGroup::Reject;
        for (group, external_id, admitted) in [
            ("App_Viewer", None, true),
            ("app_owner", None, true),
            ("App_", None, true),
            ("Acme Owners", None, true),
            ("Anything", Some("00g7"), true),
            ("Everyone", None, false),
            ("Anything", Some("00g8"), false),
        ] {
            assert_eq!(mapping.admit(group, external_id).is_ok(), admitted, "{group}");
        }
        let error = mapping.admit("Everyone", None).expect_err("refused");
        assert!(error.detail.starts_with("displayName: ") && error.detail.contains("App_"), "{error}");
        let none = RoleMapping { unmatched_group: UnmatchedGroup::Reject, ..RoleMapping::default() };
        assert!(none.admit("Everyone", None).is_ok(), "without rules there is nothing to know");
    }

    #[test]
    fn patterns_are_bounded() {
        for (pattern, role, word) in [
            ("(", None, "regular expression"),
            ("[a", Some("x"), "regular expression"),
            ("acme-.*", None, "gives no role"),
            ("acme-(?<name>.*)", None, "gives no role"),
            (&"a".repeat(201), Some("x"), "longer than"),
            ("(\\w{100}){100}", Some("x"), "regular expression"),
            ("(.)", Some("$1$1$1$1$1$1$1$1$1$1$1"), "more than 10 parts"),
        ] {
            let error = RoleRule::pattern(pattern, role).expect_err(pattern);
            assert!(error.contains(word), "{pattern}: {error}");
        }
    }
}

//! The rules of a role mapping in a form: what was typed, what it would do, and saving it as a new version of the profile.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use provisioning::{Tenant, configuration::ConfigurationError};
use scim_core::{
    profile::edit,
    roles::{RuleKind, RuleLine},
};

use super::{super::configuration::sentence, roles_page};
use crate::{ConsoleState, chrome::page, error::PageError, extract::Visit, form::Errors};

/// Users that a dry run looks at; whether people fit does not hang on the mapping.
const CHECKED: u64 = 0;

/// Groups that are looked at, and of which so many are shown.
const LOOKED_AT: u64 = 2_000;
const SHOWN: usize = 50;

/// Longest text of a field, in characters.
const LONGEST: usize = 200;

/// Empty rows that are offered for more rules.
const SPARE: usize = 2;

/// Most rules of a form.
const RULES: usize = 100;

/// A rule as it stands in the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleField {
    /// `prefix`, `pattern`, `group` or `external-id`.
    pub(crate) kind: &'static str,
    pub(crate) wanted: String,
    pub(crate) role: String,
}

/// The form.
#[derive(Clone, Debug, Default)]
pub(crate) struct RulesForm {
    /// The version of the profile that it was made from.
    pub(crate) version: i32,
    pub(crate) prefix: String,
    pub(crate) rules: Vec<RuleField>,
    pub(crate) errors: Errors,
    pub(crate) preview: Option<Preview>,
}

/// What other rules would do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preview {
    /// Sentences, one a role; empty: nobody's roles change.
    pub(crate) roles: Vec<String>,
    /// Groups that would give something else: name, before, after.
    pub(crate) groups: Vec<(String, String, String)>,
    /// So many more would.
    pub(crate) more: usize,
    /// Were all groups looked at?
    pub(crate) whole: bool,
    /// Names the rules that were looked at.
    pub(crate) digest: String,
}

impl RulesForm {
    /// Of the profile that holds.
    pub(crate) fn of(tenant: &Tenant) -> Self {
        let mapping = &tenant.profile.roles;
        let (mut lines, prefix) = (mapping.lines(), mapping.prefix.clone().unwrap_or_default());
        if !prefix.is_empty() {
            // The prefix is the last one.
            lines.pop();
        }
        let field = |line: RuleLine| RuleField {
            kind: kind_word(line.kind),
            wanted: line.wanted,
            role: line.role.unwrap_or_default(),
        };
        let mut rules: Vec<RuleField> = lines.into_iter().map(field).collect();
        rules.extend((0..SPARE).map(|_| RuleField { kind: "group", ..RuleField::default() }));
        Self { version: tenant.row.profile_version, prefix, rules, ..Self::default() }
    }

    /// As it was sent; gives also the digest of the rules whose dry run was shown.
    fn read(fields: &[(String, String)]) -> (Self, String) {
        let value = |name: &str| {
            let found = fields.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.trim()).unwrap_or_default()
        };
        let mut form = Self { version: value("version").parse().unwrap_or_default(), ..Self::default() };
        form.prefix = checked(value("prefix"), "prefix", &mut form.errors);
        for number in 0..RULES {
            if !fields.iter().any(|(name, _)| *name == format!("wanted-{number}")) {
                break;
            }
            let text = |name: &str, errors: &mut Errors| {
                checked(value(&format!("{name}-{number}")), "rule-fields", errors)
            };
            let rule = RuleField {
                kind: match value(&format!("kind-{number}")) {
                    "prefix" => "prefix",
                    "pattern" => "pattern",
                    "external-id" => "external-id",
                    _ => "group",
                },
                wanted: text("wanted", &mut form.errors),
                role: text("role", &mut form.errors),
            };
            if rule.wanted.is_empty() && !rule.role.is_empty() {
                form.errors.add(
                    "rule-fields",
                    format!("Rule {}: say which groups it is for, or empty its role, too.", number + 1),
                );
            }
            if !rule.wanted.is_empty() && rule.role.is_empty() && matches!(rule.kind, "group" | "external-id")
            {
                form.errors.add("rule-fields", format!("Rule {}: say which role it gives.", number + 1));
            }
            form.rules.push(rule);
        }
        (form, value("previewed").to_owned())
    }

    /// The profile with these rules.
    fn text(&self, tenant: &Tenant) -> Result<String, String> {
        let line = |rule: &RuleField| RuleLine {
            kind: match rule.kind {
                "prefix" => RuleKind::Prefix,
                "pattern" => RuleKind::Pattern,
                "external-id" => RuleKind::ExternalId,
                _ => RuleKind::Group,
            },
            wanted: rule.wanted.clone(),
            role: Some(rule.role.clone()).filter(|role| !role.is_empty()),
        };
        let lines: Vec<RuleLine> =
            self.rules.iter().filter(|rule| !rule.wanted.is_empty()).map(line).collect();
        let now = Self::of(tenant);
        let mut text = tenant.row.profile.clone();
        if self.prefix != now.prefix {
            text = edit::with_role_prefix(&text, &self.prefix).map_err(|error| error.to_string())?;
        }
        let filled = |rules: &[RuleField]| -> Vec<RuleField> {
            rules.iter().filter(|rule| !rule.wanted.is_empty()).cloned().collect()
        };
        // Rules that stay as they are keep their comments.
        if filled(&self.rules) != filled(&now.rules) {
            text = edit::with_role_rules(&text, &lines).map_err(|error| error.to_string())?;
        }
        Ok(text)
    }

    /// Names what was typed.
    fn digest(&self) -> String {
        use sha2::{Digest as _, Sha256};
        let (mut digest, version) = (Sha256::new(), self.version.to_string());
        let rules = self.rules.iter().flat_map(|rule| [rule.kind, &rule.wanted, &rule.role]);
        for part in [version.as_str(), &self.prefix].into_iter().chain(rules) {
            digest.update(part);
            digest.update([0]);
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn checked(text: &str, field: &'static str, errors: &mut Errors) -> String {
    if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        errors.add(field, format!("Use at most {LONGEST} printable characters in each field."));
    }
    text.chars().filter(|ch| !ch.is_control()).take(LONGEST).collect()
}

fn kind_word(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Prefix => "prefix",
        RuleKind::Pattern => "pattern",
        RuleKind::Group => "group",
        RuleKind::ExternalId => "external-id",
    }
}

/// Shows what the rules of a form would do; saves them when that was shown.
pub(super) async fn save(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    fields: &[(String, String)],
) -> Result<Response, PageError> {
    let (mut form, previewed) = RulesForm::read(fields);
    let digest = form.digest();
    let outcome = match form.text(tenant) {
        _ if !form.errors.is_empty() => Ok(None),
        Err(problem) => {
            form.errors.add("rule-fields", format!("The profile cannot be changed: {problem}."));
            Ok(None)
        }
        Ok(_) if form.version != tenant.row.profile_version => {
            Err(ConfigurationError::Outdated(form.version))
        }
        Ok(text) if previewed != digest => preview(state, tenant, &text, digest).await.map(Some),
        Ok(text) => match state.tenants.save_profile(tenant, &text, form.version, &visit.context()).await {
            Ok(_) => {
                let done = format!("/console/tenants/{}/roles?done=saved", tenant.row.slug);
                return Ok(Redirect::to(&done).into_response());
            }
            Err(error) => Err(error),
        },
    };
    match outcome {
        Ok(preview) => form.preview = preview,
        Err(ConfigurationError::Store(error)) => return Err(error.into()),
        Err(ConfigurationError::Profile(error)) => {
            form.errors.add("rule-fields", format!("{}.", error.problem))
        }
        Err(error) => form.errors.add("rule-fields", format!("{error}.")),
    }
    let status = if form.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut shown = roles_page(state, visit, tenant, None).await?;
    if !form.errors.is_empty() {
        shown.chrome.title = format!("Error: {}", shown.chrome.title);
    }
    shown.editing = true;
    if form.errors.of("rule-fields").is_some() && form.version != tenant.row.profile_version {
        // What holds by now is what a change has to be made in.
        form = RulesForm { errors: form.errors, ..RulesForm::of(tenant) };
    }
    shown.form = form;
    page(status, &shown)
}

async fn preview(
    state: &ConsoleState,
    tenant: &Tenant,
    text: &str,
    digest: String,
) -> Result<Preview, ConfigurationError> {
    let roles = state.tenants.preview_profile(tenant, text, Some(CHECKED), &|_, _| ()).await?.roles;
    let (changes, whole) = state.tenants.preview_groups(tenant, text, LOOKED_AT).await?;
    let list = |roles: &[String]| if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
    let more = changes.len().saturating_sub(SHOWN);
    let groups = changes.into_iter().take(SHOWN);
    Ok(Preview {
        roles: roles.iter().map(sentence).collect(),
        groups: groups.map(|change| (change.name, list(&change.before), list(&change.after))).collect(),
        more,
        whole,
        digest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_read_in_order() {
        let fields: Vec<(String, String)> = [
            ("version", "3"),
            ("prefix", " Envi_ "),
            ("kind-0", "pattern"),
            ("wanted-0", "a-(?<role>.+)"),
            ("role-0", ""),
            ("kind-1", "group"),
            ("wanted-1", ""),
            ("role-1", "Owner"),
            ("previewed", "x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let (form, previewed) = RulesForm::read(&fields);
        assert_eq!((form.version, form.prefix.as_str(), previewed.as_str()), (3, "Envi_", "x"));
        assert_eq!(form.rules[0].kind, "pattern");
        assert!(form.errors.of("rule-fields").is_some_and(|problem| problem.starts_with("Rule 2: ")));
        assert_ne!(form.digest(), RulesForm { version: 4, ..form.clone() }.digest());
    }
}

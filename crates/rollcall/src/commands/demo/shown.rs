//! What the guides promise and SCIM does not show: looked up in the database after the play.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use idp_simulator::{FeatureOutcome, Report};
use scim_core::{fold, profile::CredentialKind};
use store::users::RoleGrant;

use super::tenants::DemoTenant;
use crate::installation::Installation;

/// The longest life of a token, as Eptura Engage's guide has it, less a leap day or so.
const TEN_YEARS: i64 = (10 * 365) * 24 * 60 * 60 * 1000;

/// Adds what the play itself could not see to its report.
pub(super) async fn add(
    installation: &Installation,
    tenant: &DemoTenant,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut shown = tenant.shown.clone();
    shown.extend(credential(installation, tenant).await?);
    if tenant.profile == "envi" {
        shown.extend(roles(installation, tenant, &report.memberships).await?);
    }
    report.features.extend(shown);
    Ok(())
}

/// A feature by what was found of it, one by one.
fn outcome(name: &str, reference: &str, found: impl IntoIterator<Item = bool>) -> FeatureOutcome {
    let mut shown =
        FeatureOutcome { name: name.to_owned(), reference: reference.to_owned(), checks: 0, failures: 0 };
    for met in found {
        *(if met { &mut shown.checks } else { &mut shown.failures }) += 1;
    }
    shown
}

/// The page with the connection data was hidden before the tenant was ready for it, and then open.
pub(super) fn console_page(profile: &str, hidden: bool, open: bool) -> Vec<FeatureOutcome> {
    let (name, reference) = match profile {
        "mdscripts" => {
            ("Okta SCIM, where the feature is enabled", "MDScripts guide, Prerequisites and step 1")
        }
        "envi" => (
            "SCIM Configuration, for Simple domains with HTTP Redirect or WS Trust",
            "Envi guide, Envi Configuration steps 3 and 4",
        ),
        _ => return Vec::new(),
    };
    vec![outcome(name, reference, [hidden, open])]
}

async fn credential(installation: &Installation, tenant: &DemoTenant) -> anyhow::Result<Vec<FeatureOutcome>> {
    let row = installation.tenant(&tenant.slug).await?;
    let now = installation.store.now();
    let credentials = installation.tokens.list(row.id()).await?;
    let is_live = |until: Option<i64>| until.is_none_or(|until| until > now);
    let live = || {
        let usable = credentials.iter().filter(|credential| credential.revoked_at.is_none());
        usable.filter(|credential| is_live(credential.expires_at))
    };
    let (name, reference, found) = match tenant.profile.as_str() {
        "clinical-maestro" => {
            let kind = row.profile.credentials == [CredentialKind::Basic];
            let name = "A username and password specific to your organization";
            (name, "Clinical Maestro guide, Configuration Steps", kind && live().next().is_some())
        }
        "eptura-engage" => {
            let lives = |until: i64| until - now > TEN_YEARS - 24 * 60 * 60 * 1000;
            let found = live().any(|credential| credential.expires_at.is_some_and(lives));
            ("Long-lived SCIM token, up to 10 years", "Eptura Engage guide, Prerequisites", found)
        }
        "envi" => ("Valid Token: Yes", "Envi guide, Envi Configuration step 5", live().next().is_some()),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![outcome(name, reference, [found])])
}

/// Each user's roles are those of the groups whose names begin with the prefix, in any case, and no others.
async fn roles(
    installation: &Installation,
    tenant: &DemoTenant,
    memberships: &BTreeMap<String, Vec<String>>,
) -> anyhow::Result<Vec<FeatureOutcome>> {
    let row = installation.tenant(&tenant.slug).await?;
    let scope = installation.store.tenant(row.id());
    let prefix = row.profile.roles.prefix.clone().unwrap_or_default();
    let mut groups_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (group, members) in memberships {
        for member in members {
            groups_of.entry(member).or_default().insert(group);
        }
    }
    let (mut given, mut all, mut none) = (Vec::new(), Vec::new(), Vec::new());
    for (name, groups) in &groups_of {
        let user = scope.user_by_name(name, false).await?.with_context(|| format!("{name} is missing"))?;
        let grants = scope.roles_of_user(user.id).await?;
        let via = |grant: &RoleGrant| grant.via.display.clone();
        let found: BTreeSet<String> = grants.iter().map(via).collect();
        let (with, without): (Vec<&str>, Vec<&str>) =
            groups.iter().copied().partition(|group| role(group, &prefix).is_some());
        for group in &with {
            let wanted = role(group, &prefix).unwrap_or_default();
            given.push(
                grants.iter().any(|grant| via(grant) == **group && fold::same(&grant.role.name, wanted)),
            );
        }
        none.extend(without.iter().map(|group| !found.contains(*group)));
        if with.len() > 1 {
            all.push(found.len() == with.len());
        }
    }
    let note = "Envi guide, User Provisioning step 5, second note";
    Ok(vec![
        outcome("A group with the User Role Prefix gives its role, in any case", note, given),
        outcome("A user in several groups has all their roles", note, all),
        outcome("A group without the prefix gives none", "Envi guide, Group Provisioning step 2, note", none),
    ])
}

/// What stands behind the prefix in a group's name.
fn role<'a>(group: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = group.split_at_checked(prefix.len())?;
    (fold::same(start, prefix) && !rest.is_empty()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_holds_only_by_what_was_found() {
        assert!(outcome("x", "y", [true, true]).holds());
        assert!(!outcome("x", "y", [true, false]).holds());
        assert!(!outcome("x", "y", []).holds(), "nothing was looked at");
    }

    #[test]
    fn a_prefix_is_the_start_of_a_name_in_any_case() {
        for (group, expected) in [
            ("Envi_Manager", Some("Manager")),
            ("ENVI_x", Some("x")),
            ("envi_", None),
            ("Everyone", None),
            ("É", None),
        ] {
            assert_eq!(role(group, "Envi_"), expected, "{group}");
        }
    }

    #[test]
    fn only_two_products_hide_their_page() {
        for (profile, hidden, open, holds) in [
            ("mdscripts", true, true, Some(true)),
            ("envi", true, true, Some(true)),
            ("envi", false, true, Some(false)),
            ("mdscripts", true, false, Some(false)),
            ("generic", false, true, None),
        ] {
            let shown = console_page(profile, hidden, open);
            assert_eq!(shown.first().map(FeatureOutcome::holds), holds, "{profile}");
        }
    }
}

//! What the demo prints: a row a tenant, then each guide's features with ✓ or ✗.

use idp_simulator::{FeatureOutcome, Report};

use super::{
    super::{output, simulate},
    tenants::DemoTenant,
};
use crate::installation::Installation;

/// Width of the column with the features' names.
const NAME: usize = 72;

/// Prints the table, the features and what went wrong; gives the number of failures. Users, groups and roles are counted
/// in the database, not taken from the simulator's word.
pub(super) async fn print(
    installation: &Installation,
    tenants: &[DemoTenant],
    reports: &[Report],
) -> anyhow::Result<usize> {
    let mut table = output::table(&["tenant", "users", "active", "groups", "roles", "requests", "failures"]);
    let mut failures = 0;
    for (tenant, report) in tenants.iter().zip(reports) {
        let row = installation.tenant(&tenant.slug).await?;
        let counts = installation.store.platform().tenant_counts(row.id()).await?;
        let mut found = report.failures.len() + unshown(&report.features);
        if (counts.users, counts.groups) != (report.users, report.groups) {
            found += 1;
            output::line(format_args!(
                "✗ {}: the database holds {} users and {} groups, Okta provisioned {} and {}",
                tenant.slug, counts.users, counts.groups, report.users, report.groups
            ));
        }
        failures += found;
        table.add_row([
            tenant.slug.clone(),
            counts.users.to_string(),
            counts.active_users.to_string(),
            counts.groups.to_string(),
            counts.roles.to_string(),
            report.requests.to_string(),
            found.to_string(),
        ]);
        simulate::failures(report);
    }
    table.show();
    for (tenant, report) in tenants.iter().zip(reports) {
        let title = &installation.tenant(&tenant.slug).await?.profile.title;
        let held = report.features.iter().filter(|feature| feature.holds()).count();
        output::line("");
        output::line(format_args!("{title}: {held} of {} features hold", report.features.len()));
        for feature in &report.features {
            output::line(line(feature));
        }
    }
    Ok(failures)
}

/// Features that do not hold although no request failed: nothing was looked at, or the database tells otherwise.
fn unshown(features: &[FeatureOutcome]) -> usize {
    features.iter().filter(|feature| !feature.holds()).count()
}

/// `✓ Create Users … 24 checks  Envi guide, step 12`.
fn line(feature: &FeatureOutcome) -> String {
    let mark = if feature.holds() { '✓' } else { '✗' };
    let FeatureOutcome { name, reference, checks, failures } = feature;
    let found = match (checks, failures) {
        (0, 0) => "not checked".to_owned(),
        (1, 0) => "1 check".to_owned(),
        (_, 0) => format!("{checks} checks"),
        _ => format!("{failures} failed"),
    };
    format!("  {mark} {name:<NAME$} {found:>12}   {reference}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(checks: u64, failures: u64) -> FeatureOutcome {
        FeatureOutcome { name: "Create Users".into(), reference: "step 12".into(), checks, failures }
    }

    #[test]
    fn a_feature_has_its_mark_from_what_was_checked() {
        for (checks, failures, mark, found) in [
            (24, 0, '✓', "24 checks"),
            (24, 1, '✗', "1 failed"),
            (0, 0, '✗', "not checked"),
            (0, 2, '✗', "2 failed"),
        ] {
            let line = line(&feature(checks, failures));
            assert!(line.trim_start().starts_with(mark), "{line}");
            assert!(
                line.contains(found) && line.contains("Create Users") && line.ends_with("step 12"),
                "{line}"
            );
        }
        assert_eq!(unshown(&[feature(1, 0), feature(0, 0), feature(3, 1)]), 2);
    }
}

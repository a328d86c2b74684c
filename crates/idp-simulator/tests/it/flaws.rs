//! A server that is wrong in one way is found out, with the requirement it broke.

use idp_simulator::scenario::{OktaOptions, guide, okta};
use idp_simulator::{Failure, Report, Target};

use super::mini::{Flaw, start, start_product};

fn nothing(_: u64, _: u64, _: &str) {}

async fn run(flaw: Flaw) -> Report {
    let (_mini, target) = start(Some(flaw), true, 0).await;
    okta(
        &target,
        &OktaOptions { users: 24, groups: 6, concurrency: 4, seed: 5, group_prefix: String::new() },
        &nothing,
    )
    .await
}

async fn play(profile: &'static str, flaw: Flaw) -> Report {
    let (_mini, target) = start_product(profile, Some(flaw), 5).await;
    guide(profile, &target, 5, &nothing).await.unwrap()
}

/// The flaw is noticed in this operation by this requirement.
fn assert_noticed(flaw: Flaw, report: &Report, operation: &str, requirement: &str) {
    let found = report
        .failures
        .iter()
        .any(|failure| failure.operation.ends_with(operation) && failure.requirement.contains(requirement));
    assert!(found, "{flaw:?} in {operation}: {requirement}\n{:#?}", report.failures);
}

#[tokio::test]
async fn each_flaw_is_noticed_by_a_general_run() {
    use Flaw as F;
    for (flaw, operation, requirement) in [
        (F::NewIdOnReactivation, "reactivate", "id never changes"),
        (F::TotalAsString, "import users", "are integers"),
        (F::DuplicateAccepted, "refuse duplicate", "refused with 409"),
        (F::DuplicateAccepted, "create twice at once", "refused with 409"),
        (F::DuplicateByCaseAccepted, "refuse duplicate", "refused with 409"),
        (F::InactiveVanishes, "deactivate", "the status is 200"),
        (F::ActiveLeftOutWhenFalse, "deactivate", "active is there"),
        (F::PasswordEchoed, "create", "a password is in no answer"),
        (F::PutIgnored, "update profile", "as it was sent"),
        (F::PatchIgnored, "update profile", "as it was sent"),
        (F::PatchIgnored, "deactivate", "as it was set"),
        (F::ExtensionUndeclared, "create", "named in schemas"),
        (F::AddReplacesMembers, "add members", "members are exactly"),
        (F::RemoveClearsMembers, "remove members", "members are exactly"),
        (F::PushNowAdds, "push now", "members are exactly"),
        (F::MembersLeftOutOfPatchAnswer, "push group", "members are exactly"),
        (F::RenameIgnored, "rename group", "displayName is the one last sent"),
        (F::DeletedGroupStays, "delete group", "the status is 404"),
        (F::HtmlError, "refuse duplicate", "Invalid JSON"),
        (F::FilterIgnored, "look up", "0 or 1"),
        (F::EmptyNameFindsAll, "look up nobody", "0 or 1"),
        (F::NumericErrorStatus, "refuse duplicate", "status as a string"),
        (F::NoLocation, "create", "Location of a 201"),
        (F::PlainJson, "test credentials", "application/scim+json"),
        (F::OpenToAll, "refuse wrong credentials", "refused with 401"),
        (F::NoChallenge, "refuse wrong credentials", "WWW-Authenticate"),
        (F::BulkIdInId, "create", "without \"bulkId\""),
        (F::SameIdForAll, "create", "never given twice"),
        (F::UnstableOrder, "import users", "same order"),
        (F::Redirects, "test credentials", "the status is 200"),
    ] {
        assert_noticed(flaw, &run(flaw).await, operation, requirement);
    }
}

#[tokio::test]
async fn a_page_that_repeats_an_entry_is_noticed() {
    let (_mini, target) = start(Some(Flaw::PageRepeats), true, 0).await;
    let options = OktaOptions { users: 120, groups: 0, concurrency: 8, seed: 5, group_prefix: String::new() };
    let report = okta(&target, &options, &nothing).await;
    assert_noticed(Flaw::PageRepeats, &report, "import users", "each entry once");
}

#[tokio::test]
async fn a_guide_notices_what_its_product_needs() {
    for (profile, flaw, operation, requirement) in [
        ("generic", Flaw::TitleDropped, "create", "as it was sent"),
        ("clinical-maestro", Flaw::TitleDropped, "create", "as it was sent"),
        ("generic", Flaw::EmptyValueKept, "update profile", "no value any more"),
        ("generic", Flaw::GroupDeleteTakesUsers, "delete group", "the status is 200"),
        ("eptura-engage", Flaw::UnknownMemberKept, "push group", "members are exactly"),
    ] {
        assert_noticed(flaw, &play(profile, flaw).await, operation, requirement);
    }
}

#[tokio::test]
async fn a_dropped_title_is_no_flaw_where_nobody_demands_it() {
    assert_eq!(run(Flaw::TitleDropped).await.failures, []);
}

/// What a product gets wrong shows as ✗ at the feature that promises it, and at those that it spoils; the rest holds.
#[tokio::test]
async fn a_feature_that_a_server_gets_wrong_does_not_hold() {
    use Flaw as F;
    for (profile, flaw, broken) in [
        ("epic-emp", F::UnsupportedKept, "Attributes not supported by Epic target system"),
        ("epic-emp", F::SchemasTooWide, "Attributes not supported by Epic target system"),
        ("epic-emp", F::ValueSetsUnchecked, "Single and multiple Epic Templates"),
        ("epic-emp", F::ValueSetsUnchecked, "Sub-Templates"),
        ("epic-emp", F::ValueSetsUnchecked, "Link EMP and SER records"),
        ("epic-emp", F::InactiveVanishes, "Push User Deactivation"),
        ("epic-emp", F::NewIdOnReactivation, "Reactivate Users"),
        ("epic-emp", F::DeleteErases, "Push User Deactivation"),
        ("epic-emp", F::OpenToAll, "Configure API Integration"),
        ("mdscripts", F::LinkRefused, "Creates or links a user"),
        ("mdscripts", F::NpiUnchecked, "user.npi"),
        ("mdscripts", F::NpiTold, "user.npi"),
        ("mdscripts", F::DigitsTaken, "No numbers in the names of providers"),
        ("mdscripts", F::NotApplicableKept, "Fields not applicable if isProvider is false"),
        ("mdscripts", F::NoDefaults, "user.role"),
        ("mdscripts", F::NoDefaults, "user.emailType"),
        ("mdscripts", F::ValueSetsUnchecked, "user.siteNumbers"),
        ("clinical-maestro", F::SchemasTooWide, "No other attribute"),
        ("clinical-maestro", F::UnsupportedKept, "No other attribute"),
        ("clinical-maestro", F::DeleteErases, "Okta deletes nobody permanently"),
        ("clinical-maestro", F::InactiveVanishes, "Data remain available as an 'inactive user'"),
        ("clinical-maestro", F::PatchIgnored, "A user removed disappears from the Internal Contacts"),
        ("eptura-engage", F::DuplicateAccepted, "An existing username is rejected"),
        ("eptura-engage", F::DeletedUserStays, "Delete users"),
        ("eptura-engage", F::UnknownMemberKept, "Group members who exist are mapped"),
        ("eptura-engage", F::PatchIgnored, "Update user attributes"),
        ("envi", F::BareTokenRefused, "API Token: Bearer your token"),
        ("envi", F::UnsupportedKept, "Five attributes, all others removed"),
        ("envi", F::RemoveClearsMembers, "Manage People"),
        ("envi", F::AddReplacesMembers, "Manage People"),
    ] {
        let report = play(profile, flaw).await;
        let feature = report.features.iter().find(|feature| feature.name == broken).unwrap();
        assert!(!feature.holds() && feature.failures > 0, "{profile} {flaw:?}: {feature:?}");
        assert!(
            report.failures.iter().any(|failure| failure.operation.starts_with(broken)),
            "{profile} {flaw:?}"
        );
        if flaw != F::OpenToAll {
            let test = report.features.iter().find(|feature| feature.name.contains("API")).unwrap();
            assert!(test.holds() || flaw == F::BareTokenRefused, "{profile} {flaw:?}: {test:?}");
        }
    }
}

/// Nothing of a guide holds that was not looked at.
#[tokio::test]
async fn no_feature_of_an_absent_server_holds() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let target =
        Target { base_url: format!("http://{closed}/scim"), authorization: "Bearer sesame-4711".into() };
    for profile in ["epic-emp", "mdscripts", "clinical-maestro", "eptura-engage", "envi", "generic"] {
        let report = guide(profile, &target, 5, &nothing).await.unwrap();
        // That the base URL is Envi's is true of a server that is not there, too.
        let held = report.features.iter().filter(|feature| feature.holds() && !feature.name.contains("URL"));
        assert_eq!(held.count(), 0, "{profile}: {:?}", report.features);
        assert!(report.features.len() >= 8, "{profile}");
    }
}

#[tokio::test]
async fn a_product_with_groups_is_not_epic() {
    let (_mini, target) = start(None, true, 0).await;
    let report = guide("epic-emp", &target, 5, &nothing).await.unwrap();
    let feature =
        report.features.iter().find(|feature| feature.name == "Epic does not support Groups").unwrap();
    assert!(!feature.holds() && feature.failures >= 3, "{feature:?}");
    let failed =
        |failure: &&Failure| failure.operation.contains("Epic does not support Groups [Epic EMP guide");
    assert!(report.failures.iter().find(failed).is_some());
}

#[tokio::test]
async fn no_failure_shows_the_credential_or_a_password() {
    for flaw in [Flaw::PasswordEchoed, Flaw::HtmlError, Flaw::PutIgnored] {
        let (mini, target) = start(Some(flaw), true, 0).await;
        let options =
            OktaOptions { users: 24, groups: 2, concurrency: 4, seed: 5, group_prefix: String::new() };
        let text = format!("{:?}", okta(&target, &options, &nothing).await.failures);
        assert!(!text.contains("sesame"));
        assert_eq!(text.contains("(credential)"), flaw == Flaw::HtmlError, "{text}");
        let passwords =
            mini.seen().into_iter().filter_map(|seen| seen.body["password"].as_str().map(str::to_owned));
        for password in passwords {
            assert!(!text.contains(&password));
        }
    }
}

//! A server that is wrong about one of Entra's habits is found out, with the requirement it broke.

use std::collections::BTreeSet;

use idp_simulator::scenario::{EntraOptions, OptScim, entra, validator};
use idp_simulator::{Failure, Report};

use super::mini::{Flaw, start};

fn nothing(_: u64, _: u64, _: &str) {}

async fn run(flaw: Flaw) -> Report {
    let (_mini, target) = start(Some(flaw), true, 0).await;
    let options = EntraOptions { users: 8, groups: 3, concurrency: 4, seed: 5, optscim: OptScim::Both };
    entra(&target, &options, &nothing).await
}

async fn validate(flaw: Flaw) -> Report {
    let (_mini, target) = start(Some(flaw), true, 0).await;
    validator(&target, 5, &nothing).await
}

/// What is not noticed in this operation by this requirement, and what is.
fn unnoticed(flaw: Flaw, report: &Report, operation: &str, requirement: &str) -> Option<String> {
    let noticed =
        |failure: &Failure| failure.operation == operation && failure.requirement.contains(requirement);
    let shown: BTreeSet<_> = report
        .failures
        .iter()
        .map(|failure| (&failure.operation, &failure.requirement, &failure.found))
        .collect();
    let missing = !report.failures.iter().any(noticed);
    missing.then(|| format!("{flaw:?} in {operation}: {requirement}; instead {shown:#?}"))
}

#[tokio::test]
async fn each_flaw_is_noticed_by_a_run() {
    use Flaw as F;
    let mut missed = Vec::new();
    let members = "members are exactly";
    let as_sent = "as it was sent";
    let changed = "the status is 200 or 204";
    for (flaw, operation, requirement) in [
        (F::CapitalNamesUnknown, "set parts of elements", changed),
        (F::CapitalOpsRefused, "update", changed),
        (F::DeletedGroupStays, "delete group", "the status is 404"),
        (F::DeletedMemberStays, "member leaves", members),
        (F::DeletedUserStays, "delete user", "the status is 404"),
        (F::DisableEndsMembership, "member leaves", members),
        (F::DottedKeysFlat, "set by dotted keys", as_sent),
        (F::DottedUrnRefused, "set by extension paths", changed),
        (F::DuplicateAccepted, "refuse duplicate", "refused with 409"),
        (F::DuplicateGroupAccepted, "refuse duplicate group", "refused with 409"),
        (F::EmptyAnswerToPatch, "update", "schemas holds"),
        (F::EmptyListClears, "remove no member", members),
        (F::ExcludedMembersAnswered, "create group", "without a members key"),
        (F::ExcludedMembersAnswered, "match group", "without a members key"),
        (F::ExtensionReplacedWhole, "set by extension paths", as_sent),
        (F::ExternalIdAnyCase, "match", "200 and an empty list"),
        (F::ExternalIdFixed, "replace externalId", as_sent),
        (F::FilterIgnored, "match", "0 or 1"),
        (F::FlagRefused, "test connection", "the status is 200"),
        (F::InactiveVanishes, "disable", "the status is 200"),
        (F::ManagerStays, "remove manager", "no value any more"),
        (F::ManagerTextDropped, "set manager", as_sent),
        (F::ManagerUnfound, "check reference", "a reference check finds"),
        (F::MembersLeftOutOfPatchAnswer, "add members", members),
        (F::MisspelledUrnRefused, "create", "the status is 201"),
        (F::MissIs404, "test connection", "the status is 200"),
        (F::MissIs404, "match", "the status is 200"),
        (F::MissingElementIgnored, "make missing elements", as_sent),
        (F::MissingElementRefused, "make missing elements", changed),
        (F::NullReferenceRefused, "add members", changed),
        (F::NullsEchoed, "create", "no answer holds a null"),
        (F::OpenToAll, "refuse wrong credentials", "refused with 401"),
        (F::PatchIgnored, "update", as_sent),
        (F::PrimaryAsText, "create", "primary is a boolean"),
        (F::PushNowAdds, "replace members", members),
        (F::ReferenceAnswersWhole, "check reference", "attributes=id"),
        (F::RemovalIgnored, "remove attributes", "no value any more"),
        (F::RemovalsFirst, "add and remove a member", members),
        (F::RemoveByValueClears, "remove members", members),
        (F::RemoveClearsMembers, "remove members", members),
        (F::RenameIgnored, "rename group", "displayName is the one"),
        (F::SchemasHoldNulls, "read schemas", "no answer holds a null"),
        (F::SchemasMissing, "read schemas", "the status is 200"),
        (F::SecondSchemaRefused, "create group", "the status is 201"),
        (F::TextBooleansKept, "disable", "active is there"),
        (F::TextSelectorUnmatched, "set roles", as_sent),
        (F::TitleDropped, "create", as_sent),
        (F::TwoPrimaries, "set parts of elements", "at most one element"),
        (F::UndeclaredExtensionDropped, "create", as_sent),
        (F::UserNameFixed, "change userName", as_sent),
        (F::WorkEmailUnfound, "match", "found by its matching attribute"),
    ] {
        missed.extend(unnoticed(flaw, &run(flaw).await, operation, requirement));
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test]
async fn each_flaw_is_noticed_by_the_validators_sets() {
    use Flaw as F;
    let mut missed = Vec::new();
    let set = |name: &str| format!("validator: {name}");
    for (flaw, operation, requirement) in [
        (F::DeletedUserStays, set("delete user"), "the status is 404"),
        (F::DottedKeysFlat, set("add attributes"), "as it was sent"),
        (F::DuplicateAccepted, set("duplicate user"), "refused with 409"),
        (F::DuplicateGroupAccepted, set("duplicate group"), "refused with 409"),
        (F::ExcludedMembersAnswered, set("create group"), "without a members key"),
        (F::ExternalIdFixed, set("replace externalId of a group"), "as it was sent"),
        (F::InactiveVanishes, set("disable user"), "the status is 200"),
        (F::LocaleChecked, set("create user"), "the status is 201"),
        (F::ManagerTextDropped, set("add, replace, remove manager"), "as it was sent"),
        (F::MissingElementRefused, set("add attributes, verbose"), "the status is 200 or 204"),
        (F::MissIs404, set("filter groups"), "the status is 200"),
        (F::PasswordEchoed, set("create user"), "a password is in no answer"),
        (F::PatchIgnored, set("replace attributes"), "as it was sent"),
        (F::PrimaryAsText, set("create user"), "primary is a boolean"),
        (F::RemoveClearsMembers, set("member in and out at once (preview)"), "members are exactly"),
        (F::RemovalsFirst, set("member in and out at once (preview)"), "members are exactly"),
        (F::RenameIgnored, set("rename group"), "displayName is the one"),
        (F::TextSelectorUnmatched, set("add attributes, verbose"), "as it was sent"),
        (F::TitleDropped, set("create user"), "as it was sent"),
        (F::UserNameFixed, set("change userName"), "as it was sent"),
    ] {
        missed.extend(unnoticed(flaw, &validate(flaw).await, &operation, requirement));
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test]
async fn no_failure_shows_the_credential() {
    let text = format!("{:?}", run(Flaw::HtmlError).await.failures);
    assert!(text.contains("(credential)") && !text.contains("sesame"), "{text}");
}

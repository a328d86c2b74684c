//! What a profile means, in words.

use std::sync::Arc;

use scim_core::{
    profile::{
        CredentialKind, DeletePolicy, DuplicatePolicy, Profile, UnknownAttributePolicy, UnknownMemberPolicy,
    },
    schema::Attribute,
};

/// Label and value, in the order of a guide: how to connect, who comes, what happens.
pub(crate) fn facts(profile: &Profile) -> Vec<(&'static str, String)> {
    let mut facts = brief(profile);
    if let Some(days) = profile.policies.retention_days {
        facts.push(("Hidden users", format!("removed for good after {days} days")));
    }
    if profile.policies.relink_on_return {
        facts.push(("Who comes back", "gets the same id again".to_owned()));
    }
    if profile.group.is_some() {
        let unknown = match profile.policies.unknown_member {
            UnknownMemberPolicy::Skip => "left out and reported",
            UnknownMemberPolicy::Reject => "refused",
        };
        facts.push(("Unknown members", unknown.to_owned()));
    }
    let unknown = match profile.policies.unknown_attribute {
        UnknownAttributePolicy::Drop => "left out and reported",
        UnknownAttributePolicy::Reject => "refused",
    };
    facts.push(("Unknown attributes", unknown.to_owned()));
    let names = |attributes: &[Arc<Attribute>]| {
        attributes.iter().map(|attribute| attribute.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    facts.push(("Attributes", names(&profile.user.schema.attributes)));
    for extension in &profile.user.extensions {
        facts.push((
            "Extension",
            format!("{}: {}", extension.schema.name, names(&extension.schema.attributes)),
        ));
    }
    if let Some(organization) = &profile.organization {
        let needed = if organization.required { "; needed before the tenant is activated" } else { "" };
        facts.push(("Organization", format!("{}{needed}", organization.title)));
    }
    for gate in &profile.gates {
        facts.push(("Page is offered for", format!("{}: {}", gate.title, gate.opens.join(" or "))));
    }
    facts
}

/// The few that help to choose a product.
pub(crate) fn brief(profile: &Profile) -> Vec<(&'static str, String)> {
    vec![
        ("Signs in with", credentials(&profile.credentials)),
        ("Base path", profile.base_path.clone()),
        ("Groups", groups(profile)),
        ("Same userName again", duplicate(profile.policies.duplicate).to_owned()),
        ("Delete", delete(profile.policies.delete).to_owned()),
    ]
}

fn credentials(kinds: &[CredentialKind]) -> String {
    let names: Vec<&str> = kinds
        .iter()
        .map(|kind| match kind {
            CredentialKind::Bearer => "bearer token",
            CredentialKind::Basic => "user name and password",
            CredentialKind::Oauth => "OAuth client",
        })
        .collect();
    names.join(", ")
}

fn groups(profile: &Profile) -> String {
    match (&profile.group, profile.roles.prefix.as_deref()) {
        (None, _) => "none".to_owned(),
        (Some(_), Some(prefix)) => format!("yes; {prefix}… gives a role"),
        (Some(_), None) if profile.roles.gives_roles() => "yes; rules give roles".to_owned(),
        (Some(_), None) => "yes".to_owned(),
    }
}

fn duplicate(policy: DuplicatePolicy) -> &'static str {
    match policy {
        DuplicatePolicy::Reject => "refused (409)",
        DuplicatePolicy::Link => "linked to the existing user",
    }
}

fn delete(policy: DeletePolicy) -> &'static str {
    match policy {
        DeletePolicy::Deactivate => "deactivates the user",
        DeletePolicy::SoftDelete => "hides the user, frees the name",
        DeletePolicy::Purge => "removes the user for good",
    }
}

//! `rollcall user …`.

use std::process::ExitCode;

use anyhow::Context as _;
use scim_core::{projection, projection::Envelope};
use serde_json::{Value, json};
use store::users::{Membership, RoleGrant, User};

use super::output;
use crate::{cli::User as Command, installation::Installation};

/// Runs one of the user commands.
pub(super) async fn run(installation: &Installation, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Show { slug, username, json } = command;
    let tenant = installation.tenant(&slug).await?;
    let scope = installation.store.tenant(tenant.id());
    let user = scope
        .user_by_name(&username, true)
        .await?
        .with_context(|| format!("{slug} has no user {username:?}"))?;
    let roles = scope.roles_of_user(user.id).await?;
    let id = user.id.to_string();
    let document = projection::render(
        &tenant.profile.user,
        &user.document,
        Envelope {
            id: &id,
            created: user.created_at,
            last_modified: user.updated_at,
            version: user.version,
            location: format!("/Users/{id}"),
            edges: None,
        },
        &projection::Projection::default(),
    );
    if json {
        output::json(&as_json(&document, &user, &roles))?;
    } else {
        show(&document, &user, &roles)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `groups` are those that the user is a direct member of, since roles come from these alone.
fn direct_groups(user: &User) -> impl Iterator<Item = &Membership> {
    user.groups.iter().flatten().filter(|membership| membership.direct)
}

fn as_json(document: &Value, user: &User, roles: &[RoleGrant]) -> Value {
    let groups: Vec<_> = direct_groups(user)
        .map(|membership| json!({"id": membership.group, "display": membership.display}))
        .collect();
    let roles: Vec<_> = roles
        .iter()
        .map(|grant| {
            json!({"role": grant.role.name, "via": {"id": grant.via.group, "display": grant.via.display}})
        })
        .collect();
    json!({"user": document, "groups": groups, "roles": roles})
}

fn show(document: &Value, user: &User, roles: &[RoleGrant]) -> anyhow::Result<()> {
    output::json(document)?;
    let mut table = output::table(&["group", "gives role"]);
    for membership in direct_groups(user) {
        let given: Vec<_> = roles
            .iter()
            .filter(|grant| grant.via.group == membership.group)
            .map(|grant| grant.role.name.as_str())
            .collect();
        let given = if given.is_empty() { "–".to_owned() } else { given.join(", ") };
        table.add_row([&membership.display, &given]);
    }
    output::line(table);
    Ok(())
}

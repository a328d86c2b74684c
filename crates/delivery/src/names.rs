//! The names of all events, and what each means.

/// An event that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// `user.created`.
    pub name: &'static str,
    /// What has happened.
    pub meaning: &'static str,
}

const fn name(name: &'static str, meaning: &'static str) -> Name {
    Name { name, meaning }
}

/// All of them.
pub const NAMES: &[Name] = &[
    name("user.created", "A user was made: `state`."),
    name("user.updated", "Attributes of a user changed: `state`, `before`, `changed`."),
    name("user.deactivated", "A user's `active` became false; other attributes may have changed with it."),
    name(
        "user.reactivated",
        "A user's `active` became true again; other attributes may have changed with it.",
    ),
    name("user.deleted", "A user was deleted; until its purge it can come back: `before`."),
    name("user.restored", "A deleted user came back: `state`."),
    name("user.purged", "A user is gone for good; what events have told of it is erased."),
    name("group.created", "A group was made: `state`."),
    name("group.updated", "Attributes of a group changed: `state`, `before`, `changed`."),
    name("group.deleted", "A group was deleted: `before`. Its members' ends come with it."),
    name("membership.added", "A user or group became a direct member of a group: `group`, `member`."),
    name("membership.removed", "A user or group is no direct member of a group any more: `group`, `member`."),
    name("role.granted", "A user got a role by a group: `role`, `group`."),
    name("role.revoked", "A user has a role by a group no more: `role`, `group`."),
    name("tenant.created", "A tenant was made."),
    name("tenant.updated", "A tenant's name, properties or addresses changed."),
    name("tenant.activated", "A tenant's endpoint is open."),
    name("tenant.deactivated", "A tenant's endpoint is closed."),
    name("tenant.deleted", "A tenant was deleted; until its purge it can come back."),
    name("tenant.restored", "A deleted tenant came back, inactive."),
    name("credential.created", "A token, password or client of a tenant was made."),
    name("credential.updated", "Limits or the end of a credential changed."),
    name("credential.rotated", "A credential was replaced by a new one."),
    name("credential.revoked", "A credential is valid no more."),
    name("credential.expiring", "A credential ends soon."),
    name("token.revoked", "An access token was revoked before its end."),
    name("schema.profile-updated", "A tenant's profile has a new version."),
    name("schema.value-set-updated", "A tenant's list of allowed values changed."),
    name("domain.claimed", "A tenant claimed a host name."),
    name("domain.proven", "A tenant proved that a host name is its own."),
    name("domain.lost", "A host name is a tenant's own no more."),
    name("domain.removed", "A tenant gave a host name up."),
    name("destination.created", "A destination of a tenant's events was made."),
    name("destination.updated", "A destination of a tenant's events changed."),
    name("destination.disabled", "A destination took nothing for five days, or wants no more events."),
    name("destination.deleted", "A destination of a tenant's events was removed."),
];

/// What names all events among patterns.
pub const ALL: &str = "*";

/// Does it tell of users, groups, memberships and roles alone, and not of how the tenant is configured?
#[must_use]
pub fn is_of_directory(name: &str) -> bool {
    ["user.", "group.", "membership.", "role."].iter().any(|kind| name.starts_with(kind))
}

/// The names that a pattern means: a name, or `user.*` for all of a kind. `None`: there is no such event.
#[must_use]
pub fn matching(pattern: &str) -> Option<Vec<&'static str>> {
    let kind = pattern.strip_suffix('*').filter(|kind| kind.ends_with('.'));
    let fits = |name: &&Name| match kind {
        Some(kind) => name.name.starts_with(kind),
        None => name.name == pattern,
    };
    let found: Vec<&str> = NAMES.iter().filter(fits).map(|name| name.name).collect();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_lists_them() {
        let document = include_str!("../../../docs/delivery.md");
        for Name { name, meaning } in NAMES {
            assert!(document.contains(&format!("| `{name}` | {meaning} |\n")), "{name}");
        }
    }

    #[test]
    fn patterns_name_one_or_all_of_a_kind() {
        assert_eq!(matching("user.created"), Some(vec!["user.created"]));
        assert_eq!(matching("role.*"), Some(vec!["role.granted", "role.revoked"]));
        for unknown in ["", "*", ".*", "user", "user*", "user.", "user.made", "User.created", "rol.*"] {
            assert_eq!(matching(unknown), None, "{unknown}");
        }
    }
}

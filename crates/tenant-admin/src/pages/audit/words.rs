//! Events, objects and actors in plain words.

use std::collections::HashMap;

use serde_json::Value;
use store::audit::Record;

use super::differences::document;
use crate::{chrome::TenantHead, pages::user::history};

/// What entries of a tenant's trail are about.
pub(crate) const OF_TENANTS: &[&str] =
    &["User", "Group", "Credential", "AccessToken", "SetupLink", "Domain", "Destination", "Tenant"];
/// What entries of the installation's trail are about.
pub(crate) const OF_INSTALLATION: &[&str] = &["PlatformToken", "Admin", "Tenant", "SigningKey", "DataKey"];

/// What was done, and the look of its mark; an event that has no words here stays as it is.
pub(crate) fn event(event: &str, payload: Option<&Value>) -> (String, &'static str) {
    let (text, kind) = match event {
        "credential.created" => ("Credential made", "ok"),
        "credential.rotated" => ("Credential rotated", "quiet"),
        "credential.updated" => ("Credential changed", "quiet"),
        "credential.revoked" => ("Credential revoked", "bad"),
        "credential.expiring" => ("Credential ends soon", "quiet"),
        "credential.throttled" => ("Many wrong credentials", "bad"),
        "token.revoked" => ("Access token given back", "quiet"),
        "tenant.created" => ("Tenant made", "ok"),
        "tenant.updated" => ("Tenant changed", "quiet"),
        "tenant.activated" => ("Tenant activated", "ok"),
        "tenant.deactivated" => ("Tenant deactivated", "bad"),
        "tenant.deleted" => ("Tenant deleted", "bad"),
        "tenant.restored" => ("Tenant restored", "ok"),
        "tenant.purged" => ("Tenant's data removed for good", "bad"),
        "domain.claimed" => ("Host name claimed", "quiet"),
        "domain.proven" => ("Host name proven", "ok"),
        "domain.lost" => ("Host name lost its proof", "bad"),
        "domain.removed" => ("Host name given up", "quiet"),
        "setup-link.created" => ("Setup link made", "ok"),
        "setup-link.opened" => ("Setup link opened", "quiet"),
        "setup-link.used" => ("Credential made by a setup link", "quiet"),
        "setup-link.revoked" => ("Setup link revoked", "bad"),
        "schema.profile-updated" => ("Profile changed", "quiet"),
        "schema.value-set-updated" => ("Value set changed", "quiet"),
        "destination.created" => ("Destination made", "ok"),
        "destination.updated" => ("Destination changed", "quiet"),
        "destination.disabled" => ("Destination disabled", "bad"),
        "destination.deleted" => ("Destination deleted", "bad"),
        "platform-token.created" => ("Platform token made", "ok"),
        "platform-token.rotated" => ("Platform token rotated", "quiet"),
        "platform-token.updated" => ("Platform token changed", "quiet"),
        "platform-token.revoked" => ("Platform token revoked", "bad"),
        "admin.created" => ("Person entered", "ok"),
        "admin.updated" => ("Role or tenants of a person changed", "ok"),
        "admin.removed" => ("Person removed", "bad"),
        "admin.invited" => ("Link to choose a password made", "ok"),
        "admin.password-changed" => ("Password changed", "ok"),
        "admin.second-factor-enabled" => ("Second factor turned on", "ok"),
        "admin.second-factor-disabled" => ("Second factor turned off", "bad"),
        "admin.recovery-codes-renewed" => ("Recovery codes made anew", "ok"),
        "admin.recovery-code-used" => ("Recovery code used", "bad"),
        "admin.identity-bound" => ("Person known at the OpenID provider", "ok"),
        "admin.signed-in" => ("Signed in", "ok"),
        "admin.signed-out" => ("Sessions ended", "bad"),
        "signing-key.rotated" => ("Signing keys rotated", "quiet"),
        "data-key.rewrapped" => ("Data key wrapped anew", "quiet"),
        "keys.replaced" => ("Lost keys replaced", "bad"),
        "backup.made" => ("Backup made", "quiet"),
        "backup.restored" => ("Backup put in place", "ok"),
        "user.created" => ("User created", "ok"),
        "user.updated" => ("User updated", "quiet"),
        "user.deactivated" => ("User deactivated", "bad"),
        "user.reactivated" => ("User reactivated", "ok"),
        "user.deleted" => ("User deleted", "bad"),
        "user.restored" => ("User restored", "ok"),
        "user.purged" => ("User purged", "bad"),
        "group.created" => ("Group created", "ok"),
        "group.updated" => ("Group updated", "quiet"),
        "group.deleted" => ("Group deleted", "bad"),
        other => return history::words(other, payload),
    };
    (text.to_owned(), kind)
}

/// Who did it.
pub(crate) fn who(record: &Record) -> String {
    history::who(record)
}

/// What something was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// `User`.
    pub(crate) kind: String,
    /// Its name, if it is known; else its id.
    pub(crate) name: String,
    pub(crate) id: String,
    /// Its page.
    pub(crate) link: Option<String>,
}

impl Object {
    /// `names`: of users, by id.
    pub(crate) fn new(record: &Record, names: &HashMap<String, String>, head: Option<&TenantHead>) -> Self {
        let payload = record.payload.as_ref();
        let own = payload.and_then(|payload| named(&payload["state"]).or_else(|| named(&payload["before"])));
        let name = own.or_else(|| names.get(&record.object_id).cloned());
        let link = head.and_then(|head| match record.object_type.as_str() {
            "User" if record.event != "user.purged" => {
                Some(format!("/console/tenants/{}/users/{}", head.slug, record.object_id))
            }
            "Group" if record.event != "group.deleted" => {
                Some(format!("/console/tenants/{}/groups/{}", head.slug, record.object_id))
            }
            _ => None,
        });
        Self {
            kind: record.object_type.clone(),
            name: name.unwrap_or_else(|| record.object_id.clone()),
            id: record.object_id.clone(),
            link,
        }
    }
}

/// What a state calls itself.
fn named(state: &Value) -> Option<String> {
    let document = document(state)?;
    let names = ["userName", "displayName", "name", "email", "slug", "login", "profile"];
    names.iter().find_map(|name| document.get(*name)?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use store::{Actor, ActorKind};

    use super::*;

    #[test]
    fn every_event_has_words() {
        let raw = |name: &&delivery::names::Name| event(name.name, None).0 == name.name;
        let raw: Vec<_> = delivery::names::NAMES.iter().filter(raw).map(|name| name.name).collect();
        assert!(raw.is_empty(), "{raw:?}");
    }

    #[test]
    fn objects_are_named_as_well_as_is_known() {
        let record = |event: &str, payload| Record {
            id: uuid::Uuid::nil(),
            event: event.into(),
            object_type: "User".into(),
            object_id: "7".into(),
            object_version: 1,
            actor: Actor { kind: ActorKind::Cli, id: String::new(), name: "command line".into() },
            cause: String::new(),
            at: 0,
            payload,
        };
        let names = HashMap::from([("7".to_owned(), "ann@x".to_owned())]);
        let name = |event: &str, payload| Object::new(&record(event, payload), &names, None).name;
        assert_eq!(name("user.updated", Some(json!({"state": {"userName": "bo@x"}}))), "bo@x");
        assert_eq!(name("user.deleted", Some(json!({"before": {"document": {"userName": "bo@x"}}}))), "bo@x");
        assert_eq!(name("role.granted", Some(json!({"role": {"name": "Manager"}}))), "ann@x");
        let object = Object::new(&record("user.purged", None), &HashMap::new(), None);
        assert_eq!((object.name.as_str(), object.link), ("7", None));
    }

    #[test]
    fn what_has_no_words_stays_as_it_is() {
        assert_eq!(event("new.thing", None).0, "new.thing");
        let payload = json!({"role": {"name": "Manager"}});
        assert_eq!(event("role.granted", Some(&payload)).0, "Gained role Manager");
    }
}

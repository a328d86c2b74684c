//! What the API answers with. Members that a later version adds are passed over.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// This part.
    pub items: Vec<T>,
    /// Where the list goes on; `None` on the last page.
    #[serde(default)]
    pub next_cursor: Option<String>,
    /// All that events up to this place of the feed tell is in this part. Of a list that is read page by page, keep that of the
    /// first page.
    pub position: i64,
}

/// One thing, and up to which place of the feed it is true.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct At<T> {
    /// It.
    #[serde(flatten)]
    pub item: T,
    /// All that events up to this place of the feed tell is in it.
    pub position: i64,
}

/// A user with what follows from its groups.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct User {
    /// The user as SCIM answers it, without `groups`.
    pub user: Map<String, Value>,
    /// The groups that it is a direct member of.
    pub groups: Vec<GroupName>,
    /// Its roles, each with what gives it; as often as something does.
    pub roles: Vec<RoleVia>,
}

impl User {
    /// Id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// userName.
    #[must_use]
    pub fn user_name(&self) -> &str {
        self.text("userName")
    }

    /// Is it active? So is whoever has no `active`.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.user.get("active").and_then(Value::as_bool).unwrap_or(true)
    }

    /// The primary e-mail address, or the first one.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        let emails = self.user.get("emails")?.as_array()?;
        let primary = emails.iter().find(|email| email["primary"] == true);
        primary.or(emails.first())?["value"].as_str()
    }

    /// Names of its roles, each once.
    #[must_use]
    pub fn role_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for RoleVia { role, .. } in &self.roles {
            if !names.contains(&role.as_str()) {
                names.push(role);
            }
        }
        names
    }

    fn text(&self, name: &str) -> &str {
        self.user.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// A group by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct GroupName {
    /// Id.
    pub id: String,
    /// displayName.
    pub display: String,
}

/// A role and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct RoleVia {
    /// Role.
    pub role: String,
    /// What gives it: the reason for the role.
    pub via: RoleSource,
}

/// What gives a role: a group, or the identity provider by an attribute of the user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct RoleSource {
    /// Id of the group.
    pub id: Option<String>,
    /// `roles`, where the identity provider assigned the role to the user itself.
    pub attribute: Option<String>,
    /// displayName of the group, or words for people.
    pub display: String,
}

/// A group with the roles that it gives.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Id.
    pub id: String,
    /// displayName.
    pub display_name: String,
    /// externalId.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Roles that its direct members have through it.
    pub roles: Vec<String>,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// When it was last changed (RFC 3339).
    pub updated_at: String,
}

/// A direct member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// `User` or `Group`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its displayName; a user may have none.
    #[serde(default)]
    pub display: Option<String>,
}

/// A role of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its name.
    pub role: String,
    /// Is it protected? Then only a rule that names the group gives it, and its last active holder keeps it.
    pub protected: bool,
    /// How many users have it.
    pub holders: Holders,
    /// The groups that give it, by name.
    pub groups: Vec<GroupName>,
    /// There may be more such groups.
    pub more_groups: bool,
}

/// A number that is counted up to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Holders {
    /// Counted.
    pub count: u64,
    /// There are more.
    pub more: bool,
}

/// Some of the feed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct EventPage {
    /// In order.
    pub events: Vec<Event>,
    /// Go on after this place.
    pub last: i64,
    /// Is there more right now?
    pub more: bool,
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Event {
    /// The same however often the event comes.
    pub id: String,
    /// What has happened: `user.updated`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was committed (RFC 3339).
    pub timestamp: String,
    /// Its place in the feed.
    pub position: i64,
    /// Whose it is.
    pub tenant: EventTenant,
    /// Its place among the events of the tenant.
    pub sequence: i64,
    /// What it happened to; of memberships and roles the member.
    pub object: EventObject,
    /// Who did it.
    pub actor: EventActor,
    /// Id of the request that it was done by.
    pub cause: String,
    /// What is known of it; `None`: it was erased, as the user was purged.
    pub data: Option<EventData>,
}

/// A tenant as events name it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventTenant {
    /// Id.
    pub id: String,
    /// Slug.
    pub slug: String,
}

/// What an event happened to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventObject {
    /// `User`, `Group`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its version after that.
    pub version: i64,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventActor {
    /// `credential`, `admin`, `cli`, `system`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Id of the credential or person; empty of the command line.
    pub id: String,
    /// Name at that time.
    pub name: String,
}

/// What an event tells.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct EventData {
    /// The object in full after the change, without `id` and `meta`.
    pub state: Option<Map<String, Value>>,
    /// The object in full before the change.
    pub before: Option<Map<String, Value>>,
    /// Paths of the attributes that differ between them.
    pub changed: Vec<String>,
    /// Of memberships and roles: the group.
    pub group: Option<GroupName>,
    /// Of memberships: the member, whose `display` is not told.
    pub member: Option<Member>,
    /// Of roles: the role.
    pub role: Option<RoleName>,
    /// All else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A role as events name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct RoleName {
    /// The same for all spellings.
    pub key: String,
    /// As it is spelled.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_user_tells_what_is_asked_at_a_sign_in() {
        let via = |id: &str| json!({"id": id, "display": id});
        let ann: At<User> = serde_json::from_value(json!({
            "user": {"id": "1", "userName": "ann", "emails": [{"value": "a@x"}, {"value": "b@x", "primary": true}]},
            "groups": [via("g")], "position": 7,
            "roles": [{"role": "A", "via": via("g")}, {"role": "A", "via": via("h")}, {"role": "B", "via": via("g")}],
        }))
        .expect("a user");
        assert_eq!((ann.position, ann.item.id(), ann.item.user_name()), (7, "1", "ann"));
        assert_eq!((ann.item.is_active(), ann.item.email()), (true, Some("b@x")));
        assert_eq!(ann.item.role_names(), ["A", "B"]);
        let off: User = serde_json::from_value(json!({"user": {"active": false}, "groups": [], "roles": []}))
            .expect("a user");
        assert_eq!((off.is_active(), off.email(), off.user_name()), (false, None, ""));
    }

    #[test]
    fn an_event_may_tell_more_or_nothing() {
        let mut event = json!({
            "id": "e", "type": "role.granted", "timestamp": "t", "position": 9, "sequence": 3, "cause": "r", "new": true,
            "tenant": {"id": "t", "slug": "acme"}, "object": {"type": "User", "id": "u", "version": 2},
            "actor": {"type": "credential", "id": "c", "name": "Okta"},
            "data": {"role": {"key": "a", "name": "A"}, "group": {"id": "g", "display": "G"}, "more": 1},
        });
        let told: Event = serde_json::from_value(event.clone()).expect("an event");
        let data = told.data.expect("data");
        assert_eq!(data.role.map(|role| role.name).as_deref(), Some("A"));
        assert_eq!((data.state, data.other.get("more")), (None, Some(&json!(1))));
        event["data"] = Value::Null;
        assert_eq!(serde_json::from_value::<Event>(event).expect("an event").data, None);
    }
}

//! The history of an object as a timeline: what happened, who did it, what changed.

use serde_json::{Map, Value};
use store::{ActorKind, audit::Record};

use super::attributes::plain;
use crate::when::Moment;

/// Longest value that a line of the timeline shows, in characters.
const LONGEST: usize = 80;

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// `Deactivated`.
    pub(crate) what: String,
    /// `ok`, `bad`, `quiet`: the look of its mark.
    pub(crate) kind: &'static str,
    /// `token Okta production`, `ada@example.com`.
    pub(crate) who: String,
    pub(crate) when: Moment,
    pub(crate) version: i64,
    /// Id of the request that caused it.
    pub(crate) cause: String,
    pub(crate) changes: Vec<Change>,
    /// The payload was purged.
    pub(crate) purged: bool,
}

/// An attribute that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// Audit rows as entries, in the order given.
pub(crate) fn timeline(records: Vec<Record>, now: i64) -> Vec<Entry> {
    records
        .into_iter()
        .map(|record| {
            let (what, kind) = words(&record.event, record.payload.as_ref());
            Entry {
                what,
                kind,
                who: who(&record),
                when: Moment::new(record.at, now),
                version: record.object_version,
                cause: record.cause,
                changes: record.payload.as_ref().map(changes).unwrap_or_default(),
                purged: record.payload.is_none(),
            }
        })
        .collect()
}

fn words(event: &str, payload: Option<&Value>) -> (String, &'static str) {
    let named =
        |verb: &str, key: &str, name: &str| match payload.and_then(|payload| payload[key][name].as_str()) {
            Some(name) => format!("{verb} {name}"),
            None => verb.to_owned(),
        };
    match event {
        "user.created" | "group.created" => ("Created".to_owned(), "ok"),
        "user.updated" | "group.updated" => ("Updated".to_owned(), "quiet"),
        "user.deactivated" => ("Deactivated".to_owned(), "bad"),
        "user.reactivated" => ("Reactivated".to_owned(), "ok"),
        "user.deleted" | "group.deleted" => ("Deleted".to_owned(), "bad"),
        "user.purged" => ("Purged".to_owned(), "bad"),
        "membership.added" => (named("Joined group", "group", "display"), "ok"),
        "membership.removed" => (named("Left group", "group", "display"), "quiet"),
        "role.granted" => (named("Gained role", "role", "name"), "ok"),
        "role.revoked" => (named("Lost role", "role", "name"), "quiet"),
        other => (other.to_owned(), "quiet"),
    }
}

fn who(record: &Record) -> String {
    match record.actor.kind {
        ActorKind::Credential => format!("token {}", record.actor.name),
        ActorKind::Admin => record.actor.name.clone(),
        ActorKind::Cli => "command line".to_owned(),
        ActorKind::System => "Rollcall".to_owned(),
    }
}

/// What differs between the states before and after; nothing for a creation (the page shows the state).
fn changes(payload: &Value) -> Vec<Change> {
    let (Some(before), Some(after)) = (document(&payload["before"]), document(&payload["state"])) else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    compare("", before, after, &mut changes);
    changes
}

/// The attributes of a state, whether they stand in it or under `document`.
fn document(state: &Value) -> Option<&Map<String, Value>> {
    state.get("document").unwrap_or(state).as_object()
}

fn compare(prefix: &str, before: &Map<String, Value>, after: &Map<String, Value>, changes: &mut Vec<Change>) {
    let added = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        let (old, new) = (before.get(key), after.get(key));
        if old == new || (prefix.is_empty() && matches!(key.as_str(), "meta" | "schemas" | "version")) {
            continue;
        }
        let separator = if key.contains(':') { ":" } else { "." };
        match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                compare(&format!("{prefix}{key}{separator}"), old, new, changes);
            }
            _ => {
                changes.push(Change {
                    name: format!("{prefix}{key}"),
                    before: old.map(short),
                    after: new.map(short),
                });
            }
        }
    }
}

fn short(value: &Value) -> String {
    let text = plain(value);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let mut cut: String = text.chars().take(LONGEST).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_listed_by_attribute_path() {
        let payload = json!({
            "before": {"title": "Nurse", "name": {"givenName": "A", "familyName": "B"}, "active": true},
            "state": {"title": "Head nurse", "name": {"givenName": "A", "familyName": "C"}, "nickName": "N", "active": true},
        });
        let listed: Vec<String> = changes(&payload)
            .into_iter()
            .map(|change| format!("{}: {:?} → {:?}", change.name, change.before, change.after))
            .collect();
        assert_eq!(
            listed,
            [
                r#"title: Some("Nurse") → Some("Head nurse")"#,
                r#"name.familyName: Some("B") → Some("C")"#,
                r#"nickName: None → Some("N")"#,
            ]
        );
        assert_eq!(changes(&json!({"state": {"a": 1}})), []);
    }

    #[test]
    fn memberships_and_grants_are_told_by_name() {
        let payload = json!({"role": {"key": "manager", "name": "Manager"}, "group": {"id": "1", "display": "Envi_Manager"}});
        assert_eq!(words("role.granted", Some(&payload)).0, "Gained role Manager");
        assert_eq!(words("membership.removed", Some(&payload)).0, "Left group Envi_Manager");
        assert_eq!(words("role.granted", None).0, "Gained role", "after a purge");
        assert_eq!(words("user.something", None).0, "user.something");
    }
}

//! The history of an object as a timeline: what happened, who did it, what changed.

use std::collections::HashMap;

use serde_json::{Map, Value};
use store::{
    ActorKind, Store, StoreError, TenantId,
    audit::Record,
    destinations::{Fate, Receipt},
};
use uuid::Uuid;

use super::attributes::plain;
use crate::{
    chrome::Badge,
    pager::link,
    when::{Moment, Took},
};

/// Entries of a history that a page shows.
const SHOWN: u64 = 25;

/// A part of a history.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Newest first.
    pub(crate) entries: Vec<Entry>,
    /// Link to older ones.
    pub(crate) older: Option<String>,
    /// Link to the newest ones, where these are not.
    pub(crate) newest: Option<String>,
}

impl History {
    /// Of an object of a tenant: what came before an entry (its id), or the newest. `page` is the object's; `activity`
    /// that of the requests, for those who may look at it.
    pub(crate) async fn of(
        store: &Store,
        tenant: TenantId,
        object: &str,
        before: Option<&str>,
        page: &str,
        activity: Option<&str>,
    ) -> Result<Self, StoreError> {
        let before: Option<Uuid> = before.and_then(|before| before.parse().ok());
        let mut records = store.tenant(tenant).history(object, before, SHOWN + 1).await?;
        let more = records.len() as u64 > SHOWN;
        records.truncate(SHOWN as usize);
        let to = |link: String| format!("{link}#history");
        let last = records.last().filter(|_| more).map(|record| record.id.to_string());
        let ids: Vec<Uuid> = records.iter().map(|record| record.id).collect();
        let receipts = store.tenant(tenant).receipts(object, &ids).await?;
        let of_requests: Vec<&str> = records
            .iter()
            .filter(|record| record.actor.kind == ActorKind::Credential && !record.cause.is_empty())
            .map(|record| record.cause.as_str())
            .collect();
        let known = Known { receipts, arrivals: store.tenant(tenant).arrivals(&of_requests).await? };
        Ok(Self {
            entries: timeline(records, store.now(), activity, &known),
            older: last.map(|last| to(link(page, &[("until", &last)]))),
            newest: before.map(|_| to(page.to_owned())),
        })
    }
}

/// Longest value that a line of the timeline shows, in characters.
const LONGEST: usize = 80;

/// Attributes or ids of a note that are shown at once.
const NAMED: usize = 8;

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
    /// Link to that request, where it is one of an identity provider.
    pub(crate) request: Option<String>,
    /// How long after the request had come it was committed.
    pub(crate) committed: Option<Took>,
    /// What became of its event at those who are told.
    pub(crate) told: Vec<Told>,
    pub(crate) changes: Vec<Change>,
    pub(crate) notes: Vec<Noted>,
    /// The payload was purged.
    pub(crate) purged: bool,
}

/// What became of an event at one who is told, each time counted from the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// What people call it.
    pub(crate) who: String,
    pub(crate) delivered: Option<Took>,
    pub(crate) applied: Option<Took>,
    /// Where it was not delivered.
    pub(crate) otherwise: Option<Badge>,
}

/// What is known of a history beside the trail.
#[derive(Debug, Default)]
struct Known {
    receipts: Vec<Receipt>,
    /// When requests came, by their ids.
    arrivals: HashMap<String, i64>,
}

impl Known {
    fn told(&self, record: &Record) -> Vec<Told> {
        let of_event = self.receipts.iter().filter(|receipt| receipt.event == record.id);
        of_event
            .map(|receipt| Told {
                who: if receipt.name.is_empty() { "a deleted destination" } else { &receipt.name }.to_owned(),
                delivered: receipt.delivered_at.map(|at| Took(at - record.at)),
                applied: receipt.applied_at.map(|at| Took(at - record.at)),
                otherwise: match receipt.fate {
                    _ if receipt.delivered_at.is_some() => None,
                    Fate::Done => None,
                    Fate::Behind | Fate::Due => Some(Badge::new("quiet", "not delivered yet")),
                    Fate::Dead => Some(Badge::new("bad", "given up")),
                },
            })
            .collect()
    }
}

/// An attribute that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// What was left out of a change, or should be known of it: a reason, and all that it is true of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    /// `was left out: Envi has no such attribute`.
    pub(crate) text: String,
    /// Attributes, or ids: the first ones.
    pub(crate) first: Vec<String>,
    /// The others.
    pub(crate) rest: Vec<String>,
    /// So many more are not named.
    pub(crate) unnamed: u64,
}

/// Audit rows as entries, in the order given.
fn timeline(records: Vec<Record>, now: i64, activity: Option<&str>, known: &Known) -> Vec<Entry> {
    records
        .into_iter()
        .map(|record| {
            let (what, kind) = words(&record.event, record.payload.as_ref());
            Entry {
                what,
                kind,
                who: who(&record),
                when: Moment::new(record.at, now),
                committed: known.arrivals.get(&record.cause).map(|came| Took(record.at - came)),
                told: known.told(&record),
                version: record.object_version,
                request: activity
                    .filter(|_| record.actor.kind == ActorKind::Credential && !record.cause.is_empty())
                    .map(|activity| link(activity, &[("request", &record.cause)])),
                cause: record.cause,
                changes: record.payload.as_ref().map(changes).unwrap_or_default(),
                notes: record.payload.as_ref().map(notes).unwrap_or_default(),
                purged: record.payload.is_none(),
            }
        })
        .collect()
}

/// What was done, and the look of its mark.
pub(crate) fn words(event: &str, payload: Option<&Value>) -> (String, &'static str) {
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
        "user.restored" => ("Restored".to_owned(), "ok"),
        "user.purged" => ("Purged".to_owned(), "bad"),
        "membership.skipped" => ("Members left out".to_owned(), "quiet"),
        "membership.added" => (named("Joined group", "group", "display"), "ok"),
        "membership.removed" => (named("Left group", "group", "display"), "quiet"),
        "role.granted" => (named("Gained role", "role", "name"), "ok"),
        "role.revoked" => (named("Lost role", "role", "name"), "quiet"),
        other => (other.to_owned(), "quiet"),
    }
}

/// Who did it.
pub(crate) fn who(record: &Record) -> String {
    match record.actor.kind {
        ActorKind::Credential => format!("token {}", record.actor.name),
        ActorKind::PlatformToken => format!("platform token {}", record.actor.name),
        ActorKind::Admin | ActorKind::SetupLink => record.actor.name.clone(),
        ActorKind::Cli => "command line".to_owned(),
        ActorKind::System => "Rollcall".to_owned(),
        ActorKind::Stranger => format!("somebody at {}", record.actor.name),
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

/// The notes of a change, those with one reason together; and the members that a group was not given.
pub(crate) fn notes(payload: &Value) -> Vec<Noted> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for note in list(&payload["notes"]) {
        let (path, reason) = (short_path(&text(&note["path"])), text(&note["text"]));
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, paths)) => paths.push(path),
            None => reasons.push((reason, vec![path])),
        }
    }
    let mut notes: Vec<Noted> = reasons.into_iter().map(|(text, paths)| noted(text, paths, 0)).collect();
    let skipped = &payload["skipped"];
    if let Some(count) = skipped["count"].as_u64() {
        let ids: Vec<String> = list(&skipped["ids"]).iter().map(text).collect();
        let unnamed = count.saturating_sub(ids.len() as u64);
        let text = match count {
            1 => "is no user or group of this tenant; assign it to the app, then push the group again",
            _ => "are no users or groups of this tenant; assign them to the app, then push the group again",
        };
        notes.push(noted(text.to_owned(), ids, unnamed));
    }
    notes
}

fn noted(text: String, mut paths: Vec<String>, unnamed: u64) -> Noted {
    paths.retain(|path| !path.is_empty());
    let rest = paths.split_off(paths.len().min(NAMED));
    Noted { text, first: paths, rest, unnamed }
}

/// The path of an attribute without the URN of its extension, which the attributes beside it show.
fn short_path(path: &str) -> String {
    match path.rsplit_once(":User:") {
        Some((_, name)) if !name.is_empty() => name.to_owned(),
        _ => path.to_owned(),
    }
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
    fn notes_of_one_reason_stand_together() {
        let urn = "urn:example:2.0:User";
        let note = |path: &str, text: &str| json!({"path": path, "text": text});
        let mut all = vec![
            note(&format!("{urn}:npi"), "why"),
            note("timezone", "is old"),
            note(urn, "why"),
            note("", "2 more"),
        ];
        all.extend((0..10).map(|number| note(&format!("a{number}"), "why")));
        let told = notes(&json!({"state": {}, "notes": all}));
        let texts: Vec<_> = told.iter().map(|noted| noted.text.as_str()).collect();
        assert_eq!(texts, ["why", "is old", "2 more"]);
        assert_eq!(told[0].first, ["npi", urn, "a0", "a1", "a2", "a3", "a4", "a5"]);
        assert_eq!((told[0].rest.len(), told[2].first.len()), (4, 0));

        let told = notes(&json!({"skipped": {"count": 130, "ids": ["x", "y"]}}));
        assert_eq!((told.len(), told[0].first.len(), told[0].unnamed), (1, 2, 128));
        assert!(told[0].text.starts_with("are no users"));
        assert_eq!(notes(&json!({"state": {}})), []);
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

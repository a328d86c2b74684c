//! What rules make of a user or a group that somebody tries: nothing is read, nothing is written. It goes the way of a
//! real request ([`crate::outcome`]), so that what is told here is what would happen.

use scim_core::{
    Document, ScimError, ScimType,
    intake::{self, Note, Origin, Violation},
    patch::PatchRequest,
};
use serde_json::{Map, Value};
use store::{StoreError, users::User};

use crate::{
    Rules, Tenant, TenantDirectory, notes,
    outcome::{self, Next, Refusal},
};

/// Differences that are told, at most.
const TOLD: usize = 200;

/// As what a body is sent.
#[derive(Clone, Copy, Debug)]
pub enum Trying<'a> {
    /// POST: a new user.
    Create,
    /// PUT over what is kept of a user.
    Replace(&'a Document),
    /// PATCH of what is kept of a user.
    Patch(&'a Document),
}

/// What would happen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// What would be kept; `None`: the request would be refused.
    pub document: Option<Document>,
    /// HTTP status of the answer: 201, 200, or that of the refusal.
    pub status: u16,
    /// Why it would be refused, one by one.
    pub violations: Vec<Violation>,
    /// What was left out, and what a person should know; the history of the user would tell the same.
    pub notes: Vec<Note>,
    /// Names in the body that are passed over without a word in any history: the server's own, and those without value.
    pub ignored: Vec<Note>,
    /// POST and PUT: how what would be kept differs from what was sent, by attribute.
    pub reshaped: Vec<Change>,
    /// PUT and PATCH: what would change of the user.
    pub changes: Vec<Change>,
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Attribute path: `emails[0].value`, `urn:…:User:npi`.
    pub path: String,
    /// `None`: there was none.
    pub before: Option<Value>,
    /// `None`: there is none.
    pub after: Option<Value>,
}

/// What would become of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupTrial {
    /// Why it would be refused, one by one.
    pub violations: Vec<Violation>,
    /// What was left out, and what a person should know.
    pub notes: Vec<Note>,
    /// Roles that it would give to its members.
    pub roles: Vec<String>,
}

impl TenantDirectory {
    /// The live user of this userName or id, with its groups: whom a PUT or a PATCH is tried on.
    pub async fn user_named(&self, tenant: &Tenant, name: &str) -> Result<Option<User>, StoreError> {
        let scope = self.store().tenant(tenant.id());
        match (scope.user_by_name(name, true).await?, name.parse()) {
            (None, Ok(id)) => scope.user(id, true).await,
            (found, _) => Ok(found),
        }
    }
}

/// What a request with this body would do to a user.
#[must_use]
pub fn trial(rules: Rules<'_>, trying: Trying<'_>, body: &Value) -> Trial {
    let (outcome, current, status) = match trying {
        Trying::Create => (create(rules, body), None, 201),
        Trying::Replace(current) => (replace(rules, current, body), Some(current), 200),
        Trying::Patch(current) => (patch(rules, current, body), Some(current), 200),
    };
    let is_resource = !matches!(trying, Trying::Patch(_));
    let ignored = if is_resource { ignored(body) } else { Vec::new() };
    match outcome {
        Ok(Next { document, notes }) => {
            let kept = Value::Object(document.clone());
            let mut reshaped = if is_resource { differences(&sent(body), &kept) } else { Vec::new() };
            // What was left out is told by its note.
            reshaped.retain(|change| !(change.after.is_none() && is_noted(&notes, &change.path)));
            let changes = current.map(|current| differences(&Value::Object(current.clone()), &kept));
            let changes = changes.unwrap_or_default();
            Trial {
                document: Some(document),
                status,
                violations: Vec::new(),
                notes,
                ignored,
                reshaped,
                changes,
            }
        }
        Err(refusal) => {
            let (status, violations) = refused(refusal);
            Trial { status, violations, ignored, ..Trial::default() }
        }
    }
}

/// For what a user who is kept would be refused today. What the profile does not offer any more is no violation.
#[must_use]
pub fn standing(rules: Rules<'_>, document: &Document) -> Vec<Violation> {
    match intake::violations(rules.user(), rules.value_sets, document) {
        Ok(found) => found.violations().to_vec(),
        Err(error) => told(error),
    }
}

/// What a POST or PUT of a group with this body would come to; its members are not looked at.
#[must_use]
pub fn trial_group(rules: Rules<'_>, body: &Value) -> GroupTrial {
    let profile = rules.profile;
    let Some(kind) = profile.group.as_deref() else {
        let problem = format!("{} has no groups; turn off group push for it", profile.title);
        return GroupTrial { violations: told(ScimError::new(404, problem)), ..GroupTrial::default() };
    };
    let outcome = intake::take_all(kind, profile.leniencies, body).map_err(Refusal::from);
    let outcome = outcome.and_then(|(mut taken, findings)| {
        let dropped = notes::dropped(rules, kind, &taken.dropped)?;
        let told = notes::validate(rules, kind, findings, None, &mut taken.document)?;
        let (name, external_id) = (
            crate::text(&taken.document, "displayName"),
            taken.document.get("externalId").and_then(Value::as_str),
        );
        profile.roles.admit(name, external_id)?;
        let roles = profile.roles_of_group(rules.value_sets, name, external_id);
        Ok((notes::joined([dropped, told]), roles))
    });
    match outcome {
        Ok((notes, roles)) => GroupTrial {
            violations: Vec::new(),
            notes,
            roles: roles.into_iter().map(|role| role.name).collect(),
        },
        Err(refusal) => GroupTrial { violations: refused(refusal).1, ..GroupTrial::default() },
    }
}

fn create(rules: Rules<'_>, body: &Value) -> Result<Next, Refusal> {
    outcome::created(rules, outcome::take(rules, body)?)
}

fn replace(rules: Rules<'_>, current: &Document, body: &Value) -> Result<Next, Refusal> {
    outcome::replaced(rules, &outcome::take(rules, body)?, current)
}

fn patch(rules: Rules<'_>, current: &Document, body: &Value) -> Result<Next, Refusal> {
    outcome::patched(rules, &PatchRequest::parse(body, rules.profile.leniencies)?, current)
}

fn refused(refusal: Refusal) -> (u16, Vec<Violation>) {
    match refusal {
        Refusal::Unfit(findings) => (400, findings.violations().to_vec()),
        Refusal::Scim(error) => (error.status, told(error)),
    }
}

/// An error that is about one value begins with its path.
fn told(error: ScimError) -> Vec<Violation> {
    let about_a_value = matches!(error.scim_type, Some(ScimType::InvalidValue | ScimType::Mutability));
    let (path, problem) = match error.detail.split_once(": ") {
        Some((path, problem)) if about_a_value && !path.contains(' ') => (path, problem),
        _ => ("", error.detail.as_str()),
    };
    let problem = problem.trim_end_matches('.').to_owned();
    vec![Violation { path: path.to_owned(), problem, origin: Origin::Schema }]
}

/// What a client cannot set, and what says nothing.
const SERVERS: [&str; 3] = ["id", "meta", "groups"];

/// The names of a body that are passed over in silence, and why.
fn ignored(body: &Value) -> Vec<Note> {
    let Value::Object(fields) = body else { return Vec::new() };
    let is = |name: &str, known: &str| name.eq_ignore_ascii_case(known);
    let reason = |name: &str, value: &Value| {
        if is(name, "schemas") {
            None
        } else if SERVERS.iter().any(|known| is(name, known)) {
            Some("is the server's own and was passed over")
        } else if is(name, "password") {
            Some("is never kept: people sign in at their identity provider")
        } else if is_nothing(value) {
            Some("has no value")
        } else {
            None
        }
    };
    let noted = fields.iter().filter_map(|(name, value)| {
        let path: String = name.chars().take(128).collect();
        reason(name, value).map(|text| Note { path, text: text.to_owned() })
    });
    noted.take(TOLD).collect()
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A body without what [`ignored`] tells.
fn sent(body: &Value) -> Value {
    let Value::Object(fields) = body else { return Value::Null };
    let silent = ignored(body);
    let told = |name: &String| {
        !name.eq_ignore_ascii_case("schemas") && !silent.iter().any(|note| note.path == *name)
    };
    let kept = fields.iter().filter(|(name, _)| told(name));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Whether a path, or a path above it, has a note. Notes leave the positions in lists out.
fn is_noted(notes: &[Note], path: &str) -> bool {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        rest = after.split_once(']').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    notes.iter().filter(|note| !note.path.is_empty()).any(|note| {
        let head = plain.get(..note.path.len()).unwrap_or_default();
        let tail = plain.get(note.path.len()..).unwrap_or_default();
        head.eq_ignore_ascii_case(&note.path) && (tail.is_empty() || tail.starts_with(['.', ':']))
    })
}

/// How two resources differ, leaf by leaf; names are compared without case. At most two hundred are told.
#[must_use]
pub fn differences(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(Place { path: "", mark: '.' }, Some(before), Some(after), &mut changes);
    changes
}

/// A place in a resource, and what stands between it and what is below.
#[derive(Clone, Copy)]
struct Place<'a> {
    path: &'a str,
    /// The attributes of an extension stand after its URN and a colon.
    mark: char,
}

fn compare(place: Place<'_>, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    if before == after || changes.len() >= TOLD {
        return;
    }
    let nothing = Map::new();
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => compare_fields(place, old, new, changes),
        (Some(Value::Object(old)), None) => compare_fields(place, old, &nothing, changes),
        (None, Some(Value::Object(new))) => compare_fields(place, &nothing, new, changes),
        (Some(Value::Array(old)), Some(Value::Array(new))) => compare_lists(place, old, new, changes),
        (Some(Value::Array(old)), None) => compare_lists(place, old, &[], changes),
        (None, Some(Value::Array(new))) => compare_lists(place, &[], new, changes),
        _ => {
            let (before, after) = (before.cloned(), after.cloned());
            changes.push(Change { path: place.path.to_owned(), before, after });
        }
    }
}

fn compare_lists(place: Place<'_>, old: &[Value], new: &[Value], changes: &mut Vec<Change>) {
    for at in 0..old.len().max(new.len()) {
        let path = format!("{}[{at}]", place.path);
        compare(Place { path: &path, mark: '.' }, old.get(at), new.get(at), changes);
    }
}

fn compare_fields(
    place: Place<'_>,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    changes: &mut Vec<Change>,
) {
    for (name, value) in old {
        below(place, name, Some(value), any_case_field(new, name), changes);
    }
    for (name, value) in new.iter().filter(|(name, _)| any_case_field(old, name).is_none()) {
        below(place, name, None, Some(value), changes);
    }
}

fn below(
    place: Place<'_>,
    name: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<Change>,
) {
    let (path, mark) = match place.path {
        "" => (name.to_owned(), if name.contains(':') { ':' } else { '.' }),
        above => (format!("{above}{}{name}", place.mark), '.'),
    };
    compare(Place { path: &path, mark }, before, after, changes);
}

/// The value of a name in any case.
fn any_case_field<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let other = || fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    fields.get(name).or_else(other)
}

#[cfg(test)]
mod tests;

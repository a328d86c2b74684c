//! Users arriving and changing: match, create or take over, update.

use reqwest::Method;
use serde_json::Value;

use super::bodies::{self, CreateShape};
use super::change::Change;
use super::expected::Expected;
use super::matching::{Matching, equals};
use super::{Engine, Operation};
use crate::client::Answer;
use crate::judge::{self, Requirement, Verdict, demand};
use crate::people::Person;

/// A user as it should stand in the server.
#[derive(Clone, Debug)]
pub struct Record {
    /// The server's id.
    pub id: String,
    pub(super) expected: Expected,
}

/// A user as Entra believes that it stands in the server, and who it is in the directory.
#[derive(Clone, Debug)]
pub struct User {
    pub(super) record: Record,
    pub(super) person: Person,
}

impl std::ops::Deref for User {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

impl std::ops::DerefMut for User {
    fn deref_mut(&mut self) -> &mut Record {
        &mut self.record
    }
}

impl Record {
    /// Its sign-in name.
    pub fn user_name(&self) -> &str {
        self.expected.get("userName").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether it was left active.
    pub fn is_active(&self) -> bool {
        self.expected.get("active").and_then(Value::as_bool).unwrap_or(true)
    }

    /// What it is looked up by.
    pub(super) fn key(&self, matching: Matching) -> String {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        match matching {
            Matching::UserName => self.user_name().to_owned(),
            Matching::ExternalId => text(self.expected.get("externalId")),
            Matching::WorkEmail => {
                let emails = self.expected.get("emails").and_then(Value::as_array).into_iter().flatten();
                let mut work = emails.filter(|email| email["type"] == "work");
                text(work.next().map(|email| &email["value"]))
            }
        }
    }
}

/// What earlier runs may have left on somebody who is taken over.
const LEFT_OVER: [&str; 6] = ["roles", "nickName", "profileUrl", "userType", "addresses", "phoneNumbers"];

impl Engine {
    /// Brings a person into the server: looked up by the matching attribute, then created, or taken over with the
    /// directory's values. `None` when that failed.
    pub async fn provision(&self, person: &Person, object_id: &str, shape: CreateShape) -> Option<User> {
        let key = match self.matching {
            Matching::UserName => &person.user_name,
            Matching::ExternalId => object_id,
            Matching::WorkEmail => &person.email,
        };
        let looking = self.quietly("match");
        match looking.find_user(&equals(self.matching.path(), key)).await {
            Ok(None) => self.create(person, object_id, shape).await,
            Ok(Some(found)) => self.take_over(person, object_id, &found).await,
            Err(()) => None,
        }
    }

    async fn create(&self, person: &Person, object_id: &str, shape: CreateShape) -> Option<User> {
        let op = self.begin("create");
        let (body, expected) = bodies::create(person, object_id, shape, self.wire);
        let answer = op.send(Method::POST, "/Users", Some(&body)).await?;
        let record = op.created(&answer, Expected::of(&expected))?;
        let user = User { record, person: person.clone() };
        op.read(&user).await;
        op.expect_matched(&user).await;
        Some(user)
    }

    /// Somebody who is there already gets the directory's values, and is active again.
    async fn take_over(&self, person: &Person, object_id: &str, found: &Value) -> Option<User> {
        let op = self.begin("take over");
        let id = found["id"].as_str().unwrap_or_default().to_owned();
        let current = op.get(&format!("/Users/{id}")).await?;
        op.status(&current, &[200]).then_some(())?;
        op.judge(&current, [judge::same_id(current.json(), &id)]).then_some(())?;
        let mut user = User { record: Record { id, expected: Expected::default() }, person: person.clone() };
        let known = LEFT_OVER.into_iter().filter(|name| self.announced.offers("", name));
        let mut changes: Vec<Change> = known.map(Change::remove).collect();
        if self.announced.offers_enterprise("manager") {
            changes.push(Change::remove(super::change::enterprise("manager")));
        }
        changes.extend(arriving(person, object_id));
        op.update(&mut user, &changes).await;
        Some(user)
    }

    /// Updates what changed in the directory: title, names, department and telephone. True when it holds.
    pub async fn update_profile(&self, user: &mut User) -> bool {
        let op = self.begin("update");
        let person = user.person.clone();
        let mut changes = vec![
            Change::replace("title", format!("Senior {}", person.title)),
            Change::replace("displayName", format!("{} ({})", person.display_name(), person.department)),
            Change::replace("name.familyName", format!("{} Núñez", person.family_name)),
            Change::replace("phoneNumbers[type eq \"work\"].value", format!("{}9", person.phone)),
        ];
        if self.announced.offers_enterprise("department") {
            changes.push(Change::replace(super::change::enterprise("department"), "Occupational Health"));
        }
        op.update(user, &changes).await
    }

    /// Reads a user as it stands now, and judges whether it is as it was left. True when it is there.
    pub async fn still_stands(&self, user: &User) -> bool {
        let op = self.begin("read users");
        let Some(answer) = op.get(&format!("/Users/{}", user.id)).await else { return false };
        if !op.status(&answer, &[200]) {
            return false;
        }
        op.judge(&answer, op.whole_user(answer.json(), user));
        true
    }
}

/// The mapped attributes as changes of somebody who is there.
fn arriving(person: &Person, object_id: &str) -> Vec<Change> {
    let mapped = bodies::mapped(person, object_id);
    mapped
        .into_iter()
        .flat_map(|(name, value)| match (name.as_str(), value) {
            ("name", Value::Object(parts)) => parts
                .into_iter()
                .map(|(part, value)| Change::replace(format!("name.{part}"), value))
                .collect(),
            ("emails", Value::Array(list)) => {
                let email = list.into_iter().next().map_or(Value::Null, |email| email["value"].clone());
                vec![
                    Change::replace("emails[type eq \"work\"].value", email),
                    Change::replace("emails[type eq \"work\"].primary", true),
                ]
            }
            ("addresses" | "phoneNumbers", value) => vec![Change::add(name, value)],
            (_, value) => vec![Change::replace(name, value)],
        })
        .collect()
}

impl Operation<'_> {
    /// A 201 with the whole user, under an id that nobody else has.
    pub(super) fn created(&self, answer: &Answer, expected: Expected) -> Option<Record> {
        if !self.status(answer, &[201]) {
            return None;
        }
        let body = answer.json();
        self.judge(answer, [judge::id(body)]).then_some(())?;
        let id = body["id"].as_str().unwrap_or_default().to_owned();
        let user = Record { id, expected };
        let owner = self.engine.ids.claim(&user.id, user.user_name());
        let requirement = Requirement {
            text: "an id is never given twice",
            source: "Okta's transport, Entra ID's reads; RFC 7643, 3.1",
        };
        let claimed = demand(owner.is_none(), requirement, || {
            format!("the id of {}", owner.clone().unwrap_or_default())
        });
        self.judge(answer, [claimed, judge::location(answer)]);
        self.judge(answer, self.whole_user(body, &user));
        Some(user)
    }

    /// Everything that a user's answer must hold.
    pub(super) fn whole_user(&self, body: &Value, user: &Record) -> Vec<Verdict> {
        let mut verdicts = vec![
            judge::schemas(body, judge::USER),
            judge::same_id(body, &user.id),
            judge::meta(body, "User"),
            judge::extensions_declared(body),
            judge::no_nulls(body),
            judge::primaries(body),
        ];
        if user.expected.get("active").is_some() {
            verdicts.push(judge::active(body, user.is_active()));
        }
        verdicts.extend(user.expected.verdicts(body, &self.engine.announced));
        verdicts
    }

    /// `GET /Users/{id}`: the stored state is what was sent.
    pub(super) async fn read(&self, user: &Record) -> bool {
        let Some(answer) = self.get(&format!("/Users/{}", user.id)).await else { return false };
        self.status(&answer, &[200]) && self.judge(&answer, self.whole_user(answer.json(), user))
    }

    /// A PATCH of exactly these operations; then the stored state is read.
    pub(super) async fn patch(&self, user: &mut Record, changes: &[Change]) -> bool {
        let body = bodies::patch(self.engine.wire, changes);
        self.change(user, changes, &body).await
    }

    /// A PATCH as the engine builds it from changed attributes; then the stored state is read.
    pub(super) async fn update(&self, user: &mut Record, changes: &[Change]) -> bool {
        let body = bodies::update(self.engine.wire, changes);
        self.change(user, changes, &body).await
    }

    /// A change that is refused leaves the user as it was; what the server made of one instead is taken for
    /// granted afterwards: a fault is told once.
    async fn change(&self, user: &mut Record, changes: &[Change], body: &Value) -> bool {
        let path = format!("/Users/{}", user.id);
        let Some(answer) = self.send(Method::PATCH, &path, Some(body)).await else { return false };
        if !self.status(&answer, &[200, 204]) {
            return false;
        }
        user.expected.apply(changes);
        let good = match answer.status {
            204 => self.judge(&answer, [judge::nothing(&answer)]),
            _ => self.judge(&answer, self.whole_user(answer.json(), user)),
        };
        let Some(stored) = self.get(&path).await else { return false };
        if !self.status(&stored, &[200]) {
            return false;
        }
        let stands = self.judge(&stored, self.whole_user(stored.json(), user));
        user.expected.learn(stored.json(), &self.engine.announced);
        good && stands
    }
}

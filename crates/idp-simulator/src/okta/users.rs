//! Users arriving and changing: look-up before create, create, link, profile updates.

use reqwest::Method;
use serde_json::{Map, Value};

use super::{Account, AppStyle, Engine, Operation, bodies};
use crate::client::{Answer, look_up_path};
use crate::judge::{self, Requirement, Verdict, demand};
use crate::people::Person;

/// What a look-up found: nobody or one; `Err` when the answer could not be used.
pub(super) type Found = Result<Option<Value>, ()>;

impl Engine {
    /// A look-up of its own, by the app's unique identifier. `None` for nobody, and for an answer that could not be
    /// used (then the report says why).
    pub async fn look_up(&self, user_name: &str) -> Option<Value> {
        self.begin("look up").find_user(user_name).await.ok().flatten()
    }

    /// A look-up that must find nobody: an address that nobody has, or the empty one.
    pub async fn look_up_nobody(&self, user_name: &str) -> bool {
        let op = self.begin("look up nobody");
        op.expect_nobody(user_name).await
    }

    /// Assigns a person to the app: looks up, then creates or links. `None` when that failed.
    pub async fn assign(&self, person: &Person) -> Option<Account> {
        let looking = self.quietly("look up");
        match looking.find_user(&person.user_name).await {
            Ok(None) => self.create(person).await,
            Ok(Some(found)) => self.link(person, &found).await,
            Err(()) => None,
        }
    }

    async fn create(&self, person: &Person) -> Option<Account> {
        let op = self.begin("create");
        let body = bodies::create(person, &self.mapped(person));
        let answer = op.send(Method::POST, "/Users", Some(&body)).await?;
        let account = op.created(&answer, person)?;
        op.read_back(&account, &[]).await.then_some(())?;
        op.expect_only(&account).await.then_some(account)
    }

    /// Links an existing user and overwrites its profile (C9335).
    pub(super) async fn link(&self, person: &Person, found: &Value) -> Option<Account> {
        let op = self.begin("link");
        let id = found.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let account = Account { id, person: person.clone(), active: true };
        op.put(&account, &Map::new()).await.then_some(())?;
        op.read_back(&account, &[]).await.then_some(account)
    }

    /// Updates the profile to what `person` holds now: GET and PUT, or PATCH with what changed. True when it holds.
    pub async fn update_profile(&self, account: &mut Account, person: Person) -> bool {
        let op = self.begin("update profile");
        let before = self.mapped(&account.person);
        account.person = person;
        let mapped = self.mapped(&account.person);
        let emptied: Vec<&str> = bodies::emptied(&before, &mapped).collect();
        let sent = match self.style {
            AppStyle::Wizard => op.put(account, &before).await,
            AppStyle::Catalogue => {
                let changed = Value::Object(bodies::changes(&before, &mapped));
                op.patch(account, &bodies::replace(&changed)).await
            }
        };
        sent && op.read_back(account, &emptied).await
    }

    /// A user who was linked is the one who was there.
    pub(crate) fn expect_same(&self, before: &Account, after: &Account) -> bool {
        let requirement = Requirement {
            text: "a user who is assigned again keeps the id",
            source: "Okta: link, test plan C9335",
        };
        let found = || format!("id {} for {}", after.id, before.id);
        self.quietly("link").hold("POST /Users".into(), demand(before.id == after.id, requirement, found))
    }

    pub(super) fn mapped(&self, person: &Person) -> Map<String, Value> {
        (self.profile.mapping)(person)
    }
}

impl Operation<'_> {
    /// `GET /Users?filter=userName eq "…"`: 0 or 1. A 404 in SCIM's form counts as nobody.
    pub(super) async fn find_user(&self, user_name: &str) -> Found {
        self.find(&look_up_path("/Users", "userName", user_name), "userName", user_name).await
    }

    pub(super) async fn find(&self, path: &str, attribute: &str, value: &str) -> Found {
        let answer = self.get(path).await.ok_or(())?;
        if !self.status(&answer, &[200, 404]) {
            return Err(());
        }
        if answer.status == 404 {
            return Ok(None);
        }
        let read = judge::list(answer.json(), 100).and_then(|page| {
            judge::zero_or_one(&page)?;
            let hit = page.resources.into_iter().next();
            hit.as_ref()
                .map_or(Ok(()), |hit| judge::hit_is(hit, attribute, value).and_then(|()| judge::id(hit)))?;
            Ok(hit)
        });
        read.map_err(|broken| self.fail(answer.request.clone(), broken))
    }

    pub(super) async fn expect_nobody(&self, user_name: &str) -> bool {
        let requirement = Requirement { text: "a look-up of nobody finds nobody", source: "Okta: look-up" };
        let path = look_up_path("/Users", "userName", user_name);
        match self.find(&path, "userName", user_name).await {
            Ok(hit) => {
                self.hold(format!("GET {path}"), demand(hit.is_none(), requirement, || "one hit".into()))
            }
            Err(()) => false,
        }
    }

    /// The look-up finds this user and no other.
    pub(super) async fn expect_only(&self, account: &Account) -> bool {
        let requirement = Requirement {
            text: "a user, active or not, is found by its userName with the same id",
            source: "Okta: reactivate, test plan C9293",
        };
        let user_name = &account.person.user_name;
        let Ok(hit) = self.find_user(user_name).await else { return false };
        let id = hit.as_ref().and_then(|hit| hit.get("id")).and_then(Value::as_str);
        let found = || id.map_or_else(|| "nobody".to_owned(), |id| format!("id {id} for {}", account.id));
        let path = look_up_path("/Users", "userName", user_name);
        self.hold(format!("GET {path}"), demand(id == Some(&account.id), requirement, found))
    }

    /// A 201 with the whole user, under an id that nobody else has.
    pub(super) fn created(&self, answer: &Answer, person: &Person) -> Option<Account> {
        if !self.status(answer, &[201]) {
            return None;
        }
        let body = answer.json();
        let id = body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.judge(answer, [judge::id(body)]).then_some(())?;
        let account = Account { id, person: person.clone(), active: true };
        let owner = self.engine.ids.claim(&account.id, &person.user_name);
        let requirement = Requirement {
            text: "an id is never given twice",
            source: "Okta's transport, Okta's guide to preparing a SCIM server",
        };
        self.judge(
            answer,
            [
                demand(owner.is_none(), requirement, || {
                    format!("the id of {}", owner.clone().unwrap_or_default())
                }),
                judge::location(answer),
            ],
        );
        self.judge(answer, self.whole_user(body, &account, &[]));
        Some(account)
    }

    /// Everything that a user's answer must hold; `emptied` names attributes that must have no value.
    pub(super) fn whole_user(&self, body: &Value, account: &Account, emptied: &[&str]) -> Vec<Verdict> {
        let person = &account.person;
        let mut sent = self.engine.mapped(person);
        sent.insert("externalId".into(), Value::from(person.okta_id.as_str()));
        vec![
            judge::schemas(body, judge::USER),
            judge::same_id(body, &account.id),
            judge::user_name(body, &person.user_name),
            judge::active(body, account.active),
            judge::names(body, &person.given_name, &person.family_name),
            judge::emails(body, sent.get("emails").unwrap_or(&Value::Null)),
            judge::attributes(body, &sent, self.engine.profile.kept),
            judge::never(body, self.engine.profile.never),
            judge::unassigned(body, emptied),
            judge::extensions_declared(body),
            judge::meta(body, "User"),
            judge::no_password(body, &person.password),
        ]
    }

    /// `GET /Users/{id}`: the stored state is what was sent.
    pub(super) async fn read_back(&self, account: &Account, emptied: &[&str]) -> bool {
        let Some(answer) = self.get(&format!("/Users/{}", account.id)).await else { return false };
        self.status(&answer, &[200]) && self.judge(&answer, self.whole_user(answer.json(), account, emptied))
    }

    /// GET, then PUT of that answer with the mapped values and `active` laid over it.
    pub(super) async fn put(&self, account: &Account, before: &Map<String, Value>) -> bool {
        let path = format!("/Users/{}", account.id);
        let Some(current) = self.get(&path).await else { return false };
        if !self.status(&current, &[200])
            || !self.judge(&current, [judge::same_id(current.json(), &account.id)])
        {
            return false;
        }
        let mapped = self.engine.mapped(&account.person);
        let body = bodies::overlay(current.json(), &account.person.okta_id, before, &mapped, account.active);
        let Some(answer) = self.send(Method::PUT, &path, Some(&body)).await else { return false };
        let emptied: Vec<&str> = bodies::emptied(before, &mapped).collect();
        self.status(&answer, &[200]) && self.judge(&answer, self.whole_user(answer.json(), account, &emptied))
    }

    /// PATCH, answered with the whole user or with nothing.
    pub(super) async fn patch(&self, account: &Account, body: &Value) -> bool {
        let Some(answer) = self.send(Method::PATCH, &format!("/Users/{}", account.id), Some(body)).await
        else {
            return false;
        };
        if !self.status(&answer, &[200, 204]) {
            return false;
        }
        match answer.status {
            204 => self.judge(&answer, [judge::nothing(&answer)]),
            _ => self.judge(&answer, self.whole_user(answer.json(), account, &[])),
        }
    }
}

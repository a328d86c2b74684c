//! What a product's guide promises about single values: refused with their path, taken in another form, left out, set
//! by default; and accounts that are linked by POST or stay when they are deleted.

use reqwest::Method;
use serde_json::{Map, Value};

use super::{Account, Engine, Operation, bodies};
use crate::client::{Answer, look_up_path};
use crate::judge::{self, Requirement, demand};
use crate::people::Person;

/// What must be at each path afterwards (`title`, `emails.type`); null: no value.
type Expected<'a> = &'a [(&'a str, Value)];

impl Engine {
    /// POSTs a person with other values laid over the mapped ones (null takes one out), which the server must refuse
    /// with the path of each that it does not take; nobody is made.
    pub(crate) async fn refuse_person(
        &self,
        what: &'static str,
        person: &Person,
        over: &Value,
        paths: &[&str],
    ) -> bool {
        let op = self.begin(what);
        let body = self.create_body(person, over);
        let Some(answer) = op.send(Method::POST, "/Users", Some(&body)).await else { return false };
        op.refused(&answer, paths, &secrets(&body)) && op.expect_nobody(&person.user_name).await
    }

    /// PATCHes a value that the server must refuse with its path; the user stays as it is.
    pub(crate) async fn refuse_change(
        &self,
        what: &'static str,
        account: &Account,
        value: &Value,
        path: &str,
    ) -> bool {
        let op = self.begin(what);
        let body = bodies::replace(value);
        let request = format!("/Users/{}", account.id);
        let Some(answer) = op.send(Method::PATCH, &request, Some(&body)).await else { return false };
        op.refused(&answer, &[path], &secrets(value)) && op.read_back(account, &[]).await
    }

    /// Assigns a person in another form than the app's mapping, which comes to the same; then looks at single values.
    pub(crate) async fn assign_as(
        &self,
        what: &'static str,
        person: &Person,
        over: &Value,
        expected: Expected<'_>,
    ) -> Option<Account> {
        let op = self.begin(what);
        let account = match op.find_user(&person.user_name).await.ok()? {
            None => {
                let body = self.create_body(person, over);
                let answer = op.send(Method::POST, "/Users", Some(&body)).await?;
                op.created(&answer, person)?
            }
            Some(found) => {
                let id = found.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
                let account = Account { id, person: person.clone(), active: true };
                let mut value = Value::Object(self.mapped(person));
                bodies::lay(&mut value, over);
                op.patch(&account, &bodies::replace(&value)).await.then_some(())?;
                account
            }
        };
        op.expect(&account, expected).await.then_some(account)
    }

    /// PATCHes values as they stand here; afterwards the user is as `account.person` says, and single values as said.
    pub(crate) async fn change_as(
        &self,
        what: &'static str,
        account: &Account,
        value: &Value,
        expected: Expected<'_>,
    ) -> bool {
        let op = self.begin(what);
        op.patch(account, &bodies::replace(value)).await && op.expect(account, expected).await
    }

    /// Reads a user and looks at single values.
    pub(crate) async fn expect_values(
        &self,
        what: &'static str,
        account: &Account,
        expected: Expected<'_>,
    ) -> bool {
        self.begin(what).expect(account, expected).await
    }

    /// POSTs somebody who is there already where a product links: 201 with the same id, and the profile overwritten.
    pub(crate) async fn link_by_post(&self, account: &mut Account, person: Person) -> bool {
        let op = self.begin("link by POST");
        account.person = person;
        account.active = true;
        let body = self.create_body(&account.person, &Value::Object(Map::new()));
        let Some(answer) = op.send(Method::POST, "/Users", Some(&body)).await else { return false };
        op.status(&answer, &[201])
            && op.judge(&answer, op.whole_user(answer.json(), account, &[]))
            && op.expect_only(account).await
            && op.read_back(account, &[]).await
    }

    /// DELETEs a user of a product that keeps everybody: accepted, and the user is there, inactive, with the same id.
    pub(crate) async fn delete_keeps(&self, account: &mut Account) -> bool {
        let op = self.begin("delete keeps the record");
        let path = format!("/Users/{}", account.id);
        let Some(answer) = op.send(Method::DELETE, &path, None).await else { return false };
        account.active = false;
        op.status(&answer, &[204])
            && op.judge(&answer, [judge::nothing(&answer)])
            && op.read_back(account, &[]).await
            && op.expect_only(account).await
    }

    /// Looks for a user among the active ones: there exactly when it is active.
    pub(crate) async fn listed_when_active(&self, account: &Account) -> bool {
        let op = self.begin("list the active");
        let name = &account.person.user_name;
        let path = look_up_path("/Users", "active eq true and userName", name);
        let Ok(hit) = op.find(&path, "userName", name).await else { return false };
        let requirement = Requirement {
            text: "a filter on active finds who is active and nobody else",
            source: "the product's guide; RFC 7644, 3.4.2.2",
        };
        let found = || format!("{} for active {}", hit.is_some(), account.active);
        op.hold(format!("GET {path}"), demand(hit.is_some() == account.active, requirement, found))
    }

    /// A number that was counted while the guide was played.
    pub(crate) fn expect_many(&self, what: &'static str, found: usize, expected: usize) -> bool {
        let op = self.quietly(what);
        let requirement =
            Requirement { text: "as many are found as there are", source: "the product's guide" };
        op.hold(
            "GET /Users".into(),
            demand(found == expected, requirement, || format!("{found} for {expected}")),
        )
    }

    fn create_body(&self, person: &Person, over: &Value) -> Value {
        let mut body = bodies::create(person, &self.mapped(person));
        bodies::lay(&mut body, over);
        body
    }
}

impl Operation<'_> {
    fn refused(&self, answer: &Answer, paths: &[&str], secrets: &[&str]) -> bool {
        self.judge(answer, paths.iter().map(|path| judge::refused_at(answer, path)))
            && self.judge(answer, [judge::error_body(answer), judge::untold(answer, secrets)])
    }

    async fn expect(&self, account: &Account, expected: Expected<'_>) -> bool {
        let Some(answer) = self.get(&format!("/Users/{}", account.id)).await else { return false };
        let body = answer.json();
        self.status(&answer, &[200])
            && self.judge(&answer, self.whole_user(body, account, &[]))
            && self.judge(&answer, expected.iter().map(|(path, value)| judge::value_at(body, path, value)))
    }
}

/// The texts of a body that an error must not repeat.
fn secrets(body: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    for (key, value) in body.as_object().into_iter().flatten() {
        match value {
            Value::Object(_) => found.extend(secrets(value)),
            Value::String(text) if ["npi", "deaLicense", "password"].contains(&key.as_str()) => {
                found.push(text.as_str());
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_found_in_extensions_too() {
        let body =
            json!({"userName": "u", "password": "p", "urn:x": {"npi": "1", "role": "r", "deaLicense": "D"}});
        assert_eq!(secrets(&body), ["p", "1", "D"]);
    }
}

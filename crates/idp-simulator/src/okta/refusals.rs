//! What a server must refuse: taken names, also two at once, and groups where a product has none.

use reqwest::Method;

use super::{Account, Engine, bodies};
use crate::client::Answer;
use crate::judge::{self, Requirement, demand};
use crate::people::Person;

/// A name for the group that a product without groups must refuse.
const REFUSED_GROUP: &str = "Refused by design";

impl Engine {
    /// POSTs a userName that is taken, in another case: 409 `uniqueness`, and the user stays as it is.
    pub async fn refuse_duplicate(&self, account: &Account) -> bool {
        let op = self.begin("refuse duplicate");
        let mut twin = account.person.clone();
        twin.user_name = twin.user_name.to_uppercase();
        let body = bodies::create(&twin, &self.mapped(&twin));
        let Some(answer) = op.send(Method::POST, "/Users", Some(&body)).await else { return false };
        op.status(&answer, &[409])
            && op
                .judge(&answer, [judge::conflict(&answer), judge::no_password(answer.json(), &twin.password)])
            && op.expect_only(account).await
            && op.read_back(account, &[]).await
    }

    /// Two POSTs of one person at the same time: one creates, the other is refused.
    pub async fn assign_twice_at_once(&self, person: &Person) -> Option<Account> {
        match self.quietly("look up").find_user(&person.user_name).await {
            Ok(None) => {}
            Ok(Some(_)) => return self.assign(person).await,
            Err(()) => return None,
        }
        let op = self.begin("create twice at once");
        let body = bodies::create(person, &self.mapped(person));
        let post = || op.send(Method::POST, "/Users", Some(&body));
        let (one, other) = futures::future::join(post(), post()).await;
        let (one, other) = (one?, other?);
        let (winner, loser) = if one.status == 201 { (one, other) } else { (other, one) };
        let account = op.created(&winner, person)?;
        let good = op.status(&loser, &[409]) && op.judge(&loser, [judge::conflict(&loser)]);
        (op.expect_only(&account).await && op.read_back(&account, &[]).await && good).then_some(account)
    }

    /// A product without groups answers 404 for them, to read and to push.
    pub async fn refuse_groups(&self) -> bool {
        let op = self.begin("refuse groups");
        let read = op.get("/Groups?startIndex=1&count=100").await;
        let body = bodies::group(None, REFUSED_GROUP, &[]);
        let pushed = op.send(Method::POST, "/Groups", Some(&body)).await;
        let refused = |answer: Option<Answer>| answer.is_some_and(|answer| op.status(&answer, &[404]));
        refused(read) & refused(pushed)
    }

    /// A group name that is taken, in another case, is refused: groups are looked up by name.
    pub async fn refuse_duplicate_group(&self, name: &str) -> bool {
        let op = self.begin("refuse duplicate group");
        let body = bodies::group(None, &name.to_uppercase(), &[]);
        let Some(answer) = op.send(Method::POST, "/Groups", Some(&body)).await else { return false };
        let requirement = Requirement {
            text: "a taken displayName is refused with 409: groups are looked up by name",
            source: "what providers need",
        };
        op.judge(&answer, [demand(answer.status == 409, requirement, || answer.status.to_string())])
            && op.judge(&answer, [judge::error_body(&answer), judge::conflict(&answer)])
    }
}

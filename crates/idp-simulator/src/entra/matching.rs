//! Test Connection, the look-ups by a matching attribute, and reference checks.

use serde_json::Value;

use super::{Engine, Operation, Record, User, Wire};
use crate::client::{Answer, query_value};
use crate::judge::{self, ListView, Requirement, demand};

const NOBODY: Requirement =
    Requirement { text: "a look-up of nobody is 200 and an empty list", source: "Entra ID's reads" };
const FOUND: Requirement = Requirement {
    text: "a user, active or not, is found by its matching attribute with the same id",
    source: "Entra ID's reads, Entra ID's life cycle",
};

/// The attribute that people are looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// `userName eq "…"`.
    UserName,
    /// `externalId eq "…"`.
    ExternalId,
    /// `emails[type eq "work"].value eq "…"`.
    WorkEmail,
}

impl Matching {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::UserName, Self::ExternalId, Self::WorkEmail];

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::ExternalId => "externalId",
            Self::WorkEmail => "emails[type eq \"work\"].value",
        }
    }
}

impl Engine {
    /// Test Connection: a look-up of a random GUID is 200 and an empty list; a 404 is a failure.
    pub async fn test_connection(&self, guid: &str) -> bool {
        let op = self.begin("test connection");
        op.expect_nobody(&equals(self.matching.path(), guid)).await
    }

    /// The same with a wrong token: 401, a SCIM error, and a challenge.
    pub async fn refuse_wrong_credentials(&self, guid: &str) -> bool {
        let mut op = self.begin("refuse wrong credentials");
        op.exchange = op.exchange.with_wrong_credential();
        let path = op.list_path("/Users", &equals(self.matching.path(), guid), None);
        let Some(answer) = op.get(&path).await else { return false };
        op.status(&answer, &[401]) && op.judge(&answer, [judge::challenge(&answer)])
    }

    /// Look-ups that must find nobody, by each matching attribute.
    pub async fn match_nobody(&self, value: &str) -> bool {
        let op = self.begin("match nobody");
        let mut good = true;
        for matching in Matching::ALL {
            good &= op.expect_nobody(&equals(matching.path(), value)).await;
        }
        good
    }

    /// A user by each matching attribute: names of attributes and people in any case, `externalId` in its own only.
    pub async fn match_user(&self, user: &User) -> bool {
        let op = self.begin("match");
        let mut good = true;
        for matching in Matching::ALL {
            good &= op.expect_only(&equals(matching.path(), &user.key(matching)), user).await;
        }
        good &= op.expect_only(&equals("UserName", &user.user_name().to_uppercase()), user).await;
        let other = user.key(Matching::ExternalId).to_uppercase();
        good & op.expect_nobody(&equals("externalId", &other)).await
    }
}

/// `path eq "value"`.
pub(super) fn equals(path: &str, value: &str) -> String {
    format!("{path} eq {}", Value::from(value))
}

impl Operation<'_> {
    /// The path of a look-up. Blanks are `+` in the legacy style and `%20` in the other: both are met.
    pub(super) fn list_path(&self, resources: &str, filter: &str, before: Option<&str>) -> String {
        let filter = query_value(filter);
        let filter = match self.engine.wire {
            Wire::Legacy => filter.replace("%20", "+"),
            Wire::Compliant => filter,
        };
        let before = before.map(|parameter| format!("{parameter}&")).unwrap_or_default();
        format!("{resources}?{before}filter={filter}")
    }

    /// The one that a filter finds; `Err` when the answer could not be used.
    pub(super) async fn find(&self, path: &str) -> Result<(Answer, Option<Value>), ()> {
        let answer = self.get(path).await.ok_or(())?;
        if !self.status(&answer, &[200]) {
            return Err(());
        }
        let read = judge::list(answer.json(), u64::MAX).and_then(|page: ListView| {
            judge::zero_or_one(&page)?;
            let hit = page.resources.into_iter().next();
            hit.as_ref().map_or(Ok(()), judge::id)?;
            Ok(hit)
        });
        match read {
            Ok(hit) => Ok((answer, hit)),
            Err(broken) => {
                self.fail(answer.request, broken);
                Err(())
            }
        }
    }

    pub(super) async fn find_user(&self, filter: &str) -> Result<Option<Value>, ()> {
        self.find(&self.list_path("/Users", filter, None)).await.map(|(_, hit)| hit)
    }

    pub(super) async fn expect_nobody(&self, filter: &str) -> bool {
        let Ok((answer, hit)) = self.find(&self.list_path("/Users", filter, None)).await else {
            return false;
        };
        self.judge(&answer, [demand(hit.is_none(), NOBODY, || "one hit".into())])
    }

    /// The filter finds this user, whole, and no other.
    pub(super) async fn expect_only(&self, filter: &str, user: &Record) -> bool {
        let Ok((answer, hit)) = self.find(&self.list_path("/Users", filter, None)).await else {
            return false;
        };
        let id = hit.as_ref().and_then(|hit| hit["id"].as_str());
        let found = || id.map_or_else(|| "nobody".to_owned(), |id| format!("id {id} for {}", user.id));
        let good = self.judge(&answer, [demand(id == Some(user.id.as_str()), FOUND, found)]);
        good && hit.is_none_or(|hit| self.judge(&answer, self.whole_user(&hit, user)))
    }

    /// The user is found by the app's matching attribute.
    pub(super) async fn expect_matched(&self, user: &Record) -> bool {
        let matching = self.engine.matching;
        self.expect_only(&equals(matching.path(), &user.key(matching)), user).await
    }

    /// `id eq "…" and manager eq "…"` with `attributes=id`, the two in either order: a hit exactly when it is so.
    pub(super) async fn check_reference(
        &self,
        resources: &str,
        id: &str,
        reference: (&str, &str),
        holds: bool,
        id_first: bool,
    ) -> bool {
        let (one, other) = (equals("id", id), equals(reference.0, reference.1));
        let filter = if id_first { format!("{one} and {other}") } else { format!("{other} and {one}") };
        let path = format!("{}&attributes=id", self.list_path(resources, &filter, None));
        let Ok((answer, hit)) = self.find(&path).await else { return false };
        let requirement =
            Requirement { text: "a reference check finds exactly what refers", source: "Entra ID's reads" };
        let found = hit.as_ref().map_or(Value::Null, |hit| hit["id"].clone());
        let expected = if holds { Value::from(id) } else { Value::Null };
        let good = self
            .judge(&answer, [demand(found == expected, requirement, || format!("{found} for {expected}"))]);
        good && hit.is_none_or(|hit| self.judge(&answer, [judge::only_id(&hit)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Target;

    #[test]
    fn filters_are_encoded_in_two_ways() {
        let target = Target { base_url: "http://h/scim".into(), authorization: "t".into() };
        let engine = Engine::new(&target, Wire::Legacy).unwrap();
        let filter = equals(Matching::WorkEmail.path(), "a+b@d");
        assert_eq!(filter, "emails[type eq \"work\"].value eq \"a+b@d\"");
        let encoded = "emails%5Btype+eq+%22work%22%5D.value+eq+%22a%2Bb%40d%22";
        let path = |engine: &Engine, before| engine.quietly("x").list_path("/Users", &filter, before);
        assert_eq!(path(&engine, None), format!("/Users?filter={encoded}"));
        let encoded = encoded.replace('+', "%20");
        let engine = engine.with_wire(Wire::Compliant);
        assert_eq!(path(&engine, Some("a=b")), format!("/Users?a=b&filter={encoded}"));
        assert_eq!(equals("externalId", "a\"b\\"), "externalId eq \"a\\\"b\\\\\"");
    }
}

//! Look-ups and lists of the tiny server.

use axum::http::Uri;
use serde_json::{Map, Value, json};

use super::{Answer, Data, ENTERPRISE, Flaw, Mini};

/// The parameters of a query.
pub(super) fn query(uri: &Uri) -> Vec<(String, String)> {
    url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

pub(super) fn parameter<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

impl Mini {
    pub(super) fn list(&self, data: &mut Data, uri: &Uri, users: bool) -> Answer {
        data.calls += 1;
        let query = query(uri);
        let number =
            |name: &str, or: usize| parameter(&query, name).map_or(or, |value| value.parse().unwrap());
        let filter = parameter(&query, "filter");
        let all = if users { &data.users } else { &data.groups };
        let mut hits: Vec<Value> = all
            .iter()
            .filter(|one| filter.is_none_or(|filter| self.matches(one, filter)))
            .filter(|one| !(self.has(Flaw::InactiveVanishes) && one.get("active") == Some(&json!(false))))
            .map(|one| self.projected(self.render(one, users), uri))
            .collect();
        if self.has(Flaw::MissIs404) && hits.is_empty() && filter.is_some() {
            return Err((404, "nobody"));
        }
        if self.has(Flaw::UnstableOrder) && filter.is_none() && data.calls.is_multiple_of(2) {
            hits.reverse();
        }
        let total = hits.len();
        let start = number("startIndex", 1).max(1);
        let skip = if self.has(Flaw::PageRepeats) { start.saturating_sub(2) } else { start - 1 };
        let page: Vec<Value> = hits.into_iter().skip(skip).take(number("count", 100)).collect();
        Ok((200, self.page(page, total, start)))
    }

    pub(super) fn page(&self, page: Vec<Value>, total: usize, start: usize) -> Value {
        let total = if self.has(Flaw::TotalAsString) { json!(total.to_string()) } else { json!(total) };
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": total,
            "startIndex": start, "itemsPerPage": page.len(), "Resources": page})
    }

    /// What `attributes` and `excludedAttributes` leave.
    pub(super) fn projected(&self, mut body: Value, uri: &Uri) -> Value {
        let query = query(uri);
        let fields = body.as_object_mut().unwrap();
        if parameter(&query, "attributes") == Some("id") && !self.has(Flaw::ReferenceAnswersWhole) {
            fields.retain(|key, _| matches!(key.as_str(), "id" | "schemas"));
        }
        if parameter(&query, "excludedAttributes") == Some("members")
            && !self.has(Flaw::ExcludedMembersAnswered)
        {
            fields.remove("members");
        }
        body
    }

    fn matches(&self, one: &Map<String, Value>, filter: &str) -> bool {
        self.has(Flaw::FilterIgnored) || filter.split(" and ").all(|term| self.meets(one, term))
    }

    fn meets(&self, one: &Map<String, Value>, term: &str) -> bool {
        let (attribute, value) = term.rsplit_once(" eq ").unwrap();
        if attribute == "active" {
            return one.get("active").unwrap_or(&json!(true)) == &json!(value == "true");
        }
        let value: String = serde_json::from_str(value).unwrap();
        if value.is_empty() && self.has(Flaw::EmptyNameFindsAll) {
            return true;
        }
        let list = |name: &str| one.get(name).and_then(Value::as_array).into_iter().flatten();
        match attribute {
            "externalId" if self.has(Flaw::ExternalIdAnyCase) => equal(one.get("externalId"), &value),
            "id" | "externalId" => one.get(attribute).and_then(Value::as_str) == Some(&value),
            "manager" if self.has(Flaw::ManagerUnfound) => false,
            "manager" => {
                one.get(ENTERPRISE).is_some_and(|extension| extension["manager"]["value"] == json!(value))
            }
            "members" => list("members").any(|member| member["value"] == json!(value)),
            "emails[type eq \"work\"].value" => {
                let mut work = list("emails").filter(|email| email["type"] == "work");
                !self.has(Flaw::WorkEmailUnfound) && work.any(|email| equal(email.get("value"), &value))
            }
            name => {
                let known =
                    ["userName", "displayName"].into_iter().find(|known| known.eq_ignore_ascii_case(name));
                equal(one.get(known.unwrap()), &value)
            }
        }
    }
}

fn equal(found: Option<&Value>, value: &str) -> bool {
    found.and_then(Value::as_str).is_some_and(|found| found.to_lowercase() == value.to_lowercase())
}

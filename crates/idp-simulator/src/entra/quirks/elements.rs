//! Elements of lists by a filter: made when there is none, changed part by part, marked, removed.

use serde_json::json;

use super::super::change::{Change, Op};
use super::{Engine, User};

const WORK_EMAIL: &str = "emails[type eq \"work\"].value";

impl Engine {
    /// Add and Replace on an element that is not there make it, of the type that the filter names.
    pub(super) async fn make_missing_elements(&self, user: &mut User) -> bool {
        let op = self.begin("make missing elements");
        let (email, phone) = (user.person.email.clone(), user.person.phone.clone());
        let mut good = true;
        for verb in [Op::Add, Op::Replace] {
            // In one PATCH, so that nobody is ever left without an address.
            let path = Some(WORK_EMAIL.to_owned());
            let made = Change { op: verb, path, value: Some(json!(email)) };
            good &= op.patch(user, &[Change::remove("emails[type eq \"work\"]"), made]).await;
        }
        good &= op.patch(user, &[Change::remove("phoneNumbers")]).await;
        good &= op
            .patch(user, &[Change::add("phoneNumbers[type eq \"mobile\"].value", format!("{phone}1"))])
            .await;
        good &= op
            .patch(user, &[Change::replace("phoneNumbers[type eq \"fax\"].value", format!("{phone}2"))])
            .await;
        let work = [
            Change::add("phoneNumbers[type eq \"work\"].primary", true),
            Change::add("phoneNumbers[type eq \"work\"].value", phone),
        ];
        good &= op.patch(user, &work).await;
        good & op.patch(user, &[Change::remove("phoneNumbers[type eq \"fax\"]")]).await
    }

    /// Parts of an address one by one, names with capitals, another address for mail and back, and the mark moving.
    pub(super) async fn set_parts(&self, user: &mut User) -> bool {
        let op = self.begin("set parts of elements");
        let person = user.person.clone();
        let parts = [
            Change::replace("addresses[type eq \"work\"].streetAddress", person.street.clone()),
            Change::replace("addresses[type eq \"work\"].locality", person.city.clone()),
            Change::replace("addresses[type eq \"work\"].region", person.region.clone()),
            Change::add("addresses[type eq \"work\"].postalCode", "98765"),
            Change::replace(
                "addresses[type eq \"other\"].Formatted",
                format!("{}\n{}", person.street, person.city),
            ),
        ];
        let marks = [
            Change::add("phoneNumbers[type eq \"work\"].value", person.phone.clone()),
            Change::add("phoneNumbers[type eq \"work\"].primary", true),
            Change::add("phoneNumbers[type eq \"mobile\"].value", format!("{}3", person.phone)),
            Change::add("phoneNumbers[type eq \"mobile\"].primary", true),
        ];
        let other = format!("new.{}", person.email);
        op.patch(user, &parts).await
            & op.patch(user, &[Change::replace("emails[type eq \"work\"].primary", true)]).await
            & op.patch(user, &marks).await
            & op.patch(user, &[Change::replace(WORK_EMAIL, other)]).await
            & op.patch(user, &[Change::replace(WORK_EMAIL, person.email)]).await
    }

    /// Roles part by part under a filter whose boolean is a text; then an application role as JSON in a text.
    pub(super) async fn set_roles(&self, user: &mut User, guid: &str) -> bool {
        let op = self.begin("set roles");
        let role = |part: &str, value: &str| Change::add(format!("roles[primary eq \"True\"].{part}"), value);
        let made = [role("display", "Night shift"), role("value", "night"), role("type", "shift")];
        let changed = [Change::replace("roles[primary eq \"True\"].display", "Day shift")];
        let mut good = op.patch(user, &[Change::remove("roles")]).await;
        good &= op.patch(user, &made).await;
        good &= op.patch(user, &changed).await;
        let text = json!({"id": guid, "value": "Auditor", "displayName": "Auditor"}).to_string();
        good &= op.patch(user, &[Change::add("roles", json!([{"value": text}]))]).await;
        good & op.patch(user, &[Change::remove("roles")]).await
    }
}

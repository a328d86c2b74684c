//! Attributes all at once, by keys with dots, by the paths of extensions, and removed.

use serde_json::json;

use super::super::bodies;
use super::super::change::{Change, Op, enterprise};
use super::{Engine, User};
use crate::judge::ENTERPRISE;

impl Engine {
    /// Every attribute in one PATCH: an operation each, or what needs no filter in one value.
    pub(super) async fn set_everything(&self, user: &mut User, manager: &str) -> bool {
        let op = self.begin("set everything");
        let changes = bodies::everything(&user.person, manager);
        op.update(user, &changes).await
    }

    /// One value without a path whose keys are paths: replaced, then added to.
    pub(super) async fn set_by_dotted_keys(&self, user: &mut User) -> bool {
        let op = self.begin("set by dotted keys");
        let person = user.person.clone();
        let replaced = json!({
            "displayName": format!("{} (dotted)", person.family_name),
            "name.givenName": format!("{} Renée", person.given_name),
            "name.familyName": person.family_name,
            enterprise("employeeNumber"): format!("{}-2", person.employee_number),
        });
        let added = json!({"nickName": "Dot", enterprise("costCenter"): "CC-8"});
        op.patch(user, &[Change::whole(Op::Replace, replaced)]).await
            & op.patch(user, &[Change::whole(Op::Add, added)]).await
    }

    /// The URN with a colon, with a dot as older jobs write it, and as the key of an object: what else the extension
    /// holds stays.
    pub(super) async fn set_by_extension_paths(&self, user: &mut User) -> bool {
        let op = self.begin("set by extension paths");
        let dotted = format!("{ENTERPRISE}.department");
        op.patch(user, &[Change::add(enterprise("organization"), "Example Clinics")]).await
            & op.patch(user, &[Change::replace(dotted, "Dotted Department")]).await
            & op.patch(user, &[Change::whole(Op::Replace, json!({ENTERPRISE: {"division": "West"}}))]).await
            & op.patch(user, &[Change::whole(Op::Add, json!({ENTERPRISE: {"department": "Nested"}}))]).await
    }

    /// What was added goes away, and its removal can be repeated.
    pub(super) async fn remove_attributes(&self, user: &mut User) -> bool {
        let op = self.begin("remove attributes");
        let names = ["nickName", "title", "displayName"];
        let given = names.map(|name| Change::add(name, format!("{name} of {}", user.person.family_name)));
        let mut gone: Vec<Change> = names.map(Change::remove).into();
        gone.push(Change::remove("name.honorificSuffix"));
        if self.announced.offers_enterprise("division") {
            gone.push(Change::remove(enterprise("division")));
        }
        let again = [Change::remove("nickName"), Change::remove("phoneNumbers[type eq \"pager\"]")];
        op.patch(user, &given).await & op.patch(user, &gone).await & op.patch(user, &again).await
    }
}

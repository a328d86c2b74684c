//! A manager in each form, known or not, and away again in each way.

use serde_json::json;

use super::super::change::{Change, enterprise};
use super::{Engine, Others, User};

impl Engine {
    /// Sets the manager in four ways, checks the reference, and removes it in three.
    pub(super) async fn set_and_remove_manager(&self, user: &mut User, others: &Others) -> bool {
        let urn = enterprise("manager");
        let somebody = others.somebody.as_str();
        let address = format!("{}/Users/{somebody}", self.client.base_url());
        let set = [
            (Change::add("manager", somebody), somebody),
            (Change::add(urn.clone(), json!({"value": somebody})), somebody),
            (Change::replace(urn.clone(), json!([{"$ref": address, "value": somebody}])), somebody),
            (Change::replace(urn.clone(), others.nobody.as_str()), &others.nobody),
        ];
        let removed = [
            Change::replace("manager", ""),
            Change::replace(urn.clone(), json!({"value": ""})),
            Change::remove(urn),
            Change::remove("manager"),
        ];
        let mut good = true;
        for (step, ((change, manager), removal)) in set.into_iter().zip(removed).enumerate() {
            good &= self.begin("set manager").patch(user, &[change]).await;
            good &= self.refers(user, manager, true, step % 2 == 0).await;
            good &= self.begin("remove manager").patch(user, &[removal]).await;
            good &= self.refers(user, manager, false, step % 2 == 0).await;
        }
        good
    }

    /// A server that does not offer managers need not find any.
    async fn refers(&self, user: &User, manager: &str, holds: bool, id_first: bool) -> bool {
        if !self.announced.offers_enterprise("manager") {
            return true;
        }
        let op = self.begin("check reference");
        op.check_reference("/Users", &user.id, ("manager", manager), holds, id_first).await
    }
}

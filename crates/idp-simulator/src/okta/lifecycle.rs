//! Users leaving and coming back: deactivate, reactivate, password sync, delete.

use reqwest::Method;
use serde_json::{Map, json};

use super::{Account, AppStyle, Engine, Operation, bodies};
use crate::judge;

impl Engine {
    /// Unassigns a person: `active` becomes false, the user stays readable and findable. True when that holds.
    pub async fn deactivate(&self, account: &mut Account) -> bool {
        let op = self.begin("deactivate");
        account.active = false;
        op.set_active(account).await && op.read_back(account, &[]).await && op.expect_only(account).await
    }

    /// Assigns a person again: found by look-up although inactive, then active with the same id and attributes.
    pub async fn reactivate(&self, account: &mut Account) -> bool {
        let op = self.begin("reactivate");
        if !op.expect_only(account).await {
            return false;
        }
        account.active = true;
        op.set_active(account).await && op.read_back(account, &[]).await
    }

    /// Sends another password (catalogue apps only; wizard apps send one with every PUT when sync is on): accepted, and
    /// in no answer.
    pub async fn sync_password(&self, account: &mut Account, password: &str) -> bool {
        let op = self.begin("sync password");
        password.clone_into(&mut account.person.password);
        let body = bodies::replace(&json!({"password": password}));
        op.patch(account, &body).await && op.read_back(account, &[]).await
    }

    /// Deletes a user, which Okta itself never does but some products offer: gone for reads and look-ups.
    pub async fn delete_user(&self, account: &Account) -> bool {
        let op = self.begin("delete user");
        let path = format!("/Users/{}", account.id);
        let Some(answer) = op.send(Method::DELETE, &path, None).await else { return false };
        op.status(&answer, &[204])
            && op.judge(&answer, [judge::nothing(&answer)])
            && op.expect_gone(&path).await
            && op.expect_nobody(&account.person.user_name).await
    }
}

impl Operation<'_> {
    async fn set_active(&self, account: &Account) -> bool {
        match self.engine.style {
            AppStyle::Wizard => self.put(account, &Map::new()).await,
            AppStyle::Catalogue => {
                self.patch(account, &bodies::replace(&json!({"active": account.active}))).await
            }
        }
    }

    /// A deleted resource is answered with 404 in SCIM's form.
    pub(super) async fn expect_gone(&self, path: &str) -> bool {
        match self.get(path).await {
            Some(answer) => self.status(&answer, &[404]),
            None => false,
        }
    }
}

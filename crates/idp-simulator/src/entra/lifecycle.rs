//! Users leaving and coming back: disable, enable, refused twins, hard deletion.

use reqwest::Method;

use super::bodies::{self, CreateShape};
use super::change::Change;
use super::matching::equals;
use super::{Engine, Operation, User, Wire};
use crate::judge;

impl Engine {
    /// Unassigns a user: `active` false, still readable and found. True when that holds.
    pub async fn disable(&self, user: &mut User) -> bool {
        let op = self.begin("disable");
        op.patch(user, &[Change::replace("active", false)]).await && op.expect_matched(user).await
    }

    /// Assigns a disabled user again: found, then active under the same id with the same attributes.
    pub async fn enable(&self, user: &mut User) -> bool {
        let op = self.begin("enable");
        op.expect_matched(user).await && op.patch(user, &[Change::replace("active", true)]).await
    }

    /// POSTs a userName that is taken, in another case: 409 `uniqueness`, and the user stays as it is.
    pub async fn refuse_duplicate(&self, user: &User, object_id: &str) -> bool {
        let op = self.begin("refuse duplicate");
        let mut twin = user.person.clone();
        twin.user_name = user.user_name().to_uppercase();
        let (body, _) = bodies::create(&twin, object_id, CreateShape::Plain, self.wire);
        let Some(answer) = op.send(Method::POST, "/Users", Some(&body)).await else { return false };
        op.status(&answer, &[409])
            && op.judge(&answer, [judge::conflict(&answer)])
            && op.expect_only(&equals("userName", user.user_name()), user).await
    }

    /// Disables and deletes a user for good: gone for reads, look-ups and a second DELETE.
    pub async fn delete_user(&self, user: &mut User) -> bool {
        self.disable(user).await;
        let op = self.begin("delete user");
        op.delete(&format!("/Users/{}", user.id)).await
            && op.expect_nobody(&equals(self.matching.path(), &user.key(self.matching))).await
    }

    /// A name whose user was deleted is free again. `None` when it is not.
    pub async fn create_again(&self, user: &User, object_id: &str) -> Option<User> {
        let shape = match self.wire {
            Wire::Legacy => CreateShape::TextBooleans,
            Wire::Compliant => CreateShape::Undeclared,
        };
        self.provision(&user.person, object_id, shape).await
    }

    /// An id that nobody has is 404, to read and to delete.
    pub async fn refuse_unknown(&self, guid: &str) -> bool {
        let op = self.begin("read nobody");
        let mut good = true;
        for method in [Method::GET, Method::DELETE] {
            let Some(answer) = op.send(method, &format!("/Users/{guid}"), None).await else { return false };
            good &= op.status(&answer, &[404]);
        }
        good
    }
}

impl Operation<'_> {
    /// DELETE: 204 and nothing, then 404 to GET and to another DELETE.
    pub(super) async fn delete(&self, path: &str) -> bool {
        let Some(answer) = self.send(Method::DELETE, path, None).await else { return false };
        if !(self.status(&answer, &[204]) && self.judge(&answer, [judge::nothing(&answer)])) {
            return false;
        }
        for method in [Method::GET, Method::DELETE] {
            let Some(answer) = self.send(method, path, None).await else { return false };
            if !self.status(&answer, &[404]) {
                return false;
            }
        }
        true
    }
}

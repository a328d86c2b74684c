//! Another name to sign in with, under the same id.

use super::super::change::Change;
use super::super::matching::equals;
use super::{Engine, User};

impl Engine {
    /// Another userName: found by it and no longer by the old one; then back, so that a later run finds the user.
    pub(super) async fn change_user_name(&self, user: &mut User) -> bool {
        let op = self.begin("change userName");
        let old = user.user_name().to_owned();
        let new = format!("renamed.{old}");
        if !op.patch(user, &[Change::replace("userName", new.clone())]).await {
            return false;
        }
        op.expect_only(&equals("userName", &new), user).await
            & op.expect_nobody(&equals("userName", &old)).await
            & op.patch(user, &[Change::replace("userName", old)]).await
    }
}

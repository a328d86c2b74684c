//! The members of a large group, a batch at a time.

use std::{fmt, sync::Arc};

use scim_core::{
    ScimError,
    profile::Profile,
    projection::{self, Projection},
};
use serde_json::Value;
use store::{
    GroupId, TenantScope,
    groups::{Group, MEMBERS_AT_ONCE},
};
use uuid::Uuid;

use crate::{Request, answer, scim_error};

/// The members of a group that come after those in [`crate::Rendered::body`]. Each batch is read in a transaction of its
/// own, so whoever sends them slowly holds no connection. What changes between two batches may show or not; a member
/// that stays is there once.
#[derive(Clone)]
pub struct MoreMembers {
    scope: TenantScope,
    group: GroupId,
    /// The last one that was read.
    after: Option<Uuid>,
    ended: bool,
    profile: Arc<Profile>,
    base_url: String,
    projection: Projection,
}

impl MoreMembers {
    /// After those that were read with the group.
    pub(crate) fn new(request: Request<'_>, scope: &TenantScope, group: &Group) -> Self {
        Self {
            scope: scope.clone(),
            group: group.id,
            after: group.members.as_ref().and_then(|members| members.last()).map(|member| member.id),
            ended: false,
            profile: request.tenant.profile.clone(),
            base_url: request.base_url.to_owned(),
            projection: request.projection.clone(),
        }
    }

    /// The next elements of `members`, by id, as the request wants them; none when there are no more. An error means
    /// that the list is not whole: nothing that looks like its end may be sent.
    pub async fn next(&mut self) -> Result<Vec<Value>, ScimError> {
        let (false, Some(kind)) = (self.ended, self.profile.group.as_deref()) else { return Ok(Vec::new()) };
        let members =
            self.scope.members_after(self.group, self.after, MEMBERS_AT_ONCE).await.map_err(scim_error)?;
        let members = members.ok_or_else(|| ScimError::not_found("Group", &self.group.to_string()))?;
        self.ended = members.len() < MEMBERS_AT_ONCE;
        self.after = members.last().map(|member| member.id);
        let shown = |member| {
            let edge = answer::member_of(&self.base_url, member);
            projection::render_edge(kind, &edge, &self.projection)
        };
        Ok(members.iter().filter_map(shown).collect())
    }
}

impl fmt::Debug for MoreMembers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MoreMembers")
            .field("group", &self.group)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

/// The same members, shown in the same way.
impl PartialEq for MoreMembers {
    fn eq(&self, other: &Self) -> bool {
        (self.group, self.after, self.ended) == (other.group, other.after, other.ended)
            && self.scope.id() == other.scope.id()
            && (&self.base_url, &self.projection) == (&other.base_url, &other.projection)
    }
}

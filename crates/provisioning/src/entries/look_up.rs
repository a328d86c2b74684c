//! Who somebody is at a sign-in: the users of a name, an id of the identity provider, or an e-mail address.

use scim_core::{
    filter::{CompareOp, Filter, Literal},
    fold,
    path::Resolved,
    resource::AttrRef,
    search::MAX_INDEXED,
};
use store::{
    ListQuery, Start, StoreError, Total, UserId,
    users::{Known, KnownBy, KnownQuery},
};

use super::{Entries, Entry, with_roles};
use crate::{Provisioner, Tenant};

/// What somebody is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookedUp<'q> {
    /// Id.
    Id(UserId),
    /// userName; at most one has it.
    UserName(&'q str),
    /// externalId, as the identity provider sent it.
    ExternalId(&'q str),
    /// Any of the e-mail addresses; several users may have one.
    Email(&'q str),
}

/// Why nobody was looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// The product keeps no e-mail addresses.
    #[error("{0} keeps no e-mail addresses")]
    NoEmails(String),
    /// The text is empty, or longer than any that could be found.
    #[error("send 1 to {MAX_INDEXED} bytes")]
    Length,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LookedUp<'_> {
    fn fits(&self) -> bool {
        match self {
            Self::Id(_) => true,
            // Folding may lengthen a text.
            Self::UserName(text) | Self::ExternalId(text) | Self::Email(text) => {
                !text.is_empty() && text.len() <= MAX_INDEXED && fold(text).len() <= MAX_INDEXED
            }
        }
    }
}

impl Provisioner {
    /// Live users who are known by something, active or not unless it is asked for, in the order of their ids, at most `limit`:
    /// after one of them, or the first ones. Names and addresses are compared as SCIM filters compare them.
    pub async fn look_up(
        &self,
        tenant: &Tenant,
        base_url: &str,
        (sought, active): (LookedUp<'_>, Option<bool>),
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Entries, LookUpError> {
        if !sought.fits() {
            return Err(LookUpError::Length);
        }
        let known = |by| KnownQuery { by, active, after, limit };
        let scope = self.directory_of(tenant);
        let found = match sought {
            LookedUp::Id(id) => scope.known(&known(KnownBy::Id(id))).await?,
            LookedUp::ExternalId(id) => scope.known(&known(KnownBy::ExternalId(id))).await?,
            LookedUp::UserName(name) => {
                let mut found = scope.known(&known(KnownBy::UserName(name))).await?;
                if is_exact(tenant, "userName") {
                    // The index holds folded names.
                    found.users.retain(|(user, _)| user.user_name == name);
                }
                found
            }
            LookedUp::Email(email) => {
                let Resolved::Attribute(target) = tenant.profile.user.resolve("emails.value") else {
                    return Err(LookUpError::NoEmails(tenant.profile.title.clone()));
                };
                let leaf = target.leaf();
                let value = if leaf.case_exact { email.to_owned() } else { fold(email) };
                if !leaf.indexed || tenant.terms().index_incomplete {
                    let filter = filter_of(tenant, target, value, active);
                    return Ok(self.read_through(tenant, base_url, filter, after, limit).await?);
                }
                scope.known(&known(KnownBy::Value(&target.path(), &value))).await?
            }
        };
        let Known { users, position } = found;
        let items =
            users.into_iter().map(|(user, roles)| Entry::new(tenant, base_url, user, roles)).collect();
        Ok(Entries { items, position })
    }

    /// While the index of values is made anew it may lack some: then the documents are asked.
    async fn read_through(
        &self,
        tenant: &Tenant,
        base_url: &str,
        filter: Filter,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Entries, StoreError> {
        let position = self.position().await?;
        let scope = self.directory_of(tenant);
        let start = after.map_or(Start::Offset(0), |id| Start::After(id.0));
        let query = ListQuery {
            filter: Some(filter),
            start,
            limit,
            total: Total::OfPage,
            edges: true,
            ..ListQuery::default()
        };
        let users = scope.users(&query).await?.items;
        let items = with_roles(tenant, &scope, base_url, users).await?;
        Ok(Entries { items, position })
    }
}

fn filter_of(tenant: &Tenant, target: AttrRef, value: String, active: Option<bool>) -> Filter {
    let equals = |target, value| Filter::Compare { target, op: CompareOp::Eq, value };
    let mut parts = vec![equals(target, Literal::String(value))];
    if let (Some(active), Resolved::Attribute(target)) = (active, tenant.profile.user.resolve("active")) {
        parts.push(equals(target, Literal::Boolean(active)));
    }
    Filter::And(parts)
}

/// Does case count in this attribute?
fn is_exact(tenant: &Tenant, name: &str) -> bool {
    match tenant.profile.user.resolve(name) {
        Resolved::Attribute(target) => target.leaf().case_exact,
        _ => false,
    }
}

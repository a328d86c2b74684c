//! A tenant's people, groups and roles.

use std::time::Duration;

use futures::{Stream, stream::try_unfold};
use serde::de::DeserializeOwned;

use crate::{At, Client, Error, Group, Member, Page, Role, User};

/// Rows of a page of a list that is read as a whole: as many as the server gives.
const PAGE: u16 = 200;

/// The directory of a tenant; cheap to clone.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub(crate) client: Client,
    pub(crate) slug: String,
}

/// What somebody is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'k> {
    /// userName, in any case; at most one user has it.
    UserName(&'k str),
    /// externalId, exactly as the identity provider sent it.
    ExternalId(&'k str),
    /// Any of the e-mail addresses, in any case; several users may have one.
    Email(&'k str),
}

/// Which users are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// Active ones alone, or inactive ones.
    pub active: Option<bool>,
    /// Most users of a page, 1 to 200; `None`: 200.
    pub limit: Option<u16>,
}

impl Tenant {
    pub(crate) fn new(client: Client, slug: String) -> Self {
        Self { client, slug }
    }

    /// Who somebody is at a sign-in, active or not; nobody is an empty page. Where more than fit have an e-mail address, there
    /// is a `next_cursor`.
    pub async fn find(&self, key: Key<'_>) -> Result<Page<User>, Error> {
        let (name, text) = match key {
            Key::UserName(text) => ("userName", text),
            Key::ExternalId(text) => ("externalId", text),
            Key::Email(text) => ("email", text),
        };
        self.get(&["users"], &[(name, text.to_owned())]).await
    }

    /// A user by id, active or not. See [`Error::is_not_found`].
    pub async fn user(&self, id: &str) -> Result<At<User>, Error> {
        self.get(&["users", id], &[]).await
    }

    /// Everybody, page by page.
    pub fn user_pages(&self, query: UserQuery) -> impl Stream<Item = Result<Page<User>, Error>> + use<> {
        let active = query.active.map(|active| ("active", active.to_string()));
        self.pages(vec!["users".to_owned()], active, query.limit)
    }

    /// All groups, page by page.
    pub fn group_pages(&self) -> impl Stream<Item = Result<Page<Group>, Error>> + use<> {
        self.pages(vec!["groups".to_owned()], None, None)
    }

    /// A group by id.
    pub async fn group(&self, id: &str) -> Result<At<Group>, Error> {
        self.get(&["groups", id], &[]).await
    }

    /// The direct members of a group, page by page, however many there are.
    pub fn member_pages(&self, group: &str) -> impl Stream<Item = Result<Page<Member>, Error>> + use<> {
        self.pages(vec!["groups".to_owned(), group.to_owned(), "members".to_owned()], None, None)
    }

    /// The roles of the tenant with the groups that give them, page by page.
    pub fn role_pages(&self) -> impl Stream<Item = Result<Page<Role>, Error>> + use<> {
        self.pages(vec!["roles".to_owned()], None, None)
    }

    /// Who has a role, page by page.
    pub fn holder_pages(&self, role: &str) -> impl Stream<Item = Result<Page<User>, Error>> + use<> {
        self.pages(vec!["roles".to_owned(), role.to_owned(), "users".to_owned()], None, None)
    }

    /// All pages of a list, each when it is asked for.
    fn pages<T: DeserializeOwned>(
        &self,
        path: Vec<String>,
        also: Option<(&'static str, String)>,
        limit: Option<u16>,
    ) -> impl Stream<Item = Result<Page<T>, Error>> + use<T> {
        let tenant = self.clone();
        let limit = limit.unwrap_or(PAGE).to_string();
        try_unfold(Some(None::<String>), move |next| {
            let (tenant, path, also, limit) = (tenant.clone(), path.clone(), also.clone(), limit.clone());
            async move {
                let Some(cursor) = next else { return Ok(None) };
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                let mut query = vec![("limit", limit)];
                query.extend(also);
                query.extend(cursor.map(|cursor| ("cursor", cursor)));
                let page: Page<T> = tenant.get(&path, &query).await?;
                // One after the last page ends the stream.
                let next = page.next_cursor.clone().map(Some);
                Ok(Some((page, next)))
            }
        })
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Result<T, Error> {
        let path = [&["tenants", &self.slug], path].concat();
        self.client.get(&path, query, Duration::ZERO).await
    }
}

//! All entries of a directory's users, page by page (RFC 2696), and all users by their links.

use std::{collections::HashMap, panic::AssertUnwindSafe};

use futures::FutureExt as _;
use ldap3::{
    Scope, SearchStream,
    adapters::{Adapter, EntriesOnly, PagedResults},
};
use scim_core::fold;
use store::{
    StoreError, TenantScope, UserId,
    users::{NameQuery, Place, Standing, User},
};

use super::{
    connection::{ANSWER, Fault, Session, entry_of, told},
    mapping::{Entry, Mapping},
    template::Subject,
};

/// Entries of a page; most directories give no more than a thousand at once.
const PAGE: i32 = 250;

/// Entries and users that are looked at together.
pub(super) const BATCH: usize = 250;

/// A walk through all entries.
pub(super) struct Walk {
    stream: SearchStream<'static, String, Vec<String>>,
    base: String,
}

impl Walk {
    /// From the beginning.
    pub(super) async fn begin(
        session: &Session,
        mapping: &Mapping,
        attributes: Vec<String>,
    ) -> Result<Self, Fault> {
        let pages: Vec<Box<dyn Adapter<'static, String, Vec<String>>>> =
            vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(PAGE))];
        let mut ldap = session.handle();
        let base = mapping.base.clone();
        let search = ldap.with_timeout(ANSWER).streaming_search_with(
            pages,
            &base,
            Scope::Subtree,
            &mapping.filter,
            attributes,
        );
        let stream = search.await.map_err(|error| session.lost(&error))?;
        Ok(Self { stream, base })
    }

    /// The next entries, [`BATCH`] at most; none at the end. Fewer than there are is a fault: nobody could tell who is missing.
    pub(super) async fn next(&mut self) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        while entries.len() < BATCH {
            let stream = &mut self.stream;
            // The library panics on answers that are malformed.
            let next = AssertUnwindSafe(async { stream.next().await.map(|found| found.map(entry_of)) });
            match next.catch_unwind().await {
                Ok(Ok(Some(entry))) => entries.push(entry),
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(Fault::Lost(format!("the walk broke off: {error}"))),
                Err(_) => return Err(Fault::Lost("an entry could not be understood".to_owned())),
            }
        }
        if entries.is_empty() {
            let result = self.stream.finish().await;
            if result.rc != 0 {
                let text = format!("not all entries below {} can be read: {}", self.base, told(&result));
                return Err(Fault::Refused(text));
            }
        }
        Ok(entries)
    }
}

/// Users of a tenant by what links their entries.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By folded links.
    pub(super) users: HashMap<String, UserId>,
    /// Users whose link another one has already, with that link.
    pub(super) shared: Vec<(User, String)>,
    /// Users who have none.
    pub(super) unlinked: Vec<User>,
}

impl Index {
    /// Of all live users.
    pub(super) async fn of(scope: &TenantScope, mapping: &Mapping) -> Result<Self, StoreError> {
        let mut index = Self::default();
        let mut after = None;
        loop {
            let users = scope.users_after(after, BATCH as u64).await?;
            let Some(last) = users.last() else { return Ok(index) };
            after = Some(last.id);
            for user in users {
                let id = user.id.to_string();
                match mapping.link_of(Subject { id: &id, document: &user.document }) {
                    Err(_) => index.unlinked.push(user),
                    Ok(link) if index.users.contains_key(&fold(&link)) => index.shared.push((user, link)),
                    Ok(link) => {
                        index.users.insert(fold(&link), user.id);
                    }
                }
            }
        }
    }
}

/// Live users of these ids, by id.
pub(super) async fn users_of(
    scope: &TenantScope,
    ids: Vec<UserId>,
) -> Result<HashMap<UserId, User>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let query = NameQuery {
        standing: Standing::Live,
        filter: None,
        limit: ids.len(),
        among: Some(ids),
        place: Place::First,
    };
    let page = scope.users_by_name(&query).await?;
    Ok(page.users.into_iter().map(|user| (user.id, user)).collect())
}

/// The one link of an entry; the error is for people.
pub(super) fn link_of_entry(mapping: &Mapping, entry: &Entry) -> Result<String, String> {
    let mut links = entry.values(mapping.link());
    match (links.next(), links.next()) {
        (Some(link), None) => Ok(link.to_owned()),
        (None, _) => Err(format!("it has no {}", mapping.link())),
        (Some(_), Some(_)) => Err(format!("it has several values of {}", mapping.link())),
    }
}

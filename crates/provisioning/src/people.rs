//! People look for people: lists of users by name with a search and a filter, from page to page by key; and what a person
//! does to one user.

use scim_core::{ResourceType, ScimError, filter, search};
use serde_json::{Value, json};
use store::{
    GroupId, TenantScope, UserId,
    users::{Bounded, NamePage, NameQuery, Place, Sought, Standing, User},
};

use crate::{Provisioner, Rendered, Request, answer, scim_error, users::user_type};

/// Members of a group that are listed by name; those of a larger one come in the order in which they were made.
pub const BY_NAME: u64 = 2_000;

/// Most users of a list that are counted.
pub const COUNTED: u64 = 1_000;

/// Most words of a search.
const WORDS: usize = 4;

/// What somebody looks for.
#[derive(Clone, Debug, Default)]
pub struct Finding<'a> {
    /// The text of a search; empty: everybody.
    pub text: &'a str,
    /// May the text stand inside of a value? If not, a value begins with it.
    pub inside: bool,
    /// A SCIM filter.
    pub filter: Option<&'a str>,
    /// Only direct members of this group.
    pub group: Option<GroupId>,
    /// Where the page stands.
    pub place: Place,
    /// Most users of the page.
    pub count: usize,
}

/// A user of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedUser {
    /// As the projection wants it; in no group.
    pub rendered: Rendered,
    /// Milliseconds; only of a soft-deleted user.
    pub deleted_at: Option<i64>,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedUsers {
    /// The users.
    pub users: Vec<ListedUser>,
    /// Are there any before them?
    pub before: bool,
    /// Are there any after them?
    pub after: bool,
    /// How many the list has, where that is known without looking at all of them.
    pub total: Option<Bounded>,
    /// Were all looked at? If not, more people fit the text than are looked at: a longer text finds them.
    pub whole: bool,
}

impl Provisioner {
    /// A page of users by name. 400 `invalidFilter` for a filter that is none.
    pub async fn find_users(
        &self,
        request: Request<'_>,
        standing: Standing,
        finding: &Finding<'_>,
    ) -> Result<ListedUsers, ScimError> {
        let (scope, kind) = (self.scope(request), user_type(request));
        let text = finding.text.trim();
        let mut query = NameQuery {
            standing,
            filter: finding.filter.map(|text| parse(request, text)).transpose()?,
            among: None,
            place: finding.place,
            limit: finding.count,
        };
        let mut whole = true;
        if !text.is_empty() {
            if standing == Standing::Deleted || !request.tenant.row.indexed {
                // The index of values has live users only, and not all of them while it is being made anew.
                let searched = parse(request, &search_filter(kind, text, finding.inside))?;
                query.filter = Some(match query.filter.take() {
                    Some(filter) => filter::Filter::And(vec![filter, searched]),
                    None => searched,
                });
            } else {
                let found = find(&scope, kind, text, finding.inside).await?;
                (query.among, whole) = (Some(found.0), found.1);
            }
        }
        if let Some(group) = finding.group {
            query.among = Some(match query.among.take() {
                Some(found) => scope.members_among(group, &found).await.map_err(scim_error)?,
                None => scope.member_users(group, None, BY_NAME + 1).await.map_err(scim_error)?,
            });
            let many = text.is_empty() && query.among.as_ref().is_some_and(|ids| ids.len() as u64 > BY_NAME);
            if many && query.filter.is_none() {
                return members_by_id(&scope, request, group, &query).await;
            }
            whole &= !many;
        }
        let page = scope.users_by_name(&query).await.map_err(scim_error)?;
        let alone = !page.before && !page.after;
        let total = match (alone, &query.among) {
            (true, _) => Some(Bounded { count: page.users.len() as u64, more: false }),
            (false, Some(_)) => Some(scope.count_by_name(&query, COUNTED).await.map_err(scim_error)?),
            (false, None) => None,
        };
        Ok(ListedUsers { total, whole, ..listed(request, page) })
    }

    /// These users in this order, as far as they are live.
    pub async fn users_among(
        &self,
        request: Request<'_>,
        ids: &[UserId],
    ) -> Result<Vec<ListedUser>, ScimError> {
        let scope = self.scope(request);
        let page = in_order(&scope, ids).await?;
        Ok(listed(request, page).users)
    }

    /// The filter that says what a list of live users shows, for an export of it; `None`: everybody. 400 `invalidFilter`
    /// as for [`Self::find_users`].
    pub fn filter_of_list(
        &self,
        request: Request<'_>,
        standing: Standing,
        finding: &Finding<'_>,
    ) -> Result<Option<filter::Filter>, ScimError> {
        let text = finding.text.trim();
        let mut parts = Vec::new();
        match standing {
            Standing::Active => parts.push(parse(request, "not (active eq false)")?),
            Standing::Inactive => parts.push(parse(request, "active eq false")?),
            Standing::Live | Standing::Deleted => {}
        }
        parts.extend(finding.filter.map(|text| parse(request, text)).transpose()?);
        if !text.is_empty() {
            parts.push(parse(request, &search_filter(user_type(request), text, finding.inside))?);
        }
        Ok((!parts.is_empty()).then_some(filter::Filter::And(parts)))
    }

    /// Turns a user off or on, as an identity provider would by PATCH. Whoever is turned on must fit the profile.
    pub async fn set_active(
        &self,
        request: Request<'_>,
        id: &str,
        active: bool,
    ) -> Result<Rendered, ScimError> {
        let body = json!({
            "schemas": [scim_core::urn::PATCH_OP],
            "Operations": [{"op": "replace", "path": "active", "value": active}],
        });
        self.patch_user(request, id, None, &body).await
    }
}

/// The ids of live users whom a text finds, and whether these are all: by the text as a whole; or each of its words by
/// any attribute.
async fn find(
    scope: &TenantScope,
    kind: &ResourceType,
    text: &str,
    inside: bool,
) -> Result<(Vec<UserId>, bool), ScimError> {
    let paths = searched(kind);
    let sought = |text| Sought { text, inside, paths: &paths };
    let mut found = scope.find_users(&sought(text)).await.map_err(scim_error)?;
    let words: Vec<&str> = text.split_whitespace().collect();
    if !(2..=WORDS).contains(&words.len()) {
        return Ok((found.ids, found.whole));
    }
    let mut common: Option<Vec<UserId>> = None;
    for word in words {
        let of_word = scope.find_users(&sought(word)).await.map_err(scim_error)?;
        found.whole &= of_word.whole;
        common = Some(match common {
            None => of_word.ids,
            // Ids come in order.
            Some(ids) => ids.into_iter().filter(|id| of_word.ids.binary_search(id).is_ok()).collect(),
        });
    }
    found.ids.extend(common.unwrap_or_default());
    found.ids.sort_unstable();
    found.ids.dedup();
    Ok((found.ids, found.whole))
}

/// The attributes that are searched: all that are indexed, but who somebody's manager is.
fn searched(kind: &ResourceType) -> Vec<(String, bool)> {
    let paths = search::indexed_paths(kind).into_iter().filter(|indexed| indexed.anywhere);
    paths.map(|indexed| (indexed.path, indexed.case_exact)).collect()
}

/// The SCIM filter that says the same as a search by index.
fn search_filter(kind: &ResourceType, text: &str, inside: bool) -> String {
    // A JSON string is what the filter grammar takes as a literal.
    let (literal, operator) = (Value::from(text).to_string(), if inside { "co" } else { "sw" });
    let names = ["userName", "externalId"].into_iter().map(str::to_owned);
    let terms = names.chain(searched(kind).into_iter().map(|(path, _)| path));
    let terms: Vec<String> = terms.map(|path| format!("{path} {operator} {literal}")).collect();
    terms.join(" or ")
}

fn parse(request: Request<'_>, text: &str) -> Result<filter::Filter, ScimError> {
    let leniencies = request.tenant.profile.leniencies;
    filter::parse(text, user_type(request), leniencies.boolean_strings)
}

fn listed(request: Request<'_>, page: NamePage) -> ListedUsers {
    let row = |user: &User| ListedUser { rendered: answer::user(request, user), deleted_at: user.deleted_at };
    let users = page.users.iter().map(row).collect();
    ListedUsers { users, before: page.before, after: page.after, total: None, whole: true }
}

/// A page of the direct members of a large group, in the order in which they were made.
async fn members_by_id(
    scope: &TenantScope,
    request: Request<'_>,
    group: GroupId,
    query: &NameQuery,
) -> Result<ListedUsers, ScimError> {
    let limit = query.limit as u64 + 1;
    let backward = matches!(query.place, Place::Before(_) | Place::Last);
    let mut ids = match query.place {
        Place::First => scope.member_users(group, None, limit).await,
        Place::After(id) => scope.member_users(group, Some(id), limit).await,
        Place::Before(id) => scope.member_users_before(group, Some(id), limit).await,
        Place::Last => scope.member_users_before(group, None, limit).await,
    }
    .map_err(scim_error)?;
    let more = ids.len() > query.limit;
    ids.truncate(query.limit);
    if backward {
        ids.reverse();
    }
    let beside = matches!(query.place, Place::After(_) | Place::Before(_));
    let (before, after) = if backward { (more, beside) } else { (beside, more) };
    let counted = scope.member_counts(&[group]).await.map_err(scim_error)?;
    let page = in_order(scope, &ids).await?;
    let total = counted.get(&group).copied();
    Ok(ListedUsers { total, before, after, ..listed(request, page) })
}

async fn in_order(scope: &TenantScope, ids: &[UserId]) -> Result<NamePage, ScimError> {
    let query = NameQuery {
        standing: Standing::Live,
        filter: None,
        among: Some(ids.to_vec()),
        place: Place::First,
        limit: ids.len(),
    };
    let mut page = scope.users_by_name(&query).await.map_err(scim_error)?;
    page.users.sort_by_key(|user| ids.iter().position(|id| *id == user.id));
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stays_one_literal_of_the_filter() {
        let kind = ResourceType::user();
        let hostile = search_filter(&kind, "a\" or userName pr or \"\\", true);
        assert!(
            hostile.starts_with(r#"userName co "a\" or userName pr or \"\\" or externalId co "#),
            "{hostile}"
        );
        assert!(filter::parse(&hostile, &kind, true).is_ok(), "{hostile}");
        assert!(filter::parse(&search_filter(&kind, "x", false), &kind, true).is_ok());
    }

    #[test]
    fn names_addresses_and_numbers_are_searched() {
        let paths: Vec<String> = searched(&ResourceType::user()).into_iter().map(|(path, _)| path).collect();
        for path in ["displayName", "name.familyName", "name.givenName", "emails.value"] {
            assert!(paths.iter().any(|known| known == path), "{path}: {paths:?}");
        }
        assert!(paths.iter().any(|path| path.ends_with(":employeeNumber")), "{paths:?}");
        assert!(!paths.iter().any(|path| path.contains("manager")), "{paths:?}");
    }
}

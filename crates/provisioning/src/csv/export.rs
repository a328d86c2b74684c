//! All users of a tenant as a CSV file, a page at a time.

use scim_core::{ResourceType, ScimError, filter::Filter, timestamp};
use serde_json::Value;
use store::{ListQuery, Start, TenantScope, Total, users::User};
use uuid::Uuid;

use super::{
    LineError, MAX_COLUMNS,
    cells::{text_of, write_cell},
    columns::{Column, Known, Place},
    merge::holder,
};
use crate::{Provisioner, Tenant, scim_error};

/// Users read at a time.
const PAGE: u64 = 200;

/// The end of a row (RFC 4180 §2).
const END: &str = "\r\n";

impl Provisioner {
    /// All live users of a tenant as CSV in UTF-8, by id: `columns`, or every attribute of the tenant's users but the
    /// password. An error says which column there is none of.
    pub fn export_users(&self, tenant: &Tenant, columns: Option<&[String]>) -> Result<UserExport, LineError> {
        self.export_matching_users(tenant, columns, None)
    }

    /// Likewise, those who fit a filter.
    pub fn export_matching_users(
        &self,
        tenant: &Tenant,
        columns: Option<&[String]>,
        filter: Option<Filter>,
    ) -> Result<UserExport, LineError> {
        let known = Known::of(&tenant.profile.user);
        let columns = match columns {
            None => known.written(),
            Some(names) if names.len() > MAX_COLUMNS => {
                return Err(LineError::new(1, format!("at most {MAX_COLUMNS} columns can be written")));
            }
            Some(names) => {
                let column = |name: &String| {
                    let column = known.find(name).ok_or_else(|| {
                        let problem = format!("is no attribute of this tenant's users. {}", known.list());
                        LineError::at(1, name.trim(), problem)
                    })?;
                    Ok((name.trim().to_owned(), column))
                };
                names.iter().map(column).collect::<Result<_, LineError>>()?
            }
        };
        let scope = self.store.tenant(tenant.id()).under(tenant.terms());
        Ok(UserExport { scope, columns, filter, place: Some(Start::default()), total: None, rows: 0 })
    }
}

/// A CSV file that is being written. Each page is read in a transaction of its own, so a slow reader holds nothing; a
/// user who comes or goes meanwhile may be there or not, one who stays is there once.
pub struct UserExport {
    scope: TenantScope,
    columns: Vec<(String, Column)>,
    filter: Option<Filter>,
    /// Where the next page begins; `None` after the last.
    place: Option<Start>,
    total: Option<u64>,
    rows: u64,
}

impl UserExport {
    /// Users when the export began; known after its first part.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Rows written so far, the header not counted.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next part of the file, whole rows; `None` after the last. The first begins with the header. An error means
    /// that the file is not whole.
    pub async fn next(&mut self) -> Result<Option<String>, ScimError> {
        let Some(start) = self.place.take() else { return Ok(None) };
        let mut text = String::new();
        let total = if self.total.is_none() { Total::Whole } else { Total::OfPage };
        let filter = self.filter.clone();
        let query = ListQuery { filter, start, limit: PAGE, total, ..ListQuery::default() };
        let page = self.scope.users(&query).await.map_err(scim_error)?;
        if self.total.is_none() {
            self.total = Some(page.total);
            write_row(&mut text, self.columns.iter().map(|(name, _)| name.clone()));
        }
        for user in &page.items {
            write_row(&mut text, self.columns.iter().map(|(_, column)| text_in(column, user)));
        }
        self.rows += page.items.len() as u64;
        let last: Option<Uuid> = page.items.last().map(|user| user.id.0);
        self.place = last.filter(|_| page.more).map(Start::After);
        Ok(Some(text))
    }
}

pub(super) fn write_row(out: &mut String, cells: impl Iterator<Item = String>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_cell(out, &cell);
    }
    out.push_str(END);
}

/// What a user has in a column.
fn text_in(column: &Column, user: &User) -> String {
    match column {
        Column::Id => user.id.to_string(),
        Column::Created => timestamp::to_rfc3339(user.created_at),
        Column::LastModified => timestamp::to_rfc3339(user.updated_at),
        Column::LeftOut => String::new(),
        Column::Value(place) => match value_at(place, user) {
            Some(value) => text_of(value),
            // Absence means true; people who read the file need not know.
            None if place.target.extension.is_none() && place.target.path() == "active" => "true".to_owned(),
            None => String::new(),
        },
    }
}

fn value_at<'u>(place: &Place, user: &'u User) -> Option<&'u Value> {
    let value = holder(&user.document, &place.target)?.get(&place.target.attribute.name)?;
    let Some(sub) = &place.target.sub else { return Some(value) };
    let element = match value {
        Value::Array(list) => {
            let of_type = |kind: &str, element: &&Value| {
                element
                    .get("type")
                    .and_then(Value::as_str)
                    .is_some_and(|text| scim_core::fold::same(text, kind))
            };
            match &place.of_type {
                Some(kind) => list.iter().find(|element| of_type(kind, element))?,
                None => {
                    let primary = |element: &&Value| element.get("primary") == Some(&Value::Bool(true));
                    list.iter().find(primary).or_else(|| list.first())?
                }
            }
        }
        single => single,
    };
    element.get(&sub.name)
}

/// The names of the columns that an export of a tenant's users has.
#[must_use]
pub fn columns_of(kind: &ResourceType) -> Vec<String> {
    Known::of(kind).written().into_iter().map(|(name, _)| name).collect()
}

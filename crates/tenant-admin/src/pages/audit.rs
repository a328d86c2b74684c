//! Who did what and when, of a tenant or of the installation: search, whether the trail is whole, files to keep.

pub(crate) mod chain;
pub(crate) mod differences;
pub(crate) mod entry;
pub(crate) mod filters;
pub(crate) mod words;

use std::collections::HashMap;

use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use futures::stream;
use http::{HeaderValue, StatusCode, header};
use provisioning::csv::{TrailExport, TrailFormat};
use scim_core::ScimError;
use store::{
    ListQuery, Start, TenantScope,
    trail::{Entry, Trail},
};

use self::{chain::ChainCard, filters::Filters, words::Object};
use super::tenant;
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    form::Errors,
    pager::{PAGE_SIZE, link},
    when::Moment,
};

#[derive(Template)]
#[template(path = "audit.html")]
pub(crate) struct AuditPage {
    pub(crate) chrome: Chrome,
    /// Of a tenant; the installation has none.
    pub(crate) head: Option<TenantHead>,
    /// Address of the page.
    pub(crate) base: String,
    pub(crate) chain: ChainCard,
    pub(crate) filters: Filters,
    pub(crate) errors: Errors,
    /// Kinds of events there are, and what people call them.
    pub(crate) events: Vec<(String, String)>,
    /// Kinds of objects there may be.
    pub(crate) kinds: &'static [&'static str],
    pub(crate) rows: Vec<Row>,
    /// Link to the newest entries, when these are not they.
    pub(crate) newest: Option<String>,
    /// Link to older ones.
    pub(crate) older: Option<String>,
    /// Links to the same entries as files.
    pub(crate) csv: String,
    pub(crate) lines: String,
}

/// An entry in the list.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) number: i64,
    pub(crate) when: Moment,
    /// `Deactivated`.
    pub(crate) what: String,
    pub(crate) object: Object,
    /// `token Okta production`.
    pub(crate) who: String,
    /// Attributes that changed: the first ones, and how many more.
    pub(crate) changed: Vec<String>,
    pub(crate) more_changed: usize,
    /// The last check found it to be wrong.
    pub(crate) wrong: bool,
}

/// Whose trail a page shows.
pub(crate) struct Shown {
    pub(crate) trail: Trail,
    pub(crate) head: Option<TenantHead>,
    pub(crate) base: String,
    /// Start of the names of files.
    file: String,
    scope: Option<TenantScope>,
}

/// Attributes named in a row.
const NAMED: usize = 4;

impl Shown {
    pub(crate) async fn of_tenant(state: &ConsoleState, slug: &str) -> Result<Self, PageError> {
        let tenant = tenant(state, slug).await?;
        let scope = state.store.tenant(tenant.id()).under(tenant.terms());
        Ok(Self {
            trail: Trail::Tenant(scope.clone()),
            base: format!("/console/tenants/{slug}/audit"),
            file: slug.to_owned(),
            head: Some(TenantHead::new(&tenant, "audit")),
            scope: Some(scope),
        })
    }

    pub(crate) fn of_installation(state: &ConsoleState) -> Self {
        Self {
            trail: Trail::Installation(state.store.platform()),
            base: "/console/audit".to_owned(),
            file: "installation".to_owned(),
            head: None,
            scope: None,
        }
    }

    /// Names of users that entries do not tell themselves, by id.
    pub(crate) async fn names(&self, entries: &[Entry]) -> Result<HashMap<String, String>, PageError> {
        let Some(scope) = &self.scope else { return Ok(HashMap::new()) };
        let mut ids: Vec<uuid::Uuid> = entries
            .iter()
            .filter(|entry| entry.record.object_type == "User")
            .filter_map(|entry| entry.record.object_id.parse().ok())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let query = ListQuery { limit: ids.len() as u64, start: Start::Among(ids), ..ListQuery::default() };
        let users = scope.users(&query).await?.items;
        Ok(users.into_iter().map(|user| (user.id.to_string(), user.user_name)).collect())
    }

    async fn page(
        self,
        state: &ConsoleState,
        visit: &Visit,
        filters: Filters,
    ) -> Result<Response, PageError> {
        let now = state.store.now();
        let (query, errors) = filters.read(PAGE_SIZE as usize);
        let found = self.trail.page(&query).await?;
        let names = self.names(&found.items).await?;
        let chain = ChainCard::new(&self.trail.state().await?, &self.base, now);
        let events = self.trail.events().await?;
        let head = self.head.as_ref();
        let rows = found.items.into_iter().map(|entry| {
            let wrong = chain.fault_at(entry.number).is_some();
            Row { wrong, ..row(entry, &names, head, now) }
        });
        let rows = rows.collect();
        let whose = self.head.as_ref().map_or("the installation", |head| head.name.as_str());
        let title = format!("Audit · {whose}");
        let shown = AuditPage {
            chrome: visit.chrome(title),
            chain,
            events: events.into_iter().map(|event| (event.clone(), words::event(&event, None).0)).collect(),
            kinds: if self.head.is_some() { words::OF_TENANTS } else { words::OF_INSTALLATION },
            newest: query.before.is_some().then(|| filters.link(&self.base, None)),
            older: found.next.map(|next| filters.link(&self.base, Some(next))),
            csv: filters.link(&format!("{}/export", self.base), None),
            lines: filters.export_lines(&format!("{}/export", self.base)),
            rows,
            errors,
            filters,
            base: self.base,
            head: self.head,
        };
        page(StatusCode::OK, &shown)
    }

    /// Answers with a file that is made as it is read.
    fn export(self, filters: &Filters) -> Result<Response, PageError> {
        let (query, errors) = filters.read(0);
        if !errors.is_empty() {
            return Err(PageError::BadRequest(
                "The dates in the address cannot be read. Go back and correct them.",
            ));
        }
        let (format, kind, ending) = match filters.format.as_str() {
            "jsonl" => (TrailFormat::JsonLines, "application/x-ndjson", "jsonl"),
            _ => (TrailFormat::Csv, "text/csv; charset=utf-8", "csv"),
        };
        let file = TrailExport::new(self.trail, query, format);
        // An error breaks the answer off: a part of the file must not look like the whole.
        let parts = stream::try_unfold(file, |mut file| async {
            Ok::<_, ScimError>(file.next().await?.map(|part| (Bytes::from(part), file)))
        });
        let mut response = Body::from_stream(parts).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        // A slug is letters, digits and hyphens.
        if let Ok(name) =
            HeaderValue::try_from(format!("attachment; filename=\"{}-audit.{ending}\"", self.file))
        {
            headers.insert(header::CONTENT_DISPOSITION, name);
        }
        Ok(response)
    }

    async fn verify(self) -> Result<Redirect, PageError> {
        self.trail.request_check().await?;
        Ok(Redirect::to(&format!("{}#chain", self.base)))
    }
}

/// `GET /console/tenants/{slug}/audit`.
pub(crate) async fn of_tenant(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(filters): Parameters<Filters>,
) -> Result<Response, PageError> {
    Shown::of_tenant(&state, &slug).await?.page(&state, &visit, filters).await
}

/// `GET /console/audit`.
pub(crate) async fn of_installation(
    State(state): State<ConsoleState>,
    visit: Visit,
    Parameters(filters): Parameters<Filters>,
) -> Result<Response, PageError> {
    Shown::of_installation(&state).page(&state, &visit, filters).await
}

/// `GET …/audit/export`.
pub(crate) async fn export_of_tenant(
    State(state): State<ConsoleState>,
    Segments(slug): Segments<String>,
    Parameters(filters): Parameters<Filters>,
) -> Result<Response, PageError> {
    Shown::of_tenant(&state, &slug).await?.export(&filters)
}

/// `GET /console/audit/export`.
pub(crate) async fn export_of_installation(
    State(state): State<ConsoleState>,
    Parameters(filters): Parameters<Filters>,
) -> Result<Response, PageError> {
    Shown::of_installation(&state).export(&filters)
}

/// `POST …/audit/verify`: asks for a check, which a server carries out by itself.
pub(crate) async fn verify_of_tenant(
    State(state): State<ConsoleState>,
    Segments(slug): Segments<String>,
) -> Result<Redirect, PageError> {
    Shown::of_tenant(&state, &slug).await?.verify().await
}

/// `POST /console/audit/verify`.
pub(crate) async fn verify_of_installation(State(state): State<ConsoleState>) -> Result<Redirect, PageError> {
    Shown::of_installation(&state).verify().await
}

fn row(entry: Entry, names: &HashMap<String, String>, head: Option<&TenantHead>, now: i64) -> Row {
    let record = &entry.record;
    let differences = differences::of(record.payload.as_ref());
    let mut changed: Vec<String> = match record.payload.as_ref() {
        // Of what is new everything is.
        Some(payload) if !payload["before"].is_null() => {
            differences.rows.into_iter().map(|row| row.name).collect()
        }
        _ => Vec::new(),
    };
    let more_changed =
        changed.len().saturating_sub(NAMED) + if changed.is_empty() { 0 } else { differences.more };
    changed.truncate(NAMED);
    Row {
        number: entry.number,
        when: Moment::new(record.at, now),
        what: words::event(&record.event, record.payload.as_ref()).0,
        object: Object::new(record, names, head),
        who: words::who(record),
        changed,
        more_changed,
        wrong: false,
    }
}

/// A link that looks for one thing.
fn looking_for(base: &str, name: &str, value: &str) -> String {
    link(base, &[(name, value)])
}

//! One import, from step to step: what the columns hold, a trial of all rows, the import itself, and what came of it.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderValue, StatusCode, header};
use provisioning::{
    Tenant,
    csv::{Existing, LineError, columns_of, guarded},
    imports::{Outcome, Progress, Settings},
};
use store::{
    ImportId,
    imports::{ImportRow, Stage},
};

use super::{import::badge, tenant};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
    form::Errors,
};

/// Errors that the page shows; the file has all that are kept.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "import_run.html")]
pub(crate) struct ImportRunPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) id: String,
    pub(crate) file_name: String,
    pub(crate) size: String,
    pub(crate) status: Badge,
    pub(crate) step: Step,
    pub(crate) columns: Vec<ColumnField>,
    /// What a column may hold.
    pub(crate) known: Vec<String>,
    /// What becomes of users who are there: `update`, `skip` or `refuse`.
    pub(crate) existing: &'static str,
    pub(crate) errors: Errors,
    pub(crate) progress: Bar,
    pub(crate) result: Option<ResultCard>,
}

impl ImportRunPage {
    /// Is somebody at it, so that the page will soon be another one?
    fn is_moving(&self) -> bool {
        matches!(self.step, Step::Trying | Step::Running)
    }
}

/// Which step an import is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// What the columns hold is to be said.
    Map,
    /// All rows are being tried.
    Trying,
    /// They were tried.
    Tried,
    /// It goes on.
    Running,
    /// It went on until a server stopped.
    BrokenOff,
    /// Somebody stopped it, or it could not go on.
    Stopped,
    /// It is over.
    Done,
}

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnField {
    pub(crate) name: String,
    /// What stands in its first rows.
    pub(crate) cells: Vec<String>,
    /// The attribute that it holds; empty: it is passed over.
    pub(crate) holds: String,
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) bytes: u64,
    pub(crate) of: u64,
    pub(crate) percent: u64,
    pub(crate) rows: u64,
    pub(crate) failed: u64,
}

/// What was done, or would be.
#[derive(Clone, Debug)]
pub(crate) struct ResultCard {
    pub(crate) outcome: Outcome,
    /// The first errors: line, column of the file, attribute, problem.
    pub(crate) errors: Vec<ErrorRow>,
    /// So many more lines have one.
    pub(crate) more: u64,
    /// Is there anything to import?
    pub(crate) worth_it: bool,
}

/// An error of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ErrorRow {
    pub(crate) line: u64,
    pub(crate) column: String,
    pub(crate) path: String,
    pub(crate) problem: String,
}

impl ErrorRow {
    fn new(error: &LineError, settings: &Settings) -> Self {
        let path = error.path.clone().unwrap_or_default();
        // A cell that cannot be read is told by its column, anything else by its attribute.
        let column = settings
            .column_of(&path)
            .or_else(|| settings.names.iter().find(|name| **name == path).map(String::as_str));
        Self {
            line: error.line,
            column: column.unwrap_or_default().to_owned(),
            path,
            problem: error.problem.clone(),
        }
    }
}

/// `GET …/import/{id}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let row = import(&state, &tenant, &id).await?;
    let settings = Settings::of(&row.settings);
    page(StatusCode::OK, &run_page(&state, &visit, &tenant, row, settings).await?)
}

/// `POST …/import/{id}/try`: tries all rows with these columns.
pub(crate) async fn try_out(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
    Fields(fields): Fields<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let row = import(&state, &tenant, &id).await?;
    let (settings, problem) = read(Settings::of(&row.settings), &fields);
    if let Some((field, problem)) = problem {
        let mut shown = run_page(&state, &visit, &tenant, row, settings).await?;
        shown.step = Step::Map;
        shown.errors.add(field, problem);
        shown.chrome.title = format!("Error: {}", shown.chrome.title);
        return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
    }
    state.provisioner.try_import(&tenant, &visit.context(), row.id, &settings).await?;
    Ok(back(&slug, &id))
}

/// `POST …/import/{id}/run`: imports what was tried, or goes on.
pub(crate) async fn run(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let row = import(&state, &tenant, &id).await?;
    state.provisioner.run_import(&tenant, &visit.context(), row.id).await?;
    Ok(back(&slug, &id))
}

/// `POST …/import/{id}/stop`.
pub(crate) async fn stop(
    State(state): State<ConsoleState>,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let row = import(&state, &tenant, &id).await?;
    state.provisioner.stop_import(&tenant, row.id).await?;
    Ok(back(&slug, &id))
}

/// `POST …/import/{id}/discard`: removes the file; what was imported stays.
pub(crate) async fn discard(
    State(state): State<ConsoleState>,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let row = import(&state, &tenant, &id).await?;
    if state.store.tenant(tenant.id()).discard_import(row.id).await? {
        return Ok(Redirect::to(&format!("/console/tenants/{slug}/import?done=discarded")).into_response());
    }
    Ok(back(&slug, &id))
}

/// `GET …/import/{id}/errors`: what is wrong with which line, as CSV.
pub(crate) async fn errors(
    State(state): State<ConsoleState>,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let row = import(&state, &tenant, &id).await?;
    let settings = Settings::of(&row.settings);
    let outcome = row.outcome.as_ref().map(Outcome::of).unwrap_or_default();
    let mut text = "line,column,attribute,problem\r\n".to_owned();
    for error in &outcome.summary.errors {
        let ErrorRow { line, column, path, problem } = ErrorRow::new(error, &settings);
        let cells = [line.to_string(), column, path, problem];
        text.push_str(&cells.map(|cell| guarded(&cell)).join(","));
        text.push_str("\r\n");
    }
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    // A slug is letters, digits and hyphens.
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{slug}-import-errors.csv\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

fn back(slug: &str, id: &str) -> Response {
    Redirect::to(&format!("/console/tenants/{slug}/import/{id}")).into_response()
}

async fn import(state: &ConsoleState, tenant: &Tenant, id: &str) -> Result<ImportRow, PageError> {
    let id: ImportId = id.parse().map_err(|()| PageError::NotFound)?;
    let found = state.store.tenant(tenant.id()).import(id).await?;
    found.filter(|row| row.stage != Stage::Arriving).ok_or(PageError::NotFound)
}

/// What was chosen, and what is wrong with it.
fn read(mut settings: Settings, fields: &[(String, String)]) -> (Settings, Option<(&'static str, String)>) {
    let value = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
    for number in 0..settings.names.len() {
        let chosen = value(&format!("column-{number}")).unwrap_or_default().to_owned();
        match settings.columns.get_mut(number) {
            Some(column) => *column = chosen,
            None => settings.columns.push(chosen),
        }
    }
    settings.existing = match value("existing") {
        Some("skip") => Existing::Skip,
        Some("refuse") => Existing::Refuse,
        _ => Existing::Update,
    };
    if !settings.columns.iter().any(|column| column == "userName") {
        let problem = "Say which column holds the userName: by it users are found.";
        return (settings, Some(("columns", problem.to_owned())));
    }
    let twice = settings.columns.iter().enumerate().find_map(|(at, column)| {
        let earlier = settings.columns.get(..at)?.iter().position(|other| other == column)?;
        (!column.is_empty()).then_some((earlier, at))
    });
    let problem = twice.and_then(|(first, second)| {
        let (first, second) = (settings.names.get(first)?, settings.names.get(second)?);
        Some(("columns", format!("{first} and {second} cannot hold the same. Leave one of them out.")))
    });
    (settings, problem)
}

async fn run_page(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    row: ImportRow,
    settings: Settings,
) -> Result<ImportRunPage, PageError> {
    let now = state.store.now();
    let step = match row.stage {
        Stage::Trying | Stage::Running if !row.is_carried_out(now) => Step::BrokenOff,
        Stage::Arriving | Stage::Ready => Step::Map,
        Stage::Trying => Step::Trying,
        Stage::Tried => Step::Tried,
        Stage::Running => Step::Running,
        Stage::Stopped => Step::Stopped,
        Stage::Done => Step::Done,
    };
    let mut errors = Errors::default();
    let mut rows = Vec::new();
    if matches!(step, Step::Map | Step::Tried | Step::Stopped | Step::BrokenOff) {
        match state.provisioner.begin_of_import(tenant, row.id).await {
            Ok(begin) => rows = begin.rows,
            Err(_) => errors.add("", "The file is no longer kept. Send it again."),
        }
    }
    let columns = settings.names.iter().enumerate().map(|(at, name)| ColumnField {
        name: name.clone(),
        cells: rows.iter().filter_map(|row| row.get(at)).filter(|cell| !cell.is_empty()).cloned().collect(),
        holds: settings.columns.get(at).cloned().unwrap_or_default(),
    });
    let columns: Vec<ColumnField> = columns.collect();
    let mut known = columns_of(&tenant.profile.user);
    known.retain(|name| !matches!(name.as_str(), "id" | "meta.created" | "meta.lastModified"));
    for column in columns.iter().filter(|column| !column.holds.is_empty()) {
        if !known.contains(&column.holds) {
            known.push(column.holds.clone());
        }
    }
    let of = u64::try_from(row.bytes).unwrap_or_default();
    let progress = Progress::of(&row.progress);
    let head = TenantHead::new(tenant, "users");
    Ok(ImportRunPage {
        chrome: visit.chrome(format!("Import {} · {}", row.file_name, head.name)),
        id: row.id.to_string(),
        size: size(of),
        status: badge(&row, now),
        step,
        columns,
        known,
        existing: match settings.existing {
            Existing::Update => "update",
            Existing::Skip => "skip",
            Existing::Refuse => "refuse",
        },
        errors,
        progress: Bar {
            bytes: progress.bytes.min(of),
            of,
            percent: (progress.bytes * 100).checked_div(of).unwrap_or_default().min(100),
            rows: progress.rows,
            failed: progress.failed,
        },
        result: row.outcome.as_ref().map(|outcome| result(Outcome::of(outcome), &settings)),
        file_name: row.file_name,
        head,
    })
}

fn result(outcome: Outcome, settings: &Settings) -> ResultCard {
    let summary = &outcome.summary;
    let errors: Vec<ErrorRow> =
        summary.errors.iter().take(SHOWN).map(|error| ErrorRow::new(error, settings)).collect();
    ResultCard {
        more: summary.failed.saturating_sub(errors.len() as u64),
        worth_it: summary.created + summary.updated > 0,
        errors,
        outcome,
    }
}

/// `1.4 MiB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_chosen_once_and_one_is_the_name() {
        let names = ["Login", "Mail", "x"].map(str::to_owned).to_vec();
        let settings = Settings { names, ..Settings::default() };
        let fields = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let (read_in, problem) = read(
            settings.clone(),
            &fields(&[("column-0", "userName"), ("column-1", "emails.value"), ("existing", "skip")]),
        );
        assert_eq!(read_in.columns, ["userName", "emails.value", ""]);
        assert_eq!((read_in.existing, problem), (Existing::Skip, None));
        let (_, problem) = read(settings.clone(), &fields(&[("column-0", "title")]));
        assert!(problem.is_some_and(|(_, problem)| problem.contains("userName")));
        let (_, problem) = read(settings, &fields(&[("column-0", "userName"), ("column-2", "userName")]));
        assert_eq!(
            problem.map(|(_, problem)| problem).as_deref(),
            Some("Login and x cannot hold the same. Leave one of them out.")
        );
        assert_eq!(
            (size(7).as_str(), size(2048).as_str(), size(1_500_000).as_str()),
            ("7 bytes", "2 KiB", "1.4 MiB")
        );
    }
}

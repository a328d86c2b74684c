//! Existing accounts from a CSV file: the file, and the imports there were.

use askama::Template;
use axum::{
    extract::{Multipart, State},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::{
    Tenant,
    csv::columns_of,
    imports::{MAX_BYTES, Outcome, ReceiveError},
};
use store::imports::{ImportRow, Stage};

use super::{Done, tenant};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Parameters, Segments, Upload, Visit},
    form::Errors,
    when::Moment,
};

/// Imports of the list.
const LISTED: u64 = 10;

#[derive(Template)]
#[template(path = "import.html")]
pub(crate) struct ImportPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    /// What a file may have as columns.
    pub(crate) columns: Vec<String>,
    /// Largest file, in MiB.
    pub(crate) most: usize,
    pub(crate) notice: Option<&'static str>,
    pub(crate) errors: Errors,
    pub(crate) imports: Vec<ImportLine>,
}

/// An import of the list.
#[derive(Clone, Debug)]
pub(crate) struct ImportLine {
    pub(crate) id: String,
    pub(crate) file_name: String,
    pub(crate) status: Badge,
    /// `12 made, 3 changed, 1 with an error`.
    pub(crate) result: String,
    pub(crate) who: String,
    pub(crate) when: Moment,
}

/// `GET …/import`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(Done { done }): Parameters<Done>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let mut shown = import_page(&state, &visit, &tenant).await?;
    shown.notice = (done == "discarded").then_some("The file is removed.");
    page(StatusCode::OK, &shown)
}

/// `POST …/import`: takes the file in; what its columns hold is asked next.
pub(crate) async fn receive(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Upload(mut form): Upload,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    match take(&state, &visit, &tenant, &mut form).await? {
        Ok(id) => Ok(Redirect::to(&format!("/console/tenants/{slug}/import/{id}")).into_response()),
        Err(problem) => {
            let mut shown = import_page(&state, &visit, &tenant).await?;
            shown.errors.add("file", problem);
            shown.chrome.title = format!("Error: {}", shown.chrome.title);
            page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
        }
    }
}

/// The id of the import, or what is wrong with the file.
async fn take(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    form: &mut Multipart,
) -> Result<Result<store::ImportId, String>, PageError> {
    while let Some(field) = form.next_field().await? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        if name.is_empty() {
            break;
        }
        let received = state.provisioner.receive_import(tenant, &visit.context(), &name, field).await;
        return match received {
            Ok(id) => Ok(Ok(id)),
            Err(ReceiveError::Unfit(problem)) => Ok(Err(problem)),
            Err(ReceiveError::Broken) => {
                let most = MAX_BYTES / 1024 / 1024;
                Ok(Err(format!(
                    "The file did not arrive as a whole, or has more than {most} MiB. Send it again."
                )))
            }
            Err(ReceiveError::Store(error)) => Err(error.into()),
        };
    }
    Ok(Err("Choose a CSV file.".to_owned()))
}

async fn import_page(state: &ConsoleState, visit: &Visit, tenant: &Tenant) -> Result<ImportPage, PageError> {
    let head = TenantHead::new(tenant, "users");
    let now = state.store.now();
    let imports = state.store.tenant(tenant.id()).imports(LISTED).await?;
    Ok(ImportPage {
        chrome: visit.chrome(format!("Import users · {}", head.name)),
        columns: columns_of(&tenant.profile.user),
        most: MAX_BYTES / 1024 / 1024,
        notice: None,
        errors: Errors::default(),
        imports: imports
            .iter()
            .filter(|row| row.stage != Stage::Arriving)
            .map(|row| line(row, now))
            .collect(),
        head,
    })
}

fn line(row: &ImportRow, now: i64) -> ImportLine {
    let result = match (&row.outcome, row.stage) {
        (Some(outcome), Stage::Done | Stage::Stopped) => {
            let summary = Outcome::of(outcome).summary;
            let mut parts = vec![format!("{} made", summary.created), format!("{} changed", summary.updated)];
            if summary.failed > 0 {
                parts.push(format!("{} with an error", summary.failed));
            }
            parts.join(", ")
        }
        _ => String::new(),
    };
    ImportLine {
        id: row.id.to_string(),
        file_name: row.file_name.clone(),
        status: badge(row, now),
        result,
        who: row.created_by.clone(),
        when: Moment::new(row.created_at, now),
    }
}

/// Where an import stands, in a word.
pub(super) fn badge(row: &ImportRow, now: i64) -> Badge {
    match row.stage {
        Stage::Trying | Stage::Running if !row.is_carried_out(now) => Badge::new("warn", "Broken off"),
        Stage::Arriving | Stage::Ready => Badge::new("quiet", "Columns to choose"),
        Stage::Trying => Badge::new("quiet", "Being tried"),
        Stage::Tried => Badge::new("quiet", "Tried"),
        Stage::Running => Badge::new("ok", "Being imported"),
        Stage::Done => Badge::new("ok", "Done"),
        Stage::Stopped => Badge::new("warn", "Stopped"),
    }
}

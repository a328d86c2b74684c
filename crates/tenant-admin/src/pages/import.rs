//! Existing accounts from a CSV file, and all accounts as one.

use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::stream;
use http::{HeaderValue, StatusCode, header};
use provisioning::{
    Tenant,
    csv::{Existing, ImportError, ImportOptions, ImportSummary, columns_of},
};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::tenant;
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Segments, Upload, Visit},
    form::Errors,
};

/// Largest file, in bytes: one that a request has time for. Larger ones are for the command line.
const LARGEST: usize = 2 * 1024 * 1024;
/// Most lines of a file, for the same reason.
const MOST_LINES: usize = 5_000;

/// Errors that the page shows; all are counted.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "import.html")]
pub(crate) struct ImportPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    /// What a file may have as columns.
    pub(crate) columns: Vec<String>,
    /// What becomes of users who are there: `update`, `skip` or `refuse`.
    pub(crate) existing: String,
    pub(crate) errors: Errors,
    pub(crate) outcome: Option<Outcome>,
}

/// What an import did or would do.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Nothing was written.
    pub(crate) dry_run: bool,
    pub(crate) summary: ImportSummary,
    /// Why it did not come to the end of the file.
    pub(crate) stopped: Option<String>,
    /// The file and the digest of what was tried, for the import itself; absent: there is nothing to import.
    pub(crate) kept: Option<Kept>,
}

/// A file that was tried.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// Base64: a text field would change its line ends.
    pub(crate) file: String,
    pub(crate) digest: String,
}

/// `GET …/import`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    page(StatusCode::OK, &import_page(&visit, &tenant))
}

/// `POST …/import`: tries a file; imports it when it is the one whose trial was shown.
pub(crate) async fn run(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Upload(form): Upload,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let sent = Sent::read(form).await?;
    let mut shown = ImportPage { existing: sent.existing.clone(), ..import_page(&visit, &tenant) };
    let existing = match sent.existing.as_str() {
        "skip" => Existing::Skip,
        "refuse" => Existing::Refuse,
        _ => Existing::Update,
    };
    if sent.file.is_empty() {
        shown.errors.add("file", "Choose a CSV file.");
    } else if sent.file.len() > LARGEST {
        let problem = format!(
            "The file has {} bytes; at most {LARGEST} are taken here. Import it on the server: rollcall import {slug} FILE.csv",
            sent.file.len()
        );
        shown.errors.add("file", problem);
    } else if lines(&sent.file) > MOST_LINES {
        let problem = format!(
            "The file has {} lines; at most {MOST_LINES} are taken here. Import it on the server: rollcall import {slug} FILE.csv",
            lines(&sent.file)
        );
        shown.errors.add("file", problem);
    }
    if !shown.errors.is_empty() {
        shown.chrome.title = format!("Error: {}", shown.chrome.title);
        return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
    }
    let digest = sent.digest();
    let dry_run = sent.tried != digest;
    let options = ImportOptions { existing, dry_run };
    let import = import(&state, &tenant, &visit, sent.file.clone(), options);
    let done = match dry_run {
        true => import.await,
        // A browser or a proxy that leaves must not end it halfway.
        false => tokio::spawn(import.in_current_span()).await.map_err(PageError::internal)?,
    };
    let (summary, stopped) = match done {
        Ok(summary) => (summary, None),
        Err(ImportError::Refused { error }) => {
            shown.errors.add("file", format!("Line {}: {error}", error.line));
            shown.chrome.title = format!("Error: {}", shown.chrome.title);
            return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
        }
        Err(ImportError::Stopped { error, summary }) => {
            (summary, Some(format!("It ended at line {}: {error}", error.line)))
        }
    };
    let worth_it = dry_run && summary.created + summary.updated > 0;
    let kept = worth_it.then(|| Kept { file: BASE64_STANDARD.encode(&sent.file), digest });
    shown.outcome = Some(Outcome { dry_run, summary, stopped, kept });
    page(StatusCode::OK, &shown)
}

/// The import of a file, on its own.
fn import(
    state: &ConsoleState,
    tenant: &Tenant,
    visit: &Visit,
    file: Bytes,
    options: ImportOptions,
) -> impl Future<Output = Result<ImportSummary, ImportError>> + Send + 'static {
    let (provisioner, tenant, context) = (state.provisioner.clone(), tenant.clone(), visit.context());
    async move { provisioner.import_users(&tenant, &context, file.as_ref(), options, &|_| ()).await }
}

/// Lines of a file that have something in them, whichever way they end.
fn lines(file: &[u8]) -> usize {
    file.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()).count()
}

/// `GET …/export`: all live users as CSV, page by page.
pub(crate) async fn export(
    State(state): State<ConsoleState>,
    Segments(slug): Segments<String>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let file = state.provisioner.export_users(&tenant, None).map_err(PageError::internal)?;
    // An error breaks the answer off: a part of the file must not look like the whole.
    let parts = stream::try_unfold(file, |mut file| async {
        Ok::<_, scim_core::ScimError>(file.next().await?.map(|part| (Bytes::from(part), file)))
    });
    let mut response = Body::from_stream(parts).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    // A slug is letters, digits and hyphens.
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{slug}-users.csv\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// What was sent.
#[derive(Default)]
struct Sent {
    file: Bytes,
    existing: String,
    /// Digest of what was tried before.
    tried: String,
}

impl Sent {
    async fn read(mut form: axum::extract::Multipart) -> Result<Self, PageError> {
        let mut sent = Self { existing: "update".to_owned(), ..Self::default() };
        while let Some(field) = form.next_field().await? {
            match field.name() {
                Some("file") => sent.file = field.bytes().await?,
                Some("kept") => {
                    let kept = BASE64_STANDARD.decode(field.bytes().await?);
                    sent.file = kept.map_err(|_| UNREADABLE)?.into();
                }
                Some("existing") => sent.existing = field.text().await?,
                Some("tried") => sent.tried = field.text().await?,
                _ => {}
            }
        }
        Ok(sent)
    }

    /// Names the file and what becomes of users who are there.
    fn digest(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(self.existing.as_bytes());
        digest.update([0]);
        digest.update(&self.file);
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The file of a trial that does not come back as it was sent.
const UNREADABLE: PageError = PageError::BadRequest("The file could not be read. Choose it again.");

impl Outcome {
    /// The first errors.
    pub(crate) fn errors(&self) -> &[provisioning::csv::LineError] {
        self.summary.errors.get(..SHOWN).unwrap_or(&self.summary.errors)
    }

    /// How many more there are.
    pub(crate) fn more_errors(&self) -> u64 {
        self.summary.failed.saturating_sub(self.errors().len() as u64)
    }
}

fn import_page(visit: &Visit, tenant: &Tenant) -> ImportPage {
    let head = TenantHead::new(tenant, "users");
    ImportPage {
        chrome: visit.chrome(format!("Import users · {}", head.name)),
        columns: columns_of(&tenant.profile.user),
        existing: "update".to_owned(),
        errors: Errors::default(),
        outcome: None,
        head,
    }
}

//! A tenant's own profile: what it means, its text, a dry run of another text, its versions.

pub(crate) mod draft;
pub(crate) mod entry;
mod facts;
mod fault;
pub(crate) mod fields;
pub(crate) mod part;
pub(crate) mod parts;
pub(crate) mod recheck;
pub(crate) mod samples;
pub(crate) mod trial;
pub(crate) mod versions;
pub(crate) mod words;

pub(crate) use facts::{brief, facts};
pub(crate) use fault::Fault;
pub(crate) use versions::VersionRow;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::{
    Tenant, TenantDirectory,
    configuration::{ConfigurationError, Recheck},
};
use scim_core::profile::{Profile, edit};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use self::{
    parts::Part,
    words::{Word, words},
};
use super::{configuration::sentence, tenant};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, count, page},
    diff_view::{self, DiffRow},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    form::Errors,
    rights,
};

/// Users that one dry run looks at: as many as a request has time for.
pub(crate) const CHECKED: u64 = 2_000;

/// Users that one step of a look at everybody takes.
pub(crate) const STEP: u64 = 500;

#[derive(Template)]
#[template(path = "profile.html")]
pub(crate) struct ProfilePage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) notice: Option<String>,
    pub(crate) errors: Errors,
    /// What the profile that holds means: label and value.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The version that the editor's text was made from.
    pub(crate) version: i32,
    /// What stands in the editor.
    pub(crate) text: String,
    /// Is that another text than the one that holds?
    pub(crate) changed: bool,
    /// What forms can change, and how much there is of it.
    pub(crate) parts: Vec<(&'static Part, String)>,
    /// Where the editor's text comes from, if it is not the current version.
    pub(crate) source: Option<String>,
    pub(crate) fault: Option<Fault>,
    pub(crate) dry_run: Option<DryRun>,
    pub(crate) upgrade: Option<UpgradeCard>,
    pub(crate) versions: Vec<VersionRow>,
    /// Link to older versions.
    pub(crate) older: Option<String>,
}

/// What saving the editor's text would do.
#[derive(Clone, Debug)]
pub(crate) struct DryRun {
    /// By setting.
    pub(crate) words: Vec<Word>,
    /// By line.
    pub(crate) diff: Vec<DiffRow>,
    /// Sentences, one a role.
    pub(crate) roles: Vec<String>,
    /// How many people were looked at, and how many of them fit.
    pub(crate) people: String,
    /// Some of those who no longer fit.
    pub(crate) misfits: Vec<MisfitRow>,
    /// There are more people than were looked at.
    pub(crate) more: bool,
    /// Names the text that was looked at.
    pub(crate) digest: String,
}

/// A user who would no longer be taken.
#[derive(Clone, Debug)]
pub(crate) struct MisfitRow {
    pub(crate) id: String,
    pub(crate) user_name: String,
    pub(crate) problems: Vec<String>,
}

/// The file that ships is another one.
#[derive(Clone, Debug)]
pub(crate) struct UpgradeCard {
    /// Version that the tenant's copy names.
    pub(crate) from: u32,
    /// Version that the file names.
    pub(crate) to: u32,
    pub(crate) diff: Vec<DiffRow>,
}

/// What to show.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    /// Fills the editor: a version's number, or `builtin`.
    from: Option<String>,
    /// Versions below this one.
    below: Option<String>,
    #[serde(default)]
    done: String,
}

/// What was typed.
#[derive(Deserialize)]
pub(crate) struct ProfileForm {
    #[serde(default)]
    text: String,
    #[serde(default)]
    version: String,
    /// The digest of the text whose dry run was shown.
    #[serde(default)]
    checked: String,
}

impl ProfileForm {
    /// A text, made from this version.
    fn of(text: String, version: i32) -> Self {
        Self { text, version: version.to_string(), checked: String::new() }
    }

    /// As the forms of the editor send it.
    fn typed(&self) -> fields::Typed {
        [("text", &self.text), ("version", &self.version)]
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .into_iter()
            .collect()
    }
}

/// `GET …/profile`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<Wanted>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let below = query.below.as_deref().and_then(|below| below.parse().ok());
    let mut shown = profile_page(&state, &visit, &tenant, below).await?;
    shown.notice = match query.done.as_str() {
        "saved" => {
            Some(format!("Version {} is saved. It holds in every node within a second.", shown.version))
        }
        "same" => Some("The text is the one that holds already; nothing was changed.".to_owned()),
        _ => None,
    };
    if let Some(from) = query.from.filter(|_| visit.chrome("").manages()) {
        (shown.text, shown.source) = fill(&state, &tenant, &from).await?;
        shown.changed = shown.text != tenant.row.profile;
        shown.parts = part::overview(&shown.text);
    }
    page(StatusCode::OK, &shown)
}

/// The text that the editor is to be filled with, and what it is.
async fn fill(
    state: &ConsoleState,
    tenant: &Tenant,
    from: &str,
) -> Result<(String, Option<String>), PageError> {
    if from == "builtin" {
        let text = Profile::builtin(&tenant.row.profile_name).ok_or(PageError::NotFound)?;
        return Ok((text.to_owned(), Some("This is the file that ships with Rollcall.".to_owned())));
    }
    let version = from.parse().map_err(|_| PageError::NotFound)?;
    let found = state.store.tenant(tenant.id()).profile_version(version).await?.ok_or(PageError::NotFound)?;
    Ok((found.body, Some(format!("This is the text of version {version}."))))
}

/// `POST …/profile/check`: what would happen; nothing does.
pub(crate) async fn check(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<ProfileForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if opens(&visit, &tenant, &typed).await? {
        return for_operators(&state, &visit, &tenant, &typed).await;
    }
    dry_run(&state, &visit, &tenant, &typed, None).await
}

/// `POST …/profile`: saves the text whose dry run was shown; another one is shown its own first.
pub(crate) async fn save(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<ProfileForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if opens(&visit, &tenant, &typed).await? {
        return for_operators(&state, &visit, &tenant, &typed).await;
    }
    let text = lines(&typed.text);
    if typed.checked != digest(&text) {
        let notice =
            "The text is another one than was checked, so nothing was saved. This is what it would do.";
        return dry_run(&state, &visit, &tenant, &typed, Some(notice.to_owned())).await;
    }
    let version = typed.version.parse().unwrap_or_default();
    match state.tenants.save_profile(&tenant, &text, version, &visit.context()).await {
        Ok(saved) => {
            let done = if saved.version == version { "same" } else { "saved" };
            Ok(Redirect::to(&format!("/console/tenants/{slug}/profile?done={done}")).into_response())
        }
        Err(error) => refused(&state, &visit, &tenant, &typed, error).await,
    }
}

/// Would a text offer the product's page on other conditions, by somebody who does not decide that? What cannot be read
/// is told where it is tried.
async fn opens(visit: &Visit, tenant: &Tenant, typed: &ProfileForm) -> Result<bool, PageError> {
    if rights::may_open(visit.admin.role) {
        return Ok(false);
    }
    match TenantDirectory::changes_gates(tenant, &lines(&typed.text)).await {
        Ok(changes) => Ok(changes),
        Err(ConfigurationError::Store(error)) => Err(error.into()),
        Err(_) => Ok(false),
    }
}

/// The page with what was typed, and whom to ask.
async fn for_operators(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    typed: &ProfileForm,
) -> Result<Response, PageError> {
    let mut shown = with_text(state, visit, tenant, typed, &lines(&typed.text)).await?;
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    shown.errors.add_told(&[], &format!("{} (feature-gate, [[gate]])", rights::FOR_OPERATORS));
    page(StatusCode::FORBIDDEN, &shown)
}

async fn dry_run(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    typed: &ProfileForm,
    notice: Option<String>,
) -> Result<Response, PageError> {
    let text = lines(&typed.text);
    match state.tenants.preview_profile(tenant, &text, Some(CHECKED), &|_, _| ()).await {
        Ok(preview) => {
            let mut shown = with_text(state, visit, tenant, typed, &text).await?;
            shown.notice = notice;
            shown.dry_run = Some(DryRun {
                words: words(&edit::changes(&tenant.row.profile, &text).unwrap_or_default()),
                more: !preview.people.complete,
                diff: diff_view::rows(preview.diff.as_deref()),
                roles: preview.roles.iter().map(sentence).collect(),
                people: people(&preview.people),
                misfits: misfits(preview.people),
                digest: digest(&text),
            });
            page(StatusCode::OK, &shown)
        }
        Err(error) => refused(state, visit, tenant, typed, error).await,
    }
}

/// The page with what was typed, and what is wrong with it.
async fn refused(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    typed: &ProfileForm,
    error: ConfigurationError,
) -> Result<Response, PageError> {
    let text = lines(&typed.text);
    let mut shown = with_text(state, visit, tenant, typed, &text).await?;
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    let status = match error {
        ConfigurationError::Store(error) => return Err(error.into()),
        ConfigurationError::Profile(error) => {
            shown.fault = Some(Fault::new(&text, &error));
            StatusCode::UNPROCESSABLE_ENTITY
        }
        ConfigurationError::Outdated(_) => {
            shown.errors.add("", error.to_string());
            StatusCode::CONFLICT
        }
        ConfigurationError::Unfit(problem) => {
            shown.errors.add_told(&[], &problem);
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    page(status, &shown)
}

async fn with_text(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    typed: &ProfileForm,
    text: &str,
) -> Result<ProfilePage, PageError> {
    let shown = profile_page(state, visit, tenant, None).await?;
    let version = typed.version.parse().unwrap_or(shown.version);
    let (changed, parts) = (text != tenant.row.profile, part::overview(text));
    Ok(ProfilePage { text: text.to_owned(), version, changed, parts, ..shown })
}

async fn profile_page(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    below: Option<i32>,
) -> Result<ProfilePage, PageError> {
    let head = TenantHead::new(tenant, "profile");
    let (versions, older) = versions::rows(state, tenant, below).await?;
    let upgrade = state.tenants.upgrade_diff(tenant).await?.map(|upgrade| UpgradeCard {
        from: upgrade.from,
        to: upgrade.version,
        diff: diff_view::rows(upgrade.diff.as_deref()),
    });
    Ok(ProfilePage {
        chrome: visit.chrome(format!("Profile · {}", head.name)),
        notice: None,
        errors: Errors::default(),
        facts: facts(&tenant.profile),
        version: tenant.row.profile_version,
        text: tenant.row.profile.clone(),
        changed: false,
        parts: part::overview(&tenant.row.profile),
        source: None,
        fault: None,
        dry_run: None,
        upgrade,
        versions,
        older,
        head,
    })
}

pub(crate) fn people(found: &Recheck) -> String {
    let looked_at = match (found.complete, found.checked) {
        (true, 0) => return "There is nobody yet to whom it could matter.".to_owned(),
        (true, checked) => format!("All {} were looked at", count(checked, "user")),
        (false, checked) => format!("The first {} were looked at", count(checked, "user")),
    };
    match found.misfits {
        0 => format!("{looked_at}: all fit."),
        1 => format!(
            "{looked_at}: 1 no longer fits. Nobody is changed; the next change of that user is refused."
        ),
        misfits => format!(
            "{looked_at}: {misfits} no longer fit. Nobody is changed; the next change of such a user is refused."
        ),
    }
}

pub(crate) fn misfits(found: Recheck) -> Vec<MisfitRow> {
    found
        .first
        .into_iter()
        .map(|misfit| MisfitRow {
            id: misfit.id.to_string(),
            user_name: misfit.user_name,
            problems: misfit.problems,
        })
        .collect()
}

/// A form sends line breaks as CR LF (HTML, "constructing the entry list"); profiles are kept with LF.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

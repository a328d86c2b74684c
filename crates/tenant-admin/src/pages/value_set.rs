//! One value set: its values one by one and as a text, what uses it, what it was, and what a change would do.

pub(crate) mod preview;
pub(crate) mod versions;

use askama::Template;
use axum::{
    extract::{Multipart, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderValue, StatusCode, header};
use provisioning::{
    Tenant,
    configuration::{
        ConfigurationError, ValueChange, ValueSetUse, file_of_values, text_of_values, values_of_csv,
        values_of_file,
    },
};
use scim_core::{fold, profile::ValueSetDeclaration, value_set::AllowedValue};
use serde::Deserialize;

use self::{
    preview::{Preview, digest},
    versions::VersionRow,
};
use super::{
    tenant,
    value_sets::{SetCard, card},
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Upload, Visit},
    form::Errors,
    pager::{PAGE_SIZE, Pager, page_number},
};

/// Values in the text that is edited as a whole; longer lists come and go as files.
const TEXT: usize = 1000;

#[derive(Template)]
#[template(path = "value_set.html")]
pub(crate) struct ValueSetPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) set: SetCard,
    /// What uses it.
    pub(crate) uses: Vec<String>,
    /// The values of this page.
    pub(crate) rows: Vec<AllowedValue>,
    pub(crate) search: String,
    pub(crate) pager: Pager,
    /// All values, one a line; `None`: there are too many.
    pub(crate) text: Option<String>,
    /// Has the tenant a list of its own, and the profile one that would come in its place?
    pub(crate) can_clear: bool,
    pub(crate) preview: Option<Preview>,
    pub(crate) versions: Vec<VersionRow>,
    /// What was typed for one value.
    pub(crate) typed: ValueForm,
    pub(crate) notice: Option<&'static str>,
    pub(crate) errors: Errors,
}

/// Which values to show.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    q: String,
    page: String,
    done: String,
}

/// One value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ValueForm {
    /// `add`, `change` or `remove`.
    #[serde(rename = "do")]
    pub(crate) action: String,
    /// The value that is changed or removed.
    pub(crate) old: String,
    pub(crate) value: String,
    pub(crate) label: String,
}

/// `GET …/value-sets/{name}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, name)): Segments<(String, String)>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let mut shown = value_set_page(&state, &visit, &tenant, declared(&tenant, &name)?, &wanted).await?;
    shown.notice = match wanted.done.as_str() {
        "saved" => Some("The list is saved. It holds in every node within a second."),
        "cleared" => Some("The tenant’s own list is gone; what the profile says holds again."),
        _ => None,
    };
    page(StatusCode::OK, &shown)
}

/// `GET …/value-sets/{name}/csv`: all values, as they can be read back.
pub(crate) async fn download(
    State(state): State<ConsoleState>,
    Segments((slug, name)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    declared(&tenant, &name)?;
    let text = file_of_values(values_of(&tenant, &name));
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    // Slugs and names of sets that a profile declares; what is none of a header's letters is left out.
    let file: String =
        format!("{slug}-{name}").chars().filter(|ch| ch.is_ascii_alphanumeric() || *ch == '-').collect();
    let file =
        HeaderValue::try_from(format!("attachment; filename=\"{file}.csv\"")).map_err(PageError::internal)?;
    Ok(([kind, (header::CONTENT_DISPOSITION, file)], text).into_response())
}

/// `POST …/value-sets/{name}/values`: one value comes, changes or goes. What takes nothing from anybody is saved at
/// once; the rest is looked at first.
pub(crate) async fn change(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, name)): Segments<(String, String)>,
    Fields(typed): Fields<ValueForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let declared = declared(&tenant, &name)?;
    let label = Some(typed.label.trim().to_owned()).filter(|label| !label.is_empty());
    let value = AllowedValue { value: typed.value.trim().to_owned(), label };
    // The first value of a list that nobody has filled forbids all others.
    let is_filled = tenant.value_sets.get(&name).is_some();
    let (change, is_harmless) = match typed.action.as_str() {
        "add" => (ValueChange::Add(value), is_filled),
        "remove" => (ValueChange::Remove(typed.old.clone()), false),
        _ => {
            let same = fold(&typed.old) == fold(&value.value);
            (ValueChange::Change(typed.old.clone(), value), same)
        }
    };
    let outcome = tenant.with_value(&name, &change);
    let problem = match outcome {
        Ok(values) if is_harmless => {
            match state.tenants.set_value_set(&tenant, &name, values, &visit.context()).await {
                Ok(_) => return Ok(saved(&slug, &name, "saved")),
                Err(ConfigurationError::Store(error)) => return Err(error.into()),
                Err(error) => error,
            }
        }
        Ok(values) => return previewed(&state, &visit, &tenant, declared, Some(values), None).await,
        Err(error) => error,
    };
    let mut shown = value_set_page(&state, &visit, &tenant, declared, &Wanted::default()).await?;
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    // Whichever value of the list it is that does not do, it is the one that was typed.
    let told = problem.to_string();
    let problem = match told.split_once(": ") {
        Some((place, problem)) if place.starts_with("value ") => format!("value: {problem}"),
        _ => told,
    };
    shown.errors.add_told(&["value"], &problem);
    page(StatusCode::UNPROCESSABLE_ENTITY, &ValueSetPage { typed, ..shown })
}

/// `POST …/value-sets/{name}`: the text, or the file if one was chosen, becomes the list, once what it does was shown.
pub(crate) async fn save(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, name)): Segments<(String, String)>,
    Upload(form): Upload,
) -> Result<Response, PageError> {
    // A file may take its time: the tenant is looked up after it, as it is by then.
    let Typed { text, file, checked } = Typed::read(form).await?;
    let tenant = tenant(&state, &slug).await?;
    let declared = declared(&tenant, &name)?;
    let (field, bytes) = match &file {
        Some(file) => ("file", file.as_slice()),
        None => ("values", text.as_bytes()),
    };
    let read = if file.is_some() { values_of_file(bytes) } else { values_of_csv(bytes) };
    let problem = match read {
        Ok(values) if checked == digest(&values) => {
            match state.tenants.set_value_set(&tenant, &name, values, &visit.context()).await {
                Ok(_) => return Ok(saved(&slug, &name, "saved")),
                Err(ConfigurationError::Store(error)) => return Err(error.into()),
                Err(error) => with_line(bytes, &error.to_string()),
            }
        }
        Ok(values) => {
            let typed = file.is_none().then(|| text.clone());
            match state
                .tenants
                .preview_value_set(&tenant, &name, Some(values.clone()), Some(0), &|_, _| ())
                .await
            {
                Ok(_) => return previewed(&state, &visit, &tenant, declared, Some(values), typed).await,
                Err(ConfigurationError::Store(error)) => return Err(error.into()),
                Err(error) => with_line(bytes, &error.to_string()),
            }
        }
        Err(ConfigurationError::Store(error)) => return Err(error.into()),
        Err(error) => error.to_string(),
    };
    let mut shown = value_set_page(&state, &visit, &tenant, declared, &Wanted::default()).await?;
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    shown.errors.add_told(&[], &problem);
    let problem = shown.errors.of("").unwrap_or_default().to_owned();
    let mut errors = Errors::default();
    errors.add(field, problem);
    // A file cannot be put back into its field; a text can.
    let text = if file.is_some() { shown.text.clone() } else { Some(text) };
    page(StatusCode::UNPROCESSABLE_ENTITY, &ValueSetPage { text, errors, ..shown })
}

/// The page with what a list would do; `None`: what it would do to have none.
async fn previewed(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    declared: &ValueSetDeclaration,
    values: Option<Vec<AllowedValue>>,
    typed: Option<String>,
) -> Result<Response, PageError> {
    let preview = Preview::of(state, tenant, &declared.name, values).await?;
    let shown = value_set_page(state, visit, tenant, declared, &Wanted::default()).await?;
    let text = typed.or_else(|| shown.text.clone());
    page(StatusCode::OK, &ValueSetPage { preview: Some(preview), text, ..shown })
}

fn saved(slug: &str, name: &str, done: &str) -> Response {
    Redirect::to(&format!("/console/tenants/{slug}/value-sets/{name}?done={done}")).into_response()
}

/// What was looked at before the list is taken away.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClearForm {
    /// The digest of the list that was shown; empty: nothing was shown yet.
    checked: String,
}

/// `POST …/value-sets/{name}/clear`: the profile's list comes in its place, once what that does was shown.
pub(crate) async fn clear(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, name)): Segments<(String, String)>,
    Fields(form): Fields<ClearForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let declared = declared(&tenant, &name)?;
    let is_own = tenant.own_sets.get(&name).is_some();
    if is_own && form.checked != digest(values_of(&tenant, &name)) {
        return previewed(&state, &visit, &tenant, declared, None, None).await;
    }
    match state.tenants.clear_value_set(&tenant, &name, &visit.context()).await {
        Ok(_) => Ok(saved(&slug, &name, "cleared")),
        Err(ConfigurationError::Store(error)) => Err(error.into()),
        Err(error) => {
            let mut shown = value_set_page(&state, &visit, &tenant, declared, &Wanted::default()).await?;
            shown.errors.add_told(&[], &error.to_string());
            page(StatusCode::CONFLICT, &shown)
        }
    }
}

pub(super) fn declared<'a>(tenant: &'a Tenant, name: &str) -> Result<&'a ValueSetDeclaration, PageError> {
    tenant.profile.value_set(name).ok_or(PageError::NotFound)
}

/// The values that hold.
fn values_of<'a>(tenant: &'a Tenant, name: &str) -> &'a [AllowedValue] {
    tenant.value_sets.get(name).map(|set| set.values()).unwrap_or_default()
}

/// What was sent.
#[derive(Default)]
struct Typed {
    text: String,
    file: Option<Vec<u8>>,
    /// The digest of the values whose look was shown.
    checked: String,
}

impl Typed {
    async fn read(mut form: Multipart) -> Result<Self, PageError> {
        let mut typed = Self::default();
        while let Some(field) = form.next_field().await? {
            match field.name() {
                Some("values") => typed.text = field.text().await?.replace("\r\n", "\n"),
                Some("checked") => typed.checked = field.text().await?,
                // A browser sends the field without a file, too: with an empty name.
                Some("file") if field.file_name().is_some_and(|name| !name.is_empty()) => {
                    typed.file = Some(field.bytes().await?.to_vec());
                }
                _ => {}
            }
        }
        Ok(typed)
    }
}

/// A problem that counts values (`value 3: …`), told by the line of a text where that value stands.
fn with_line(text: &[u8], problem: &str) -> String {
    let numbered = || {
        let (number, rest) = problem.strip_prefix("value ")?.split_once(':')?;
        Some((number.parse::<usize>().ok()?, rest))
    };
    let Some((number, rest)) = numbered() else { return problem.to_owned() };
    let text = String::from_utf8_lossy(text);
    let is_header = |line: &str| {
        let mut words =
            line.trim_start_matches('\u{feff}').split(',').map(|word| word.trim().trim_matches('"'));
        words.next().is_some_and(|word| word.eq_ignore_ascii_case("value"))
            && words.next().is_none_or(|word| word.eq_ignore_ascii_case("label"))
    };
    let values = text
        .lines()
        .enumerate()
        .filter(|(at, line)| !line.trim().is_empty() && (*at > 0 || !is_header(line)));
    match values.map(|(at, _)| at + 1).nth(number.saturating_sub(1)) {
        Some(line) => format!("line {line}:{rest}"),
        None => problem.to_owned(),
    }
}

async fn value_set_page(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    declared: &ValueSetDeclaration,
    wanted: &Wanted,
) -> Result<ValueSetPage, PageError> {
    let head = TenantHead::new(tenant, "value-sets");
    let values = values_of(tenant, &declared.name);
    let search: String = wanted.q.trim().chars().take(100).collect();
    let key = fold(&search);
    let fits = |one: &&AllowedValue| {
        let in_label = |label: &String| fold(label).contains(&key);
        key.is_empty() || fold(&one.value).contains(&key) || one.label.as_ref().is_some_and(in_label)
    };
    let found: Vec<&AllowedValue> = values.iter().filter(fits).collect();
    let number = page_number(Some(&wanted.page));
    let skipped = usize::try_from((number - 1).saturating_mul(PAGE_SIZE)).unwrap_or(usize::MAX);
    let rows: Vec<AllowedValue> =
        found.iter().skip(skipped).take(PAGE_SIZE as usize).map(|one| (*one).clone()).collect();
    let path = format!("/console/tenants/{}/value-sets/{}", tenant.row.slug, declared.name);
    Ok(ValueSetPage {
        chrome: visit.chrome(format!("{} · {}", declared.title, head.name)),
        set: card(tenant, declared),
        uses: tenant.uses_of(&declared.name).into_iter().map(told).collect(),
        pager: Pager::new(&path, &[("q", &search)], number, rows.len(), found.len() as u64),
        rows,
        search,
        text: (values.len() <= TEXT).then(|| text_of_values(values)),
        can_clear: tenant.own_sets.get(&declared.name).is_some(),
        preview: None,
        versions: versions::rows(state, tenant, &declared.name).await?,
        typed: ValueForm::default(),
        notice: None,
        errors: Errors::default(),
        head,
    })
}

fn told(used: ValueSetUse) -> String {
    match used {
        ValueSetUse::Attribute(path) => path,
        ValueSetUse::Roles => "the roles that groups give".to_owned(),
        ValueSetUse::Organization => "the choices for the organization".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_edited_is_read_back_the_same() {
        let values = vec![
            AllowedValue { value: "12".into(), label: Some("Main street, 2nd floor".into()) },
            AllowedValue::from("a, b"),
            AllowedValue { value: "say \"x\"".into(), label: Some("it's".into()) },
            AllowedValue::from("plain"),
        ];
        let text = text_of_values(&values);
        assert_eq!(text, "12,\"Main street, 2nd floor\"\n\"a, b\"\n\"say \"\"x\"\"\", it's\nplain\n");
        assert_eq!(values_of_csv(text.as_bytes()).expect("values"), values);
    }

    #[test]
    fn a_value_is_told_by_its_line() {
        let text = "value,label\n\na\nb,B\n\nA\n".as_bytes();
        assert_eq!(with_line(text, "value 3: is there already"), "line 6: is there already");
        assert_eq!(with_line(text, "value 9: is there already"), "value 9: is there already");
        assert_eq!(with_line(b"a\na\n", "value 2: twice"), "line 2: twice");
        assert_eq!(with_line(b"a", "values: too many"), "values: too many");
    }
}

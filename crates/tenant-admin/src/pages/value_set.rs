//! One value set: its values as a text, edited, pasted or uploaded.

use askama::Template;
use axum::{
    extract::{Multipart, State},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::{
    Tenant,
    configuration::{ConfigurationError, values_of_csv},
};
use scim_core::{profile::ValueSetDeclaration, value_set::AllowedValue};

use super::{
    Done, tenant,
    value_sets::{SetCard, card},
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Parameters, Segments, Upload, Visit},
    form::Errors,
};

#[derive(Template)]
#[template(path = "value_set.html")]
pub(crate) struct ValueSetPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) set: SetCard,
    /// All values, one a line.
    pub(crate) text: String,
    /// Has the tenant a list of its own, and the profile one that would come in its place?
    pub(crate) can_clear: bool,
    pub(crate) notice: Option<&'static str>,
    pub(crate) errors: Errors,
}

/// `GET …/value-sets/{name}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, name)): Segments<(String, String)>,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let mut shown = value_set_page(&visit, &tenant, declared(&tenant, &name)?);
    shown.notice = match query.done.as_str() {
        "saved" => Some("The list is saved. It holds in every node within a second."),
        "cleared" => Some("The tenant’s own list is gone; what the profile says holds again."),
        _ => None,
    };
    page(StatusCode::OK, &shown)
}

/// `POST …/value-sets/{name}`: the text, or the file if one was chosen, becomes the list.
pub(crate) async fn save(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, name)): Segments<(String, String)>,
    Upload(form): Upload,
) -> Result<Response, PageError> {
    // A file may take its time: the tenant is looked up after it, as it is by then.
    let Typed { text, file } = Typed::read(form).await?;
    let tenant = tenant(&state, &slug).await?;
    let declared = declared(&tenant, &name)?;
    let (field, bytes) = match &file {
        Some(file) => ("file", file.as_slice()),
        None => ("values", text.as_bytes()),
    };
    let problem = match values_of_csv(bytes) {
        Ok(values) => match state.tenants.set_value_set(&tenant, &name, values, &visit.context()).await {
            Ok(_) => {
                let saved = format!("/console/tenants/{slug}/value-sets/{name}?done=saved");
                return Ok(Redirect::to(&saved).into_response());
            }
            Err(ConfigurationError::Store(error)) => return Err(error.into()),
            Err(error) => with_line(bytes, &error.to_string()),
        },
        Err(ConfigurationError::Store(error)) => return Err(error.into()),
        Err(error) => error.to_string(),
    };
    let mut shown = value_set_page(&visit, &tenant, declared);
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    shown.errors.add_told(&[], &problem);
    let problem = shown.errors.of("").unwrap_or_default().to_owned();
    let mut errors = Errors::default();
    errors.add(field, problem);
    // A file cannot be put back into its field; a text can.
    let text = if file.is_some() { shown.text.clone() } else { text };
    page(StatusCode::UNPROCESSABLE_ENTITY, &ValueSetPage { text, errors, ..shown })
}

/// `POST …/value-sets/{name}/clear`: the profile's list comes in its place.
pub(crate) async fn clear(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, name)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let declared = declared(&tenant, &name)?;
    match state.tenants.clear_value_set(&tenant, &name, &visit.context()).await {
        Ok(_) => {
            let cleared = format!("/console/tenants/{slug}/value-sets/{name}?done=cleared");
            Ok(Redirect::to(&cleared).into_response())
        }
        Err(ConfigurationError::Store(error)) => Err(error.into()),
        Err(error) => {
            let mut shown = value_set_page(&visit, &tenant, declared);
            shown.errors.add_told(&[], &error.to_string());
            page(StatusCode::CONFLICT, &shown)
        }
    }
}

fn declared<'a>(tenant: &'a Tenant, name: &str) -> Result<&'a ValueSetDeclaration, PageError> {
    tenant.profile.value_set(name).ok_or(PageError::NotFound)
}

/// What was sent.
#[derive(Default)]
struct Typed {
    text: String,
    file: Option<Vec<u8>>,
}

impl Typed {
    async fn read(mut form: Multipart) -> Result<Self, PageError> {
        let mut typed = Self::default();
        while let Some(field) = form.next_field().await? {
            match field.name() {
                Some("values") => typed.text = field.text().await?.replace("\r\n", "\n"),
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

/// Values as the text that is edited: CSV, so that what is read back is the same.
fn text_of(values: &[AllowedValue]) -> String {
    let mut text = String::new();
    for allowed in values {
        text.push_str(&quoted(&allowed.value));
        if let Some(label) = &allowed.label {
            // A blank before a quotation mark would make it a part of the text.
            let label = quoted(label);
            text.push_str(if label.starts_with('"') { "," } else { ", " });
            text.push_str(&label);
        }
        text.push('\n');
    }
    text
}

/// As a CSV field (RFC 4180 §2).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn value_set_page(visit: &Visit, tenant: &Tenant, declared: &ValueSetDeclaration) -> ValueSetPage {
    let head = TenantHead::new(tenant, "value-sets");
    let values = tenant.value_sets.get(&declared.name).map(|set| set.values()).unwrap_or_default();
    ValueSetPage {
        chrome: visit.chrome(format!("{} · {}", declared.title, head.name)),
        set: card(tenant, declared),
        text: text_of(values),
        can_clear: tenant.own_sets.get(&declared.name).is_some(),
        notice: None,
        errors: Errors::default(),
        head,
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
        let text = text_of(&values);
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

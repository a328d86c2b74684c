//! A part of the profile: its entries, each with what it says, and the way to its form.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use provisioning::{Tenant, configuration::Draft};
use scim_core::{
    profile::{
        Profile,
        edit::{Place, Sheet},
    },
    schema::{self, Attribute, Mutability},
};

use super::{
    ProfileForm,
    draft::{self, DraftView},
    entry,
    fields::{self, FieldView, Typed},
    parts::{self, PARTS, Part, Shape},
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
    form::Errors,
    pages::tenant,
};

#[derive(Template)]
#[template(path = "profile_part.html")]
pub(crate) struct PartPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) draft: DraftView,
    pub(crate) part: &'static Part,
    pub(crate) rows: Vec<EntryRow>,
    /// Label and address of the forms for something new.
    pub(crate) adds: Vec<(String, String)>,
    pub(crate) errors: Errors,
}

/// An entry.
#[derive(Clone, Debug)]
pub(crate) struct EntryRow {
    pub(crate) title: String,
    /// The extension that it belongs to.
    pub(crate) above: String,
    /// As its address names it.
    pub(crate) entry: String,
    /// The part whose form it has.
    pub(crate) part: &'static str,
    /// What it says: label and value.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Can it be taken away?
    pub(crate) removable: bool,
    pub(crate) up: bool,
    pub(crate) down: bool,
}

#[cfg(test)]
impl PartPage {
    /// The page of a part of a text that compiles.
    pub(crate) fn sample(chrome: Chrome, head: TenantHead, draft: DraftView, key: &str) -> Self {
        let part = parts::part(key).expect("a part");
        let sheet = Sheet::parse(&draft.text).expect("a text");
        let profile = Profile::from_saved_toml(&draft.text).expect("a profile");
        let (rows, adds) = (rows(&sheet, &profile, part), adds(&sheet, part));
        Self { chrome, head, draft, part, rows, adds, errors: Errors::default() }
    }
}

/// The text that a page of the editor works on, compiled.
pub(crate) struct Opened {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) draft: DraftView,
    /// `None`: the text is the one that holds.
    compiled: Option<Draft>,
    pub(crate) sheet: Sheet,
}

impl Opened {
    pub(crate) fn profile(&self) -> &Profile {
        self.compiled.as_ref().map_or(&self.tenant.profile, |draft| draft.rules().profile)
    }
}

/// Opens what a form sent, or what holds. A text that is no profile is shown in the text editor with its fault: that
/// page is the inner error.
pub(crate) async fn open(
    state: &ConsoleState,
    visit: &Visit,
    slug: &str,
    typed: Option<&Typed>,
) -> Result<Result<Opened, Response>, PageError> {
    let tenant = tenant(state, slug).await?;
    let (text, version) = match typed {
        Some(typed) => draft::sent(typed, &tenant),
        None => (tenant.row.profile.clone(), tenant.row.profile_version),
    };
    let compiled = if text == tenant.row.profile {
        None
    } else {
        match Draft::unproven(&tenant, &text).await {
            Ok(draft) => Some(draft),
            Err(error) => {
                let form = ProfileForm::of(text, version);
                return super::refused(state, visit, &tenant, &form, error).await.map(Err);
            }
        }
    };
    let sheet = Sheet::parse(&text).map_err(PageError::internal)?;
    let draft = DraftView::of(&tenant, text, version).await?;
    Ok(Ok(Opened { tenant, draft, compiled, sheet }))
}

/// `GET …/profile/{part}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, key)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let part = parts::part(&key).ok_or(PageError::NotFound)?;
    match open(&state, &visit, &slug, None).await? {
        Ok(opened) => shown(&visit, &opened, part, Errors::default(), StatusCode::OK),
        Err(other) => Ok(other),
    }
}

/// `POST …/profile/{part}`: the same of a text that is not saved.
pub(crate) async fn show_draft(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, key)): Segments<(String, String)>,
    Fields(typed): Fields<Typed>,
) -> Result<Response, PageError> {
    let part = parts::part(&key).ok_or(PageError::NotFound)?;
    match open(&state, &visit, &slug, Some(&typed)).await? {
        Ok(opened) => shown(&visit, &opened, part, Errors::default(), StatusCode::OK),
        Err(other) => Ok(other),
    }
}

/// The page of a part; of a table its form.
pub(crate) fn shown(
    visit: &Visit,
    opened: &Opened,
    part: &'static Part,
    errors: Errors,
    status: StatusCode,
) -> Result<Response, PageError> {
    if part.is_table() {
        let form =
            entry::Form::of(&opened.sheet, opened.profile(), part, "all").ok_or(PageError::NotFound)?;
        return entry::shown(visit, opened, form, errors, status);
    }
    let head = TenantHead::new(&opened.tenant, "profile");
    let shown = PartPage {
        chrome: visit.chrome(format!("{} · {}", part.title, head.name)),
        rows: rows(&opened.sheet, opened.profile(), part),
        adds: adds(&opened.sheet, part),
        draft: opened.draft.clone(),
        part,
        errors,
        head,
    };
    page(status, &shown).map(IntoResponse::into_response)
}

fn rows(sheet: &Sheet, profile: &Profile, part: &'static Part) -> Vec<EntryRow> {
    match part.shape {
        Shape::Table(_) => Vec::new(),
        Shape::Attributes => attributes(profile, sheet, part),
        Shape::List(list) => {
            let count = sheet.count(&Place::top(), list);
            (0..count).filter_map(|at| row(sheet, part, at.to_string(), at, count)).collect()
        }
        Shape::ListIn(table, list) => {
            let count = sheet.count(&Place::top().table(table), list);
            (0..count).filter_map(|at| row(sheet, part, at.to_string(), at, count)).collect()
        }
        Shape::ListOfEach(outer, list) => {
            let mut rows = Vec::new();
            for above in 0..sheet.count(&Place::top(), outer) {
                let place = Place::top().entry(outer, above);
                let (name, count) = (sheet.text(&place, "name"), sheet.count(&place, list));
                let found = (0..count).filter_map(|at| row(sheet, part, format!("{above}.{at}"), at, count));
                rows.extend(found.map(|row| EntryRow { above: name.clone(), ..row }));
            }
            rows
        }
    }
}

fn row(sheet: &Sheet, part: &'static Part, entry: String, at: usize, count: usize) -> Option<EntryRow> {
    let place = part.place(&entry)?;
    let names = part.names.iter().map(|key| (*key, sheet.text(&place, key)));
    let (named_by, title) = names.into_iter().find(|(_, name)| !name.is_empty()).unwrap_or_default();
    let views = fields::of_entry(part.fields, sheet, &place);
    Some(EntryRow {
        title: if title.is_empty() { format!("{} {}", part.one, at + 1) } else { title },
        above: String::new(),
        part: part.key,
        facts: facts(views.iter().filter(|view| view.key != named_by)),
        removable: true,
        up: part.ordered && at > 0,
        down: part.ordered && at + 1 < count,
        entry,
    })
}

/// What is said: fields with a value, choices other than the usual one.
fn facts<'a>(views: impl Iterator<Item = &'a FieldView>) -> Vec<(&'static str, String)> {
    let says = |view: &&FieldView| match view.input {
        "choice" => view.options.first().is_none_or(|(usual, _)| *usual != view.value),
        _ => !view.value.is_empty(),
    };
    views.filter(says).map(|view| (view.label, view.told())).collect()
}

/// The core attributes on offer, and those of the enterprise extension; of their sub-attributes those of which
/// something is asked.
fn attributes(profile: &Profile, sheet: &Sheet, part: &'static Part) -> Vec<EntryRow> {
    let mut rows = Vec::new();
    for (above, attribute) in written(profile) {
        let row = |path: String, kind: String| {
            let mut found = vec![("Type", kind)];
            found.extend(facts(fields::of_attribute(part.fields, sheet, &path).iter()));
            EntryRow {
                title: path.clone(),
                above: above.to_owned(),
                entry: path,
                part: part.key,
                facts: found,
                removable: false,
                up: false,
                down: false,
            }
        };
        rows.push(row(attribute.name.clone(), type_of(attribute)));
        for sub in &attribute.sub_attributes {
            let row = row(format!("{}.{}", attribute.name, sub.name), type_of(sub));
            if row.facts.len() > 1 {
                rows.push(row);
            }
        }
    }
    rows
}

/// Attributes of core SCIM and the enterprise extension that clients write here, each with the extension's name.
pub(crate) fn written(profile: &Profile) -> impl Iterator<Item = (&'static str, &Attribute)> {
    let enterprise = profile.user.extensions.iter().filter(|one| one.schema.id == schema::ENTERPRISE_USER.id);
    let core = profile.user.schema.attributes.iter().map(|attribute| ("", attribute.as_ref()));
    let enterprise =
        enterprise.flat_map(|one| &one.schema.attributes).map(|one| ("Enterprise", one.as_ref()));
    core.chain(enterprise).filter(|(_, one)| one.mutability != Mutability::ReadOnly && one.name != "password")
}

/// `string`, `list of complex`.
pub(crate) fn type_of(attribute: &Attribute) -> String {
    let kind = serde_json::to_value(attribute.kind).ok();
    let kind = kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    if attribute.multi_valued { format!("list of {kind}") } else { kind.to_owned() }
}

fn adds(sheet: &Sheet, part: &'static Part) -> Vec<(String, String)> {
    match part.shape {
        Shape::Table(_) => Vec::new(),
        Shape::Attributes => vec![("Choose what is on offer".to_owned(), "attributes/offered".to_owned())],
        Shape::List(_) | Shape::ListIn(..) => {
            vec![(format!("Add {} {}", article(part.one), part.one), format!("{}/new", part.key))]
        }
        Shape::ListOfEach(outer, _) => (0..sheet.count(&Place::top(), outer))
            .map(|at| {
                let name = sheet.text(&Place::top().entry(outer, at), "name");
                (format!("Add an attribute to {name}"), format!("{}/{at}.new", part.key))
            })
            .collect(),
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Name, address, what it is about and how much there is of it: of each part, for the page of the profile.
pub(crate) fn overview(text: &str) -> Vec<(&'static Part, String)> {
    let Ok(sheet) = Sheet::parse(text) else { return Vec::new() };
    let count =
        |above: &Place, list: &str, one: &str| crate::chrome::count(sheet.count(above, list) as u64, one);
    PARTS
        .iter()
        .map(|part| {
            let told = match part.shape {
                Shape::Table(_) => String::new(),
                Shape::Attributes => {
                    let offers = scim_core::profile::edit::offers(&sheet);
                    format!(
                        "{} of {} on offer",
                        offers.iter().filter(|one| one.offered).count(),
                        offers.len()
                    )
                }
                Shape::List(list) => count(&Place::top(), list, part.one),
                Shape::ListIn(table, list) => count(&Place::top().table(table), list, part.one),
                Shape::ListOfEach(outer, list) => {
                    let all = 0..sheet.count(&Place::top(), outer);
                    let sum: usize = all.map(|at| sheet.count(&Place::top().entry(outer, at), list)).sum();
                    crate::chrome::count(sum as u64, part.one)
                }
            };
            (part, told)
        })
        .collect()
}

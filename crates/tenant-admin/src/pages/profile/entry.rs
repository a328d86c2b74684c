//! The form of one entry of the profile. What it changes is the text, which is not saved by it.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::configuration::{ConfigurationError, Draft};
use scim_core::{
    profile::{
        Profile, ProfileError,
        edit::{self, Offer, Place, Sheet, offers, set_offers},
    },
    schema::{Attribute, AttributeType},
};

use super::{
    ProfileForm,
    draft::DraftView,
    fields::{self, FieldView, Typed},
    part::{self, Opened, open, written},
    parts::{self, Part, Shape},
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
    form::Errors,
};

#[derive(Template)]
#[template(path = "profile_entry.html")]
pub(crate) struct EntryPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) draft: DraftView,
    pub(crate) form: Form,
    pub(crate) errors: Errors,
}

#[cfg(test)]
impl EntryPage {
    /// The form of an entry of a text that compiles.
    pub(crate) fn sample(
        chrome: Chrome,
        head: TenantHead,
        draft: DraftView,
        (key, entry): (&str, &str),
        errors: Errors,
    ) -> Self {
        let profile = Profile::from_saved_toml(&draft.text).expect("a profile");
        let sheet = Sheet::parse(&draft.text).expect("a text");
        let part = parts::part(key).expect("a part");
        let form = Form::of(&sheet, &profile, part, entry).expect("an entry");
        Self { chrome, head, draft, form, errors }
    }
}

/// The form of an entry.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) part: &'static Part,
    /// As its address names it: `3`, `new`, `emails.type`, `all`.
    pub(crate) entry: String,
    pub(crate) title: String,
    pub(crate) fields: Vec<FieldView>,
    /// Of the form for what is on offer.
    pub(crate) offers: Vec<Offer>,
    /// Of a complex attribute: its sub-attributes, and the address of each.
    pub(crate) subs: Vec<(String, String)>,
    /// Names that conditions and lists of paths can use.
    pub(crate) names: Vec<String>,
    pub(crate) removable: bool,
    target: Target,
}

/// What a form is about.
#[derive(Clone, Debug)]
enum Target {
    Entry(Place),
    Attribute(String, AttributeType),
    Offered,
}

impl Form {
    /// The form of an entry as the text has it; `None`: there is no such entry.
    pub(crate) fn of(sheet: &Sheet, profile: &Profile, part: &'static Part, entry: &str) -> Option<Self> {
        let blank = |title: String, target: Target| Self {
            part,
            entry: entry.to_owned(),
            title,
            fields: Vec::new(),
            offers: Vec::new(),
            subs: Vec::new(),
            names: Vec::new(),
            removable: false,
            target,
        };
        if part.shape == Shape::Attributes && entry == "offered" {
            let form = blank("What is on offer".to_owned(), Target::Offered);
            return Some(Self { offers: offers(sheet), ..form });
        }
        if part.shape == Shape::Attributes {
            let (path, attribute) = attribute(profile, entry)?;
            let subs = attribute.sub_attributes.iter();
            let subs =
                subs.map(|sub| (sub.name.clone(), format!("attributes/{path}.{}", sub.name))).collect();
            let mut fields = fields::of_attribute(part.fields, sheet, &path);
            if attribute.kind == AttributeType::Complex {
                fields.retain(|field| matches!(field.key, "required" | "names" | "default"));
            } else if attribute.kind != AttributeType::String {
                fields.retain(|field| !matches!(field.key, "format" | "value-set"));
            }
            let form = blank(path.clone(), Target::Attribute(path, attribute.kind));
            return Some(Self { fields, subs, ..form });
        }
        let (place, is_new) = place(sheet, part, entry)?;
        let names = part.names.iter().map(|key| sheet.text(&place, key));
        let name = names.into_iter().find(|name| !name.is_empty());
        let title = match name {
            _ if part.is_table() => part.title.to_owned(),
            _ if is_new => format!("New {}", part.one),
            Some(name) => name,
            None => part.one.to_owned(),
        };
        let asks_for_paths = matches!(part.key, "rules" | "not-applicable");
        Some(Self {
            fields: fields::of_entry(part.fields, sheet, &place),
            names: if asks_for_paths { names_of(profile) } else { Vec::new() },
            removable: !part.is_table() && !is_new,
            ..blank(title, Target::Entry(place))
        })
    }
}

/// The place of an entry that is there, or of a new one.
fn place(sheet: &Sheet, part: &'static Part, entry: &str) -> Option<(Place, bool)> {
    let count = |above: &Place, list: &str| sheet.count(above, list);
    let (numbered, count, at) = match part.shape {
        Shape::Table(_) => return Some((part.place(entry)?, false)),
        Shape::Attributes => return None,
        Shape::List(list) => (String::new(), count(&Place::top(), list), entry),
        Shape::ListIn(table, list) => (String::new(), count(&Place::top().table(table), list), entry),
        Shape::ListOfEach(outer, list) => {
            let (above, at) = entry.split_once('.')?;
            let number: usize = above.parse().ok()?;
            if number >= count(&Place::top(), outer) {
                return None;
            }
            (format!("{number}."), count(&Place::top().entry(outer, number), list), at)
        }
    };
    if at == "new" {
        return Some((part.place(&format!("{numbered}{count}"))?, true));
    }
    let known = at.parse::<usize>().ok().filter(|at| *at < count)?;
    Some((part.place(&format!("{numbered}{known}"))?, false))
}

/// An attribute of core SCIM or of the enterprise extension that is on offer, with its path in schema spelling.
fn attribute(profile: &Profile, path: &str) -> Option<(String, Arc<Attribute>)> {
    let (top, sub) = path.split_once('.').map_or((path, None), |(top, sub)| (top, Some(sub)));
    let (_, found) = written(profile).find(|(_, attribute)| attribute.name.eq_ignore_ascii_case(top))?;
    match sub {
        None => Some((found.name.clone(), Arc::new(found.clone()))),
        Some(sub) => {
            let sub = found.sub(sub)?;
            Some((format!("{}.{}", found.name, sub.name), Arc::clone(sub)))
        }
    }
}

/// What conditions and paths can name.
fn names_of(profile: &Profile) -> Vec<String> {
    let core =
        written(profile).filter(|(above, _)| above.is_empty()).map(|(_, one)| format!("user.{}", one.name));
    let extensions = profile.user.extensions.iter().flat_map(|extension| &extension.schema.attributes);
    core.chain(extensions.map(|one| format!("ext.{}", one.name))).collect()
}

/// `GET …/profile/{part}/{entry}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, key, entry)): Segments<(String, String, String)>,
) -> Result<Response, PageError> {
    let part = parts::part(&key).ok_or(PageError::NotFound)?;
    match open(&state, &visit, &slug, None).await? {
        Ok(opened) => {
            let form = Form::of(&opened.sheet, opened.profile(), part, &entry).ok_or(PageError::NotFound)?;
            shown(&visit, &opened, form, Errors::default(), StatusCode::OK)
        }
        Err(other) => Ok(other),
    }
}

/// `POST …/profile/{part}/{entry}`: shows the form of a text that is not saved, or changes that text (`do`: `apply`,
/// `remove`, `up`, `down`). Nothing is saved.
pub(crate) async fn change(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, key, entry)): Segments<(String, String, String)>,
    Fields(typed): Fields<Typed>,
) -> Result<Response, PageError> {
    let part = parts::part(&key).ok_or(PageError::NotFound)?;
    let opened = match open(&state, &visit, &slug, Some(&typed)).await? {
        Ok(opened) => opened,
        Err(other) => return Ok(other),
    };
    let form = Form::of(&opened.sheet, opened.profile(), part, &entry).ok_or(PageError::NotFound)?;
    let action = typed.get("do").map(String::as_str).unwrap_or_default();
    let mut sheet = opened.sheet.clone();
    let mut errors = Errors::default();
    match (action, &form.target) {
        ("apply", target) => errors = write(&mut sheet, part, target, &typed),
        ("remove", Target::Entry(place)) => tell(&mut errors, sheet.remove(place)),
        ("down", Target::Entry(place)) => tell(&mut errors, sheet.swap(place)),
        ("up", Target::Entry(_)) => {
            if let Some(place) = before(part, &entry) {
                tell(&mut errors, sheet.swap(&place));
            }
        }
        _ => return shown(&visit, &opened, form, errors, StatusCode::OK),
    }
    let text = sheet.to_string();
    let mut compiles = None;
    if errors.is_empty() {
        match Draft::unproven(&opened.tenant, &text).await {
            Ok(_) => compiles = Some(ProfileForm::of(text, opened.draft.version)),
            Err(ConfigurationError::Store(error)) => return Err(error.into()),
            Err(ConfigurationError::Profile(error)) => errors = beside(&form, &text, &error),
            Err(other) => errors.add_told(&[], &other.to_string()),
        }
    }
    match compiles {
        Some(next) => match open(&state, &visit, &slug, Some(&next.typed())).await? {
            Ok(opened) => part::shown(&visit, &opened, part, errors, StatusCode::OK),
            Err(other) => Ok(other),
        },
        None if action == "apply" => {
            let form = Form { fields: fields::with_typed(form.fields.clone(), &typed), ..form };
            shown(&visit, &opened, form, errors, StatusCode::UNPROCESSABLE_ENTITY)
        }
        None => part::shown(&visit, &opened, part, errors, StatusCode::UNPROCESSABLE_ENTITY),
    }
}

fn write(sheet: &mut Sheet, part: &'static Part, target: &Target, typed: &Typed) -> Errors {
    match target {
        Target::Entry(place) => {
            // The type of a new attribute is typed with it.
            let kind = typed.get("type").and_then(|kind| serde_json::from_value(kind.as_str().into()).ok());
            fields::write_entry(part.fields, sheet, place, typed, kind.unwrap_or_default())
        }
        Target::Attribute(path, kind) => fields::write_attribute(sheet, path, typed, *kind),
        Target::Offered => {
            let wanted = |offer: &Offer| typed.contains_key(&offer_key(offer));
            let mut errors = Errors::default();
            tell(&mut errors, set_offers(sheet, wanted));
            errors
        }
    }
}

/// The name of a box in the form for what is on offer.
fn offer_key(offer: &Offer) -> String {
    format!("offer-{}{}", if offer.enterprise { "enterprise-" } else { "" }, offer.name)
}

fn tell(errors: &mut Errors, outcome: Result<(), ProfileError>) {
    if let Err(error) = outcome {
        errors.add_told(&[], &error.problem);
    }
}

/// The entry above one.
fn before(part: &'static Part, entry: &str) -> Option<Place> {
    let (above, at) = entry.rsplit_once('.').map_or(("", entry), |(above, at)| (above, at));
    let at = at.parse::<usize>().ok()?.checked_sub(1)?;
    part.place(&if above.is_empty() { at.to_string() } else { format!("{above}.{at}") })
}

/// A fault of the text that a form made, beside the field that has it.
fn beside(form: &Form, text: &str, error: &ProfileError) -> Errors {
    let mut errors = Errors::default();
    let found = edit::place_at(text, error.line, error.column);
    let key = found.as_ref().and_then(|(place, key)| {
        let key = key.as_deref().or_else(|| missing(&error.problem));
        match &form.target {
            Target::Entry(own) => key.filter(|_| place == own),
            Target::Attribute(..) => match place.steps().next() {
                Some(("alias", _)) => Some("names"),
                Some(("user", _)) => Some("required"),
                Some(("attribute", _)) => key,
                _ => None,
            },
            Target::Offered => None,
        }
    });
    let field = key.and_then(|key| form.part.fields.iter().find(|field| field.key == key));
    match field {
        Some(field) => {
            let problem =
                if missing(&error.problem).is_some() { "is needed" } else { error.problem.as_str() };
            let mut told = Errors::default();
            told.add_told(&[], problem);
            errors.add(field.key, told.of("").unwrap_or_default());
        }
        None => errors.add_told(&[], &format!("Line {} of the text: {}", error.line, error.problem)),
    }
    errors
}

/// The key that an entry lacks, by the words of the reader.
fn missing(problem: &str) -> Option<&str> {
    problem.strip_prefix("missing field `")?.split('`').next()
}

pub(crate) fn shown(
    visit: &Visit,
    opened: &Opened,
    form: Form,
    errors: Errors,
    status: StatusCode,
) -> Result<Response, PageError> {
    let head = TenantHead::new(&opened.tenant, "profile");
    let mark = if errors.is_empty() { "" } else { "Error: " };
    let of = if form.part.is_table() { String::new() } else { format!(" · {}", form.part.title) };
    let shown = EntryPage {
        chrome: visit.chrome(format!("{mark}{}{of} · {}", form.title, head.name)),
        draft: opened.draft.clone(),
        form,
        errors,
        head,
    };
    page(status, &shown)
}

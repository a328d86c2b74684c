//! Checks of a whole canonical document, after a body or the last operation of a PATCH.

use serde_json::{Map, Value};

use super::{MAX_DOCUMENT, MAX_KEY, Violation, is_primary, is_unassigned, report::Problems, unseen::unseen};
use crate::{
    Document,
    error::ScimError,
    fold::fold,
    product::{check_rules, check_values, prepare},
    resource::{ResourceKind, ResourceType},
    schema::{Attribute, Mutability, Schema},
    value_set::ValueSets,
};

/// Something that a person should know of a resource and that does not stand in its way. Like an error it never holds a
/// value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Attribute path.
    pub path: String,
    /// What is noted.
    pub text: String,
}

/// Violations that [`super::take_all`] found in single values, or [`examine_for`] in a whole resource.
#[derive(Clone, Debug, Default)]
pub struct Findings(pub(super) Problems);

impl Findings {
    pub(super) fn of(problems: Problems) -> Self {
        Self(problems)
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first of them, as many as an error tells.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        self.0.told()
    }

    /// One 400 `invalidValue` with all violations, where there are any.
    pub fn finish(self) -> Result<(), ScimError> {
        self.0.finish()
    }
}

/// Whether a change takes the right to sign in and nothing else: no rule may stand in the way of that, however old the
/// values are that a newer rule would refuse.
#[must_use]
pub fn only_deactivates(before: &Document, after: &Document) -> bool {
    if after.get("active") != Some(&Value::Bool(false)) {
        return false;
    }
    let mut before = before.clone();
    before.insert("active".into(), Value::Bool(false));
    before == *after
}

/// [`validate_for`] without a tenant's value sets and without earlier violations; notes are dropped.
pub fn validate(resource_type: &ResourceType, document: &mut Document) -> Result<(), ScimError> {
    validate_for(resource_type, &ValueSets::default(), Findings::default(), document).map(|_| ())
}

/// Makes a whole canonical document fit its profile and checks it: defaults put in, what does not apply left out (or
/// refused), required attributes present, one `primary` at most, keys no longer than [`MAX_KEY`], formats, value sets,
/// rules. All violations at once, those that were `found` before included. A document larger than [`MAX_DOCUMENT`]
/// is 413.
/// Also removes entries of multi-valued complex attributes that hold nothing but `type` and `primary`, then emptied
/// lists. A document that comes out of it goes through it again unchanged.
pub fn validate_for(
    resource_type: &ResourceType,
    sets: &ValueSets,
    found: Findings,
    document: &mut Document,
) -> Result<Vec<Note>, ScimError> {
    let (notes, found) = examine_for(resource_type, sets, found, document)?;
    found.finish()?;
    Ok(notes)
}

/// [`validate_for`] that gives the violations one by one; only a document that is too large is an error.
pub fn examine_for(
    resource_type: &ResourceType,
    sets: &ValueSets,
    found: Findings,
    document: &mut Document,
) -> Result<(Vec<Note>, Findings), ScimError> {
    let Findings(mut found) = found;
    let (mut notes, problems) = (Vec::new(), &mut found);
    prepare(resource_type, document, problems, &mut notes);
    check_size(document)?;
    check_keys(resource_type.kind, document, problems);
    check_schema(&resource_type.schema, "", document, problems);
    for extension in &resource_type.extensions {
        let urn = &extension.schema.id;
        match document.get_mut(urn) {
            Some(Value::Object(values)) => {
                check_schema(&extension.schema, &format!("{urn}:"), values, problems);
                if values.is_empty() {
                    document.remove(urn);
                }
            }
            _ if extension.required => {
                check_schema(&extension.schema, &format!("{urn}:"), &mut Map::new(), problems);
            }
            _ => {}
        }
    }
    check_values(resource_type, sets, document, problems, &mut notes);
    check_rules(resource_type, document, problems);
    Ok((notes, Findings(found)))
}

fn check_size(document: &Document) -> Result<(), ScimError> {
    let size = Value::Object(document.clone()).to_string().len();
    if size <= MAX_DOCUMENT {
        return Ok(());
    }
    let text = format!(
        "The resource would be {size} bytes as JSON; at most {MAX_DOCUMENT} are kept. Send fewer or shorter values."
    );
    Err(ScimError::new(413, text))
}

fn check_keys(kind: ResourceKind, document: &Document, problems: &mut Problems) {
    let name = match kind {
        ResourceKind::User => "userName",
        ResourceKind::Group => "displayName",
    };
    for path in [name, "externalId"] {
        if document.get(path).and_then(Value::as_str).is_some_and(|text| fold(text).len() > MAX_KEY) {
            problems.push(path, &format!("is longer than {MAX_KEY} bytes; shorten it"));
        }
    }
    if let Some((at, ch)) = document.get(name).and_then(Value::as_str).and_then(unseen) {
        let code = u32::from(ch);
        let problem = format!("has a character at place {at} that nobody sees (U+{code:04X}); leave it out");
        problems.push(name, &problem);
    }
}

fn check_schema(schema: &Schema, prefix: &str, values: &mut Map<String, Value>, problems: &mut Problems) {
    for attribute in &schema.attributes {
        let path = format!("{prefix}{}", attribute.name);
        if let Some(Value::Array(list)) = values.get_mut(&attribute.name) {
            drop_hollow(attribute, list);
            if list.iter().filter(|element| is_primary(element)).count() > 1 {
                problems.push(&format!("{path}.primary"), "is true in more than one element; mark one only");
            }
        }
        if values.get(&attribute.name).is_some_and(is_unassigned) {
            values.remove(&attribute.name);
        }
        check_required(attribute, &path, values.get(&attribute.name), problems);
    }
}

/// Drops entries that say nothing: judged only here, because a PATCH may set `display` before `value`.
pub(crate) fn drop_hollow(attribute: &Attribute, list: &mut Vec<Value>) {
    let label = |name: &str| matches!(name, "type" | "primary");
    let has_more = attribute.sub_attributes.iter().any(|sub| !label(&sub.name));
    list.retain(|element| match element {
        Value::Object(fields) if has_more => fields.keys().any(|name| !label(name)),
        element => !is_unassigned(element),
    });
}

fn check_required(attribute: &Attribute, path: &str, value: Option<&Value>, problems: &mut Problems) {
    // The server itself fills in what is read-only.
    if attribute.mutability == Mutability::ReadOnly {
        return;
    }
    match value {
        None if problems.has_below(path) => missing_beside(attribute, path, problems),
        None if attribute.required => missing(attribute, path, problems),
        Some(Value::String(text)) if attribute.required && text.trim().is_empty() => {
            problems.push(path, "is required and holds only blanks; send a value");
        }
        Some(Value::Object(fields)) => {
            for sub in &attribute.sub_attributes {
                check_required(sub, &format!("{path}.{}", sub.name), fields.get(&sub.name), problems);
            }
        }
        Some(Value::Array(list)) => {
            for (position, element) in list.iter().enumerate() {
                let Value::Object(fields) = element else { continue };
                for sub in &attribute.sub_attributes {
                    let path = format!("{path}[{position}].{}", sub.name);
                    check_required(sub, &path, fields.get(&sub.name), problems);
                }
            }
        }
        _ => {}
    }
}

/// Of a value of which every part that was sent is wrong: names the required parts that were not.
fn missing_beside(attribute: &Attribute, path: &str, problems: &mut Problems) {
    if !problems.has_inside(path) {
        return;
    }
    for sub in attribute.sub_attributes.iter().filter(|sub| sub.required) {
        let path = format!("{path}.{}", sub.name);
        if !problems.has_below(&path) {
            problems.push(&path, "is required; send a value");
        }
    }
}

/// Names what is missing; of a complex attribute the required sub-attributes, where there are any.
fn missing(attribute: &Attribute, path: &str, problems: &mut Problems) {
    let mut subs = attribute.sub_attributes.iter().filter(|sub| sub.required).peekable();
    if subs.peek().is_none() {
        problems.push(path, "is required; send a value");
    }
    for sub in subs {
        problems.push(&format!("{path}.{}", sub.name), "is required; send a value");
    }
}

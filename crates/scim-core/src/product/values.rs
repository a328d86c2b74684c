//! Values of single attributes: defaults, formats, value sets.

use serde_json::{Map, Value};

use super::{MAX_RULE_ELEMENTS, rules};
use crate::{
    Document,
    constraint::Constraint,
    fold::fold,
    format::{Format, comma_list, dea, time_zone},
    intake::{Entries, Note, Origin, Problems, drop_hollow, is_primary, is_unassigned},
    resource::ResourceType,
    schema::{Attribute, Schema},
    value_set::ValueSets,
};

/// Gives a document what its profile gives to every resource: defaults, a primary element where an alias means it;
/// leaves out what does not apply.
pub(crate) fn prepare(
    resource_type: &ResourceType,
    document: &mut Document,
    problems: &mut Problems,
    notes: &mut Vec<Note>,
) {
    mark_primaries(resource_type, document);
    add_defaults(&resource_type.schema, document);
    for extension in &resource_type.extensions {
        let urn = &extension.schema.id;
        if let Some(Value::Object(values)) = document.get_mut(urn) {
            add_defaults(&extension.schema, values);
            continue;
        }
        let mut values = Map::new();
        add_defaults(&extension.schema, &mut values);
        if !values.is_empty() {
            document.insert(urn.clone(), Value::Object(values));
        }
    }
    let product = &resource_type.product;
    if product.not_applicable.is_empty() && product.rules.is_empty() {
        return;
    }
    check_lists(document, "", problems);
    rules::leave_out(resource_type, document, problems, notes);
}

/// An alias such as `email` means the primary element of a list, so one is marked.
fn mark_primaries(resource_type: &ResourceType, document: &mut Document) {
    for alias in resource_type.product.aliases.iter().filter(|alias| alias.is_of_list()) {
        let attribute = &alias.target.attribute;
        let values = match &alias.target.extension {
            None => document.get_mut(&attribute.name),
            Some(urn) => document.get_mut(urn.as_ref()).and_then(|object| object.get_mut(&attribute.name)),
        };
        let (Some(Value::Array(list)), Some(_)) = (values, attribute.sub("primary")) else { continue };
        // A mark on an element that says nothing would go with it.
        drop_hollow(attribute, list);
        if !list.iter().any(is_primary)
            && let Some(Value::Object(first)) = list.first_mut()
        {
            first.insert("primary".into(), true.into());
        }
    }
}

fn add_defaults(schema: &Schema, values: &mut Map<String, Value>) {
    for attribute in &schema.attributes {
        if let Some(default) = default_of(attribute)
            && !values.contains_key(&attribute.name)
        {
            values.insert(attribute.name.clone(), default.clone());
        }
        if attribute.sub_attributes.iter().all(|sub| default_of(sub).is_none()) {
            continue;
        }
        match values.get_mut(&attribute.name) {
            Some(Value::Object(fields)) => add_sub_defaults(attribute, fields),
            Some(Value::Array(list)) => {
                let objects = list.iter_mut().filter_map(Value::as_object_mut);
                objects.for_each(|fields| add_sub_defaults(attribute, fields));
                // Two elements may have become alike.
                *list = Entries::of(std::mem::take(list)).into_list();
            }
            _ => {}
        }
    }
}

fn add_sub_defaults(attribute: &Attribute, fields: &mut Map<String, Value>) {
    for sub in &attribute.sub_attributes {
        if let Some(default) = default_of(sub) {
            fields.entry(sub.name.as_str()).or_insert_with(|| default.clone());
        }
    }
}

fn default_of(attribute: &Attribute) -> Option<&Value> {
    attribute.constraint.as_ref()?.default.as_ref()
}

/// Conditions walk over lists.
fn check_lists(values: &Map<String, Value>, prefix: &str, problems: &mut Problems) {
    for (name, value) in values {
        match value {
            Value::Array(list) if list.len() > MAX_RULE_ELEMENTS => {
                let problem = format!("holds more than {MAX_RULE_ELEMENTS} elements; send fewer");
                problems.push(&format!("{prefix}{name}"), &problem);
            }
            Value::Object(fields) => {
                let mark = if name.contains(':') { ':' } else { '.' };
                check_lists(fields, &format!("{prefix}{name}{mark}"), problems);
            }
            _ => {}
        }
    }
}

/// Checks formats and value sets and puts each value in the form in which it is kept.
pub(crate) fn check_values(
    resource_type: &ResourceType,
    sets: &ValueSets,
    document: &mut Document,
    problems: &mut Problems,
    notes: &mut Vec<Note>,
) {
    let family_name = document.get("name").and_then(|name| name.get("familyName")).and_then(Value::as_str);
    let family_name = family_name.unwrap_or_default().to_owned();
    let mut pass = Pass { sets, family_name: &family_name, problems, notes };
    pass.schema(&resource_type.schema, "", document);
    for extension in &resource_type.extensions {
        let urn = &extension.schema.id;
        if let Some(Value::Object(values)) = document.get_mut(urn) {
            pass.schema(&extension.schema, &format!("{urn}:"), values);
        }
    }
}

struct Pass<'a> {
    sets: &'a ValueSets,
    family_name: &'a str,
    problems: &'a mut Problems,
    notes: &'a mut Vec<Note>,
}

impl Pass<'_> {
    fn schema(&mut self, schema: &Schema, prefix: &str, values: &mut Map<String, Value>) {
        for attribute in schema.attributes.iter().filter(|attribute| is_constrained(attribute)) {
            self.field(attribute, format!("{prefix}{}", attribute.name), values);
        }
    }

    /// A value that has come to nothing, such as a list of commas, is unassigned.
    fn field(&mut self, attribute: &Attribute, path: String, fields: &mut Map<String, Value>) {
        let Some(value) = fields.get_mut(&attribute.name) else { return };
        self.value(attribute, &path, value);
        if is_unassigned(value) {
            fields.remove(&attribute.name);
            if attribute.required {
                self.problems.push(&path, "is required and holds nothing; send a value");
            }
        }
    }

    fn value(&mut self, attribute: &Attribute, path: &str, value: &mut Value) {
        match value {
            Value::Array(list) => {
                for (at, element) in list.iter_mut().enumerate() {
                    self.value(attribute, &format!("{path}[{at}]"), element);
                }
                drop_hollow(attribute, list);
                // Two elements may have become alike.
                *list = Entries::of(std::mem::take(list)).into_list();
            }
            Value::Object(fields) => {
                for sub in &attribute.sub_attributes {
                    self.field(sub, format!("{path}.{}", sub.name), fields);
                }
            }
            Value::String(text) => {
                if let Some(constraint) = &attribute.constraint {
                    self.text(constraint, path, text);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, constraint: &Constraint, path: &str, text: &mut String) {
        if let Some(format) = &constraint.format {
            match format.check(text) {
                Ok(kept) => *text = kept,
                Err(misfit) => {
                    self.problems.push_by(Origin::Format, path, &misfit.to_string());
                    return;
                }
            }
            let note = match format {
                Format::Dea(_) => dea::warning(text, self.family_name).map(str::to_owned),
                Format::TimeZone => time_zone::note(text),
                _ => None,
            };
            self.notes.extend(note.map(|text| Note { path: path.to_owned(), text }));
        }
        if !constraint.withheld.is_empty() && constraint.withheld.contains(&fold(text.trim())) {
            let problem =
                "is a protected role: only a group gives it that a rule of the profile names; assign another";
            self.problems.push(path, problem);
            return;
        }
        if let Some(name) = &constraint.value_set {
            *text = if constraint.format == Some(Format::CommaList) {
                let parts = comma_list::split(text);
                let parts: Vec<String> =
                    parts.into_iter().map(|part| self.listed(constraint, name, path, part)).collect();
                comma_list::join(&parts)
            } else {
                self.listed(constraint, name, path, std::mem::take(text))
            };
        }
    }

    /// A text in the spelling of a value set; as it is where the set does not have it, and that is noted.
    fn listed(&mut self, constraint: &Constraint, name: &str, path: &str, text: String) -> String {
        let Some(set) = self.sets.get(name) else {
            let note = format!("was not checked: the tenant has no value set {name:?} yet; fill it");
            if !self.notes.iter().any(|known| known.text == note) {
                self.notes.push(Note { path: path.to_owned(), text: note });
            }
            return text;
        };
        if let Some(allowed) = set.find(&text) {
            return allowed.value.clone();
        }
        let problem = format!(
            "is not in the tenant's value set {name:?}; {}",
            set.remedy_without(&constraint.withheld)
        );
        self.problems.push_by(Origin::ValueSet(name.to_owned()), path, &problem);
        text
    }
}

fn is_constrained(attribute: &Attribute) -> bool {
    attribute.constraint.is_some() || attribute.sub_attributes.iter().any(|sub| sub.constraint.is_some())
}

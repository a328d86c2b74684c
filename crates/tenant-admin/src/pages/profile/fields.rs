//! From a profile's text to the fields of a form, and back.

use std::collections::HashMap;

use scim_core::{
    format,
    profile::edit::{AttributeSettings, Place, Setting, Sheet},
    schema::AttributeType,
};

use super::parts::{Field, Kind};
use crate::form::Errors;

/// What a form sent, by the key of the setting.
pub(crate) type Typed = HashMap<String, String>;

/// A field as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldView {
    pub(crate) key: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: &'static str,
    /// `text`, `code`, `json`, `lines`, `flag`, `number` or `choice`.
    pub(crate) input: &'static str,
    /// `on` of a flag that is set.
    pub(crate) value: String,
    /// Of a choice: value and label.
    pub(crate) options: Vec<(String, String)>,
}

impl FieldView {
    /// What people read who change nothing; empty: nothing is to be said.
    pub(crate) fn told(&self) -> String {
        match self.input {
            "flag" if self.value.is_empty() => "no".to_owned(),
            "flag" => "yes".to_owned(),
            "choice" => {
                let chosen = self.options.iter().find(|(value, _)| *value == self.value);
                chosen.map_or_else(|| self.value.clone(), |(_, label)| label.clone())
            }
            "lines" => self.value.replace('\n', ", "),
            _ => self.value.clone(),
        }
    }
}

/// The fields of an entry as its text has them.
pub(crate) fn of_entry(fields: &'static [Field], sheet: &Sheet, place: &Place) -> Vec<FieldView> {
    fields.iter().map(|field| view(field, sheet, sheet.get(place, field.key))).collect()
}

/// The fields of an attribute.
pub(crate) fn of_attribute(fields: &'static [Field], sheet: &Sheet, path: &str) -> Vec<FieldView> {
    let AttributeSettings { required, format, value_set, default, names } = sheet.attribute(path);
    let setting = |key: &str| match key {
        "required" => Some(Setting::Flag(required)),
        "format" => Some(Setting::Text(format.clone())),
        "value-set" => Some(Setting::Text(value_set.clone())),
        "default" => default.clone(),
        _ => Some(Setting::Texts(names.clone())),
    };
    fields.iter().map(|field| view(field, sheet, setting(field.key))).collect()
}

/// The same fields with what was typed.
pub(crate) fn with_typed(mut fields: Vec<FieldView>, typed: &Typed) -> Vec<FieldView> {
    for field in &mut fields {
        field.value = typed_value(field.key, typed);
    }
    fields
}

fn typed_value(key: &str, typed: &Typed) -> String {
    typed.get(key).map(|text| text.replace("\r\n", "\n")).unwrap_or_default()
}

fn view(field: &'static Field, sheet: &Sheet, setting: Option<Setting>) -> FieldView {
    let owned = |options: &[(&str, &str)]| {
        options.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect::<Vec<_>>()
    };
    let named = |names: Vec<String>| {
        let none = (String::new(), "none".to_owned());
        std::iter::once(none).chain(names.into_iter().map(|name| (name.clone(), name))).collect::<Vec<_>>()
    };
    let (input, options) = match field.kind {
        Kind::Text | Kind::Default => ("text", Vec::new()),
        Kind::Code => ("code", Vec::new()),
        Kind::Json => ("json", Vec::new()),
        Kind::Lines => ("lines", Vec::new()),
        Kind::Number => ("number", Vec::new()),
        Kind::Flag(_) | Kind::Verdict => ("flag", Vec::new()),
        Kind::Choice(options) => ("choice", owned(options)),
        Kind::Format => ("choice", named(format::NAMES.iter().map(|name| (*name).to_owned()).collect())),
        Kind::ValueSet => ("choice", named(value_sets(sheet))),
    };
    let value = shown(field.kind, setting);
    FieldView { key: field.key, label: field.label, hint: field.hint, input, value, options }
}

fn value_sets(sheet: &Sheet) -> Vec<String> {
    let top = Place::top();
    (0..sheet.count(&top, "value-set"))
        .map(|at| sheet.text(&top.clone().entry("value-set", at), "name"))
        .filter(|name| !name.is_empty())
        .collect()
}

/// A setting as its field has it.
fn shown(kind: Kind, setting: Option<Setting>) -> String {
    let flag = |set: bool| if set { "on".to_owned() } else { String::new() };
    match (kind, setting) {
        (Kind::Flag(_) | Kind::Verdict, Some(Setting::Flag(set))) => flag(set),
        (Kind::Flag(default), _) => flag(default),
        (Kind::Choice(options), None) => options.first().map_or("", |(value, _)| *value).to_owned(),
        (_, None) => String::new(),
        (Kind::Json, Some(Setting::Text(text))) => text.trim().to_owned(),
        (_, Some(Setting::Text(text))) => text,
        (_, Some(Setting::Flag(set))) => set.to_string(),
        (_, Some(Setting::Number(number))) => number.to_string(),
        (_, Some(Setting::Texts(texts))) => texts.join("\n"),
        (_, Some(Setting::Other(text))) => text,
    }
}

/// Writes what was typed into an entry; a field that stays as it is shown is not touched. `kind` is the type of the
/// attribute that a default belongs to.
pub(crate) fn write_entry(
    fields: &'static [Field],
    sheet: &mut Sheet,
    place: &Place,
    typed: &Typed,
    kind: AttributeType,
) -> Errors {
    let mut errors = Errors::default();
    for (field, before) in fields.iter().zip(of_entry(fields, sheet, place)) {
        let value = typed_value(field.key, typed);
        let is_missing = field.kind == Kind::Verdict && sheet.get(place, field.key).is_none();
        if same(field.kind, &value, &before.value) && !is_missing {
            continue;
        }
        let written = setting(field.kind, &value, kind).and_then(|setting| {
            sheet.set(place, field.key, setting).map_err(|error| sentence(&error.problem))
        });
        if let Err(problem) = written {
            errors.add(field.key, problem);
        }
    }
    errors
}

/// Writes what was typed about an attribute.
pub(crate) fn write_attribute(sheet: &mut Sheet, path: &str, typed: &Typed, kind: AttributeType) -> Errors {
    let mut errors = Errors::default();
    let text = |key: &str| typed_value(key, typed).trim().to_owned();
    let before = sheet.attribute(path);
    let default = text("default");
    let default = if same(Kind::Default, &default, &shown(Kind::Default, before.default.clone())) {
        Ok(before.default)
    } else {
        setting(Kind::Default, &default, kind)
    };
    match default {
        Ok(default) => {
            let settings = AttributeSettings {
                required: !text("required").is_empty(),
                format: text("format"),
                value_set: text("value-set"),
                default,
                names: lines(&text("names")),
            };
            if let Err(error) = sheet.set_attribute(path, &settings) {
                errors.add("", sentence(&error.problem));
            }
        }
        Err(problem) => errors.add("default", problem),
    }
    errors
}

fn same(kind: Kind, value: &str, before: &str) -> bool {
    match kind {
        Kind::Lines => lines(value) == lines(before),
        Kind::Flag(_) | Kind::Verdict => value.is_empty() == before.is_empty(),
        _ => value.trim() == before.trim(),
    }
}

/// A typed value as a setting; `None`: the setting goes.
fn setting(kind: Kind, value: &str, attribute: AttributeType) -> Result<Option<Setting>, String> {
    let trimmed = value.trim();
    if let Kind::Flag(default) = kind {
        let set = !value.is_empty();
        return Ok((set != default).then_some(Setting::Flag(set)));
    }
    if kind == Kind::Verdict {
        return Ok(Some(Setting::Flag(!value.is_empty())));
    }
    if trimmed.is_empty() {
        return Ok(None);
    }
    let number = || trimmed.parse().map(Setting::Number).map_err(|_| "Write a whole number.".to_owned());
    Ok(Some(match kind {
        Kind::Lines => Setting::Texts(lines(trimmed)),
        Kind::Number => number()?,
        Kind::Json if trimmed.contains('\n') => Setting::Text(format!("{trimmed}\n")),
        Kind::Default => match attribute {
            AttributeType::Boolean => {
                Setting::Flag(trimmed.parse().map_err(|_| "Write true or false.".to_owned())?)
            }
            AttributeType::Integer => number()?,
            AttributeType::Decimal | AttributeType::Complex => Setting::Other(trimmed.to_owned()),
            _ => Setting::Text(trimmed.to_owned()),
        },
        _ => Setting::Text(trimmed.to_owned()),
    }))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn sentence(problem: &str) -> String {
    let mut errors = Errors::default();
    errors.add_told(&[], problem);
    errors.of("").unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use scim_core::profile::{BUILTIN, Profile};

    use super::{super::parts::part, *};

    fn typed(fields: &[FieldView]) -> Typed {
        let kept = fields.iter().filter(|field| field.input != "flag" || !field.value.is_empty());
        kept.map(|field| (field.key.to_owned(), field.value.replace('\n', "\r\n"))).collect()
    }

    #[test]
    fn a_form_that_is_sent_back_changes_nothing() {
        for (name, text) in BUILTIN {
            let mut sheet = Sheet::parse(text).expect("a text");
            for key in ["extensions", "rules", "not-applicable", "value-sets", "examples"] {
                let part = part(key).expect("a part");
                let places = (0..100).filter_map(|at| part.place(&at.to_string()));
                let places: Vec<_> =
                    places.filter(|place| sheet.get(place, part.fields[0].key).is_some()).collect();
                for at in places {
                    let fields = of_entry(part.fields, &sheet, &at);
                    let errors =
                        write_entry(part.fields, &mut sheet, &at, &typed(&fields), AttributeType::String);
                    assert!(errors.is_empty(), "{name} {key}: {errors:?}");
                }
            }
            for key in ["policies", "leniencies", "roles", "resource-types", "entitlements"] {
                let part = part(key).expect("a part");
                let place = part.place("all").expect("a place");
                let fields = of_entry(part.fields, &sheet, &place);
                write_entry(part.fields, &mut sheet, &place, &typed(&fields), AttributeType::String);
            }
            for path in ["userName", "emails", "emails.type", "name.familyName", "title"] {
                let fields = of_attribute(part("attributes").expect("a part").fields, &sheet, path);
                write_attribute(&mut sheet, path, &typed(&fields), AttributeType::String);
            }
            assert_eq!(sheet.to_string(), text, "{name}");
        }
    }

    #[test]
    fn each_kind_of_value_is_written_as_it_is_kept() {
        let mut sheet = Sheet::parse(Profile::builtin("generic").expect("generic")).expect("a text");
        let (policies, place) = (part("policies").expect("policies"), Place::top().table("policies"));
        let sent = |values: &[(&str, &str)]| -> Typed {
            values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let mut values = typed(&of_entry(policies.fields, &sheet, &place));
        values.extend(sent(&[("retention-days", "30"), ("relink-on-return", "on"), ("duplicate", "link")]));
        let errors = write_entry(policies.fields, &mut sheet, &place, &values, AttributeType::String);
        assert!(errors.is_empty(), "{errors:?}");
        let text = sheet.to_string();
        assert!(text.contains("duplicate = \"link\"\ndelete = \"soft-delete\"\nunknown-member = \"skip\"\nretention-days = 30\nrelink-on-return = true\n"), "{text}");
        values.insert("retention-days".into(), "soon".into());
        let errors = write_entry(policies.fields, &mut sheet, &place, &values, AttributeType::String);
        assert_eq!(errors.of("retention-days"), Some("Write a whole number."));
        let errors =
            write_attribute(&mut sheet, "active", &sent(&[("default", "maybe")]), AttributeType::Boolean);
        assert_eq!(errors.of("default"), Some("Write true or false."));
        let errors = write_attribute(
            &mut sheet,
            "active",
            &sent(&[("default", "true"), ("names", "on\r\n\r\nup")]),
            AttributeType::Boolean,
        );
        assert!(errors.is_empty() && sheet.to_string().contains("default = true"), "{sheet}");
        let example = part("examples").expect("examples").place("9").expect("a place");
        let next = Place::top().entry("example", sheet.count(&Place::top(), "example"));
        assert_ne!(example, next);
        let sent = sent(&[("title", "x"), ("user", "{\"userName\":\r\n \"x\"}")]);
        write_entry(
            part("examples").expect("examples").fields,
            &mut sheet,
            &next,
            &sent,
            AttributeType::String,
        );
        let text = sheet.to_string();
        assert!(text.contains("title = \"x\"") && text.contains("valid = false"), "{text}");
        assert!(scim_core::profile::Profile::from_saved_toml(&text).is_ok(), "{text}");
    }
}

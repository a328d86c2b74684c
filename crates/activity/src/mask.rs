//! What must not be kept: passwords, and values whose format says that they identify a person towards an authority (NPI,
//! DEA). Masked by the name under which they are sent, in bodies, PATCH paths, filters and queries; by their form, where a
//! tenant has such formats, under whatever name; and wherever else in the same request the same value stands.
//!
//! Names are compared generously: it is better to mask too much than to keep a number because its name was misspelt.

mod filters;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use scim_core::{
    ResourceType,
    format::Format,
    profile::Profile,
    schema::{Attribute, Mutability, Returned},
};
use serde_json::{Map, Value};

pub(crate) use filters::literals;
use filters::{unquoted, without_literals};

/// What stands in place of a secret.
pub const MASK: &str = "•••";

/// Words that make any name a secret's.
const ALWAYS: [&str; 7] = ["password", "passwd", "passphrase", "pwd", "secret", "token", "apikey"];
/// Numbers of licences are secret whatever the product makes of them: a mapping may send them to one that knows none.
const LICENCES: [&str; 3] = ["npi", "dealicense", "deanumber"];
/// Shortest name that is recognised by its beginning.
const SHORTEST: usize = 3;
/// Shortest secret, in characters, that is looked for in other places: shorter ones stand everywhere by chance.
const SHORTEST_VALUE: usize = 5;
/// Longest text, in bytes, that may be a number of an authority.
const LONGEST_NUMBER: usize = 40;
/// Most strings within strings that are opened as JSON.
const DEEPEST: usize = 3;
/// Most secrets of one request that are looked for in other places.
const MOST_VALUES: usize = 50;

/// What a tenant's secrets are called, and what they look like.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// In lower case.
    names: BTreeSet<String>,
    /// Of attributes that identify a person.
    formats: Vec<Format>,
}

/// Secrets that were found in one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found(Vec<String>);

impl Secrets {
    /// The secrets of a profile: attributes that are never shown, those of a sensitive format, and their other names; and
    /// what is secret everywhere.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        let mut secrets = Self { names: LICENCES.map(str::to_owned).into(), formats: Vec::new() };
        for kind in std::iter::once(&profile.user).chain(&profile.group) {
            secrets.collect(kind);
        }
        secrets
    }

    /// Adds the secrets of one kind of resource.
    fn collect(&mut self, kind: &ResourceType) {
        let schemas = [&kind.schema, &kind.known].into_iter();
        for schema in schemas.chain(kind.extensions.iter().map(|extension| &extension.schema)) {
            for attribute in &schema.attributes {
                self.add(attribute, attribute);
                for sub in &attribute.sub_attributes {
                    // `value` alone would mean everything, so all of its attribute is masked.
                    self.add(sub, if sub.name.eq_ignore_ascii_case("value") { attribute } else { sub });
                }
            }
        }
        for alias in &kind.product.aliases {
            let parent = self.names.contains(&alias.target.attribute.name.to_lowercase());
            if parent || is_secret(alias.target.leaf()) {
                self.names.insert(alias.name.to_lowercase());
            }
        }
    }

    /// Adds the name of an attribute, if what it holds is secret.
    fn add(&mut self, attribute: &Attribute, named: &Attribute) {
        if is_secret(attribute) {
            self.names.insert(named.name.to_lowercase());
            self.formats
                .extend(sensitive(attribute).filter(|format| !self.formats.contains(format)).cloned());
        }
    }

    /// Does a text look like one of them?
    fn looks_secret(&self, text: &str) -> bool {
        text.len() <= LONGEST_NUMBER && self.formats.iter().any(|format| format.check(text).is_ok())
    }

    /// The words of a text that look like one of them, where it is not one as a whole: `RN, NPI 1234567893`.
    fn secret_words<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let words = if self.formats.is_empty() { "" } else { text };
        words.split(|ch: char| !ch.is_alphanumeric()).filter(|word| self.looks_secret(word))
    }

    /// Does a key name a secret? Each part of it counts: `URN:User:npi`, `licences.dea`.
    fn has(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let parts = name.split(|ch: char| !(ch.is_alphanumeric() || ch == '_' || ch == '-'));
        self.names.contains(name.trim()) || parts.into_iter().any(|part| self.has_part(part))
    }

    /// The same of a path or a filter, in which what stands in quotes is no name, unless all of it does:
    /// `npi[type eq "a"]`.
    fn is_about(&self, text: &str) -> bool {
        let text = text.trim();
        if text.starts_with('"') { self.has(text) } else { self.has(&unquoted(text)) }
    }

    fn has_part(&self, part: &str) -> bool {
        let alike = |known: &String| {
            let both = part.len().min(known.len()) >= SHORTEST;
            known == part || both && (part.starts_with(known.as_str()) || known.starts_with(part))
        };
        ALWAYS.iter().any(|word| part.contains(word)) || self.names.iter().any(alike)
    }

    /// Masks a JSON value in place.
    pub(crate) fn mask(&self, value: &mut Value, found: &mut Found) {
        self.mask_within(value, found, 0);
    }

    /// `opened`: so many texts around it were JSON themselves.
    fn mask_within(&self, value: &mut Value, found: &mut Found, opened: usize) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_within(item, found, opened)),
            Value::Object(fields) => self.mask_object(fields, found, opened),
            Value::String(text) if self.looks_secret(text) => found.hide(value),
            Value::Number(number) if self.looks_secret(&number.to_string()) => found.hide(value),
            Value::String(text) => {
                self.mask_json_in(text, found, opened);
                self.secret_words(text).for_each(|word| found.add(word));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Some identity providers send what they mean as the text of a JSON document.
    fn mask_json_in(&self, text: &mut String, found: &mut Found, opened: usize) {
        if opened >= DEEPEST || !text.trim_start().starts_with(['{', '[']) {
            return;
        }
        let Ok(sent) = serde_json::from_str::<Value>(text) else { return };
        let mut masked = sent.clone();
        self.mask_within(&mut masked, found, opened + 1);
        if masked != sent {
            *text = masked.to_string();
        }
    }

    fn mask_object(&self, fields: &mut Map<String, Value>, found: &mut Found, opened: usize) {
        // A PATCH operation names in `path` whose value stands in `value`.
        let of_secret = fields
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case("path"))
            .any(|(_, path)| path.as_str().is_some_and(|path| self.is_about(path)));
        for (key, value) in fields.iter_mut() {
            if self.has(key) || of_secret && key.eq_ignore_ascii_case("value") {
                found.hide(value);
            } else if let Value::String(text) = value
                && (key.eq_ignore_ascii_case("path") || key.eq_ignore_ascii_case("filter"))
            {
                *text = self.filter(text, found);
            } else {
                self.mask_within(value, found, opened);
            }
        }
        rename(fields, |key| {
            self.looks_secret(key).then(|| {
                found.add(key);
                MASK.to_owned()
            })
        });
    }

    /// A filter or path; if it names a secret, without any value that it compares with.
    pub(crate) fn filter(&self, text: &str, found: &mut Found) -> String {
        if self.is_about(text) {
            return without_literals(text, found);
        }
        if self.looks_secret(text) {
            found.add(text);
        }
        self.secret_words(text).for_each(|word| found.add(word));
        found.strip(text)
    }

    /// A path of an address, decoded or not.
    pub(crate) fn path(&self, path: &str, found: &mut Found) -> String {
        for segment in path.split('/') {
            let decoded = percent_decode_str(segment).decode_utf8_lossy();
            // A query that somebody has put behind a slash.
            for pair in decoded.split('&') {
                if let Some((name, value)) = pair.split_once('=')
                    && self.has(name)
                {
                    found.add(value);
                }
            }
            if self.looks_secret(&decoded) {
                found.add(segment);
                found.add(&decoded);
            }
        }
        found.strip(path)
    }

    /// A query as people read it, decoded.
    pub(crate) fn query(&self, query: &str, found: &mut Found) -> String {
        let mut shown = String::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if !shown.is_empty() {
                shown.push('&');
            }
            shown.push_str(&name);
            shown.push('=');
            if self.has(&name) {
                found.add(&value);
                shown.push_str(MASK);
            } else {
                shown.push_str(&self.filter(&value, found));
            }
        }
        shown
    }
}

impl Found {
    /// Replaces a value, and remembers the texts and numbers in it.
    fn hide(&mut self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|field| self.hide(field));
                // A name of an attribute has no digits; what has may be the secret itself.
                rename(fields, |key| {
                    key.contains(|ch: char| ch.is_ascii_digit()).then(|| {
                        self.add(key);
                        MASK.to_owned()
                    })
                });
            }
            Value::Null | Value::Bool(_) => {}
            Value::String(text) => {
                self.add(text);
                *value = MASK.into();
            }
            Value::Number(number) => {
                self.add(&number.to_string());
                *value = MASK.into();
            }
        }
    }

    fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        let looked_for = secret.chars().count() >= SHORTEST_VALUE && secret != MASK;
        if looked_for && self.0.len() < MOST_VALUES && !self.0.iter().any(|known| known == secret) {
            self.0.push(secret.to_owned());
        }
    }

    /// A text without the secrets that were found.
    pub(crate) fn strip(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), MASK) } else { text }
        })
    }

    /// Takes the secrets that were found out of all texts and numbers of a value.
    pub(crate) fn strip_all(&self, value: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.strip_all(item)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|field| self.strip_all(field));
                rename(fields, |key| Some(self.strip(key)).filter(|stripped| stripped != key));
            }
            Value::String(text) => *text = self.strip(text),
            Value::Number(number) if self.0.contains(&number.to_string()) => *value = MASK.into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Gives the keys other names for which there are any; of two with the same name one stays.
fn rename(fields: &mut Map<String, Value>, mut other: impl FnMut(&str) -> Option<String>) {
    let renamed: Vec<Option<String>> = fields.keys().map(|key| other(key)).collect();
    if renamed.iter().all(Option::is_none) {
        return;
    }
    let old = std::mem::take(fields);
    fields.extend(old.into_iter().zip(renamed).map(|((key, value), name)| (name.unwrap_or(key), value)));
}

fn is_secret(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::WriteOnly
        || attribute.returned == Returned::Never
        || sensitive(attribute).is_some()
}

/// The format of an attribute, if it is one of those.
fn sensitive(attribute: &Attribute) -> Option<&Format> {
    attribute.constraint.as_ref()?.format.as_ref().filter(|format| format.is_sensitive())
}

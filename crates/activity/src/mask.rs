//! What must not be kept: passwords, and values whose format says that they identify a person towards an authority (NPI,
//! DEA). Masked by the name under which they are sent, in bodies, PATCH paths, filters and queries; by their form, where a
//! tenant has such formats, under whatever name; and wherever else in the same request the same value stands.
//!
//! Names are compared generously: it is better to mask too much than to keep a number because its name was misspelt.

use std::collections::BTreeSet;

use scim_core::{
    ResourceType,
    format::Format,
    profile::Profile,
    schema::{Attribute, Mutability, Returned},
};
use serde_json::{Map, Value};

/// What stands in place of a secret.
pub const MASK: &str = "•••";

/// Words that make any name a secret's.
const ALWAYS: [&str; 5] = ["password", "passwd", "secret", "token", "apikey"];
/// Numbers of licences are secret whatever the product makes of them: a mapping may send them to one that knows none.
const LICENCES: [&str; 3] = ["npi", "dealicense", "deanumber"];
/// Shortest name that is recognised by its beginning.
const SHORTEST: usize = 3;
/// Shortest secret, in characters, that is looked for in other places: shorter ones stand everywhere by chance.
const SHORTEST_VALUE: usize = 5;
/// Longest text, in bytes, that may be a number of an authority.
const LONGEST_NUMBER: usize = 40;
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

    /// Does a key or a path name a secret? Each part of it counts: `URN:User:npi`, `licences.dea`, `npi[type eq "a"]`.
    fn has(&self, name: &str) -> bool {
        let name = unquoted(name).to_lowercase();
        let parts = name.split(|ch: char| !(ch.is_alphanumeric() || ch == '_' || ch == '-'));
        self.names.contains(name.trim()) || parts.into_iter().any(|part| self.has_part(part))
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
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask(item, found)),
            Value::Object(fields) => self.mask_object(fields, found),
            Value::String(text) if self.looks_secret(text) => found.hide(value),
            Value::Number(number) if self.looks_secret(&number.to_string()) => found.hide(value),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn mask_object(&self, fields: &mut Map<String, Value>, found: &mut Found) {
        // A PATCH operation names in `path` whose value stands in `value`.
        let path = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case("path"));
        let of_secret = path.and_then(|(_, path)| path.as_str()).is_some_and(|path| self.has(path));
        for (key, value) in fields.iter_mut() {
            if self.has(key) || of_secret && key.eq_ignore_ascii_case("value") {
                found.hide(value);
            } else if let Value::String(text) = value
                && (key.eq_ignore_ascii_case("path") || key.eq_ignore_ascii_case("filter"))
            {
                *text = self.filter(text, found);
            } else {
                self.mask(value, found);
            }
        }
    }

    /// A filter or path; if it names a secret, without any value that it compares with.
    pub(crate) fn filter(&self, text: &str, found: &mut Found) -> String {
        if self.has(text) {
            return without_literals(text, found);
        }
        if self.looks_secret(text) {
            found.add(text);
        }
        for literal in literals(text).iter().filter(|literal| self.looks_secret(literal)) {
            found.add(literal);
        }
        found.strip(text)
    }

    /// A path of an address, decoded or not.
    pub(crate) fn path(&self, path: &str, found: &mut Found) -> String {
        path.split('/').filter(|segment| self.looks_secret(segment)).for_each(|segment| found.add(segment));
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
            Value::Object(fields) => fields.values_mut().for_each(|field| self.hide(field)),
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
            Value::Object(fields) => fields.values_mut().for_each(|field| self.strip_all(field)),
            Value::String(text) => *text = self.strip(text),
            Value::Number(number) if self.0.contains(&number.to_string()) => *value = MASK.into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
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

/// A filter without the texts that stand in quotes.
fn unquoted(text: &str) -> String {
    let mut pieces = String::new();
    walk_literals(text, |piece, quoted| {
        if !quoted {
            pieces.push_str(piece);
        }
    });
    pieces
}

/// A filter in which texts in quotes and bare numbers are masked.
fn without_literals(text: &str, found: &mut Found) -> String {
    let mut shown = String::new();
    walk_literals(text, |piece, quoted| {
        if quoted {
            found.add(piece);
            shown.push_str(MASK);
            return;
        }
        for word in piece.split_inclusive(|ch: char| ch.is_whitespace() || "()[]".contains(ch)) {
            let bare = word.trim_end_matches(|ch: char| ch.is_whitespace() || "()[]".contains(ch));
            if bare.chars().any(|ch| ch.is_ascii_digit()) && !bare.contains(':') {
                found.add(bare);
                shown.push_str(MASK);
                shown.push_str(&word[bare.len()..]);
            } else {
                shown.push_str(word);
            }
        }
    });
    shown
}

/// Walks through the texts in quotes (without them; one that does not end goes to the end) and what stands between,
/// quotes included.
fn walk_literals(text: &str, mut each: impl FnMut(&str, bool)) {
    let mut rest = text;
    while let Some(open) = rest.find('"') {
        each(&rest[..=open], false);
        rest = &rest[open + 1..];
        let mut escaped = false;
        let close = rest.char_indices().find(|(_, ch)| {
            let ends = *ch == '"' && !escaped;
            escaped = *ch == '\\' && !escaped;
            ends
        });
        let end = close.map_or(rest.len(), |(at, _)| at);
        each(&rest[..end], true);
        rest = &rest[end..];
        if let Some(after) = rest.strip_prefix('"') {
            each("\"", false);
            rest = after;
        }
    }
    each(rest, false);
}

/// The texts in quotes of a filter or path.
pub(crate) fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk_literals(text, |piece, quoted| {
        if quoted {
            found.push(piece.to_owned());
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXTENSION: &str = r#"
[[extension]]
urn = "urn:example:params:scim:schemas:extension:clinic:2.0:User"
name = "Clinic"
[[extension.attribute]]
name = "npi"
format = "npi"
[[extension.attribute]]
name = "deaLicense"
format = "dea"
"#;

    fn secrets() -> Secrets {
        let generic = Profile::builtin("generic").expect("a profile");
        Secrets::of(&Profile::from_toml(&format!("{generic}{EXTENSION}")).expect("a profile"))
    }

    fn masked(mut value: Value) -> Value {
        let (secrets, mut found) = (secrets(), Found::default());
        secrets.mask(&mut value, &mut found);
        found.strip_all(&mut value);
        value
    }

    #[test]
    fn secrets_are_masked_under_each_of_their_names() {
        let urn = "urn:example:params:scim:schemas:extension:clinic:2.0:User";
        let table = [
            (json!({"password": "x", "userName": "ann"}), json!({"password": MASK, "userName": "ann"})),
            (json!({"PassWord": {"value": "x"}}), json!({"PassWord": {"value": MASK}})),
            (json!({urn: {"npi": "1234567893", "ward": "A"}}), json!({urn: {"npi": MASK, "ward": "A"}})),
            (json!({urn: {"NPI": 1_234_567_893, "x": true}}), json!({urn: {"NPI": MASK, "x": true}})),
            (json!({format!("{urn}:npi"): ["1234567893"]}), json!({format!("{urn}:npi"): [MASK]})),
            (json!({"npiNumber": "1234567893", "dea": "AB1234563"}), json!({"npiNumber": MASK, "dea": MASK})),
            (
                json!({"name": {"givenName": "Ann"}, "active": true}),
                json!({"name": {"givenName": "Ann"}, "active": true}),
            ),
        ];
        for (sent, wanted) in table {
            assert_eq!(masked(sent.clone()), wanted, "{sent}");
        }
    }

    #[test]
    fn patches_and_bulk_operations_are_masked() {
        let urn = "urn:example:params:scim:schemas:extension:clinic:2.0:User";
        let operations = |path: &str, value: Value| json!({"Operations": [{"op": "replace", "path": path, "value": value}]});
        let table = [
            (
                operations(&format!("{urn}:npi"), json!("1234567893")),
                operations(&format!("{urn}:npi"), json!(MASK)),
            ),
            (operations("password", json!({"a": "b"})), operations("password", json!({"a": MASK}))),
            (
                operations(r#"npi[value eq "1234567893"].value"#, json!("1")),
                operations(&format!(r#"npi[value eq "{MASK}"].value"#), json!(MASK)),
            ),
            (
                operations(r#"emails[type eq "npi"]"#, json!("a@b")),
                operations(r#"emails[type eq "npi"]"#, json!("a@b")),
            ),
            (
                json!({"Operations": [{"op": "add", "value": {"deaLicense": "AB1234563"}}]}),
                json!({"Operations": [{"op": "add", "value": {"deaLicense": MASK}}]}),
            ),
            (
                json!({"Operations": [{"method": "PATCH", "path": "/Users/1", "data": operations("npi", json!("1234567893"))}]}),
                json!({"Operations": [{"method": "PATCH", "path": "/Users/1", "data": operations("npi", json!(MASK))}]}),
            ),
        ];
        for (sent, wanted) in table {
            assert_eq!(masked(sent.clone()), wanted, "{sent}");
        }
    }

    #[test]
    fn the_same_value_is_masked_wherever_it_stands() {
        let sent =
            json!({"npi": "1234567893", "title": "Dr. 1234567893", "badge": 1_234_567_893, "note": "12345"});
        let wanted = json!({"npi": MASK, "title": format!("Dr. {MASK}"), "badge": MASK, "note": "12345"});
        assert_eq!(masked(sent), wanted);
    }

    #[test]
    fn what_looks_like_a_secret_is_masked_under_any_name() {
        let sent = json!({"badge": "1234567893", "filter": "title eq \"1234567893\"", "number": 1_234_567_893, "other": "1234567890"});
        let filter = format!("title eq \"{MASK}\"");
        let wanted = json!({"badge": MASK, "filter": filter, "number": MASK, "other": "1234567890"});
        assert_eq!(masked(sent), wanted);
        let mut found = Found::default();
        assert_eq!(secrets().path("/Users/1234567893", &mut found), format!("/Users/{MASK}"));
        assert_eq!(secrets().path("/Users/1234567890", &mut found), "/Users/1234567890");
    }

    #[test]
    fn queries_that_name_a_secret_lose_what_they_compare_with() {
        let secrets = secrets();
        let table = [
            ("filter=userName+eq+%22ann%22&count=1", "filter=userName eq \"ann\"&count=1"),
            ("filter=npi%20eq%20%221234567893%22", "filter=npi eq \"•••\""),
            ("filter=(npi eq 1234567893) and title eq \"x\"", "filter=(npi eq •••) and title eq \"•••\""),
            ("filter=npi eq \"1234567893", "filter=npi eq \"•••"),
            ("filter=npi eq \"12\\\"34\" or active eq true", "filter=npi eq \"•••\" or active eq true"),
            ("filter=title eq \"npi 1\"", "filter=title eq \"npi 1\""),
            ("password=x&attributes=npi", "password=•••&attributes=npi"),
        ];
        for (sent, wanted) in table {
            assert_eq!(secrets.query(sent, &mut Found::default()), wanted, "{sent}");
        }
        let mut found = Found::default();
        secrets.query("filter=npi%20eq%20%221234567893%22", &mut found);
        assert_eq!(found.strip("1234567893 is taken"), "••• is taken");
    }

    #[test]
    fn literals_are_what_stands_in_quotes() {
        assert_eq!(literals(r#"a eq "x" and b["y\"z""#), ["x", r#"y\"z"#]);
        assert_eq!(literals("no quotes"), Vec::<String>::new());
    }

    #[test]
    fn without_such_formats_names_tell() {
        let profile = Profile::from_toml(Profile::builtin("generic").expect("a profile")).expect("a profile");
        let (secrets, mut found) = (Secrets::of(&profile), Found::default());
        let mut sent =
            json!({"npi": "1234567893", "DEA": "AB1234563", "employeeNumber": "1234567802", "password": "x"});
        secrets.mask(&mut sent, &mut found);
        assert_eq!(sent, json!({"npi": MASK, "DEA": MASK, "employeeNumber": "1234567802", "password": MASK}));
        let names: Vec<_> = secrets.names.iter().map(String::as_str).collect();
        assert_eq!(names, ["dealicense", "deanumber", "npi", "password"]);
    }
}

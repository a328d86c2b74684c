//! How two texts of a profile differ, setting by setting: what people mean by a change, whatever its lines look like.

use toml::{Table, Value};

use super::ProfileError;

/// A table of a profile, or an entry of one of its lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Key in the file: `rule`, `policies`; empty for the head of the file.
    pub key: String,
    /// Name of the entry; empty for a table.
    pub name: String,
}

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// From the outermost: an extension, then its attribute.
    pub entries: Vec<Entry>,
    /// What became of it.
    pub shift: Shift,
}

/// What became of a setting, or of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shift {
    /// The entry came.
    Added,
    /// The entry went.
    Removed,
    /// Entries of this list stand in another order.
    Reordered,
    /// A setting has another value; texts as they are, everything else as TOML. `None`: it is not there.
    Changed {
        /// Key in the entry.
        key: String,
        /// Before.
        before: Option<String>,
        /// After.
        after: Option<String>,
    },
    /// A list of texts has others.
    Listed {
        /// Key in the entry.
        key: String,
        /// That came.
        added: Vec<String>,
        /// That went.
        removed: Vec<String>,
    },
}

/// What names an entry of a list.
const NAMES: [(&str, &[&str]); 9] = [
    ("extension", &["urn"]),
    ("attribute", &["path", "name"]),
    ("sub-attribute", &["name"]),
    ("alias", &["name"]),
    ("value-set", &["name"]),
    ("rule", &["name", "prefix", "pattern", "group", "external-id"]),
    ("not-applicable", &["when"]),
    ("gate", &["name"]),
    ("example", &["title"]),
];

/// All differences, in the order of keys. The error is that of a text that is no TOML.
pub fn changes(old: &str, new: &str) -> Result<Vec<SettingChange>, ProfileError> {
    let read = |text: &str| {
        toml::from_str::<Table>(text).map_err(|error| {
            ProfileError::at(text, error.span().map_or(0, |span| span.start), error.message())
        })
    };
    let mut found = Vec::new();
    compare(&[], &read(old)?, &read(new)?, &mut found);
    Ok(found)
}

fn compare(entries: &[Entry], old: &Table, new: &Table, found: &mut Vec<SettingChange>) {
    let mut keys: Vec<&String> = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))).collect();
    // The head's own settings come first.
    keys.sort_by_key(|key| old.get(*key).or(new.get(*key)).is_some_and(|value| !is_plain(value)));
    for key in keys {
        match (old.get(key), new.get(key)) {
            (before, after) if before == after => {}
            (before, after) if is_list(before) || is_list(after) => {
                lists(entries, key, tables(before), tables(after), found);
            }
            (before, after) if is_table(before) || is_table(after) => {
                let (nothing, below) = (Table::new(), with(entries, key, String::new()));
                let of = |value: Option<&Value>| value.and_then(Value::as_table).cloned();
                compare(&below, &of(before).unwrap_or(nothing.clone()), &of(after).unwrap_or(nothing), found);
            }
            (before, after) => {
                found.push(SettingChange { entries: entries.to_vec(), shift: shift(key, before, after) });
            }
        }
    }
}

fn shift(key: &str, before: Option<&Value>, after: Option<&Value>) -> Shift {
    if let (Some(old), Some(new)) = (texts(before), texts(after)) {
        let without = |from: &[&str], these: &[&str]| -> Vec<String> {
            from.iter().filter(|text| !these.contains(text)).map(|text| (*text).to_owned()).collect()
        };
        let (added, removed) = (without(&new, &old), without(&old, &new));
        if !(added.is_empty() && removed.is_empty()) {
            return Shift::Listed { key: key.to_owned(), added, removed };
        }
    }
    Shift::Changed { key: key.to_owned(), before: before.map(shown), after: after.map(shown) }
}

fn lists(entries: &[Entry], key: &str, old: Vec<&Table>, new: Vec<&Table>, found: &mut Vec<SettingChange>) {
    let mut rest: Vec<(String, &Table)> = old.iter().map(|table| (name_of(key, table), *table)).collect();
    let mut order = Vec::new();
    for table in &new {
        let name = name_of(key, table);
        let below = with(entries, key, name.clone());
        match rest.iter().position(|(known, _)| *known == name) {
            Some(at) => {
                let (_, before) = rest.remove(at);
                compare(&below, before, table, found);
                order.push(name);
            }
            None => found.push(SettingChange { entries: below, shift: Shift::Added }),
        }
    }
    for (name, _) in &rest {
        found.push(SettingChange { entries: with(entries, key, name.clone()), shift: Shift::Removed });
    }
    let stayed: Vec<String> =
        old.iter().map(|table| name_of(key, table)).filter(|name| order.contains(name)).collect();
    if stayed != order {
        let entries = with(entries, key, String::new());
        found.push(SettingChange { entries, shift: Shift::Reordered });
    }
}

fn with(entries: &[Entry], key: &str, name: String) -> Vec<Entry> {
    let mut entries = entries.to_vec();
    entries.push(Entry { key: key.to_owned(), name });
    entries
}

fn name_of(list: &str, table: &Table) -> String {
    let keys = NAMES.iter().find(|(key, _)| *key == list).map_or(&[][..], |(_, keys)| keys);
    keys.iter().find_map(|key| table.get(*key).and_then(Value::as_str)).unwrap_or_default().to_owned()
}

fn is_plain(value: &Value) -> bool {
    !is_list(Some(value)) && !is_table(Some(value))
}

fn is_table(value: Option<&Value>) -> bool {
    value.is_some_and(Value::is_table)
}

fn is_list(value: Option<&Value>) -> bool {
    value.and_then(Value::as_array).is_some_and(|list| list.first().is_some_and(Value::is_table))
}

fn tables(value: Option<&Value>) -> Vec<&Table> {
    value
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_table).collect())
        .unwrap_or_default()
}

fn texts(value: Option<&Value>) -> Option<Vec<&str>> {
    let Some(value) = value else { return Some(Vec::new()) };
    value.as_array()?.iter().map(Value::as_str).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(list) if list.iter().all(Value::is_str) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

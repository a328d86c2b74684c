//! Changes of a profile's text, one setting at a time: everything else of it, comments included, stays as it is.

mod attributes;
mod changes;
mod places;
mod role_rules;
#[cfg(test)]
mod tests;

use toml_edit::{Array, ArrayOfTables, DocumentMut, Formatted, Item, Table, TableLike, Value};

use super::ProfileError;

pub use attributes::{AttributeSettings, Offer, offers, set_offers};
pub use changes::{Entry, SettingChange, Shift, changes};
pub use places::place_at;
pub use role_rules::with_role_rules;

/// Where a setting stands: from the top of the file through tables and entries of lists.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Place(Vec<(String, Option<usize>)>);

impl Place {
    /// The top of the file.
    #[must_use]
    pub fn top() -> Self {
        Self::default()
    }

    /// The table of this name below: `[policies]`.
    #[must_use]
    pub fn table(mut self, key: &str) -> Self {
        self.0.push((key.to_owned(), None));
        self
    }

    /// An entry of the list of this name below, from 0: `[[rule]]`.
    #[must_use]
    pub fn entry(mut self, key: &str, at: usize) -> Self {
        self.0.push((key.to_owned(), Some(at)));
        self
    }

    /// Names and numbers from the top.
    pub fn steps(&self) -> impl Iterator<Item = (&str, Option<usize>)> {
        self.0.iter().map(|(key, at)| (key.as_str(), *at))
    }

    fn split_last(&self) -> Option<(Self, &str, Option<usize>)> {
        let ((key, at), above) = self.0.split_last()?;
        Some((Self(above.to_vec()), key, *at))
    }
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A text.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A list of texts.
    Texts(Vec<String>),
    /// Anything else, as TOML.
    Other(String),
}

impl Setting {
    /// The text of a text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.value().clone()),
            Value::Boolean(flag) => Self::Flag(*flag.value()),
            Value::Integer(number) => Self::Number(*number.value()),
            Value::Array(list) if list.iter().all(Value::is_str) => {
                Self::Texts(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            other => Self::Other(other.to_string().trim().to_owned()),
        }
    }

    fn into_value(self) -> Result<Value, ProfileError> {
        Ok(match self {
            Self::Text(text) => Value::from(text),
            Self::Flag(flag) => Value::from(flag),
            Self::Number(number) => Value::from(number),
            Self::Texts(texts) => texts.into_iter().collect::<Value>(),
            Self::Other(text) => {
                let parsed: Result<Value, _> = text.parse();
                parsed.map_err(|error: toml_edit::TomlError| {
                    no_form(format!("is no TOML: {}", error.message()))
                })?
            }
        })
    }
}

/// A profile's text while it is edited.
#[derive(Clone, Debug)]
pub struct Sheet(DocumentMut);

impl std::fmt::Display for Sheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Sheet {
    /// Reads a text; the error is that of one that is no TOML.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        text.parse().map(Self).map_err(|error: toml_edit::TomlError| {
            ProfileError::at(text, error.span().map_or(0, |span| span.start), error.message())
        })
    }

    /// How many entries a list has.
    #[must_use]
    pub fn count(&self, above: &Place, list: &str) -> usize {
        let item = self.find(above).and_then(|table| table.get(list));
        item.and_then(Item::as_array_of_tables).map_or(0, ArrayOfTables::len)
    }

    /// Whether the list can be edited entry by entry: it is not there, or is written as `[[list]]`.
    #[must_use]
    pub fn is_listed(&self, above: &Place, list: &str) -> bool {
        self.find(above).and_then(|table| table.get(list)).is_none_or(Item::is_array_of_tables)
    }

    /// The value of a setting; `None`: it is not there.
    #[must_use]
    pub fn get(&self, place: &Place, key: &str) -> Option<Setting> {
        self.find(place)?.get(key)?.as_value().map(Setting::of)
    }

    /// The text of a setting; empty where there is none.
    #[must_use]
    pub fn text(&self, place: &Place, key: &str) -> String {
        match self.get(place, key) {
            Some(Setting::Text(text)) => text,
            _ => String::new(),
        }
    }

    /// The texts of a setting that holds a list.
    #[must_use]
    pub fn texts(&self, place: &Place, key: &str) -> Vec<String> {
        match self.get(place, key) {
            Some(Setting::Texts(texts)) => texts,
            _ => Vec::new(),
        }
    }

    /// Sets a setting, or takes it away; makes the table or, with the number after the last one, the entry where it
    /// stands. One that has the value already is not touched.
    pub fn set(&mut self, place: &Place, key: &str, setting: Option<Setting>) -> Result<(), ProfileError> {
        if self.get(place, key) == setting && (setting.is_some() || self.find(place).is_none()) {
            return Ok(());
        }
        let Some(setting) = setting else {
            if let Some(table) = self.find_mut(place)? {
                table.remove(key);
            }
            return Ok(());
        };
        let table = self.make(place)?;
        let new = match (setting, table.get_mut(key).and_then(Item::as_value_mut)) {
            (Setting::Texts(texts), Some(Value::Array(list))) => {
                amend(list, &texts);
                return Ok(());
            }
            (setting, Some(old)) => {
                // What stands around the value, such as a comment behind it, is its decoration.
                let decoration = old.decor().clone();
                let mut new = setting.into_value()?;
                *new.decor_mut() = decoration;
                *old = new;
                return Ok(());
            }
            (setting, None) => setting.into_value()?,
        };
        if table.get(key).is_some_and(|item| !item.is_none()) {
            return Err(no_form(format!(
                "{key} is written as a table, which a form cannot change; edit the text"
            )));
        }
        table.insert(key, Item::Value(new));
        Ok(())
    }

    /// Makes an entry, with nothing in it yet.
    pub fn add(&mut self, place: &Place) -> Result<(), ProfileError> {
        self.make(place).map(|_| ())
    }

    /// Takes away an entry of a list with all that is in it; one that is not there changes nothing.
    pub fn remove(&mut self, place: &Place) -> Result<(), ProfileError> {
        let Some((above, key, Some(at))) = place.split_last() else {
            return Err(no_form("only an entry of a list can be removed".to_owned()));
        };
        let Some(table) = self.find_mut(&above)? else { return Ok(()) };
        let Some(list) = table.get_mut(key).and_then(Item::as_array_of_tables_mut) else { return Ok(()) };
        if at < list.len() {
            list.remove(at);
        }
        if list.is_empty() {
            table.remove(key);
        }
        Ok(())
    }

    /// Lets an entry of a list change places with the one after it; the last one stays where it is.
    pub fn swap(&mut self, place: &Place) -> Result<(), ProfileError> {
        let Some((above, key, Some(at))) = place.split_last() else {
            return Err(no_form("only an entry of a list can be moved".to_owned()));
        };
        let Some(table) = self.find_mut(&above)? else { return Ok(()) };
        let Some(list) = table.get_mut(key).and_then(Item::as_array_of_tables_mut) else { return Ok(()) };
        let (Some(first), Some(second)) = (list.get(at).cloned(), list.get(at + 1).cloned()) else {
            return Ok(());
        };
        let (mut upper, mut lower) = (second, first);
        // The text is written in the order of positions.
        let position = upper.position();
        upper.set_position(lower.position());
        lower.set_position(position);
        list.replace(at, upper);
        list.replace(at + 1, lower);
        Ok(())
    }

    fn find(&self, place: &Place) -> Option<&dyn TableLike> {
        let mut table: &dyn TableLike = self.0.as_table();
        for (key, at) in place.steps() {
            let item = table.get(key)?;
            table = match at {
                None => item.as_table_like()?,
                Some(at) => item.as_array_of_tables()?.get(at)?,
            };
        }
        Some(table)
    }

    fn find_mut(&mut self, place: &Place) -> Result<Option<&mut dyn TableLike>, ProfileError> {
        if self.find(place).is_none() {
            return Ok(None);
        }
        self.make(place).map(Some)
    }

    fn make(&mut self, place: &Place) -> Result<&mut dyn TableLike, ProfileError> {
        let mut table: &mut dyn TableLike = self.0.as_table_mut();
        for (key, at) in place.steps() {
            let fresh = || match at {
                None => Item::Table(Table::new()),
                Some(_) => Item::ArrayOfTables(ArrayOfTables::new()),
            };
            let item = table.entry(key).or_insert_with(fresh);
            table = match at {
                None => item
                    .as_table_like_mut()
                    .ok_or_else(|| no_form(format!("{key} is no table; write it as [{key}]")))?,
                Some(at) => {
                    let list = item.as_array_of_tables_mut().ok_or_else(|| {
                        no_form(format!(
                            "{key} is not written as [[{key}]], which a form cannot change; edit the text"
                        ))
                    })?;
                    if at == list.len() {
                        let mut entry = Table::new();
                        entry.decor_mut().set_prefix("\n");
                        list.push(entry);
                    }
                    list.get_mut(at).ok_or_else(|| {
                        no_form(format!("{key} has no entry {}; load the page again", at + 1))
                    })?
                }
            };
        }
        Ok(table)
    }
}

/// Makes a list of texts hold these; those that stay keep what stands around them.
fn amend(list: &mut Array, texts: &[String]) {
    let stays = |value: &Value| value.as_str().is_some_and(|text| texts.iter().any(|known| known == text));
    list.retain(stays);
    let kept: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    let in_order = texts.iter().filter(|text| kept.contains(&text.as_str())).eq(kept.iter().copied());
    if !in_order {
        list.clear();
    }
    for (at, text) in texts.iter().enumerate() {
        if list.get(at).and_then(Value::as_str) == Some(text) {
            continue;
        }
        let mut value = Value::String(Formatted::new(text.clone()));
        if let Some(neighbour) = at.checked_sub(1).and_then(|at| list.get(at)) {
            let prefix = neighbour.decor().prefix().cloned();
            value.decor_mut().set_prefix(prefix.filter(|_| at > 1).unwrap_or_else(|| " ".into()));
        }
        list.insert_formatted(at, value);
    }
}

/// A change that no form can make.
fn no_form(problem: String) -> ProfileError {
    ProfileError { line: 1, column: 1, problem }
}

/// The text with another role prefix (`[roles] prefix`); an empty one removes the key. The error is that of a text that
/// is no TOML.
pub fn with_role_prefix(text: &str, prefix: &str) -> Result<String, ProfileError> {
    let mut sheet = Sheet::parse(text)?;
    let prefix = (!prefix.is_empty()).then(|| Setting::Text(prefix.to_owned()));
    sheet.set(&Place::top().table("roles"), "prefix", prefix)?;
    Ok(sheet.to_string())
}

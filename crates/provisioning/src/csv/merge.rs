//! A row, laid over what a user is.

use std::sync::Arc;

use scim_core::{Document, ResourceType, fold, resource::AttrRef, schema::Attribute};
use serde_json::{Map, Value};

use super::{
    cells::{unguard, value_of},
    columns::{Column, is_user_name},
};

/// What to do with the cells of a row.
pub(super) struct Plan {
    /// The cell with the userName.
    user_name: usize,
    groups: Vec<Group>,
}

/// The columns of one attribute; of a list of complex values those of one element.
struct Group {
    whole: AttrRef,
    of_type: Option<String>,
    /// Sub-attributes, and their cells.
    parts: Vec<(Option<Arc<Attribute>>, usize)>,
}

impl Plan {
    /// Of the columns of a file.
    pub(super) fn of(columns: &[Column]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            let Column::Value(place) = column else { continue };
            let whole = AttrRef { sub: None, ..place.target.clone() };
            let path = whole.path();
            let of_type = place.of_type.as_deref().map(fold);
            let part = (place.target.sub.clone(), at);
            let same = |group: &&mut Group| {
                group.whole.path() == path && group.of_type.as_deref().map(fold) == of_type
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.parts.push(part),
                None => groups.push(Group { whole, of_type: place.of_type.clone(), parts: vec![part] }),
            }
        }
        // The primary element first: where its cells are empty the list is, but for elements that are named by type.
        groups.sort_by_key(|group| group.of_type.is_some());
        Self { user_name: columns.iter().position(is_user_name).unwrap_or_default(), groups }
    }

    /// The userName of a row as the file has it.
    pub(super) fn user_name<'c>(&self, cells: &'c [String]) -> &'c str {
        cells.get(self.user_name).map_or("", |cell| unguard(cell))
    }

    /// A document with the values of a row: an empty cell takes a value away, what has no column stays. `active` is the
    /// exception: nobody is reactivated by silence, so an empty cell says nothing.
    pub(super) fn merge(&self, cells: &[String], current: &Document) -> Document {
        let mut document = current.clone();
        for group in &self.groups {
            let attribute = &group.whole.attribute;
            let before = holder(&document, &group.whole).and_then(|fields| fields.get(&attribute.name));
            let after = group.value(cells, before);
            if group.is_active() && says_nothing(before, after.as_ref()) {
                continue;
            }
            put(&mut document, &group.whole, after);
        }
        document
    }
}

/// The body that says what a document says.
pub(super) fn body(kind: &ResourceType, mut document: Document) -> Value {
    let urns = kind.schema_urns(&document).into_iter().map(Value::from).collect();
    document.insert("schemas".into(), urns);
    Value::Object(document)
}

/// Whether a cell of `active` leaves a user as it is: an empty one, and `true` where absence says the same.
fn says_nothing(before: Option<&Value>, after: Option<&Value>) -> bool {
    after.is_none() || (before.is_none() && after == Some(&Value::Bool(true)))
}

impl Group {
    fn is_active(&self) -> bool {
        self.whole.extension.is_none() && self.whole.attribute.name == "active"
    }

    fn cell<'c>(&self, cells: &'c [String], at: usize) -> &'c str {
        cells.get(at).map_or("", |cell| unguard(cell))
    }

    /// What the attribute holds after a row.
    fn value(&self, cells: &[String], before: Option<&Value>) -> Option<Value> {
        if let [(None, at)] = self.parts.as_slice() {
            return value_of(&self.whole.attribute, self.cell(cells, *at));
        }
        let parts: Vec<(&str, Option<Value>)> = self
            .parts
            .iter()
            .filter_map(|(sub, at)| {
                let sub = sub.as_deref()?;
                Some((sub.name.as_str(), value_of(sub, self.cell(cells, *at))))
            })
            .collect();
        if self.whole.attribute.multi_valued {
            let list = before.and_then(Value::as_array).cloned().unwrap_or_default();
            let list = self.element(parts, list);
            return (!list.is_empty()).then_some(Value::Array(list));
        }
        let mut fields = before.and_then(Value::as_object).cloned().unwrap_or_default();
        set(&mut fields, parts);
        (!fields.is_empty()).then_some(Value::Object(fields))
    }

    /// A list with one element changed, made or taken out.
    fn element(&self, parts: Vec<(&str, Option<Value>)>, mut list: Vec<Value>) -> Vec<Value> {
        let is_meant = |element: &Value| match &self.of_type {
            Some(kind) => {
                element.get("type").and_then(Value::as_str).is_some_and(|text| fold(text) == fold(kind))
            }
            None => element.get("primary") == Some(&Value::Bool(true)),
        };
        let at = list.iter().position(is_meant).or((self.of_type.is_none() && !list.is_empty()).then_some(0));
        // A type alone makes no element, but it can change one where the file has no column for anything else.
        let mut telling = parts.iter().filter(|(name, _)| *name != "type").peekable();
        let only_type = telling.peek().is_none();
        let has_value = telling.any(|(_, value)| value.is_some());
        match at.and_then(|at| list.get_mut(at)) {
            Some(Value::Object(fields)) if has_value || only_type => set(fields, parts),
            _ if only_type => {}
            _ if has_value => {
                let mut fields = Map::new();
                set(&mut fields, parts);
                match &self.of_type {
                    Some(kind) => {
                        fields.insert("type".into(), kind.as_str().into());
                    }
                    None if self.whole.attribute.sub("primary").is_some() => {
                        fields.insert("primary".into(), true.into());
                    }
                    None => {}
                }
                list.push(Value::Object(fields));
            }
            // Another element would be the first one now, and go with the next import of the same file.
            _ if self.of_type.is_none() => list.clear(),
            _ => list.retain(|element| !is_meant(element)),
        }
        list
    }
}

fn set(fields: &mut Map<String, Value>, parts: Vec<(&str, Option<Value>)>) {
    for (name, value) in parts {
        match value {
            Some(value) => {
                fields.insert(name.to_owned(), value);
            }
            None => {
                fields.shift_remove(name);
            }
        }
    }
}

/// The object that holds an attribute: the document, or the object of its extension.
pub(super) fn holder<'d>(document: &'d Document, target: &AttrRef) -> Option<&'d Map<String, Value>> {
    match &target.extension {
        None => Some(document),
        Some(urn) => document.get(urn.as_ref())?.as_object(),
    }
}

fn put(document: &mut Document, target: &AttrRef, value: Option<Value>) {
    let part = [(target.attribute.name.as_str(), value)];
    let Some(urn) = &target.extension else { return set(document, part.into()) };
    let mut fields = holder(document, target).cloned().unwrap_or_default();
    set(&mut fields, part.into());
    let object = (!fields.is_empty()).then_some(Value::Object(fields));
    set(document, vec![(urn.as_ref(), object)]);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::columns::Known, *};

    /// Lays one row over a user.
    fn merged(columns: &[&str], row: &[&str], current: Value) -> Value {
        let kind = ResourceType::user();
        let names: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let plan = Plan::of(&Known::of(&kind).header(1, &names).expect("columns"));
        let cells: Vec<String> = row.iter().map(|cell| (*cell).to_owned()).collect();
        let once = plan.merge(&cells, current.as_object().expect("an object"));
        assert_eq!(plan.merge(&cells, &once), once, "the same again changes nothing: {columns:?} {row:?}");
        Value::Object(once)
    }

    #[test]
    fn cells_are_laid_over_what_is_there() {
        const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let work = json!({"value": "a@x", "type": "work", "primary": true});
        let home = json!({"value": "h@x", "type": "home"});
        let two = json!({"userName": "a", "emails": [home, work]});
        for (columns, row, current, expected) in [
            (
                &["userName", "title"][..],
                &["a", "Nurse"][..],
                json!({}),
                json!({"userName": "a", "title": "Nurse"}),
            ),
            (
                &["userName", "title"],
                &["a", ""],
                json!({"title": "x", "locale": "en"}),
                json!({"userName": "a", "locale": "en"}),
            ),
            (&["userName", "title"], &["a", "'=1"], json!({}), json!({"userName": "a", "title": "=1"})),
            (&["userName"], &["'+a"], json!({}), json!({"userName": "+a"})),
            // Whole and parts.
            (
                &["userName", "name.givenName"],
                &["a", "Ann"],
                json!({"name": {"givenName": "x", "familyName": "Lee"}}),
                json!({"userName": "a", "name": {"givenName": "Ann", "familyName": "Lee"}}),
            ),
            (
                &["userName", "name.givenName"],
                &["a", ""],
                json!({"name": {"givenName": "x"}}),
                json!({"userName": "a"}),
            ),
            (
                &["userName", "department", "manager"],
                &["a", "ICU", "7"],
                json!({}),
                json!({"userName": "a", ENTERPRISE: {"department": "ICU", "manager": {"value": "7"}}}),
            ),
            (
                &["userName", "department"],
                &["a", ""],
                json!({ENTERPRISE: {"department": "x"}}),
                json!({"userName": "a"}),
            ),
            // Who is active.
            (&["userName", "active"], &["a", "FALSE"], json!({}), json!({"userName": "a", "active": false})),
            (&["userName", "active"], &["a", "true"], json!({}), json!({"userName": "a"})),
            (
                &["userName", "active"],
                &["a", "true"],
                json!({"active": false}),
                json!({"userName": "a", "active": true}),
            ),
            (
                &["userName", "active"],
                &["a", ""],
                json!({"active": false}),
                json!({"userName": "a", "active": false}),
            ),
            // Lists.
            (
                &["userName", "emails.value", "emails.type"],
                &["a", "a@x", "work"],
                json!({}),
                json!({"userName": "a", "emails": [work]}),
            ),
            (
                &["userName", "emails.value", "emails.type"],
                &["a", "", "work"],
                json!({}),
                json!({"userName": "a"}),
            ),
            (
                &["userName", "emails.value"],
                &["a", "n@x"],
                two.clone(),
                json!({"userName": "a", "emails": [home, {"value": "n@x", "type": "work", "primary": true}]}),
            ),
            (
                &["userName", "emails.value"],
                &["a", "n@x"],
                json!({"emails": [home]}),
                json!({"userName": "a", "emails": [{"value": "n@x", "type": "home"}]}),
            ),
            (&["userName", "emails.value"], &["a", ""], two.clone(), json!({"userName": "a"})),
            (
                &["userName", "emails.type"],
                &["a", "other"],
                json!({"emails": [work]}),
                json!({"userName": "a", "emails": [{"value": "a@x", "type": "other", "primary": true}]}),
            ),
            (&["userName", "emails.type"], &["a", "other"], json!({}), json!({"userName": "a"})),
            (
                &["userName", "emails[type eq \"HOME\"].value"],
                &["a", "n@x"],
                two.clone(),
                json!({"userName": "a", "emails": [{"value": "n@x", "type": "home"}, work]}),
            ),
            (
                &["userName", "emails[type eq \"home\"].value"],
                &["a", "n@x"],
                json!({"emails": [work]}),
                json!({"userName": "a", "emails": [work, {"value": "n@x", "type": "home"}]}),
            ),
            (
                &["userName", "emails[type eq \"home\"].value"],
                &["a", ""],
                two.clone(),
                json!({"userName": "a", "emails": [work]}),
            ),
            (
                &["emails[type eq \"home\"].value", "userName", "emails.value"],
                &["h@x", "a", ""],
                two.clone(),
                json!({"userName": "a", "emails": [home]}),
            ),
            (
                &["userName", "addresses[type eq work].locality", "addresses[type eq work].country"],
                &["a", "Oslo", "NO"],
                json!({}),
                json!({"userName": "a", "addresses": [{"locality": "Oslo", "country": "NO", "type": "work"}]}),
            ),
            // What the server alone writes.
            (&["id", "userName", "meta.created"], &["7", "a", "2020"], json!({}), json!({"userName": "a"})),
        ] {
            assert_eq!(merged(columns, row, current), expected, "{columns:?} {row:?}");
        }
    }
}

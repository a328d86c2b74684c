//! From an entry to the user that it would be. Pure.

use scim_core::{ResourceType, schema::AttributeType};
use serde_json::{Map, Value, json};

use super::{
    mapping::{Entry, Mapping, Values, is_name},
    settings::Directory,
    template::{Path, Template},
};
use crate::Unfit;

impl Mapping {
    /// Can entries be read as users? The link has to be an attribute that users have by themselves.
    pub(crate) fn check_read(&self) -> Result<(), String> {
        match self.link_template.simple() {
            Some(path) if !path.is_id() && path.of_type().is_none() => Ok(()),
            _ => Err(format!(
                "entries cannot be imported: their link is made of {}, and not of one attribute of users such as {{userName}}",
                self.link_template
            )),
        }
    }

    /// The body of the user that an entry would be. The error is for people.
    pub(crate) fn body(&self, kind: &ResourceType, entry: &Entry) -> Result<Value, String> {
        let mut body = Map::new();
        for (path, attribute) in &self.read {
            let values: Vec<&str> = entry.values(attribute).collect();
            if !values.is_empty() {
                put(&mut body, kind, path, &values)?;
            }
        }
        body.insert("active".to_owned(), json!(self.read_active(entry)?));
        Ok(Value::Object(body))
    }

    fn read_active(&self, entry: &Entry) -> Result<bool, String> {
        let (attribute, held) = self.active_value(true);
        let found: Values = entry.values(&attribute).map(str::to_owned).collect();
        match found {
            found if found == held => Ok(true),
            found if found == self.active_values(false) => Ok(false),
            found => {
                let found: Vec<String> = found.into_iter().collect();
                Err(format!("{attribute} says neither active nor inactive: {}", found.join(", ")))
            }
        }
    }
}

/// Which attribute of users is read from which of the entry.
pub(super) fn read_backwards(
    directory: &Directory,
    attributes: &[(String, Vec<Template>)],
) -> Result<Vec<(Path, String)>, Unfit> {
    let mut read: Vec<(Path, String)> = Vec::new();
    for (text, attribute) in &directory.read {
        let member = format!("ldap.read.{text}");
        if !is_name(attribute) {
            return Err(Unfit::new(member, format!("{attribute:?} is no attribute")));
        }
        let path = Path::parse(text).map_err(|detail| Unfit::new(&member, detail))?;
        if path.is_id() {
            return Err(Unfit::new(member, "ids are given, not read"));
        }
        read.push((path, attribute.clone()));
    }
    for (attribute, templates) in attributes {
        if let [only] = templates.as_slice()
            && let Some(path) = only.simple()
            && !path.is_id()
            && !read.iter().any(|(other, _)| other == path)
        {
            read.push((path.clone(), attribute.clone()));
        }
    }
    Ok(read)
}

/// Puts values where a path says.
fn put(
    body: &mut Map<String, Value>,
    kind: &ResourceType,
    path: &Path,
    values: &[&str],
) -> Result<(), String> {
    let (found, leaf) = path.reference(kind)?;
    let holder = match &found.extension {
        None => body,
        Some(urn) => match body.entry(urn.to_string()).or_insert_with(|| json!({})) {
            Value::Object(holder) => holder,
            _ => return Ok(()),
        },
    };
    let name = found.attribute.name.clone();
    let simple = |value: &str| match leaf.kind {
        AttributeType::Boolean => json!(value.eq_ignore_ascii_case("true")),
        _ => json!(value),
    };
    let sub = found.sub.as_ref().map(|sub| sub.name.clone());
    match (found.attribute.multi_valued, sub) {
        (true, sub) => {
            let element = |value: &&str| match (&sub, path.of_type()) {
                (None, _) => simple(value),
                (Some(sub), None) => json!({sub: simple(value)}),
                (Some(sub), Some(of_type)) => json!({sub: simple(value), "type": of_type}),
            };
            let list = holder.entry(name).or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.extend(values.iter().map(element));
            }
        }
        (false, Some(sub)) => {
            if let Value::Object(parts) = holder.entry(name).or_insert_with(|| json!({})) {
                parts.insert(sub, simple(values[0]));
            }
        }
        (false, None) => {
            holder.insert(name, simple(values[0]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::mapping::tests, *};

    #[test]
    fn an_entry_is_read_as_a_user() {
        let mapping = tests::mapping(&json!({}));
        let found = tests::entry(
            "uid=ann,dc=x",
            &[
                ("uid", &["ann"]),
                ("cn", &["Ann Lee"]),
                ("givenName", &["Ann"]),
                ("mail", &["a@x", "b@x"]),
                ("ou", &["ICU"]),
                ("telephoneNumber", &["1"]),
                ("number", &["8"]),
                ("status", &["OFF"]),
            ],
        );
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let mut body = mapping.body(&ResourceType::user(), &found).expect("a body");
        assert_eq!(body["emails"].take(), json!([{"value": "a@x"}, {"value": "b@x"}]));
        assert_eq!(
            body,
            json!({
                "userName": "ann", "displayName": "Ann Lee", "name": {"givenName": "Ann"}, "emails": null,
                "phoneNumbers": [{"value": "1", "type": "work"}], urn: {"department": "ICU"}, "active": false,
            })
        );
        let odd = tests::entry("uid=ann,dc=x", &[("status", &["SLEEPING"])]);
        assert!(mapping.body(&ResourceType::user(), &odd).expect_err("neither").contains("SLEEPING"));
        assert!(mapping.check_read().is_ok());
        assert!(
            tests::mapping(&json!({"link": {"attribute": "uid", "template": "{id}"}})).check_read().is_err()
        );
    }
}

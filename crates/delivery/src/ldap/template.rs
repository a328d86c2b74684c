//! Texts with places for what a user has: `{name.familyName}, {name.givenName}`.

use std::{collections::BTreeMap, fmt, sync::Arc};

use ldap3::dn_escape;
use scim_core::{
    Document, ResourceType,
    path::Resolved,
    resource::AttrRef,
    schema::{Attribute, AttributeType},
};
use serde_json::Value;

/// Longest template, in bytes.
const LONGEST: usize = 2_048;

/// What may not stand in a template, though users have it.
const ELSEWHERE: [&str; 4] = ["active", "schemas", "meta", "groups"];

/// A text, and places in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The first of these that the user has; as a value within a DN.
    Values(Vec<Path>, bool),
    /// `{@name}`: another template.
    Sub(String, Template),
}

/// An attribute of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// Of the extension.
    urn: Option<String>,
    attribute: String,
    /// Of several values those of this `type`.
    of_type: Option<String>,
    sub: Option<String>,
}

/// A user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'u> {
    pub(crate) id: &'u str,
    pub(crate) document: &'u Document,
}

impl Template {
    /// Reads a template; `subs` are those that `{@name}` means.
    pub(crate) fn parse(text: &str, subs: &BTreeMap<String, String>) -> Result<Self, String> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(format!("write 1 to {LONGEST} bytes"));
        }
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let (brace, after) = (&rest[at..=at], &rest[at + 1..]);
            // Doubled, it is one of the text.
            if let Some(after) = after.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let end = after.find('}').filter(|_| brace == "{");
            let end = end.ok_or("a { needs its }; write {{ and }} for braces of the text")?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::parse(after[..end].trim(), subs)?);
            rest = &after[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// With the names that the tenant's users have for the attributes. The error names one that they do not have.
    pub(crate) fn resolved(mut self, kind: &ResourceType) -> Result<Self, String> {
        let mut several: Vec<String> = Vec::new();
        for part in &mut self.0 {
            match part {
                Part::Text(_) => {}
                Part::Sub(name, sub) => {
                    *sub = sub.clone().resolved(kind).map_err(|error| format!("{{@{name}}}: {error}"))?;
                }
                Part::Values(paths, _) => {
                    for path in paths {
                        let (resolved, has_several) = path.resolved(kind)?;
                        *path = resolved;
                        several.extend(has_several.then(|| path.whole()));
                    }
                }
            }
        }
        if several.iter().any(|path| *path != several[0]) {
            return Err("it names two attributes that may have several values; name one".to_owned());
        }
        Ok(self)
    }

    /// The one attribute that it is, so that it can be read backwards.
    pub(crate) fn simple(&self) -> Option<&Path> {
        match self.0.as_slice() {
            [Part::Values(paths, false)] if paths.len() == 1 => paths.first(),
            _ => None,
        }
    }

    /// What it makes of a user: a value for each of the attribute that has several, none where one is missing.
    pub(crate) fn values(&self, user: Subject<'_>) -> Vec<String> {
        self.rendered(user, false)
    }

    /// As [`Self::values`], each place a value within a DN.
    pub(crate) fn names(&self, user: Subject<'_>) -> Vec<String> {
        self.rendered(user, true)
    }

    /// As a DN with the value `,` in each place: what it looks like, whatever the values are.
    pub(crate) fn shape(&self) -> String {
        let shape = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Sub(_, sub) => sub.shape(),
            Part::Values(..) => dn_escape(",").into_owned(),
        };
        self.0.iter().map(shape).collect()
    }

    fn rendered(&self, user: Subject<'_>, in_dn: bool) -> Vec<String> {
        let lists: Vec<Vec<String>> = self.0.iter().map(|part| part.values(user, in_dn)).collect();
        let (least, most) = (lists.iter().map(Vec::len).min(), lists.iter().map(Vec::len).max());
        if least.unwrap_or_default() == 0 {
            return Vec::new();
        }
        let line = |at: usize| {
            let pieces = lists.iter().map(|list| list.get(at).unwrap_or(&list[0]).as_str());
            pieces.collect::<String>()
        };
        let mut values = Vec::new();
        for value in (0..most.unwrap_or_default()).map(line) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }
}

impl fmt::Display for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => out.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Sub(name, _) => write!(out, "{{@{name}}}"),
            Part::Values(paths, in_dn) => {
                let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
                write!(out, "{{{}{}}}", if *in_dn { "dn " } else { "" }, paths.join("|"))
            }
        })
    }
}

impl Part {
    fn parse(text: &str, subs: &BTreeMap<String, String>) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix('@') {
            let sub = subs.get(name).ok_or_else(|| format!("there is no template {name:?}"))?;
            return Ok(Self::Sub(name.to_owned(), Template::parse(sub, &BTreeMap::new())?));
        }
        let (text, in_dn) = match text.strip_prefix("dn ") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let paths: Result<Vec<Path>, String> = text.split('|').map(|path| Path::parse(path.trim())).collect();
        Ok(Self::Values(paths?, in_dn))
    }

    fn values(&self, user: Subject<'_>, in_dn: bool) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.clone()],
            Self::Sub(_, sub) => sub.rendered(user, in_dn),
            Self::Values(paths, escaped) => {
                let found = paths.iter().map(|path| path.values(user)).find(|values| !values.is_empty());
                let mut values = found.unwrap_or_default();
                if in_dn || *escaped {
                    values.iter_mut().for_each(|value| *value = dn_escape(value.as_str()).into_owned());
                }
                values
            }
        }
    }
}

impl Path {
    /// `userName`, `name.familyName`, `emails[type eq "work"].value`, `urn:…:User:department`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} names no attribute; write {{userName}} or {{name.familyName}}");
        let (head, bracket, tail) = match text.split_once('[') {
            None => (text, None, ""),
            Some((head, rest)) => {
                let (inside, tail) = rest.split_once(']').ok_or_else(wrong)?;
                (head, Some(inside), tail)
            }
        };
        let of_type = match bracket {
            None => None,
            Some(inside) => {
                let quoted = inside.trim().strip_prefix("type eq ").map(str::trim);
                let value = quoted.and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
                let value = value.filter(|value| !value.is_empty() && !value.contains(['"', '\\']));
                Some(
                    value
                        .ok_or_else(|| format!("{text:?}: in brackets write [type eq \"work\"]"))?
                        .to_owned(),
                )
            }
        };
        let (urn, name) = match head.rsplit_once(':') {
            Some((urn, name)) => (Some(urn.to_owned()), name),
            None => (None, head),
        };
        let (attribute, sub) = match (name.split_once('.'), tail.strip_prefix('.')) {
            (Some((attribute, sub)), None) if tail.is_empty() => (attribute, Some(sub)),
            (None, Some(sub)) => (name, Some(sub)),
            (None, None) if tail.is_empty() => (name, None),
            _ => return Err(wrong()),
        };
        let is_name = |name: &str| {
            let rest = name.strip_prefix('$').unwrap_or(name);
            !rest.is_empty() && rest.chars().all(|ch| ch.is_alphanumeric() || "_-".contains(ch))
        };
        if !is_name(attribute) || !sub.is_none_or(is_name) || urn.as_ref().is_some_and(String::is_empty) {
            return Err(wrong());
        }
        Ok(Self { urn, attribute: attribute.to_owned(), of_type, sub: sub.map(str::to_owned) })
    }

    /// In the names of the tenant's users, and whether there may be several values.
    fn resolved(&self, kind: &ResourceType) -> Result<(Self, bool), String> {
        if self.is_id() {
            return Ok((self.clone(), false));
        }
        let asked = self.whole();
        let (resolved, leaf) = self.reference(kind)?;
        if resolved.extension.is_none() && ELSEWHERE.contains(&resolved.attribute.name.as_str()) {
            return Err(format!("{asked} cannot be written; `active` is what `active` says"));
        }
        if leaf.kind == AttributeType::Complex {
            return Err(format!("{asked} has parts; name one of them"));
        }
        if self.of_type.is_some() && (!resolved.attribute.multi_valued || resolved.sub.is_none()) {
            return Err(format!("{asked} has no types; leave the brackets out"));
        }
        let path = Self {
            urn: resolved.extension.as_deref().map(str::to_owned),
            attribute: resolved.attribute.name.clone(),
            of_type: self.of_type.clone(),
            sub: resolved.sub.as_ref().map(|sub| sub.name.clone()),
        };
        Ok((path, resolved.attribute.multi_valued))
    }

    /// The attribute that it names; of one with parts and several values `value` where no part is named.
    pub(crate) fn reference(&self, kind: &ResourceType) -> Result<(AttrRef, Arc<Attribute>), String> {
        let asked = self.whole();
        let resolved = match kind.resolve_in_query(&asked) {
            Resolved::Attribute(found) => found,
            Resolved::NotOffered(_) => {
                return Err(format!("{asked} is not offered by the profile of this tenant"));
            }
            Resolved::Extension(_) | Resolved::Unknown(_) => {
                return Err(format!("users of this tenant have no attribute {asked}"));
            }
        };
        let value = resolved.attribute.sub_attributes.iter().find(|sub| sub.name == "value");
        let resolved = match (&resolved.sub, value) {
            (None, Some(value)) if resolved.attribute.multi_valued => resolved.with_sub(value),
            _ => resolved,
        };
        let leaf = Arc::clone(resolved.leaf());
        Ok((resolved, leaf))
    }

    /// Without the brackets.
    fn whole(&self) -> String {
        let urn = self.urn.as_ref().map(|urn| format!("{urn}:")).unwrap_or_default();
        let sub = self.sub.as_ref().map(|sub| format!(".{sub}")).unwrap_or_default();
        format!("{urn}{}{sub}", self.attribute)
    }

    /// Is it the id that Rollcall gives?
    pub(crate) fn is_id(&self) -> bool {
        self.urn.is_none() && self.attribute == "id" && self.sub.is_none() && self.of_type.is_none()
    }

    pub(crate) fn of_type(&self) -> Option<&str> {
        self.of_type.as_deref()
    }

    fn values(&self, user: Subject<'_>) -> Vec<String> {
        if self.is_id() {
            return vec![user.id.to_owned()];
        }
        let holder = match &self.urn {
            None => Some(user.document),
            Some(urn) => user.document.get(urn).and_then(Value::as_object),
        };
        let elements: &[Value] = match holder.and_then(|holder| holder.get(&self.attribute)) {
            None => &[],
            Some(Value::Array(elements)) => elements.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        let of_type = |element: &&Value| {
            let Some(wanted) = &self.of_type else { return true };
            element["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case(wanted))
        };
        let leaf = |element: &Value| match (element, &self.sub) {
            (Value::Object(parts), sub) => parts.get(sub.as_deref().unwrap_or("value")).and_then(text_of),
            (simple, _) => text_of(simple),
        };
        elements.iter().filter(of_type).filter_map(leaf).filter(|value| !value.is_empty()).collect()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of_type {
            None => out.write_str(&self.whole()),
            Some(of_type) => {
                let sub = self.sub.as_deref().unwrap_or("value");
                let head = Self { sub: None, of_type: None, ..self.clone() }.whole();
                write!(out, "{head}[type eq \"{of_type}\"].{sub}")
            }
        }
    }
}

/// A value as directories write it (RFC 4517 for truth values).
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(if *truth { "TRUE" } else { "FALSE" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(text: &str) -> Template {
        let subs = BTreeMap::from([("name".to_owned(), "{name.familyName}, {name.givenName}".to_owned())]);
        Template::parse(text, &subs)
            .and_then(|read| read.resolved(&ResourceType::user()))
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn document() -> Document {
        const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let document = json!({
            "userName": "ann", "name": {"familyName": "Lee", "givenName": "Ann"}, "nickName": " #a,b ",
            "emails": [{"value": "a@x", "type": "work"}, {"value": "b@x", "type": "home"}, {"type": "other"}],
            ENTERPRISE: {"department": "ICU"},
        });
        document.as_object().expect("an object").clone()
    }

    #[test]
    fn places_are_filled() {
        let document = document();
        let user = Subject { id: "7", document: &document };
        for (text, values) in [
            ("plain", vec!["plain"]),
            ("{userName}", vec!["ann"]),
            ("{USERNAME}", vec!["ann"]),
            ("{{{id}}}", vec!["{7}"]),
            ("{@name}", vec!["Lee, Ann"]),
            ("Dr. {@name} ({department})", vec!["Dr. Lee, Ann (ICU)"]),
            ("{title}", vec![]),
            ("{name.givenName} {title}", vec![]),
            ("{title|displayName|userName}", vec!["ann"]),
            ("{emails.value}", vec!["a@x", "b@x"]),
            ("{emails}", vec!["a@x", "b@x"]),
            ("<{emails.value}> {userName}", vec!["<a@x> ann", "<b@x> ann"]),
            ("{emails[type eq \"HOME\"].value}", vec!["b@x"]),
            ("{nickName}", vec![" #a,b "]),
            ("cn={dn nickName},dc=x", vec!["cn=\\20#a\\2cb\\20,dc=x"]),
        ] {
            assert_eq!(template(text).values(user), values, "{text}");
            let kept = template(text).to_string();
            assert_eq!(template(&kept), template(text), "{text} is kept as {kept}");
        }
        assert_eq!(template("uid={nickName},dc=x").names(user), ["uid=\\20#a\\2cb\\20,dc=x"]);
        assert_eq!(template("{department}").to_string().matches(':').count(), 9);
    }

    #[test]
    fn what_can_be_read_backwards() {
        for (text, path) in [
            ("{userName}", Some("userName")),
            ("{name.familyName}", Some("name.familyName")),
            ("{emails}", Some("emails.value")),
            ("x{userName}", None),
            ("{title|userName}", None),
            ("{dn userName}", None),
            ("{@name}", None),
        ] {
            assert_eq!(template(text).simple().map(ToString::to_string).as_deref(), path, "{text}");
        }
    }

    #[test]
    fn what_is_no_template() {
        for text in [
            "",
            "{",
            "}",
            "{}",
            "{userName",
            "a}b",
            "{ }",
            "{a b}",
            "{a.b.c}",
            "{emails[value eq \"x\"]}",
            "{@}",
            "{|}",
        ] {
            assert!(Template::parse(text, &BTreeMap::new()).is_err(), "{text}");
        }
        let long = "a".repeat(LONGEST + 1);
        assert!(Template::parse(&long, &BTreeMap::new()).is_err());
    }
}

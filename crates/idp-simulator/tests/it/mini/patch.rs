//! PATCH as the tiny server takes it, from either provider.

use serde_json::{Map, Value, json};

use super::attributes::{Spec, part, spec};
use super::{ENTERPRISE, Flaw, GROUP, Mini, USER};

type Refused = (u16, &'static str);
type Done = Result<(), Refused>;

/// Where an operation aims.
struct Aim {
    /// Empty for core attributes.
    urn: String,
    spec: &'static Spec,
    /// Part and literal of a filter.
    filter: Option<(String, Value)>,
    sub: Option<&'static str>,
}

impl Mini {
    /// All operations of a body, in order, on a copy.
    pub(super) fn patched(
        &self,
        resource: &Map<String, Value>,
        body: &Value,
        core: &str,
    ) -> Result<Map<String, Value>, Refused> {
        let mut next = resource.clone();
        let mut operations = body["Operations"].as_array().ok_or((400, "Operations is missing"))?.clone();
        if self.has(Flaw::RemovalsFirst) {
            operations
                .sort_by_key(|one| !one["op"].as_str().unwrap_or_default().eq_ignore_ascii_case("remove"));
        }
        for operation in &operations {
            let verb = operation["op"].as_str().unwrap_or_default();
            let small = verb.to_ascii_lowercase();
            if !["add", "replace", "remove"].contains(&small.as_str())
                || self.has(Flaw::CapitalOpsRefused) && verb != small
            {
                return Err((400, "op is add, replace or remove"));
            }
            let value = operation.get("value");
            match operation["path"].as_str() {
                Some(path) => self.at(&mut next, &small, path, value, core)?,
                None => self.whole(&mut next, &small, value.unwrap_or(&Value::Null), core)?,
            }
        }
        Ok(self.tidied(next))
    }

    fn whole(&self, resource: &mut Map<String, Value>, verb: &str, value: &Value, core: &str) -> Done {
        for (key, value) in value.as_object().into_iter().flatten() {
            if ["id", "schemas", "meta", "groups"].contains(&key.as_str()) {
                continue;
            }
            if key.starts_with("urn:") && value.is_object() && !key.ends_with(":manager") {
                if self.has(Flaw::ExtensionReplacedWhole) {
                    resource.remove(key);
                }
                for (name, value) in value.as_object().unwrap() {
                    self.inside(resource, verb, &format!("{key}:{name}"), value, core)?;
                }
            } else if self.has(Flaw::DottedKeysFlat) && key.contains(['.', ':']) {
                resource.insert(key.clone(), value.clone());
            } else {
                self.inside(resource, verb, key, value, core)?;
            }
        }
        Ok(())
    }

    /// Nobody's names inside a value are kept as they are: Okta's apps map what they like.
    fn inside(
        &self,
        resource: &mut Map<String, Value>,
        verb: &str,
        path: &str,
        value: &Value,
        core: &str,
    ) -> Done {
        match self.aim(path, core) {
            Ok(_) => self.at(resource, verb, path, Some(value), core),
            Err(_) => {
                match path.starts_with("urn:").then(|| path.rsplit_once(':')).flatten() {
                    Some((urn, name)) => {
                        let extension = resource.entry(urn).or_insert_with(|| json!({}));
                        extension[name] = value.clone();
                    }
                    None => drop(resource.insert(path.to_owned(), value.clone())),
                }
                Ok(())
            }
        }
    }

    fn aim(&self, path: &str, core: &str) -> Result<Aim, Refused> {
        let unknown = (400, "no such attribute");
        let (urn, rest) = self.split_urn(path)?;
        let (name, filter, sub) = match rest.split_once('[') {
            Some((name, rest)) => {
                let (filter, sub) = rest.split_once(']').ok_or(unknown)?;
                let (part, literal) = filter.split_once(" eq ").ok_or(unknown)?;
                let literal: Value = serde_json::from_str(literal).map_err(|_| unknown)?;
                (name, Some((part.to_owned(), literal)), sub.strip_prefix('.'))
            }
            None => match rest.split_once('.') {
                Some((name, sub)) => (name, None, Some(sub)),
                None => (rest, None, None),
            },
        };
        let schema = if urn.is_empty() { core } else { &urn };
        let (urn, spec) = match (spec(schema, name), spec(ENTERPRISE, name)) {
            (Some(spec), _) => (urn, spec),
            (None, Some(spec)) if core == USER && urn.is_empty() => (ENTERPRISE.to_owned(), spec),
            _ => return Err(unknown),
        };
        if self.has(Flaw::CapitalNamesUnknown)
            && (sub.is_some_and(|sub| part(spec, sub) != Some(sub)) || spec.0 != name)
        {
            return Err(unknown);
        }
        let sub = sub.map(|sub| part(spec, sub).ok_or(unknown)).transpose()?;
        let filter = filter.map(|(part, literal)| {
            let text = literal.as_str().map(str::to_ascii_lowercase);
            let literal = match (part.as_str(), text.as_deref()) {
                ("primary", Some(text)) if !self.has(Flaw::TextSelectorUnmatched) => json!(text == "true"),
                _ => literal,
            };
            (part, literal)
        });
        Ok(Aim { urn, spec, filter, sub })
    }

    fn split_urn<'a>(&self, path: &'a str) -> Result<(String, &'a str), Refused> {
        if !path.starts_with("urn:") {
            return Ok((String::new(), path));
        }
        if let Some(rest) = path.strip_prefix(ENTERPRISE).and_then(|rest| rest.strip_prefix('.')) {
            if self.has(Flaw::DottedUrnRefused) {
                return Err((400, "no such attribute"));
            }
            return Ok((ENTERPRISE.into(), rest));
        }
        let end = path.find('[').unwrap_or(path.len());
        let colon = path[..end].rfind(':').ok_or((400, "no such attribute"))?;
        Ok((path[..colon].to_owned(), &path[colon + 1..]))
    }

    fn at(
        &self,
        resource: &mut Map<String, Value>,
        verb: &str,
        path: &str,
        value: Option<&Value>,
        core: &str,
    ) -> Done {
        let aim = self.aim(path, core)?;
        if self.ignores(&aim, verb, core) {
            return Ok(());
        }
        let holder = match aim.urn.as_str() {
            "" => resource,
            urn => {
                let key = resource.keys().find(|key| key.eq_ignore_ascii_case(urn)).cloned();
                let key = key.unwrap_or_else(|| urn.to_owned());
                resource.entry(key).or_insert_with(|| json!({})).as_object_mut().unwrap()
            }
        };
        let slot = holder.entry(aim.spec.0).or_insert(Value::Null);
        match (&aim.filter, aim.sub) {
            (Some(filter), _) => self.elements(slot, verb, filter, &aim, value)?,
            (None, Some(sub)) if verb == "remove" => {
                slot.as_object_mut().map(|fields| fields.remove(sub));
            }
            (None, Some(sub)) => {
                if !slot.is_object() {
                    *slot = json!({});
                }
                slot[sub] = value.cloned().unwrap_or_default();
            }
            (None, None) => self.attribute(slot, verb, &aim, value)?,
        }
        Ok(())
    }

    fn ignores(&self, aim: &Aim, verb: &str, core: &str) -> bool {
        match aim.spec.0 {
            "displayName" if core == GROUP => self.has(Flaw::RenameIgnored),
            "userName" => self.has(Flaw::UserNameFixed),
            "externalId" => self.has(Flaw::ExternalIdFixed),
            "password" => !self.has(Flaw::PasswordEchoed),
            "title" => verb == "remove" && self.has(Flaw::RemovalIgnored) || self.has(Flaw::TitleDropped),
            "manager" => verb != "add" && self.has(Flaw::ManagerStays),
            _ => false,
        }
    }

    fn attribute(&self, slot: &mut Value, verb: &str, aim: &Aim, value: Option<&Value>) -> Done {
        let given = value.map(|value| self.coerced(aim.spec, value)).unwrap_or_default();
        let members = aim.spec.0 == "members";
        if members
            && self.has(Flaw::NullReferenceRefused)
            && value.is_some_and(|value| value[0]["$ref"].is_null() && value[0].is_object())
        {
            return Err((400, "$ref is not null"));
        }
        match (verb, aim.spec.2) {
            ("remove", true) => {
                let unwanted = given.as_array().cloned().unwrap_or_default();
                let clears = value.is_none()
                    || self.has(Flaw::RemoveByValueClears)
                    || unwanted.is_empty() && self.has(Flaw::EmptyListClears);
                let list = list(slot);
                list.retain(|one| !clears && !unwanted.iter().any(|other| other["value"] == one["value"]));
            }
            ("remove", false) => *slot = Value::Null,
            ("add", true) => {
                if members && self.has(Flaw::AddReplacesMembers) {
                    list(slot).clear();
                }
                let list = list(slot);
                for element in given.as_array().cloned().unwrap_or_else(|| vec![given]) {
                    let known = |other: &Value| {
                        if members { other["value"] == element["value"] } else { *other == element }
                    };
                    if !list.iter().any(known) {
                        list.push(element);
                    }
                }
            }
            (_, true) => {
                let mut old =
                    if members && self.has(Flaw::PushNowAdds) { list(slot).clone() } else { Vec::new() };
                old.extend(given.as_array().cloned().unwrap_or_else(|| vec![given]));
                *slot = Value::Array(old);
            }
            (_, false) => match (slot.as_object_mut(), given) {
                (Some(old), Value::Object(new)) if aim.spec.0 != "manager" => old.extend(new),
                (_, given) => *slot = given,
            },
        }
        Ok(())
    }

    fn elements(
        &self,
        slot: &mut Value,
        verb: &str,
        (name, literal): &(String, Value),
        aim: &Aim,
        value: Option<&Value>,
    ) -> Done {
        let list = list(slot);
        let selected = |one: &Value| one[name] == *literal;
        if verb == "remove" {
            let all = self.has(Flaw::RemoveClearsMembers) && aim.spec.0 == "members";
            match aim.sub {
                None => list.retain(|one| !all && !selected(one)),
                Some(sub) => {
                    list.iter_mut().filter(|one| selected(one)).for_each(|one| one[sub] = Value::Null)
                }
            }
            return Ok(());
        }
        let value = value.cloned().unwrap_or_default();
        if !list.iter().any(selected) {
            match () {
                () if self.has(Flaw::MissingElementRefused) => return Err((400, "the filter finds nothing")),
                () if self.has(Flaw::MissingElementIgnored) => return Ok(()),
                () => list.push(json!({name.as_str(): literal})),
            }
        }
        if aim.sub == Some("primary") && !self.has(Flaw::TwoPrimaries) {
            list.iter_mut().for_each(|one| one["primary"] = json!(false));
        }
        for one in list.iter_mut().filter(|one| selected(one)) {
            match aim.sub {
                Some(sub) => one[sub] = self.part_value(sub, &value),
                None => one.as_object_mut().unwrap().extend(value.as_object().cloned().unwrap_or_default()),
            }
        }
        Ok(())
    }
}

fn list(slot: &mut Value) -> &mut Vec<Value> {
    if !slot.is_array() {
        *slot = json!([]);
    }
    slot.as_array_mut().unwrap()
}

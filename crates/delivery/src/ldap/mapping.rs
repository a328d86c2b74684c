//! From a user to its entry. Pure; the way back is [`super::backwards`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ldap3::{ldap_escape, parse_filter};
use scim_core::{Document, fold};
use serde::Serialize;
use serde_json::Value;

use super::{
    backwards::read_backwards,
    dn::Dn,
    settings::{Active, Directory, OnDelete},
    template::{Path, Subject, Template},
};
use crate::Unfit;

/// Values of an attribute, in no order.
pub(crate) type Values = BTreeSet<String>;

/// How users are written, ready for use.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    /// Below it all entries lie.
    pub(crate) base: String,
    /// Which entries are users'.
    pub(crate) filter: String,
    /// What becomes of the entry of a user who is deleted.
    pub(crate) on_delete: OnDelete,
    dn: Template,
    classes: Values,
    link: String,
    pub(super) link_template: Template,
    attributes: Vec<(String, Vec<Template>)>,
    active: Active,
    /// The attribute that holds the id that Rollcall gives, if there is one.
    id: Option<String>,
    pub(super) read: Vec<(Path, String)>,
}

/// An entry as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: Dn,
    pub(crate) dn: String,
    /// Is the user active?
    pub(crate) active: bool,
    /// All that is mapped, absent ones as empty.
    pub(crate) attributes: BTreeMap<String, Values>,
}

/// An entry as it is, of what is mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) dn: String,
    /// By names in lower case.
    attributes: HashMap<String, Values>,
}

/// An attribute that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Of the entry; `dn`: its name.
    pub attribute: String,
    /// What the user makes it.
    pub wanted: Vec<String>,
    /// What the entry has.
    pub found: Vec<String>,
}

impl Entry {
    pub(crate) fn new(dn: String, attributes: impl IntoIterator<Item = (String, Values)>) -> Self {
        let attributes =
            attributes.into_iter().map(|(name, values)| (name.to_ascii_lowercase(), values)).collect();
        Self { dn, attributes }
    }

    pub(crate) fn values(&self, attribute: &str) -> impl Iterator<Item = &str> {
        let values = self.attributes.get(&attribute.to_ascii_lowercase());
        values.into_iter().flatten().map(String::as_str)
    }
}

impl Mapping {
    /// Of settings. The error names the member that cannot be used.
    pub(crate) fn new(directory: &Directory) -> Result<Self, Unfit> {
        let read = |member: &str, text: &str| {
            Template::parse(text, &directory.templates).map_err(|detail| Unfit::new(member, detail))
        };
        let (dn, link_template) =
            (read("ldap.dn", &directory.dn)?, read("ldap.link.template", &directory.link.template)?);
        check_dn(directory, &dn)?;
        let classes: Values = directory.object_classes.iter().cloned().collect();
        let (Some(last), true) = (directory.object_classes.last(), classes.iter().all(|one| is_name(one)))
        else {
            return Err(Unfit::new(
                "ldap.objectClasses",
                "name the classes of an entry, such as inetOrgPerson",
            ));
        };
        let filter = match &directory.filter {
            Some(text) => filter_of(text)?,
            None => format!("(objectClass={last})"),
        };
        let mut taken = Taken::default();
        taken.add("ldap.link.attribute", &directory.link.attribute)?;
        taken.add("ldap.active.attribute", &directory.active.attribute)?;
        check_active(&directory.active)?;
        let mut attributes = vec![(directory.link.attribute.clone(), vec![link_template.clone()])];
        for (name, templates) in &directory.attributes {
            let member = format!("ldap.attributes.{name}");
            taken.add(&member, name)?;
            let templates: Result<Vec<_>, _> =
                templates.all().iter().map(|text| read(&member, text)).collect();
            attributes.push((name.clone(), templates?));
        }
        let id = attributes.iter().find(|(_, templates)| is_id(templates)).map(|(name, _)| name.clone());
        Ok(Self {
            base: directory.base_dn.clone(),
            filter,
            on_delete: directory.on_delete,
            dn,
            classes,
            link: directory.link.attribute.clone(),
            link_template,
            read: read_backwards(directory, &attributes)?,
            attributes,
            active: directory.active.clone(),
            id,
        })
    }

    /// All attributes that it looks at.
    pub(crate) fn looked_at(&self) -> Vec<String> {
        let read = self.read.iter().map(|(_, name)| name);
        let names = self.attributes.iter().map(|(name, _)| name).chain(read).chain([&self.active.attribute]);
        names.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The attribute that says whose an entry is.
    pub(crate) fn link(&self) -> &str {
        &self.link
    }

    /// What the entry of a user is found by. The error is for people.
    pub(crate) fn link_of(&self, user: Subject<'_>) -> Result<String, String> {
        one(self.link_template.values(user), || format!("the link ({})", self.link_template))
    }

    /// The filter that finds the entries with one of these links, or with this id where an attribute holds ids; `None`: there
    /// is nothing to look by.
    pub(crate) fn sought(&self, links: &[String], id: &str) -> Option<String> {
        let links = links.iter().map(|link| (&self.link, link.as_str()));
        let by: String = links
            .chain(self.id.iter().map(|attribute| (attribute, id)))
            .map(|(attribute, value)| format!("({attribute}={})", ldap_escape(value)))
            .collect();
        (!by.is_empty()).then(|| format!("(&{}(|{by}))", self.filter))
    }

    /// Does an entry hold this link? A directory may take two values for one that are not (RFC 4517 section 4.2).
    pub(crate) fn has_link(&self, entry: &Entry, link: &str) -> bool {
        entry.values(&self.link).any(|value| fold(value) == fold(link))
    }

    /// Does an attribute of entries hold ids?
    pub(crate) fn holds_ids(&self) -> bool {
        self.id.is_some()
    }

    /// Does it hold the id that Rollcall gave?
    pub(crate) fn has_id(&self, entry: &Entry, id: &str) -> bool {
        self.id
            .as_ref()
            .is_some_and(|attribute| entry.values(attribute).any(|held| held.eq_ignore_ascii_case(id)))
    }

    /// The entry of a user as it should be. The error is for people.
    pub(crate) fn wanted(&self, user: Subject<'_>) -> Result<Wanted, String> {
        let dn = one(self.dn.names(user), || format!("the DN ({})", self.dn))?;
        let name = Dn::parse(&dn).ok_or_else(|| format!("{dn:?} is no DN"))?;
        let values = |templates: &Vec<Template>| templates.iter().flat_map(|one| one.values(user)).collect();
        let mut attributes: BTreeMap<String, Values> =
            self.attributes.iter().map(|(name, templates)| (name.clone(), values(templates))).collect();
        let active = is_active(user.document);
        attributes.insert(self.active.attribute.clone(), self.active_values(active));
        // What names an entry is one of its values, whatever else the attribute holds.
        for (kind, value) in name.naming() {
            let mapped = attributes.iter_mut().find(|(attribute, _)| attribute.eq_ignore_ascii_case(kind));
            if let Some((_, values)) = mapped
                && !values.iter().any(|other| fold(other) == fold(value))
            {
                values.insert(value.clone());
            }
        }
        Ok(Wanted { name, dn, active, attributes })
    }

    /// All attributes of an entry that is to be made.
    pub(crate) fn whole(&self, wanted: &Wanted) -> Vec<(String, Values)> {
        let mut all: Vec<(String, Values)> = vec![("objectClass".to_owned(), self.classes.clone())];
        all.extend(wanted.attributes.clone().into_iter().filter(|(_, values)| !values.is_empty()));
        for (kind, value) in wanted.name.naming() {
            if !all.iter().any(|(attribute, _)| attribute.eq_ignore_ascii_case(kind)) {
                all.push((kind.clone(), Values::from([value.clone()])));
            }
        }
        all
    }

    /// The attribute that says whether somebody is active, and what it should hold.
    pub(crate) fn active_value(&self, active: bool) -> (String, Values) {
        (self.active.attribute.clone(), self.active_values(active))
    }

    pub(super) fn active_values(&self, active: bool) -> Values {
        let value = if active { &self.active.active } else { &self.active.inactive };
        value.iter().cloned().collect()
    }

    /// Is it another user's, by the id that it holds?
    pub(crate) fn is_of_another(&self, entry: &Entry, id: &str) -> bool {
        let holds_one = self.id.as_ref().is_some_and(|attribute| entry.values(attribute).next().is_some());
        holds_one && !self.has_id(entry, id)
    }

    /// What differs, the name aside.
    pub(crate) fn differences(&self, wanted: &Wanted, entry: &Entry) -> Vec<Difference> {
        let differs = |(attribute, wanted): (&String, &Values)| {
            let found: Values = entry.values(attribute).map(str::to_owned).collect();
            (found != *wanted).then(|| Difference {
                attribute: attribute.clone(),
                wanted: wanted.iter().cloned().collect(),
                found: found.into_iter().collect(),
            })
        };
        wanted.attributes.iter().filter_map(differs).collect()
    }

    /// What differs in an entry of somebody else's making: its name, too. An id that it does not hold yet is none.
    pub(crate) fn all_differences(&self, wanted: &Wanted, entry: &Entry) -> Vec<Difference> {
        let mut all = self.differences(wanted, entry);
        all.retain(|one| !(self.id.as_ref() == Some(&one.attribute) && one.found.is_empty()));
        if !Dn::parse(&entry.dn).is_some_and(|name| name.is_same(&wanted.name)) {
            let (wanted, found) = (vec![wanted.dn.clone()], vec![entry.dn.clone()]);
            all.insert(0, Difference { attribute: "dn".to_owned(), wanted, found });
        }
        all
    }

    /// Is it the attribute that says whether somebody is active?
    pub(crate) fn is_active_attribute(&self, attribute: &str) -> bool {
        self.active.attribute == attribute
    }
}

/// `active` that is not there counts as true.
fn is_active(document: &Document) -> bool {
    document.get("active").and_then(Value::as_bool).unwrap_or(true)
}

fn one(mut values: Vec<String>, what: impl Fn() -> String) -> Result<String, String> {
    match (values.pop(), values.is_empty()) {
        (Some(value), true) => Ok(value),
        (None, _) => Err(format!("the user lacks what {} is made of", what())),
        (Some(_), false) => Err(format!("{} would have several values", what())),
    }
}

/// A filter as it was typed, in parentheses: a single condition may come without (RFC 4515 wants them everywhere, and it is
/// put among others).
fn filter_of(text: &str) -> Result<String, Unfit> {
    let text = text.trim();
    parse_filter(text)
        .map_err(|_| Unfit::new("ldap.filter", "this is no filter; write (objectClass=person)"))?;
    Ok(if text.starts_with('(') { text.to_owned() } else { format!("({text})") })
}

fn is_id(templates: &[Template]) -> bool {
    matches!(templates, [only] if only.simple().is_some_and(Path::is_id))
}

/// Is it a name of an attribute or class, or its number (RFC 4512 section 1.4)?
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name.starts_with(|ch: char| ch.is_ascii_alphanumeric())
        && name.chars().all(|ch| ch.is_ascii_alphanumeric() || "-.".contains(ch))
}

/// Attributes that something is written to already.
#[derive(Default)]
struct Taken(BTreeSet<String>);

impl Taken {
    fn add(&mut self, member: &str, attribute: &str) -> Result<(), Unfit> {
        if !is_name(attribute) || attribute.eq_ignore_ascii_case("objectClass") {
            return Err(Unfit::new(member, format!("{attribute:?} is no attribute that can be written")));
        }
        match self.0.insert(attribute.to_ascii_lowercase()) {
            true => Ok(()),
            false => Err(Unfit::new(member, format!("{attribute} is written already; write it once"))),
        }
    }
}

fn check_active(active: &Active) -> Result<(), Unfit> {
    let empty = |value: &Option<String>| value.as_ref().is_some_and(String::is_empty);
    if active.active == active.inactive || empty(&active.active) || empty(&active.inactive) {
        let detail = "give `active` and `inactive` two values; one may be left out, and then the attribute is not there";
        return Err(Unfit::new("ldap.active", detail));
    }
    Ok(())
}

/// Is it a name below the base, whatever the user's values are?
fn check_dn(directory: &Directory, dn: &Template) -> Result<(), Unfit> {
    let unfit = |detail: String| Unfit::new("ldap.dn", detail);
    let base = Dn::parse(&directory.base_dn);
    match (Dn::parse(&dn.shape()), base) {
        (Some(shape), Some(base)) if shape.is_below(&base) => Ok(()),
        (Some(_), Some(_)) => Err(unfit(format!("it has to end with the base DN, {}", directory.base_dn))),
        _ => Err(unfit("write a DN with places, such as uid={userName},ou=people,dc=example".to_owned())),
    }
}

#[cfg(test)]
pub(super) mod tests;

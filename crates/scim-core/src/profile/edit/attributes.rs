//! What a profile asks of one attribute stands in several places of its text: what is on offer in `[user]`, other names
//! in `[[alias]]`, the rest in `[[attribute]]`. Here it is one thing.

use super::{Place, Setting, Sheet};
use crate::{
    profile::ProfileError,
    schema::{self, Attribute, Mutability},
};

/// What a profile asks of an attribute of core SCIM or of the enterprise extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeSettings {
    /// Must every user have it?
    pub required: bool,
    /// Name of a format.
    pub format: String,
    /// Name of a value set.
    pub value_set: String,
    /// Its value where a user has none.
    pub default: Option<Setting>,
    /// Other names.
    pub names: Vec<String>,
}

fn user() -> Place {
    Place::top().table("user")
}

impl Sheet {
    /// What is asked of the attribute of this path.
    #[must_use]
    pub fn attribute(&self, path: &str) -> AttributeSettings {
        let listed = self.texts(&user(), "required").iter().any(|known| known.eq_ignore_ascii_case(path));
        let mut settings =
            AttributeSettings { required: listed, names: self.names_of(path), ..Default::default() };
        if let Some(at) = self.position("attribute", "path", path) {
            let place = Place::top().entry("attribute", at);
            settings.required |= self.get(&place, "required") == Some(Setting::Flag(true));
            settings.format = self.text(&place, "format");
            settings.value_set = self.text(&place, "value-set");
            settings.default = self.get(&place, "default");
        }
        settings
    }

    /// Asks this of the attribute of this path, and nothing else.
    pub fn set_attribute(&mut self, path: &str, settings: &AttributeSettings) -> Result<(), ProfileError> {
        let before = self.attribute(path);
        if settings.required != before.required {
            self.set_required(path, settings.required)?;
        }
        self.set_names(path, &settings.names)?;
        let given = |text: &str| (!text.is_empty()).then(|| Setting::Text(text.to_owned()));
        let known = self.position("attribute", "path", path);
        let wanted = [
            ("format", given(&settings.format)),
            ("value-set", given(&settings.value_set)),
            ("default", settings.default.clone()),
        ];
        if known.is_none() && wanted.iter().all(|(_, setting)| setting.is_none()) {
            return Ok(());
        }
        let place =
            Place::top().entry("attribute", known.unwrap_or_else(|| self.count(&Place::top(), "attribute")));
        if known.is_none() {
            self.set(&place, "path", Some(Setting::Text(path.to_owned())))?;
        }
        for (key, setting) in wanted {
            self.set(&place, key, setting)?;
        }
        let asks = ["format", "value-set", "default", "required"];
        if asks.iter().all(|key| self.get(&place, key).is_none()) {
            self.remove(&place)?;
        }
        Ok(())
    }

    fn set_required(&mut self, path: &str, required: bool) -> Result<(), ProfileError> {
        let mut listed = self.texts(&user(), "required");
        if required {
            listed.push(path.to_owned());
            return self.set(&user(), "required", Some(Setting::Texts(listed)));
        }
        let before = listed.len();
        listed.retain(|known| !known.eq_ignore_ascii_case(path));
        if listed.len() != before {
            self.set(&user(), "required", (!listed.is_empty()).then_some(Setting::Texts(listed)))?;
        }
        if let Some(at) = self.position("attribute", "path", path) {
            self.set(&Place::top().entry("attribute", at), "required", None)?;
        }
        Ok(())
    }

    /// The other names of a path.
    #[must_use]
    pub fn names_of(&self, path: &str) -> Vec<String> {
        let all = 0..self.count(&Place::top(), "alias");
        let aliases = all.map(|at| Place::top().entry("alias", at));
        aliases
            .filter(|place| self.text(place, "path").eq_ignore_ascii_case(path))
            .map(|place| self.text(&place, "name"))
            .collect()
    }

    /// Gives a path these other names and no more.
    pub fn set_names(&mut self, path: &str, names: &[String]) -> Result<(), ProfileError> {
        for at in (0..self.count(&Place::top(), "alias")).rev() {
            let place = Place::top().entry("alias", at);
            let is_kept = names.contains(&self.text(&place, "name"));
            if self.text(&place, "path").eq_ignore_ascii_case(path) && !is_kept {
                self.remove(&place)?;
            }
        }
        let kept = self.names_of(path);
        for name in names.iter().filter(|name| !kept.contains(name)) {
            let place = Place::top().entry("alias", self.count(&Place::top(), "alias"));
            self.set(&place, "name", Some(Setting::Text(name.clone())))?;
            self.set(&place, "path", Some(Setting::Text(path.to_owned())))?;
        }
        Ok(())
    }

    fn position(&self, list: &str, key: &str, text: &str) -> Option<usize> {
        (0..self.count(&Place::top(), list))
            .find(|at| self.text(&Place::top().entry(list, *at), key).eq_ignore_ascii_case(text))
    }
}

/// Whether an attribute of core SCIM or of the enterprise extension is on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Name in schema spelling.
    pub name: String,
    /// Of the enterprise extension?
    pub enterprise: bool,
    /// Is it on offer?
    pub offered: bool,
    /// It always is, whatever the profile says.
    pub always: bool,
    /// The only sub-attributes that are; empty: all.
    pub parts: Vec<String>,
}

/// The core attributes that clients write, then those of the enterprise extension, as a text offers them.
#[must_use]
pub fn offers(sheet: &Sheet) -> Vec<Offer> {
    let listed = sheet.get(&user(), "attributes").map(|_| sheet.texts(&user(), "attributes"));
    let core = schema::USER.attributes.iter().filter(|attribute| is_written(attribute)).map(|attribute| {
        let parts = parts_of(attribute, listed.as_deref().unwrap_or_default());
        let whole = listed.as_ref().is_none_or(|listed| has(listed, &attribute.name));
        let always = matches!(attribute.name.as_str(), "userName" | "active");
        Offer {
            name: attribute.name.clone(),
            enterprise: false,
            offered: always || whole || !parts.is_empty(),
            always,
            parts: if whole || always { Vec::new() } else { parts },
        }
    });
    let some = match sheet.get(&user(), "enterprise") {
        None | Some(Setting::Flag(true)) => None,
        Some(Setting::Texts(names)) => Some(names),
        Some(_) => Some(Vec::new()),
    };
    let enterprise = schema::ENTERPRISE_USER.attributes.iter().map(|attribute| Offer {
        name: attribute.name.clone(),
        enterprise: true,
        offered: some.as_ref().is_none_or(|names| has(names, &attribute.name)),
        always: false,
        parts: Vec::new(),
    });
    core.chain(enterprise).collect()
}

/// Makes a text offer the attributes for which `wanted` says so. One of which only parts were on offer keeps them.
pub fn set_offers(sheet: &mut Sheet, wanted: impl Fn(&Offer) -> bool) -> Result<(), ProfileError> {
    let before = offers(sheet);
    let changes = |enterprise: bool| {
        let mut of = before.iter().filter(|offer| offer.enterprise == enterprise && !offer.always);
        of.any(|offer| offer.offered != wanted(offer))
    };
    if changes(false) {
        // What the list names beside these (read-only attributes, common ones) stays.
        let mut names: Vec<String> = Vec::new();
        let listed = sheet.texts(&user(), "attributes");
        let top = |name: &str| name.split('.').next().unwrap_or(name).to_ascii_lowercase();
        let known =
            |name: &str| before.iter().find(|offer| !offer.enterprise && top(&offer.name) == top(name));
        names.extend(
            listed
                .iter()
                .filter(|name| known(name).is_none_or(|offer| offer.always || wanted(offer)))
                .cloned(),
        );
        for offer in before.iter().filter(|offer| !offer.enterprise && !offer.always && wanted(offer)) {
            if !names.iter().any(|name| top(name) == top(&offer.name)) {
                names.push(offer.name.clone());
            }
        }
        sheet.set(&user(), "attributes", Some(Setting::Texts(names)))?;
    }
    if changes(true) {
        let of: Vec<&Offer> = before.iter().filter(|offer| offer.enterprise).collect();
        let names: Vec<String> =
            of.iter().filter(|offer| wanted(offer)).map(|offer| offer.name.clone()).collect();
        let setting = if names.is_empty() {
            Setting::Flag(false)
        } else if names.len() == of.len() {
            Setting::Flag(true)
        } else {
            Setting::Texts(names)
        };
        if setting == Setting::Flag(false) {
            // It has no meaning any more.
            sheet.set(&user(), "enterprise-top-level", None)?;
        }
        sheet.set(&user(), "enterprise", Some(setting))?;
    }
    Ok(())
}

fn is_written(attribute: &Attribute) -> bool {
    attribute.mutability != Mutability::ReadOnly && attribute.name != "password"
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The sub-attributes of it that a list names.
fn parts_of(attribute: &Attribute, listed: &[String]) -> Vec<String> {
    let subs = attribute.sub_attributes.iter();
    let named = subs.filter(|sub| has(listed, &format!("{}.{}", attribute.name, sub.name)));
    named.map(|sub| sub.name.clone()).collect()
}

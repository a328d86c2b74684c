//! What the tiny server knows of the five products: as little as their guides need.

use idp_simulator::people::{LINKED_EMP, LINKED_SER, SITE_NUMBERS, SUB_TEMPLATES, TEMPLATES};
use serde_json::{Map, Value, json};

use super::{ENTERPRISE, Flaw, Mini};

pub(super) const EPIC: &str = "urn:rollcall:params:scim:schemas:extension:epic-emp:2.0:User";
const MDSCRIPTS: &str = "urn:rollcall:params:scim:schemas:extension:mdscripts:2.0:User";
const ZONES: [&str; 6] = ["US/Eastern", "US/Central", "US/Mountain", "US/Pacific", "US/Alaska", "US/Hawaii"];
const NOT_EPIC: [&str; 11] = [
    "phonenumbers",
    "photos",
    "addresses",
    "groups",
    "x509certificates",
    "isuserregistered",
    "sendinvite",
    "forcepasswordchangeatnextlogin",
    "administrativedisable",
    "pwdhistorylist",
    "inviteexpiration",
];
const LINKS: [(&str, &[&str]); 4] = [
    ("templates", &TEMPLATES),
    ("subTemplates", &SUB_TEMPLATES),
    ("linkedEmp", &LINKED_EMP),
    ("linkedSer", &LINKED_SER),
];
/// The names of Clinical Maestro's and Envi's tables, and where SCIM has them.
const ALIASES: [(&str, &str, &str); 6] = [
    ("givenName", "name", "givenName"),
    ("familyName", "name", "familyName"),
    ("email", "emails", "value"),
    ("emailType", "emails", "type"),
    ("primaryPhone", "phoneNumbers", "value"),
    ("primaryPhoneType", "phoneNumbers", "type"),
];

/// The base path of a product's guide.
pub(super) fn base_path(product: &str) -> &'static str {
    match product {
        "eptura-engage" => "/scim/api/V1",
        "envi" => "/scim",
        _ => "/scim/v2",
    }
}

impl Mini {
    /// Nobody is ever erased here.
    pub(super) fn keeps_everybody(&self) -> bool {
        matches!(self.product, "epic-emp" | "mdscripts" | "clinical-maestro") && !self.has(Flaw::DeleteErases)
    }

    pub(super) fn links(&self) -> bool {
        self.product == "mdscripts" && !self.has(Flaw::LinkRefused)
    }

    /// The core attributes and extensions that the product's schemas have; none: all.
    pub(super) fn offered(&self) -> Option<&'static [&'static str]> {
        match self.product {
            "clinical-maestro" if !self.has(Flaw::SchemasTooWide) => {
                Some(&["userName", "name", "title", "active", "emails", "phoneNumbers"])
            }
            "epic-emp" if !self.has(Flaw::SchemasTooWide) => Some(&["userName", "name", "active", "emails"]),
            _ => None,
        }
    }

    /// A user as the product keeps it, or what it does not take.
    pub(super) fn as_product(
        &self,
        mut user: Map<String, Value>,
    ) -> Result<Map<String, Value>, (u16, &'static str)> {
        let mut wrong = Vec::new();
        match self.product {
            "epic-emp" => self.epic(&mut user, &mut wrong),
            "mdscripts" => self.mdscripts(&mut user, &mut wrong),
            "clinical-maestro" => {
                aliased(&mut user);
                self.only(&mut user, &["title", "phoneNumbers", ENTERPRISE]);
                if let Some(Value::Object(more)) = user.get_mut(ENTERPRISE) {
                    more.retain(|key, _| key == "department");
                }
            }
            "envi" => {
                aliased(&mut user);
                self.only(&mut user, &[]);
            }
            _ => {}
        }
        match wrong.is_empty() {
            true => Ok(self.tidied(user)),
            false => Err((400, Box::leak(wrong.join("; ").into_boxed_str()))),
        }
    }

    fn only(&self, user: &mut Map<String, Value>, more: &[&str]) {
        let known = ["id", "externalId", "userName", "name", "emails", "active", "groups"];
        if !self.has(Flaw::UnsupportedKept) {
            user.retain(|key, _| known.contains(&key.as_str()) || more.contains(&key.as_str()));
        }
    }

    fn epic(&self, user: &mut Map<String, Value>, wrong: &mut Vec<String>) {
        if !self.has(Flaw::UnsupportedKept) {
            user.retain(|key, _| !NOT_EPIC.contains(&key.to_lowercase().as_str()));
        }
        let Some(Value::Object(record)) = user.get_mut(EPIC) else { return };
        for (name, allowed) in LINKS {
            self.list_of(record, EPIC, name, allowed, wrong);
        }
    }

    /// A list, or a text with commas, of allowed values in any case.
    fn list_of(
        &self,
        record: &mut Map<String, Value>,
        urn: &str,
        name: &str,
        allowed: &[&str],
        wrong: &mut Vec<String>,
    ) {
        let texts: Vec<&str> = match record.get(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        let parts: Vec<String> =
            texts.iter().flat_map(|text| text.split(',')).map(|part| part.trim().to_owned()).collect();
        let mut kept: Vec<String> = Vec::new();
        for (place, part) in parts.iter().filter(|part| !part.is_empty()).enumerate() {
            let known = allowed.iter().find(|known| known.eq_ignore_ascii_case(part));
            if known.is_none() && !self.has(Flaw::ValueSetsUnchecked) {
                wrong.push(format!("{urn}:{name}[{place}]: is no value of the list"));
            }
            let value = known.map_or(part.clone(), |known| (*known).to_owned());
            if !kept.contains(&value) {
                kept.push(value);
            }
        }
        record.insert(name.into(), json!(kept));
    }

    fn mdscripts(&self, user: &mut Map<String, Value>, wrong: &mut Vec<String>) {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        if !text(user.get("userName")).contains('@') {
            wrong.push("userName: is no address".into());
        }
        if user.get("timezone").is_some_and(|zone| !ZONES.contains(&zone.as_str().unwrap_or_default())) {
            wrong.push("timezone: is no time zone".into());
        }
        let names = user.get("name").cloned().unwrap_or_default();
        let record = user.entry(MDSCRIPTS).or_insert_with(|| json!({}));
        let record = record.as_object_mut().unwrap();
        let kind = record.remove("emailType");
        for name in ["isProvider", "isPhysicianAssistant"] {
            match record.get(name).map(|value| text(Some(value)).to_lowercase()).as_deref() {
                Some("true") => drop(record.insert(name.into(), json!(true))),
                Some("false") => drop(record.insert(name.into(), json!(false))),
                Some("") | None => {}
                Some(_) => wrong.push(format!("{MDSCRIPTS}:{name}: is neither true nor false")),
            }
        }
        if let Some(number) = record.get("npi").and_then(Value::as_u64) {
            record.insert("npi".into(), json!(number.to_string()));
        }
        if record.get("isProvider") == Some(&json!(true)) {
            self.provider(record, &names, wrong);
        } else if !self.has(Flaw::NotApplicableKept) {
            record.retain(|key, _| !["isPhysicianAssistant", "npi", "deaLicense"].contains(&key.as_str()));
        }
        let role = record.entry("role").or_insert(Value::Null);
        match role.as_str().unwrap_or_default() {
            "" if self.has(Flaw::NoDefaults) => {}
            "" => *role = json!("Assistant"),
            "Assistant" | "Manager" => {}
            _ => wrong.push(format!("{MDSCRIPTS}:role: is no role")),
        }
        self.list_of(record, MDSCRIPTS, "siteNumbers", &SITE_NUMBERS, wrong);
        if self.has(Flaw::NoDefaults) {
            return;
        }
        for email in user.get_mut("emails").and_then(Value::as_array_mut).into_iter().flatten() {
            let email = email.as_object_mut().unwrap();
            if text(email.get("type")).is_empty() {
                email.insert("type".into(), kind.clone().unwrap_or_else(|| json!("work")));
            }
        }
    }

    fn provider(&self, record: &mut Map<String, Value>, names: &Value, wrong: &mut Vec<String>) {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (npi, dea) = (text("npi"), text("deaLicense").to_uppercase());
        if !self.has(Flaw::NpiUnchecked) && !is_npi(&npi) {
            wrong.push(format!("{MDSCRIPTS}:npi: is required of a provider"));
        }
        if self.has(Flaw::NpiTold) {
            wrong.extend((!is_npi(&npi)).then(|| format!("{npi} is no NPI")));
        }
        if !dea.is_empty() {
            if !is_dea(&dea) {
                wrong.push(format!("{MDSCRIPTS}:deaLicense: has another check digit"));
            }
            record.insert("deaLicense".into(), json!(dea));
        }
        for part in ["givenName", "familyName"] {
            let digits = names[part].as_str().unwrap_or_default().chars().any(char::is_numeric);
            if digits && !self.has(Flaw::DigitsTaken) {
                wrong.push(format!("name.{part}: has digits"));
            }
        }
    }
}

fn aliased(user: &mut Map<String, Value>) {
    for (alias, name, part) in ALIASES {
        let Some(value) = user.remove(alias) else { continue };
        let slot = user.entry(name).or_insert_with(|| if name == "name" { json!({}) } else { json!([{}]) });
        match slot {
            Value::Array(list) => list[0][part] = value,
            slot => slot[part] = value,
        }
    }
}

fn digits(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|c| c.to_digit(10)).collect()
}

fn is_npi(text: &str) -> bool {
    let Some(digits) = digits(text).filter(|digits| digits.len() == 10) else { return false };
    let doubled =
        |(place, digit): (usize, &u32)| if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit };
    (digits.iter().enumerate().map(doubled).sum::<u32>() + 24).is_multiple_of(10)
}

fn is_dea(text: &str) -> bool {
    let list = text.get(2..).and_then(digits).unwrap_or_default();
    let [a, b, c, d, e, f, check] = list[..] else { return false };
    (a + c + e + 2 * (b + d + f)) % 10 == check
}

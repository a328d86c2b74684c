//! What each app maps: a person's attributes as SCIM JSON.

use serde_json::{Map, Value, json};

use crate::judge::ENTERPRISE;
use crate::okta::AppProfile;
use crate::people::Person;

/// The extension of Epic EMP.
pub(super) const EPIC: &str = "urn:rollcall:params:scim:schemas:extension:epic-emp:2.0:User";
/// The extension of MDScripts, with the names of its guide.
pub(super) const MDSCRIPTS: &str = "urn:rollcall:params:scim:schemas:extension:mdscripts:2.0:User";

/// Everything that Okta's own apps map by default; only what Okta itself needs must come back.
pub(crate) const GENERAL: AppProfile = AppProfile { mapping: everything, kept: &[], never: &[] };

/// The same, all of which must come back.
pub(super) const GENERIC: AppProfile = AppProfile {
    mapping: everything,
    kept: &[
        "externalId",
        "displayName",
        "title",
        "userType",
        "phoneNumbers",
        "addresses",
        "locale",
        "preferredLanguage",
        "timezone",
        "employeeNumber",
        "department",
    ],
    never: &[],
};

/// Epic EMP, with attributes that it does not support beside (guide, chapter 2).
pub(super) const EPIC_EMP: AppProfile = AppProfile {
    mapping: epic_emp,
    kept: &["externalId", "displayName", "templates", "subTemplates", "linkedEmp", "linkedSer"],
    never: &UNSUPPORTED_BY_EPIC,
};

/// The guide's list, in its spelling (chapter 2, last note).
pub(super) const UNSUPPORTED_BY_EPIC: [&str; 11] = [
    "phoneNumbers",
    "photos",
    "addresses",
    "groups",
    "x509Certificates",
    "isuserregistered",
    "sendinvite",
    "forcepasswordchangeatnextlogin",
    "administrativedisable",
    "pwdhistorylist",
    "inviteexpiration",
];

/// MDScripts (guide, step 2: the supported custom attributes).
pub(super) const MDSCRIPTS_APP: AppProfile = AppProfile {
    mapping: mdscripts,
    kept: &["timezone", "isProvider", "isPhysicianAssistant", "npi", "deaLicense", "role", "siteNumbers"],
    never: &["groups"],
};

/// Clinical Maestro (guide, Attributes and Mapping).
pub(super) const CLINICAL_MAESTRO: AppProfile = AppProfile {
    mapping: clinical_maestro,
    kept: &["title", "department", "phoneNumbers"],
    never: &[
        "displayName",
        "nickName",
        "locale",
        "timezone",
        "userType",
        "addresses",
        "costCenter",
        "groups",
    ],
};

/// Eptura Engage: core attributes.
pub(super) const EPTURA_ENGAGE: AppProfile =
    AppProfile { mapping: eptura_engage, kept: &["displayName"], never: &[] };

/// Envi: five attributes and no more (guide, Okta Configuration step 13).
pub(super) const ENVI: AppProfile = AppProfile {
    mapping: envi,
    kept: &[],
    never: &["displayName", "title", "locale", "timezone", "phoneNumbers", "addresses", "department"],
};

fn map(value: Value) -> Map<String, Value> {
    let mut map = match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    // An attribute without a value is not sent.
    map.retain(|_, value| value.as_str() != Some(""));
    map
}

fn base(person: &Person, email_type: &str) -> Map<String, Value> {
    map(json!({
        "userName": person.user_name,
        "name": {"givenName": person.given_name, "familyName": person.family_name},
        "emails": [{"primary": true, "value": person.email, "type": email_type}],
    }))
}

fn phone(person: &Person) -> Value {
    json!([{"primary": true, "value": person.phone, "type": person.phone_type}])
}

fn address(person: &Person) -> Value {
    json!([{
        "primary": true,
        "type": "work",
        "streetAddress": person.street,
        "locality": person.city,
        "region": person.region,
        "country": "US",
    }])
}

fn everything(person: &Person) -> Map<String, Value> {
    let mut all = base(person, "work");
    all.extend(map(json!({
        "displayName": person.display_name(),
        "title": person.title,
        "userType": person.user_type,
        "locale": person.locale,
        "preferredLanguage": person.locale,
        "timezone": person.timezone,
        "phoneNumbers": phone(person),
        "addresses": address(person),
        ENTERPRISE: map(json!({"employeeNumber": person.employee_number, "department": person.department})),
    })));
    all
}

/// One template is sent as a text, several as a list; what is not linked is left out.
fn epic_emp(person: &Person) -> Map<String, Value> {
    let record = &person.epic;
    let ids = |list: &[String]| match list {
        [] => json!(""),
        [one] => json!(one),
        list => json!(list),
    };
    let mut all = base(person, "work");
    all.extend(map(json!({
        "displayName": person.display_name(),
        "title": person.title,
        "phoneNumbers": phone(person),
        EPIC: map(json!({
            "templates": ids(&record.templates),
            "subTemplates": ids(&record.sub_templates),
            "linkedEmp": ids(&record.linked_emp),
            "linkedSer": ids(&record.linked_ser),
        })),
    })));
    all
}

/// What the guide says that Epic does not support, as a customer may map it nevertheless.
pub(super) fn unsupported_by_epic(person: &Person) -> Value {
    json!({
        "phoneNumbers": phone(person),
        "photos": [{"value": "https://photos.example.com/1.png", "type": "photo"}],
        "addresses": address(person),
        "groups": [{"value": "7"}],
        "x509Certificates": [{"value": "AA=="}],
        "isuserregistered": true,
        "sendinvite": false,
        "forcepasswordchangeatnextlogin": false,
        "administrativedisable": false,
        "pwdhistorylist": ["none"],
        "inviteexpiration": "2030-01-01",
    })
}

/// Odd site lists arrive as an array, the others as the guide's comma list.
fn mdscripts(person: &Person) -> Map<String, Value> {
    let sites = match person.site_numbers.len() % 2 {
        1 => json!(person.site_numbers),
        _ => json!(person.site_numbers.join(", ")),
    };
    let mut extension = map(json!({
        "isProvider": person.provider.is_some(),
        "role": if person.manager { "Manager" } else { "Assistant" },
        "siteNumbers": sites,
        "emailType": "work",
    }));
    // The three others do not apply to anyone but a provider.
    if let Some(provider) = &person.provider {
        extension.extend(map(json!({
            "isPhysicianAssistant": provider.physician_assistant,
            "npi": provider.npi,
            "deaLicense": provider.dea_license,
        })));
    }
    let mut all = base(person, "work");
    all.insert("timezone".into(), json!(person.timezone));
    all.insert(MDSCRIPTS.into(), Value::Object(extension));
    all
}

fn clinical_maestro(person: &Person) -> Map<String, Value> {
    let mut all = base(person, "work");
    all.extend(map(json!({
        "title": person.title,
        "phoneNumbers": phone(person),
        ENTERPRISE: map(json!({"department": person.department})),
    })));
    all
}

fn eptura_engage(person: &Person) -> Map<String, Value> {
    let mut all = base(person, "work");
    all.insert("displayName".into(), json!(person.display_name()));
    all
}

/// The type of the address is computed by the customer and comes out as "" for some.
fn envi(person: &Person) -> Map<String, Value> {
    base(person, if person.manager { "" } else { "work" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::People;

    #[test]
    fn what_has_no_value_is_not_sent() {
        let mut person = People::new(1, "x").person(0);
        person.title.clear();
        assert!(!everything(&person).contains_key("title"));
        person.department.clear();
        assert!(everything(&person)[ENTERPRISE].get("department").is_none());
    }

    #[test]
    fn only_providers_have_a_providers_numbers() {
        let people = People::new(2, "x");
        for person in (0..40).map(|i| people.person(i)) {
            let extension = mdscripts(&person)[MDSCRIPTS].clone();
            assert_eq!(extension["isProvider"], person.provider.is_some());
            assert_eq!(extension.get("npi").is_some(), person.provider.is_some());
            assert!(extension["siteNumbers"].is_array() || extension["siteNumbers"].is_string());
        }
        let lists: Vec<Value> =
            (0..40).map(|i| mdscripts(&people.person(i))[MDSCRIPTS]["siteNumbers"].clone()).collect();
        assert!(lists.iter().any(Value::is_array) && lists.iter().any(Value::is_string));
    }

    #[test]
    fn envi_maps_five_attributes() {
        let people = People::new(3, "x");
        for person in (0..20).map(|i| people.person(i)) {
            let keys: Vec<String> = envi(&person).keys().cloned().collect();
            assert_eq!(keys, ["userName", "name", "emails"]);
        }
    }
}

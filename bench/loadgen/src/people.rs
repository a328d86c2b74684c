//! The people of the load: Okta-shaped users of about 1 KB, numbered, and the requests that change them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::roster::User;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

const GIVEN: [&str; 12] =
    ["Ada", "Bruno", "Chloe", "Dmitri", "Elena", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kavya", "Liam"];
const FAMILY: [&str; 16] = [
    "Anders",
    "Bianchi",
    "Castillo",
    "Dupont",
    "Eriksen",
    "Fischer",
    "Gonzalez",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Okafor",
    "Petrov",
];
const DEPARTMENTS: [&str; 8] =
    ["Engineering", "Sales", "Finance", "Legal", "Support", "Marketing", "Operations", "People"];

/// What stands in a query as it is (RFC 3986, section 2.3).
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, &PLAIN).to_string()
}

pub(crate) fn user_name(prefix: &str, n: usize) -> String {
    format!("{prefix}.user{n:07}@acme.example")
}

/// The number in a user name of [`user_name`].
pub(crate) fn number(prefix: &str, user_name: &str) -> Option<usize> {
    let rest = user_name.strip_prefix(prefix)?.strip_prefix(".user")?;
    rest.strip_suffix("@acme.example")?.parse().ok()
}

pub(crate) fn email(prefix: &str, n: usize) -> String {
    format!("{prefix}.mail{n:07}@acme.example")
}

pub(crate) fn external_id(prefix: &str, n: usize) -> String {
    format!("00u{prefix}{n:09}")
}

pub(crate) fn family_name(n: usize) -> String {
    format!("{}{n}", FAMILY[n % FAMILY.len()])
}

/// What a search for somebody types: the middle and the end of a family name, in lower case.
pub(crate) fn family_part(n: usize) -> String {
    family_name(n)[2..].to_lowercase()
}

/// A whole user, as Okta sends it; with an `id` as in a PUT.
pub(crate) fn user(prefix: &str, n: usize, id: Option<&str>, title: &str) -> String {
    let (given, family) = (GIVEN[n % GIVEN.len()], family_name(n));
    let mail = email(prefix, n);
    let mut user = json!({
        "schemas": [CORE, ENTERPRISE],
        "userName": user_name(prefix, n),
        "name": {"givenName": given, "familyName": family, "formatted": format!("{given} {family}")},
        "emails": [
            {"primary": true, "value": mail, "type": "work"},
            {"primary": false, "value": format!("home.{mail}"), "type": "home"},
        ],
        "phoneNumbers": [{"value": format!("+1-555-{n:07}"), "type": "work"}],
        "addresses": [{
            "type": "work",
            "streetAddress": format!("{n} Market Street"),
            "locality": "San Francisco",
            "region": "CA",
            "postalCode": "94105",
            "country": "US",
        }],
        "displayName": format!("{given} {family}"),
        "nickName": given,
        "title": title,
        "userType": "Employee",
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "America/Los_Angeles",
        "externalId": external_id(prefix, n),
        "active": true,
        ENTERPRISE: {
            "employeeNumber": format!("{n:07}"),
            "costCenter": format!("CC-{:03}", n % 400),
            "organization": "Acme",
            "division": "West",
            "department": DEPARTMENTS[n % DEPARTMENTS.len()],
        },
    });
    if let Some(id) = id {
        user["id"] = json!(id);
    }
    user.to_string()
}

pub(crate) fn group(name: &str) -> String {
    json!({"schemas": [GROUP], "displayName": name, "members": []}).to_string()
}

fn patch(operation: &Value) -> String {
    json!({"schemas": [PATCH], "Operations": [operation]}).to_string()
}

/// Okta's form: no path, the value is an object.
pub(crate) fn patch_active(active: bool) -> String {
    patch(&json!({"op": "replace", "value": {"active": active}}))
}

pub(crate) fn patch_add(prefix: &str, users: &[User]) -> String {
    let members: Vec<Value> =
        users.iter().map(|user| json!({"value": *user.id, "display": user_name(prefix, user.n)})).collect();
    patch(&json!({"op": "add", "path": "members", "value": members}))
}

pub(crate) fn patch_remove(user: &User) -> String {
    patch(&json!({"op": "remove", "path": format!("members[value eq \"{}\"]", user.id)}))
}

/// Users as a CSV file for an import.
///
/// # Errors
///
/// Standard output is closed.
pub(crate) fn csv(prefix: &str, users: std::ops::Range<usize>) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(
        out,
        "userName,name.givenName,name.familyName,name.formatted,emails[type eq \"work\"].value,\
         emails[type eq \"home\"].value,phoneNumbers[type eq \"work\"].value,addresses[type eq \"work\"].streetAddress,\
         addresses[type eq \"work\"].locality,addresses[type eq \"work\"].region,addresses[type eq \"work\"].postalCode,\
         addresses[type eq \"work\"].country,displayName,nickName,title,userType,preferredLanguage,locale,timezone,\
         externalId,employeeNumber,costCenter,organization,division,department"
    )?;
    for n in users {
        let (given, family, mail) = (GIVEN[n % GIVEN.len()], family_name(n), email(prefix, n));
        writeln!(
            out,
            "{name},{given},{family},{given} {family},{mail},home.{mail},+1-555-{n:07},{n} Market Street,San Francisco,\
             CA,94105,US,{given} {family},{given},Engineer,Employee,en-US,en-US,America/Los_Angeles,{external},{n:07},\
             CC-{cost:03},Acme,West,{department}",
            name = user_name(prefix, n),
            external = external_id(prefix, n),
            cost = n % 400,
            department = DEPARTMENTS[n % DEPARTMENTS.len()],
        )?;
    }
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_number() {
        assert_eq!(number("bench", &user_name("bench", 12_345_678)), Some(12_345_678));
        assert_eq!(number("bench", "bench.user0000007@acme.example"), Some(7));
        assert_eq!(number("other", &user_name("bench", 7)), None);
    }
}

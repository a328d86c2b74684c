//! What a tenant has before Okta comes, so that its guide can be played: allowed values, the customer's account, and
//! people whom the product knew already.

use serde_json::{Value, json};

use crate::people::{LINKED_EMP, LINKED_SER, People, Person, SITE_NUMBERS, SUB_TEMPLATES, TEMPLATES};

/// The first of those who were there before Okta; nobody whom a guide assigns has such a number.
const FIRST: usize = 200;

/// A tenant before its guide is played.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// Value sets by name.
    pub value_sets: &'static [(&'static str, &'static [&'static str])],
    /// Properties of the customer's account.
    pub properties: &'static [(&'static str, &'static str)],
    /// The organization whose people are provisioned.
    pub organization: Option<&'static str>,
    /// Bodies of users whom the product had before Okta.
    pub users: Vec<Value>,
}

/// What the guide of a built-in profile needs; nothing for `generic` and for a name that is not known.
pub fn prepared(profile: &str, seed: u64) -> Prepared {
    let people = People::new(seed, profile);
    let users = |many: usize| (0..many).map(|place| body(&before_okta(&people, place))).collect();
    match profile {
        "epic-emp" => Prepared {
            value_sets: &[
                ("templates", &TEMPLATES),
                ("subTemplates", &SUB_TEMPLATES),
                ("linkedEmp", &LINKED_EMP),
                ("linkedSer", &LINKED_SER),
            ],
            users: users(3),
            ..Prepared::default()
        },
        "mdscripts" => {
            Prepared { value_sets: &[("siteNumbers", &SITE_NUMBERS)], users: users(1), ..Prepared::default() }
        }
        "envi" => Prepared {
            value_sets: &[
                ("organizations", &["For Testing Purpose", "Northwind Supply"]),
                ("roles", &["Manager"]),
            ],
            properties: &[("domain-type", "Simple"), ("authentication", "HTTP Redirect")],
            organization: Some("For Testing Purpose"),
            ..Prepared::default()
        },
        _ => Prepared::default(),
    }
}

/// One of those whom the product knew before Okta.
pub(super) fn before_okta(people: &People, place: usize) -> Person {
    people.person(FIRST + place)
}

fn body(person: &Person) -> Value {
    json!({
        "userName": person.user_name,
        "name": {"givenName": person.given_name, "familyName": person.family_name},
        "emails": [{"value": person.email, "type": "work", "primary": true}],
        "active": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_prepares_the_same_people() {
        for (profile, users) in [("epic-emp", 3), ("mdscripts", 1), ("envi", 0), ("generic", 0), ("none", 0)]
        {
            let (one, other) = (prepared(profile, 7), prepared(profile, 7));
            assert_eq!((one.users.len(), &one.users), (users, &other.users), "{profile}");
        }
    }
}

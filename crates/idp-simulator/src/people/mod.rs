//! Made-up people: the same seed gives the same people, none of whom exists.

mod words;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use words::{DEPARTMENTS, DOMAINS, FAMILY, GIVEN, PLACES, TITLES};

/// Site numbers that the people of [`People`] work at, for a tenant's list of allowed values.
pub const SITE_NUMBERS: [&str; 6] = ["1001", "1002", "1003", "2001", "2002", "3001"];

/// Epic templates likewise, and sub-templates, and the EMP and SER records that can be linked.
pub const TEMPLATES: [&str; 4] = ["T100", "T200", "T300", "T400"];
/// Epic sub-templates.
pub const SUB_TEMPLATES: [&str; 3] = ["S10", "S20", "S30"];
/// Epic EMP records that can be linked.
pub const LINKED_EMP: [&str; 4] = ["E7001", "E7002", "E7003", "E7004"];
/// Epic provider (SER) records that can be linked.
pub const LINKED_SER: [&str; 4] = ["P9001", "P9002", "P9003", "P9004"];

/// What only a dispensing provider has (its formats: docs/profiles.md).
#[derive(Clone, PartialEq, Eq)]
pub struct Provider {
    /// National Provider Identifier: ten digits with a right check digit.
    pub npi: String,
    /// DEA registration number: two letters, seven digits, the last a right check digit.
    pub dea_license: String,
    /// A physician assistant.
    pub physician_assistant: bool,
}

/// What an Epic EMP record has beyond a person's names: ids, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpicRecord {
    /// One or several templates.
    pub templates: Vec<String>,
    /// Sub-templates, perhaps none.
    pub sub_templates: Vec<String>,
    /// Other EMP records of the person, perhaps none.
    pub linked_emp: Vec<String>,
    /// The person's SER records, perhaps none.
    pub linked_ser: Vec<String>,
}

/// One person of the customer's, as Okta's directory holds them. An empty string is an attribute without a value.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Okta's user id, sent as `externalId`: `00u` and 17 letters or digits.
    pub okta_id: String,
    /// Sign-in name: looks like an e-mail address, in a reserved domain.
    pub user_name: String,
    /// Primary e-mail address.
    pub email: String,
    /// Given name, of any script.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Job title.
    pub title: String,
    /// Department.
    pub department: String,
    /// `Employee` or `Contractor`.
    pub user_type: String,
    /// Number in the customer's personnel files.
    pub employee_number: String,
    /// Work telephone, in the range reserved for fiction.
    pub phone: String,
    /// What kind of telephone that is: `work`, `mobile`.
    pub phone_type: String,
    /// Street and house number.
    pub street: String,
    /// City.
    pub city: String,
    /// State.
    pub region: String,
    /// Name of the time zone in the tz database.
    pub timezone: String,
    /// Locale, `en-US`.
    pub locale: String,
    /// Random password, as Okta always sends one on create.
    pub password: String,
    /// Set for a dispensing provider.
    pub provider: Option<Provider>,
    /// A manager rather than an assistant.
    pub manager: bool,
    /// Site numbers, at least one, each once.
    pub site_numbers: Vec<String>,
    /// What an Epic EMP record is made of.
    pub epic: EpicRecord,
}

impl Person {
    /// Given and family name.
    pub fn display_name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }
}

// Neither the password nor a provider's numbers may reach a log by way of `{:?}`.
impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person").field("user_name", &self.user_name).finish_non_exhaustive()
    }
}

/// The people of one run: an endless list by index.
#[derive(Clone, Debug)]
pub struct People {
    seed: u64,
    tag: String,
}

impl People {
    /// People by seed. `salt` keeps runs of different sizes or guides apart on one server.
    pub fn new(seed: u64, salt: &str) -> Self {
        let mixed = mix(seed, salt);
        let mut rng = StdRng::seed_from_u64(mixed);
        Self { seed: mixed, tag: text(&mut rng, b"abcdefghjkmnpqrstuvwxyz", 5) }
    }

    /// The mark of this run: five letters, in every userName as `.{tag}-`, and in group names.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// What stands in every userName of this run and in no other.
    pub fn mark(&self) -> String {
        format!(".{}-", self.tag)
    }

    /// The person number `index`.
    pub fn person(&self, index: usize) -> Person {
        let mut rng =
            StdRng::seed_from_u64(self.seed.wrapping_add((index as u64 + 1).wrapping_mul(0x9e37_79b9)));
        let (given_name, given) = pick(&mut rng, &GIVEN);
        let (family_name, family) = pick(&mut rng, &FAMILY);
        let (city, region, timezone, locale) = pick(&mut rng, &PLACES);
        let user_name = format!("{given}.{family}.{}-{index}@{}", self.tag, pick(&mut rng, &DOMAINS));
        let manager = rng.random_range(0..4) == 0;
        let provider = (rng.random_range(0..2) == 0).then(|| provider(&mut rng, family));
        Person {
            okta_id: format!("00u{}", text(&mut rng, b"abcdefghijkmnpqrstuvwxyz0123456789", 17)),
            email: user_name.clone(),
            user_name,
            given_name: given_name.into(),
            family_name: family_name.into(),
            title: pick(&mut rng, &TITLES).into(),
            department: pick(&mut rng, &DEPARTMENTS).into(),
            user_type: pick(&mut rng, &["Employee", "Employee", "Contractor"]).into(),
            employee_number: format!("E{:06}", rng.random_range(0..1_000_000)),
            phone: format!("+1-{}-555-01{:02}", rng.random_range(201..990), rng.random_range(0..100)),
            phone_type: "work".into(),
            street: format!(
                "{} {} Street",
                rng.random_range(1..999),
                pick(&mut rng, &["Elm", "Oak", "King", "Río"])
            ),
            city: city.into(),
            region: region.into(),
            timezone: timezone.into(),
            locale: locale.into(),
            password: format!("{}9Z!", text(&mut rng, b"abcdefghijkmnpqrstuvwxyz0123456789", 14)),
            provider,
            manager,
            site_numbers: some(&mut rng, &SITE_NUMBERS, 1..4),
            epic: EpicRecord {
                templates: some(&mut rng, &TEMPLATES, 1..4),
                sub_templates: some(&mut rng, &SUB_TEMPLATES, 0..3),
                linked_emp: some(&mut rng, &LINKED_EMP, 0..3),
                linked_ser: some(&mut rng, &LINKED_SER, 0..3),
            },
        }
    }

    /// A GUID of this run's, the same for the same name: object ids as Entra has them.
    pub fn guid(&self, name: &str) -> String {
        let mut rng = StdRng::seed_from_u64(mix(self.seed, name));
        let mut hex = |length| text(&mut rng, b"0123456789abcdef", length);
        let (head, rest) = (hex(7), [hex(4), hex(3), hex(3), hex(12)]);
        // A letter first, so that it differs from itself in capitals.
        format!("a{head}-{}-4{}-8{}-{}", rest[0], rest[1], rest[2], rest[3])
    }

    /// An address of this run's that nobody has.
    pub fn nobody(&self, index: usize) -> String {
        format!("nobody.{}-none-{index}@example.com", self.tag)
    }
}

/// A seed of its own for each salt.
fn mix(seed: u64, salt: &str) -> u64 {
    salt.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |mixed, byte| {
        (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn pick<T: Copy>(rng: &mut StdRng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

fn text(rng: &mut StdRng, alphabet: &[u8], length: usize) -> String {
    (0..length).map(|_| char::from(pick(rng, alphabet))).collect()
}

/// So many of a list, each once.
fn some(rng: &mut StdRng, from: &[&str], many: std::ops::Range<usize>) -> Vec<String> {
    let first = rng.random_range(0..from.len());
    let many = rng.random_range(many);
    (0..many).map(|step| from[(first + step) % from.len()].to_owned()).collect()
}

fn provider(rng: &mut StdRng, family: &str) -> Provider {
    let physician_assistant = rng.random_range(0..3) == 0;
    let first = if physician_assistant { b'M' } else { pick(rng, b"ABFG") };
    let second = family.bytes().next().unwrap_or(b'9').to_ascii_uppercase();
    let digits: [u32; 6] = std::array::from_fn(|_| rng.random_range(0..10));
    let mut dea_license = String::from_iter([char::from(first), char::from(second)]);
    dea_license
        .extend(digits.iter().chain([&dea_check_digit(digits)]).filter_map(|d| char::from_digit(*d, 10)));
    Provider { npi: npi(rng), dea_license, physician_assistant }
}

/// A valid NPI: first digit 1 or 2, the last makes the Luhn sum of all ten plus 24 a multiple of ten.
fn npi(rng: &mut StdRng) -> String {
    let mut digits = vec![rng.random_range(1..3)];
    digits.extend((0..8).map(|_| rng.random_range(0..10_u32)));
    digits.push(npi_check_digit(&digits));
    digits.into_iter().filter_map(|digit| char::from_digit(digit, 10)).collect()
}

/// The check digit for the first nine digits of an NPI (24 stands for the prefix 80840).
fn npi_check_digit(nine: &[u32]) -> u32 {
    let sum: u32 = nine
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    (10 - (sum + 24) % 10) % 10
}

/// The seventh digit of a DEA number.
fn dea_check_digit([a, b, c, d, e, f]: [u32; 6]) -> u32 {
    (a + c + e + 2 * (b + d + f)) % 10
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn check_digits_agree_with_known_numbers() {
        for (nine, check) in [("123456789", 3), ("124531959", 9), ("167957672", 2)] {
            let digits: Vec<u32> = nine.chars().filter_map(|c| c.to_digit(10)).collect();
            assert_eq!(npi_check_digit(&digits), check, "{nine}");
        }
        assert_eq!(dea_check_digit([5, 8, 3, 6, 7, 2]), 7);
        assert_eq!(dea_check_digit([1, 3, 8, 8, 5, 6]), 8);
        assert_eq!(dea_check_digit([1, 2, 3, 4, 5, 6]), 3);
    }

    #[test]
    fn every_provider_has_valid_numbers() {
        let people = People::new(7, "numbers");
        let mut seen = 0;
        for provider in (0..500).filter_map(|i| people.person(i).provider) {
            seen += 1;
            let npi: Vec<u32> = provider.npi.chars().filter_map(|c| c.to_digit(10)).collect();
            assert_eq!(npi.len(), 10);
            assert!((1..=2).contains(&npi[0]));
            assert_eq!(npi_check_digit(&npi[..9]), npi[9]);
            let (letters, digits) = provider.dea_license.split_at(2);
            assert!("ABFGM".contains(&letters[..1]) && letters.bytes().all(|b| b.is_ascii_uppercase()));
            let digits: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
            assert_eq!(digits.len(), 7);
            assert_eq!(dea_check_digit(digits[..6].try_into().unwrap()), digits[6]);
        }
        assert!(seen > 150);
    }

    #[test]
    fn the_same_seed_gives_the_same_people_and_another_seed_others() {
        let (a, b, c) = (People::new(1, "x"), People::new(1, "x"), People::new(2, "x"));
        assert!((0..50).all(|i| a.person(i) == b.person(i)));
        assert_ne!(a.tag(), c.tag());
        assert_ne!(a.tag(), People::new(1, "y").tag());
        assert!((0..50).all(|i| a.person(i).user_name != c.person(i).user_name));
    }

    #[test]
    fn addresses_are_unique_reserved_and_marked() {
        let people = People::new(3, "x");
        let all: Vec<Person> = (0..2000).map(|i| people.person(i)).collect();
        let names: HashSet<&str> = all.iter().map(|p| p.user_name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        let ids: HashSet<&str> = all.iter().map(|p| p.okta_id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
        for person in &all {
            assert!(person.user_name.is_ascii() && person.user_name.contains(&people.mark()));
            assert!(DOMAINS.iter().any(|domain| person.email.ends_with(domain)));
            assert_eq!(person.okta_id.len(), 20);
            assert!(person.phone.contains("-555-01"));
            assert!(!person.site_numbers.is_empty());
            assert!(person.site_numbers.iter().all(|site| SITE_NUMBERS.contains(&site.as_str())));
            assert!(!person.given_name.chars().any(char::is_numeric), "providers' names hold no digits");
            assert!(!person.epic.templates.is_empty());
            assert!(person.epic.templates.iter().all(|id| TEMPLATES.contains(&id.as_str())));
        }
        assert!(all.iter().any(|p| !p.given_name.is_ascii()));
        assert!(all.iter().any(|p| p.family_name.contains('\'')));
    }

    #[test]
    fn guids_look_like_guids_and_differ() {
        let people = People::new(5, "x");
        let all: HashSet<String> = (0..500).map(|i| people.guid(&format!("user {i}"))).collect();
        assert_eq!(all.len(), 500);
        assert!(all.contains(&People::new(5, "x").guid("user 7")));
        for guid in &all {
            let lengths: Vec<usize> = guid.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12]);
            assert!(guid.chars().all(|c| c == '-' || c.is_ascii_hexdigit()) && *guid != guid.to_uppercase());
        }
    }

    #[test]
    fn a_person_in_a_log_shows_no_secret() {
        let people = People::new(5, "x");
        let person = (0..9).map(|i| people.person(i)).find(|p| p.provider.is_some()).unwrap();
        let shown = format!("{person:?}");
        assert!(!shown.contains(&person.password));
        assert!(!shown.contains(&person.provider.unwrap().npi));
    }
}

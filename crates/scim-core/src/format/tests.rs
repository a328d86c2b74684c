//! Each format by tables: what it takes and in which form, what it refuses, and that no error holds the value.

use serde_json::{Value, json};

use super::*;

/// A text, and the form in which it is kept.
type Good = [(&'static str, &'static str)];
/// A text, and a word of what is said of it.
type Bad = [(&'static str, &'static str)];

fn table(format: &Format, good: &Good, bad: &Bad) {
    assert!(good.len() >= 10 && bad.len() >= 10, "{}", format.name());
    for (text, kept) in good {
        assert_eq!(format.check(text).as_deref(), Ok(*kept), "{} {text:?}", format.name());
        assert_eq!(format.check(kept).as_deref(), Ok(*kept), "{} {kept:?} is kept as it is", format.name());
    }
    for (text, word) in bad {
        let misfit = format.check(text).expect_err(text);
        let said = misfit.to_string();
        assert!(said.contains(word), "{} {text:?}: {said}", format.name());
        assert!(said.starts_with("is ") && said.contains("; send "), "{text:?} has a remedy: {said}");
        let bare = text.trim();
        assert!(bare.len() < 2 || !misfit.class.contains(bare), "{text:?} is not repeated: {said}");
    }
}

#[test]
fn npi() {
    table(
        &Format::Npi,
        &[
            ("1234567893", "1234567893"),
            ("1245319599", "1245319599"),
            ("1679576722", "1679576722"),
            (" 1234567893 ", "1234567893"),
            ("1234567893\n", "1234567893"),
            ("1003000126", "1003000126"),
            ("1992999825", "1992999825"),
            ("1881690345", "1881690345"),
            ("2234567891", "2234567891"),
            ("2000000002", "2000000002"),
        ],
        &[
            ("1234567890", "check digit"),
            ("1234567839", "check digit"),
            ("3234567899", "neither 1 nor 2"),
            ("0234567896", "neither 1 nor 2"),
            ("123456789", "9 digits"),
            ("12345678931", "11 digits"),
            ("12345 67893", "a text of 11 characters"),
            ("123456789X", "a text of 10 characters"),
            ("１２３４５６７８９３", "a text of 10 characters"),
            ("   ", "a blank text"),
            ("", "a blank text"),
            ("1", "1 digit;"),
            ("+1234567893", "a text of 11 characters"),
        ],
    );
    assert!(Format::Npi.takes_numbers() && Format::Npi.is_sensitive());
}

/// Luhn's promise: one wrong digit, or two neighbours swapped, shows, but for 09 and 90.
#[test]
fn npi_catches_slips_of_the_pen() {
    let good: Vec<u8> = b"1245319599".to_vec();
    for at in 0..10 {
        for digit in (b'0'..=b'9').filter(|digit| *digit != good[at]) {
            let mut wrong = good.clone();
            wrong[at] = digit;
            assert!(npi::check(std::str::from_utf8(&wrong).expect("ascii")).is_err(), "{at} {digit}");
        }
    }
    for at in 0..9 {
        let mut swapped = good.clone();
        swapped.swap(at, at + 1);
        if swapped != good {
            assert!(npi::check(std::str::from_utf8(&swapped).expect("ascii")).is_err(), "{at}");
        }
    }
}

#[test]
fn dea() {
    table(
        &Format::Dea(dea::Registrants::default()),
        &[
            ("AP5836727", "AP5836727"),
            ("BB1388568", "BB1388568"),
            ("F91234563", "F91234563"),
            ("ap5836727", "AP5836727"),
            ("bB1388568", "BB1388568"),
            ("f91234563", "F91234563"),
            (" AP5836727 ", "AP5836727"),
            ("AP5836272", "AP5836272"),
            ("MZ1234563", "MZ1234563"),
            ("X91234563", "X91234563"),
            ("ua0000000", "UA0000000"),
        ],
        &[
            ("AP5836728", "check digit"),
            ("QB1234563", "registrant letter"),
            ("IB1234563", "registrant letter"),
            ("nB1234563", "registrant letter"),
            ("9B1234563", "registrant letter"),
            ("A81234563", "neither a letter nor 9"),
            ("A-1234563", "neither a letter nor 9"),
            ("AP583672", "a text of 8 characters"),
            ("AP58367277", "a text of 10 characters"),
            ("AP58367 7", "not all digits"),
            ("APX836727", "not all digits"),
            ("", "a blank text"),
            ("   ", "a blank text"),
            ("123456789", "registrant letter"),
            ("ÄP5836727", "a text of 9 characters"),
        ],
    );
    assert!(Format::Dea(dea::Registrants::default()).is_sensitive());
}

#[test]
fn dea_letters_are_a_setting() {
    let only_w = dea::Registrants::new("w").expect("a letter");
    assert!(dea::check("WB1234563", &only_w).is_ok());
    assert!(dea::check("AB1234563", &only_w).is_err());
    for letters in ["", "AA", "Aa", "A1", "Ä", "A B"] {
        assert_eq!(dea::Registrants::new(letters), None, "{letters}");
    }
}

#[test]
fn dea_beside_a_family_name() {
    let rows: [(&str, &str, bool); 14] = [
        ("AP5836727", "Parker", false),
        ("AP5836727", "parker", false),
        ("AP5836727", "Van Patten", false),
        ("AP5836727", "Smith-Parker", false),
        ("AP5836727", "O'Parker", false),
        ("AP5836727", "", false),
        ("AP5836727", "Émile", false),
        ("AP5836727", "Павлов", false),
        ("F91234563", "Parker", false),
        ("", "Parker", false),
        ("AP5836727", "Smith", true),
        ("AP5836727", "Van Dyke", true),
        ("ap5836727", "smith", true),
        ("AP5836727", "Lopez", true),
    ];
    for (number, name, warned) in rows {
        assert_eq!(dea::warning(number, name).is_some(), warned, "{number} {name}");
    }
}

#[test]
fn time_zone() {
    table(
        &Format::TimeZone,
        &[
            ("US/Eastern", "US/Eastern"),
            ("US/Central", "US/Central"),
            ("US/Mountain", "US/Mountain"),
            ("US/Pacific", "US/Pacific"),
            ("US/Alaska", "US/Alaska"),
            ("US/Hawaii", "US/Hawaii"),
            ("us/eastern", "US/Eastern"),
            ("AMERICA/NEW_YORK", "America/New_York"),
            (" Europe/Kiev ", "Europe/Kiev"),
            ("UTC", "UTC"),
            ("etc/gmt+5", "Etc/GMT+5"),
            ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ],
        &[
            ("Eastern", "no name of the IANA"),
            ("EST/EDT", "no name"),
            ("Eastern Standard Time", "a text of 21 characters"),
            ("GMT-5", "no name"),
            ("US/Pacific-New", "no name"),
            ("America", "no name"),
            ("America/", "no name"),
            ("New York", "no name"),
            ("+05:00", "no name"),
            ("Factory", "no name"),
            ("America/New York", "no name"),
            ("", "a blank text"),
            ("5", "1 digit,"),
        ],
    );
}

#[test]
fn email() {
    table(
        &Format::Email,
        &[
            ("ann@example.com", "ann@example.com"),
            ("Ann@Example.COM", "Ann@Example.COM"),
            (" ann@example.com ", "ann@example.com"),
            ("ann.lee@mail.example.com", "ann.lee@mail.example.com"),
            ("ann+scim@example.com", "ann+scim@example.com"),
            ("o'brien@example.ie", "o'brien@example.ie"),
            ("a@b.co", "a@b.co"),
            ("émile@example.fr", "émile@example.fr"),
            ("ann@münchen.example", "ann@münchen.example"),
            ("7@example.com", "7@example.com"),
            ("ann_lee-1@a-b.example", "ann_lee-1@a-b.example"),
        ],
        &[
            ("ann", "without an @"),
            ("ann.example.com", "without an @"),
            ("@example.com", "before the @"),
            ("ann@", "no domain"),
            ("ann@example", "no domain"),
            ("ann@example..com", "no domain"),
            ("ann@-example.com", "no domain"),
            ("ann@example.com.", "no domain"),
            ("ann@@example.com", "more than one @"),
            ("ann lee@example.com", "before the @"),
            ("ann..lee@example.com", "before the @"),
            (".ann@example.com", "before the @"),
            ("Ann <ann@example.com>", "before the @"),
            ("ann@exam ple.com", "no domain"),
            ("", "a blank text"),
        ],
    );
    let long = format!("{}@example.com", "a".repeat(65));
    assert!(email::check(&long).is_err_and(|misfit| misfit.class.contains("longer")));
}

#[test]
fn phone() {
    table(
        &Format::E164,
        &[
            ("+12025550143", "+12025550143"),
            ("+1 202 555 0143", "+12025550143"),
            ("+1 (202) 555-0143", "+12025550143"),
            ("+1.202.555.0143", "+12025550143"),
            ("tel:+1-202-555-0143", "+12025550143"),
            ("TEL:+12025550143", "+12025550143"),
            (" +4930123456 ", "+4930123456"),
            ("+290 1234", "+2901234"),
            ("+123456789012345", "+123456789012345"),
            ("+44 20 7946 0958", "+442079460958"),
        ],
        &[
            ("2025550143", "10 digits without a +"),
            ("(202) 555-0143", "without a +"),
            ("0012025550143", "without a +"),
            ("+02025550143", "begins with 0"),
            ("+120255", "6 digits"),
            ("+1234567890123456", "16 digits"),
            ("+1202555CALL", "other characters"),
            ("+12025550143 x12", "other characters"),
            ("tel:+12025550143;ext=5", "other characters"),
            ("++12025550143", "other characters"),
            ("", "a blank text"),
            ("+", "0 digits"),
        ],
    );
}

#[test]
fn no_digits() {
    table(
        &Format::NoDigits,
        &[
            ("Ann", "Ann"),
            ("O'Brien", "O'Brien"),
            ("Smith-Jones", "Smith-Jones"),
            ("Émile", "Émile"),
            ("Павлов", "Павлов"),
            ("李", "李"),
            ("van der Berg", "van der Berg"),
            ("St. John", "St. John"),
            ("Henry III", "Henry III"),
            ("", ""),
        ],
        &[
            ("Ann2", "digits"),
            ("2Ann", "digits"),
            ("A2n", "digits"),
            ("007", "digits"),
            ("Ann 2", "digits"),
            ("Ann²", "digits"),
            ("Ann٣", "digits"),
            ("Ann３", "digits"),
            ("Ⅲ", "digits"),
            ("Smith-2", "digits"),
        ],
    );
}

#[test]
fn comma_list() {
    let good: [(Value, &[&str]); 12] = [
        (json!("12,17"), &["12", "17"]),
        (json!("12, 17"), &["12", "17"]),
        (json!(" 12 ,, 17 , "), &["12", "17"]),
        (json!("12,12"), &["12"]),
        (json!("a, A"), &["a"]),
        (json!(["12", "17"]), &["12", "17"]),
        (json!(["12", "12", " 17 "]), &["12", "17"]),
        (json!(["12, 17", "18"]), &["12", "17", "18"]),
        (json!([12, 17]), &["12", "17"]),
        (json!(12), &["12"]),
        (json!(["12", null]), &["12"]),
        (json!(" , "), &[]),
    ];
    for (value, elements) in good {
        assert_eq!(comma_list::elements(&value).as_deref(), Some(&elements.map_strings()[..]), "{value}");
    }
    for bad in [
        json!(true),
        json!(false),
        json!({}),
        json!({"value": "12"}),
        json!([true]),
        json!([{"value": "12"}]),
        json!([["12"]]),
        json!(["12", {}]),
        json!(["12", []]),
        json!(["12", false]),
    ] {
        assert_eq!(comma_list::elements(&bad), None, "{bad}");
    }
    assert_eq!(Format::CommaList.check(" b, a ,b").as_deref(), Ok("b,a"));
}

/// Texts of a table as they are compared.
trait Strings {
    fn map_strings(self) -> Vec<String>;
}

impl Strings for &[&str] {
    fn map_strings(self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

#[test]
fn every_name_is_a_format() {
    for name in NAMES {
        let format = Format::by_name(name, &dea::Registrants::default()).expect(name);
        assert_eq!(format.name(), name);
    }
    assert_eq!(Format::by_name("NPI", &dea::Registrants::default()), None);
}

//! Each format by tables: what it takes and in which form, what it refuses, and that no error holds the value.

use serde_json::{Value, json};

use super::{
    tables::{Table, tables},
    *,
};

#[test]
fn each_format_by_its_table() {
    let told: Vec<&str> = tables().iter().map(|table| table.format.name()).collect();
    let others: Vec<&str> = NAMES.into_iter().filter(|name| !told.contains(name)).collect();
    assert_eq!(others, ["comma-list"], "each format has a table");
    for Table { format, good, bad } in tables() {
        let name = format.name();
        assert!(good.len() >= 10 && bad.len() >= 10, "{name}");
        for (text, kept) in good {
            assert_eq!(format.check(text).as_deref(), Ok(*kept), "{name} {text:?}");
            assert_eq!(format.check(kept).as_deref(), Ok(*kept), "{name} {kept:?} is kept as it is");
        }
        for (text, word) in bad {
            let misfit = format.check(text).expect_err(text);
            let said = misfit.to_string();
            assert!(misfit.class.contains(word), "{name} {text:?}: {said}");
            assert_eq!(said, format!("is {}; {}", misfit.class, misfit.remedy));
            assert!(misfit.remedy.starts_with("send "), "{text:?} has a remedy: {said}");
            let bare = text.trim();
            assert!(bare.len() < 2 || !misfit.class.contains(bare), "{text:?} is not repeated: {said}");
        }
    }
}

#[test]
fn npi_takes_numbers_and_is_sensitive() {
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
fn dea_is_sensitive() {
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
fn addresses_have_a_length() {
    let long = format!("{}@example.com", "a".repeat(65));
    assert!(email::check(&long).is_err_and(|misfit| misfit.class.contains("longer")));
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

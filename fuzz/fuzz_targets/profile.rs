//! A profile as TOML, with its rules (CEL), patterns and role mapping: refused at a place of the text, or a profile that loads
//! again and judges users within bounds.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rollcall_fuzz::{LENIENCIES, assert_refusal, canonical};
use scim_core::{
    Document, intake,
    profile::{BUILTIN, Profile},
    value_set::ValueSets,
};
use serde_json::{Value, json};

/// Bodies of users that every profile is asked about.
static USERS: LazyLock<[Value; 3]> = LazyLock::new(|| {
    let many: Vec<_> = (0..50).map(|n| json!({"value": format!("a{n}@x.example"), "type": "work"})).collect();
    [
        json!({"userName": "ann@x.example", "name": {"givenName": "Ann", "familyName": "Ames"}, "active": "True"}),
        json!({"userName": "bo", "emails": many, "roles": [{"value": "Manager"}], "title": "é\n=1", "npi": "1234567893"}),
        json!({"userName": "cy", "active": false, "siteNumbers": ["1", "2"], "isProvider": "maybe", "timezone": "US/Eastern"}),
    ]
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    check(text);
    // Most texts are no profile; behind one that is, they are a part of it.
    let at = data.first().map_or(0, |first| usize::from(*first)) % BUILTIN.len();
    check(&format!("{}\n{}", BUILTIN[at].1, text.get(1..).unwrap_or_default()));
});

fn check(text: &str) {
    let profile = match Profile::from_toml(text) {
        Ok(profile) => profile,
        Err(error) => {
            assert!((1..=text.matches('\n').count() + 1).contains(&error.line), "{error}");
            assert!(error.column >= 1 && !error.problem.is_empty(), "{error}");
            return;
        }
    };
    assert!(Profile::from_saved_toml(text).is_ok(), "a saved profile loads");
    let sets = profile.value_sets_of(&ValueSets::default());
    for body in &*USERS {
        for leniencies in LENIENCIES {
            judge(&profile, &sets, body, leniencies);
        }
    }
    for name in ["Envi_Manager", "", "App_\u{130}", &"x".repeat(1024)] {
        let _ = profile.roles_of_group(&sets, name, Some("0oa"));
    }
}

fn judge(profile: &Profile, sets: &ValueSets, body: &Value, leniencies: scim_core::leniency::Leniencies) {
    let mut document: Document = match intake::take(&profile.user, leniencies, body) {
        Ok(taken) => taken.document,
        Err(error) => return assert_refusal(&error),
    };
    match intake::validate_for(&profile.user, sets, intake::Findings::default(), &mut document) {
        Ok(_) => canonical::assert_document(&profile.user, &document),
        Err(error) => assert_refusal(&error),
    }
}

//! Rows opened, swapped, changed.

use super::*;
use crate::vault::tests::{master, vault};

fn ring(rows: &[SigningKey], vault: &Vault) -> Result<KeyRing, MasterKeyError> {
    KeyRing::of(rows.to_vec(), vault, 0)
}

fn text(result: Result<KeyRing, MasterKeyError>) -> String {
    result.err().map(|error| error.0).unwrap_or_default()
}

fn retired(row: &SigningKey, vault: &Vault) -> SigningKey {
    let sealed = retired_seal(row, vault).expect("sealed");
    SigningKey { state: KeyState::Retired, sealed, retired_at: Some(1), ..row.clone() }
}

#[test]
fn a_key_is_read_back_out_of_its_vault_only() {
    let vault = vault(1);
    let row = generate(KeyState::Active, &vault, 7).expect("a key");
    assert_eq!((row.public_key.len(), row.kid.len(), row.created_at, row.active_at), (32, 16, 7, Some(7)));
    let opened = ring(std::slice::from_ref(&row), &vault).expect("a ring");
    assert!(opened.signing.as_ref().is_some_and(|signing| signing.kid == row.kid));
    assert!(opened.verifying(&row.kid).is_some() && opened.verifying("other").is_none());
    let refused = text(ring(&[row], &crate::vault::tests::vault(2)));
    assert!(refused.contains("ROLLCALL_MASTER_KEY") && refused.contains("master.key"), "{refused}");
}

#[test]
fn a_row_that_was_tampered_with_is_refused() {
    let vault = vault(1);
    let [mine, next] = KeyRing::first_keys(&vault, 0).expect("keys");
    let theirs = generate(KeyState::Active, &vault, 0).expect("a key");
    let swapped = SigningKey { public_key: theirs.public_key.clone(), ..mine.clone() };
    assert!(text(ring(&[swapped], &vault)).contains("does not hold together"));
    let renamed = SigningKey { kid: theirs.kid.clone(), ..mine.clone() };
    assert!(text(ring(&[renamed], &vault)).contains("does not hold together"));
    assert!(text(ring(&[], &vault)).contains("no active signing key"));
    assert!(text(ring(&[next], &vault)).contains("no active signing key"));

    // The public half of a retired key is as safe, though its private one is gone.
    let old = retired(&theirs, &vault);
    assert!(ring(&[old.clone(), mine.clone()], &vault).is_ok());
    for forged in [
        SigningKey { public_key: mine.public_key.clone(), ..old.clone() },
        SigningKey { sealed: mine.sealed.clone(), ..old.clone() },
        SigningKey { sealed: retired(&mine, &vault).sealed, ..old.clone() },
        SigningKey { state: KeyState::Next, ..old.clone() },
        SigningKey { state: KeyState::Retired, ..theirs.clone() },
    ] {
        assert!(!text(ring(&[forged, mine.clone()], &vault)).is_empty());
    }
}

#[test]
fn a_retired_key_verifies_and_cannot_sign() {
    let vault = vault(1);
    let [active, next] = KeyRing::first_keys(&vault, 1).expect("keys");
    let old = generate(KeyState::Active, &vault, 0).expect("a key");
    assert!(private_half(&old, &vault).is_ok());
    let old = retired(&old, &vault);
    assert!(private_half(&old, &vault).is_err(), "the private half is gone");
    let opened = ring(&[old.clone(), active.clone(), next.clone()], &vault).expect("a ring");
    assert!(opened.signing.as_ref().is_some_and(|signing| signing.kid == active.kid));
    assert!(opened.verifying(&old.kid).is_some() && opened.verifying(&next.kid).is_some());
}

#[test]
fn a_key_from_before_data_keys_is_sealed_anew() {
    let vault = vault(1);
    let row = generate(KeyState::Active, &vault, 0).expect("a key");
    let context = private_context(&row.kid);
    let plain = vault.open(&row.sealed, &context).expect("opened");
    let first = SigningKey { sealed: master(1).encrypt(&plain, &context).expect("encrypted"), ..row.clone() };
    assert!(ring(std::slice::from_ref(&first), &vault).is_ok());
    let sealed = resealed(&first, &vault).expect("resealed").expect("anew");
    assert!(!Vault::is_outdated(&sealed));
    let after = SigningKey { sealed, ..first };
    assert!(ring(std::slice::from_ref(&after), &vault).is_ok());
    assert_eq!(resealed(&after, &vault).expect("asked"), None);
}

/// Another node has replaced the keys of a lost master key: what was trusted before is not, and nothing is signed.
#[test]
fn of_keys_that_do_not_open_none_is_trusted() {
    let (mine, other) = (vault(1), vault(2));
    let [active, next] = KeyRing::first_keys(&mine, 0).expect("keys");
    let before = ring(&[active.clone(), next.clone()], &mine).expect("a ring");
    let [strange, strange_next] = KeyRing::first_keys(&other, 1).expect("keys");
    let after = before.what_remains(vec![strange.clone(), strange_next], 1).expect("a ring");
    assert!(after.signing.is_none());
    for kid in [&active.kid, &next.kid, &strange.kid] {
        assert!(after.verifying(kid).is_none());
    }
    assert!(after.published.body.contains("\"keys\":[]"));
    let forged = SigningKey { public_key: strange.public_key, ..active.clone() };
    let mixed = before.what_remains(vec![forged, next.clone()], 1).expect("a ring");
    assert!(mixed.verifying(&active.kid).is_none() && mixed.verifying(&next.kid).is_some());
    let same = before.what_remains(vec![active.clone(), next], 1).expect("a ring");
    assert!(same.signing.is_some_and(|signing| signing.kid == active.kid));
}

//! Which token is in use, as a table.

use scim_core::profile::CredentialKind;

use super::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// The rotation was at 0, and it is three hours later.
const NOW: i64 = 3 * HOUR;

fn token(name: &str, hint: &str, created_at: i64, used_at: Option<i64>) -> Credential {
    Credential {
        id: CredentialId::generate(),
        kind: CredentialKind::Bearer,
        name: name.into(),
        scope: "scim:read".into(),
        login: None,
        secret_hash: None,
        hint: hint.into(),
        created_at,
        created_by: String::new(),
        expires_at: Some(24 * HOUR),
        revoked_at: None,
        last_used_at: used_at,
        last_used_from: used_at.map(|_| "203.0.113.7 Okta SCIM Client 1.0.0".into()),
        user: None,
        replaced: false,
        allowed_from: Default::default(),
        warned_days: None,
        kid: None,
    }
}

fn old(used_at: Option<i64>) -> Credential {
    Credential { replaced: true, ..token("Okta", "a1b2", -100 * HOUR, used_at) }
}

fn new(used_at: Option<i64>) -> Credential {
    token("okta", "e5f6", 0, used_at)
}

#[test]
fn the_last_uses_tell_which_token_is_in_use() {
    let ago = |minutes: i64| Some(NOW - minutes * MINUTE);
    for (old_used, new_used, expected, words) in [
        (None, None, InUse::Neither, "Neither token"),
        (Some(-HOUR), None, InUse::Neither, "before 1970-01-02 00:00 UTC"),
        (Some(0), None, InUse::Old, "Still the old token, …a1b2, last used 3 hours ago"),
        (ago(2), None, InUse::Old, "before 1970-01-02 00:00 UTC"),
        (ago(120), ago(3), InUse::New, "safe to revoke"),
        (Some(-HOUR), ago(3), InUse::New, "was used 3 minutes ago from 203.0.113.7 Okta SCIM Client"),
        (None, ago(3), InUse::New, "was never used: it is safe"),
        (ago(60), ago(1), InUse::New, "safe to revoke"),
        // Just switched over; or another app has the old one still.
        (ago(59), ago(1), InUse::Both, "until it was not used for an hour"),
        (ago(1), ago(3), InUse::Both, "another app has it still"),
        (ago(1), ago(170), InUse::Both, "another app has it still"),
    ] {
        let credentials = [new(new_used), old(old_used)];
        let states = RotationState::all(&credentials, NOW);
        let [state] = states.as_slice() else { panic!("one rotation: {states:?}") };
        assert_eq!(state.in_use, expected, "{old_used:?} {new_used:?}");
        assert_eq!(state.in_use.safe_to_revoke(), expected == InUse::New);
        let advice = state.advice(NOW);
        assert!(advice.contains(words), "{words}: {advice}");
        assert_eq!((state.new.id, state.old.id), (credentials[0].id, credentials[1].id));
    }
}

#[test]
fn only_pairs_that_live_are_told() {
    let count = |credentials: &[Credential]| RotationState::all(credentials, NOW).len();
    let (new, old) = (new(None), old(None));
    assert_eq!(count(&[new.clone(), old.clone()]), 1);
    assert_eq!(count(&[new.clone(), Credential { revoked_at: Some(1), ..old.clone() }]), 0);
    assert_eq!(count(&[new.clone(), Credential { expires_at: Some(NOW), ..old.clone() }]), 0);
    assert_eq!(count(&[Credential { revoked_at: Some(1), ..new.clone() }, old.clone()]), 0);
    assert_eq!(count(&[Credential { name: "Entra".into(), ..new.clone() }, old.clone()]), 0);
    assert_eq!(count(std::slice::from_ref(&old)), 0);
    // Rotated twice within the grace: both old ones have made way for the last.
    let older = Credential { id: CredentialId::generate(), ..old.clone() };
    assert_eq!(count(&[new, old, older]), 2);
}

//! Which password has matched which hash: remembered, so that argon2 runs once for a credential and not with each
//! request.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use moka::future::Cache;
use scim_core::fold;
use secrecy::{ExposeSecret, SecretString};
use store::{CredentialId, credentials::Credential};

use crate::{desk::Desk, passwords::PasswordError};

/// Pairs that are remembered.
const CAPACITY: u64 = 10_000;
/// A pair that nobody has asked for this long is forgotten. One that is used stays: the hash is part of it, and whoever
/// asks has read the row.
const IDLE: Duration = Duration::from_secs(24 * 3600);

/// Names what was presented, so that no password lies in memory: HMAC-SHA256 under a key that the process has made for
/// itself and that goes with it.
pub(crate) type Fingerprint = [u8; 32];

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unproven {
    /// The password is another one, or there is nobody of that name.
    Wrong,
    /// Too many passwords are being checked.
    Busy,
    /// The hash cannot be read.
    Broken(CredentialId),
}

/// See the module. A proof is about a password and a hash, so it stays true whatever happens to the credential: who
/// asks must know that the credential is still good.
pub(crate) struct Proofs {
    key: hmac::Key,
    desk: &'static Desk,
    proven: Cache<Fingerprint, ()>,
}

impl Proofs {
    /// Proofs that are made at this desk.
    pub(crate) fn new(desk: &'static Desk) -> Self {
        Self {
            desk,
            key: hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>()),
            proven: Cache::builder().max_capacity(CAPACITY).time_to_idle(IDLE).build(),
        }
    }

    /// The fingerprint of some texts, each with its length, so that no other texts give the same.
    pub(crate) fn fingerprint(&self, texts: &[&str]) -> Fingerprint {
        let mut context = hmac::Context::with_key(&self.key);
        for text in texts {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        }
        let mut fingerprint = Fingerprint::default();
        for (to, from) in fingerprint.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        fingerprint
    }

    /// Is it the password of this credential? Without a credential the answer is no, and costs as much. Those who ask
    /// the same at the same time wait for one answer; a no is not remembered.
    pub(crate) async fn ask(
        &self,
        credential: Option<&Credential>,
        username: &str,
        password: &SecretString,
    ) -> Result<(), Unproven> {
        let hash = credential.and_then(|credential| credential.secret_hash.clone());
        let known = credential.map(|credential| credential.id);
        // The name stands for a credential that is not there: two names that nobody has must not share an answer,
        // or the time that it takes would tell them from one that somebody has.
        let who = known.map_or_else(|| fold(username), |id| id.to_string());
        let fingerprint =
            self.fingerprint(&["proof", &who, hash.as_deref().unwrap_or_default(), password.expose_secret()]);
        let name = self.fingerprint(&["name", &who]);
        let check = async {
            match self.desk.check(name, password.clone(), hash).await {
                Ok(true) => Ok(()),
                Err(PasswordError::Busy) => Err(Unproven::Busy),
                Err(PasswordError::Broken) => Err(known.map_or(Unproven::Wrong, Unproven::Broken)),
                Ok(false) | Err(PasswordError::Unfit(_)) => Err(Unproven::Wrong),
            }
        };
        self.proven.try_get_with(fingerprint, check).await.map_err(|unproven: Arc<Unproven>| *unproven)
    }
}

#[cfg(test)]
mod tests {
    use scim_core::profile::CredentialKind;

    use super::*;
    use crate::{desk::MACHINES, passwords};

    fn credential(hash: &str) -> Credential {
        Credential {
            id: CredentialId::generate(),
            kind: CredentialKind::Basic,
            name: "okta".into(),
            scope: "scim:read".into(),
            login: Some("okta".into()),
            secret_hash: Some(hash.into()),
            hint: String::new(),
            created_at: 0,
            created_by: String::new(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            last_used_from: None,
            user: None,
            replaced: false,
            allowed_from: Default::default(),
            warned_days: None,
            kid: None,
        }
    }

    #[test]
    fn texts_are_kept_apart() {
        let (one, other) = (Proofs::new(&MACHINES), Proofs::new(&MACHINES));
        assert_eq!(one.fingerprint(&["a", "bc"]), one.fingerprint(&["a", "bc"]));
        assert_ne!(one.fingerprint(&["a", "bc"]), one.fingerprint(&["ab", "c"]));
        assert_ne!(one.fingerprint(&["a", "bc"]), one.fingerprint(&["a", "bc", ""]));
        assert_ne!(one.fingerprint(&["a"]), other.fingerprint(&["a"]), "each process has a key of its own");
    }

    /// A crowd of strangers keeps out nobody who has been let in before.
    #[tokio::test]
    async fn what_is_proven_needs_no_place_in_the_queue() {
        static DESK: Desk = Desk::new();
        let proofs = Proofs::new(&DESK);
        let (right, wrong): (SecretString, SecretString) =
            ("correct horse battery".into(), "wrong horse battery".into());
        let known = credential(&passwords::hash(right.clone()).await.expect("hashed"));
        assert_eq!(proofs.ask(Some(&known), "okta", &right).await, Ok(()));
        assert_eq!(proofs.ask(Some(&known), "okta", &wrong).await, Err(Unproven::Wrong));
        assert_eq!(proofs.ask(None, "nobody", &right).await, Err(Unproven::Wrong));

        let crowd = DESK.fill();
        assert_eq!(proofs.ask(Some(&known), "OKTA", &right).await, Ok(()));
        assert_eq!(
            proofs.ask(Some(&known), "okta", &wrong).await,
            Err(Unproven::Busy),
            "a no is not remembered"
        );
        assert_eq!(proofs.ask(None, "nobody", &right).await, Err(Unproven::Busy), "nor that there is nobody");
        // Another credential of the same password, and another hash of the same credential, are not proven.
        let other = Credential { id: CredentialId::generate(), ..known.clone() };
        assert_eq!(proofs.ask(Some(&other), "okta", &right).await, Err(Unproven::Busy));
        let changed = Credential { secret_hash: Some("$argon2id$other".into()), ..known.clone() };
        assert_eq!(proofs.ask(Some(&changed), "okta", &right).await, Err(Unproven::Busy));
        drop(crowd);
        assert_eq!(proofs.ask(Some(&changed), "okta", &right).await, Err(Unproven::Broken(known.id)));
        assert_eq!(proofs.ask(Some(&other), "okta", &right).await, Ok(()));
    }

    /// A wrong password costs one hash, whether somebody has the name or not.
    #[tokio::test]
    async fn every_wrong_answer_is_the_same_work() {
        static DESK: Desk = Desk::new();
        let proofs = Proofs::new(&DESK);
        let known = credential(&passwords::hash("correct horse battery".into()).await.expect("hashed"));
        let wrong: SecretString = "wrong horse battery".into();
        for (number, (credential, name)) in
            [(Some(&known), "okta"), (None, "nobody"), (None, ""), (Some(&known), "OKTA")]
                .into_iter()
                .enumerate()
        {
            assert_eq!(proofs.ask(credential, name, &wrong).await, Err(Unproven::Wrong));
            assert_eq!(DESK.done(), 1 + number as u64, "{name:?}");
        }
    }

    /// Many requests begin at once with a new credential: one takes a place, the others wait for its answer.
    #[tokio::test]
    async fn a_crowd_with_one_password_is_checked_once() {
        static DESK: Desk = Desk::new();
        let proofs = Proofs::new(&DESK);
        let password: SecretString = "correct horse battery".into();
        let known = credential(&passwords::hash(password.clone()).await.expect("hashed"));
        let crowd = (0..500).map(|_| proofs.ask(Some(&known), "okta", &password));
        let answers = futures::future::join_all(crowd).await;
        assert!(answers.iter().all(Result::is_ok), "more than the queue has places for");
        let wrong: SecretString = "wrong horse battery".into();
        let crowd = (0..500).map(|_| proofs.ask(Some(&known), "okta", &wrong));
        let answers = futures::future::join_all(crowd).await;
        assert!(answers.iter().all(|answer| *answer == Err(Unproven::Wrong)));
    }
}

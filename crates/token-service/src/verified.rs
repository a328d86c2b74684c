//! The check of what a caller presented, whatever it is, and what memory keeps of it.

use std::sync::Arc;

use scim_core::profile::CredentialKind;
use secrecy::ExposeSecret;
use store::{
    TenantId,
    credentials::{AllowedFrom, Credential},
};

use crate::{
    Presented, Principal, Refusal, Sender, TokenService, claims::PREFIX, meter, proofs::Fingerprint,
    service::Inner,
};

/// A verification that may be repeated from memory.
#[derive(Clone)]
pub(crate) struct Verified {
    pub(crate) principal: Principal,
    /// Where it may come from; `None`: from anywhere.
    pub(crate) allowed_from: Option<Arc<AllowedFrom>>,
    /// The store's epoch, read before the row was.
    pub(crate) epoch: u64,
    /// Milliseconds.
    pub(crate) expires_at: i64,
}

impl Verified {
    /// What is remembered of a credential that was found good.
    pub(crate) fn of(tenant: TenantId, credential: Credential, epoch: u64, expires_at: i64) -> Self {
        let allowed = &credential.allowed_from;
        let allowed_from = (!allowed.networks.is_empty()).then(|| Arc::new(allowed.clone()));
        Self { principal: Principal::of(tenant, credential), allowed_from, epoch, expires_at }
    }
}

/// Outcome of a check that leaves open where the credential comes from.
pub(crate) struct Checked {
    pub(crate) verified: Verified,
    /// Did memory know it?
    pub(crate) cached: bool,
}

impl TokenService {
    /// [`Self::verify_from`] an unknown address.
    pub async fn verify(&self, presented: &Presented) -> Result<Principal, Refusal> {
        self.verify_from(presented, &Sender::default()).await
    }

    /// Checks what a caller presented: signature, issuer, audience and times, or user name and password; an active row;
    /// and that it may come from where it was sent.
    pub async fn verify_from(&self, presented: &Presented, sender: &Sender) -> Result<Principal, Refusal> {
        self.checked(presented, sender, false).await
    }

    /// As [`Self::verify_from`], at an address that names a tenant: takes the tokens of identity providers too. The
    /// caller has to see that the principal is of the tenant that the address names. Where an address names none such
    /// tokens are not taken, since every receiver of a directory's tokens could show them there.
    pub async fn verify_named(&self, presented: &Presented, sender: &Sender) -> Result<Principal, Refusal> {
        self.checked(presented, sender, true).await
    }

    async fn checked(
        &self,
        presented: &Presented,
        sender: &Sender,
        named: bool,
    ) -> Result<Principal, Refusal> {
        let (kind, mut checked) = self.check(presented, named).await;
        // A hash or an issuer's keys may have been waited for, and what was read before that has changed: once more, with
        // what is in memory by now.
        let epoch = self.inner.store.epoch();
        if checked.as_ref().is_ok_and(|checked| checked.verified.epoch != epoch) {
            (_, checked) = self.check(presented, named).await;
        }
        let outcome = match checked {
            Ok(Checked { verified, cached }) => {
                let place = self.inner.places.check(&verified, sender).await;
                place.map(|place| (place, cached, verified.principal))
            }
            Err(refusal) => Err(refusal),
        };
        meter::verified(kind, outcome.as_ref().map(|(place, cached, _)| (*place, *cached)));
        outcome.map(|(_, _, principal)| principal)
    }
}

impl TokenService {
    async fn check(&self, presented: &Presented, named: bool) -> (CredentialKind, Result<Checked, Refusal>) {
        match presented {
            Presented::Bearer(token) if named && !token.expose_secret().starts_with(PREFIX) => {
                (CredentialKind::Bearer, self.verify_federated(token.expose_secret()).await)
            }
            Presented::Bearer(token) => {
                (CredentialKind::Bearer, self.verify_bearer(token.expose_secret()).await)
            }
            Presented::Basic { username, password } => {
                (CredentialKind::Basic, self.verify_basic(username, password).await)
            }
        }
    }
}

impl Inner {
    /// What was verified in this epoch and has not expired since.
    pub(crate) async fn remembered(&self, fingerprint: &Fingerprint, epoch: u64) -> Option<Verified> {
        let hit = self.verified.get(fingerprint).await?;
        (hit.epoch == epoch && self.store.now() < hit.expires_at).then_some(hit)
    }
}

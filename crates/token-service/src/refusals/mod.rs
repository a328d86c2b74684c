//! What was refused, and the likely mistake: what people look for when they set up an identity provider.
//!
//! Outside, every refusal looks the same. Here each is noted in memory, without any look at the database, so that it
//! takes as long for everybody; a few seconds later the notes are written to the tenant that they are about
//! ([`settle`]), where its people find them. Guesses are counted on the way ([`crate::attempts`]).

mod mistake;
mod news;
mod notes;
mod sent;
mod settle;
mod told;

use std::{
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use http::HeaderMap;
use scim_core::profile::CredentialKind;
use secrecy::SecretString;
use store::{CredentialId, Store, StoreError, TenantId};
use tokio::sync::{Mutex, Semaphore};

pub use mistake::Mistake;
pub use sent::{Fingerprint, Sent};
pub use told::Refused;

use crate::{
    Principal, Refusal, Sender, TokenService,
    attempts::{Attempts, Cost, Limit},
};
use news::News;
use notes::{Key, Note, Notes};
use sent::Reader;
use told::read;

/// Wrong credentials from one address (of IPv6: one /64) that cost nothing.
const OF_ADDRESS: Limit = Limit { free: 20, window: Duration::from_secs(60) };
/// Wrong passwords for one user name that cost nothing, wherever they come from.
const OF_NAME: Limit = Limit { free: 10, window: Duration::from_secs(60) };
/// Wrong answers that may be delayed at once: each holds a connection. Who comes beyond is answered at once.
const DELAYED: usize = 256;
/// Longest base URL that is kept, in characters.
const ADDRESS_LENGTH: usize = 300;
/// Longest slug (a DNS label, RFC 1035 §2.3.4): what is longer names no tenant.
const SLUG_LENGTH: usize = 63;

/// A request that is refused.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// The tenant that the address names; not known to exist. `None`: the credential would have named it.
    pub slug: Option<&'a str>,
    /// Base URL in the form that the client used, from the configuration and never from the request's own spelling.
    pub base_url: &'a str,
    /// What was sent: [`TokenService::sent_in`], [`TokenService::sent_client`].
    pub sent: Sent,
    /// Who sent it.
    pub sender: &'a Sender,
}

/// Why it is refused.
#[derive(Clone, Copy, Debug)]
pub enum Because<'a> {
    /// Nothing was sent that could be checked there.
    Unusable,
    /// The check said so.
    Refusal(&'a Refusal),
    /// The credential is good, and the address names a tenant that does not exist: its own tenant is told.
    UnknownTenant(&'a Principal),
    /// The credential is good, and not that of the tenant that the address names.
    OtherTenant(&'a Principal),
    /// It is good, and the tenant does not take its kind.
    NotTaken(&'a Principal),
    /// It is good, and the tenant is not active.
    Inactive(&'a Principal),
    /// It is good, and stands for one user.
    UserBound(&'a Principal),
    /// It is good, and lacks this scope.
    MissingScope(&'a Principal, &'a str),
}

/// How a refusal is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// As always: 401 (403 to a good credential).
    Refuse,
    /// Too many wrong ones have come: 429 with `Retry-After`.
    TooMany,
}

/// What a guess costs.
#[derive(Clone, Copy, Default)]
struct Guess {
    /// There were too many.
    over: bool,
    /// From this address.
    flood: bool,
    delay: Duration,
    /// People should know.
    news: bool,
}

/// What a process knows of refusals.
pub(crate) struct Refusals {
    key: hmac::Key,
    notes: Notes,
    news: News,
    of_address: Attempts,
    of_name: Attempts,
    delayed: Semaphore,
    /// One writes at a time, so that who reads finds what was noted before.
    writing: Mutex<()>,
}

impl Refusals {
    pub(crate) fn new(key: hmac::Key) -> Self {
        Self {
            key,
            notes: Notes::default(),
            news: News::default(),
            of_address: Attempts::new(OF_ADDRESS),
            of_name: Attempts::new(OF_NAME),
            delayed: Semaphore::new(DELAYED),
            writing: Mutex::default(),
        }
    }

    /// Counts a guess.
    async fn count(&self, sender: &Sender, login: Option<&str>) -> Guess {
        let now = Instant::now();
        let by_address = match sender.address {
            Some(address) => self.of_address.failed(&network(address).to_string(), now).await,
            None => Cost::default(),
        };
        let by_name = match login {
            Some(name) => self.of_name.failed(name, now).await,
            None => Cost::default(),
        };
        let guess = Guess {
            over: by_address.over || by_name.over,
            flood: by_address.over,
            delay: by_address.delay.max(by_name.delay),
            news: by_address.news || by_name.news,
        };
        if guess.news {
            let (address, agent, of_one_name) = (sender.address, &sender.agent, by_name.news);
            tracing::warn!(
                ?address,
                agent,
                of_one_name,
                "many wrong credentials; they are answered slowly now"
            );
        }
        guess
    }

    /// Waits as long as a wrong answer costs, unless too many wait already.
    async fn wait(&self, delay: Duration) {
        if let (false, Ok(_place)) = (delay.is_zero(), self.delayed.try_acquire()) {
            tokio::time::sleep(delay).await;
        }
    }

    /// Writes all notes; what could not be written because the database was away is kept for the next time.
    pub(crate) async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        let kept = self.notes.take();
        if kept.lost > 0 {
            tracing::warn!(refusals = kept.lost, "more was refused than can be kept");
        }
        settle::write(store, self, kept.notes).await
    }
}

impl TokenService {
    /// What was sent in the headers of a request.
    #[must_use]
    pub fn sent_in(&self, headers: &HeaderMap) -> Sent {
        self.reader().headers(headers)
    }

    /// What was sent as an OAuth client's id and secret, wherever in the request they stood.
    #[must_use]
    pub fn sent_client(&self, id: &str, secret: &SecretString) -> Sent {
        self.reader().client(id, secret)
    }

    fn reader(&self) -> Reader<'_> {
        Reader { key: &self.inner.refusals.key, installation: self.inner.installation }
    }

    /// Notes a refusal for the tenant's people, counts it if it was a guess, and says how to answer. It comes back late
    /// when too many guesses have come from the address or for the user name. No look at the database; what carries our
    /// signature is no guess, since whoever has it need not try.
    pub async fn refuse(&self, attempt: Attempt<'_>, because: Because<'_>) -> Verdict {
        let refusals = &self.inner.refusals;
        let Attempt { slug, base_url, mut sent, sender } = attempt;
        // Where only tokens are taken, a user name is not even looked up.
        if matches!(because, Because::Unusable) && sent.login.take().is_some() {
            sent.mistake = Mistake::BasicNotTaken;
        }
        let (mistake, good, word) = match because {
            Because::Unusable | Because::Refusal(_) => (sent.mistake, None, None),
            Because::UnknownTenant(good) => (Mistake::UnknownTenant, Some(good), None),
            Because::OtherTenant(good) => (Mistake::OtherTenant, Some(good), None),
            Because::NotTaken(good) => {
                let mistake = match good.kind {
                    CredentialKind::Basic => Mistake::BasicNotTaken,
                    CredentialKind::Bearer => Mistake::BearerNotTaken,
                    CredentialKind::Oauth => Mistake::ClientNotTaken,
                };
                (mistake, Some(good), None)
            }
            Because::Inactive(good) => (Mistake::TenantInactive, Some(good), None),
            Because::UserBound(good) => (Mistake::UserBound, Some(good), None),
            Because::MissingScope(good, scope) => (Mistake::MissingScope, Some(good), Some(scope)),
        };
        let (mistake, whose) = match because {
            Because::Refusal(refusal) => match of_refusal(refusal, &sent) {
                Some(found) => found,
                None => return Verdict::Refuse,
            },
            _ => (mistake, good.map(|good| (good.tenant, good.credential))),
        };
        if whose.is_some() {
            sent.print.tail = sent.ending.take();
        }
        let is_guess = good.is_none() && (sent.login.is_some() || mistake.is_guess());
        let guess = match is_guess {
            true => refusals.count(sender, sent.login.as_deref()).await,
            false => Guess::default(),
        };
        // Many different ones: one row tells as much as a hundred.
        if guess.over {
            sent.print = Fingerprint { digest: String::new(), length: None, many: true, ..sent.print };
        }
        if guess.flood {
            sent.login = None;
        }
        let slug = slug.filter(|_| mistake != Mistake::UnknownTenant);
        if slug.is_none_or(|slug| slug.len() <= SLUG_LENGTH) {
            let now = self.inner.store.now();
            let key = Key {
                slug: slug.map(str::to_owned),
                address: base_url.chars().take(ADDRESS_LENGTH).collect(),
                mistake,
                whose,
                login: sent.login,
                sender: sender.address,
                digest: sent.print.digest.clone(),
            };
            let word = word.map(str::to_owned).or_else(|| sent.print.scheme.clone());
            let agent = sender.agent.clone();
            let note = Note {
                print: sent.print,
                agent,
                word,
                access_until: sent.access_until,
                count: 1,
                first_at: now,
                last_at: now,
                news: guess.news,
            };
            refusals.notes.add(key, note);
        }
        refusals.wait(guess.delay).await;
        if guess.over { Verdict::TooMany } else { Verdict::Refuse }
    }

    /// What a tenant's addresses have refused of late, newest first: at most [`store::refusals::KEPT`] rows of the last
    /// [`store::refusals::LIFETIME`]. `takes`: the kinds of credentials that its profile takes. What this node has
    /// noted is in it; what others have, after a few seconds.
    pub async fn refusals(
        &self,
        tenant: TenantId,
        takes: &[CredentialKind],
    ) -> Result<Vec<Refused>, StoreError> {
        self.flush_refusals().await?;
        Ok(read(self.inner.store.tenant(tenant).refusals().await?, Some(takes)))
    }

    /// As [`TokenService::refusals`], of the shared host where no tenant could be told.
    pub async fn shared_refusals(&self) -> Result<Vec<Refused>, StoreError> {
        self.flush_refusals().await?;
        Ok(read(self.inner.store.platform().refusals().await?, None))
    }

    /// Writes what was refused now (at shutdown, in tests).
    pub async fn flush_refusals(&self) -> Result<(), StoreError> {
        self.inner.refusals.flush(&self.inner.store).await
    }

    /// Removes what is too old, of all tenants; gives the number of rows.
    pub async fn forget_refusals(&self) -> Result<u64, StoreError> {
        /// Tenants read at once.
        const TENANTS: u64 = 100;
        let platform = self.inner.store.platform();
        let (mut gone, mut offset) = (platform.forget_refusals().await?, 0);
        loop {
            let page = platform.tenants("", offset, TENANTS).await?;
            for tenant in &page.items {
                gone += self.inner.store.tenant(tenant.id).forget_refusals().await?;
            }
            if !page.more {
                return Ok(gone);
            }
            offset += TENANTS;
        }
    }
}

/// The mistake behind a refused check, and whose credential it was if a signature proves that. `None`: it was no refusal.
fn of_refusal(refusal: &Refusal, sent: &Sent) -> Option<(Mistake, Option<(TenantId, CredentialId)>)> {
    Some(match refusal {
        // A user name was looked up by the check, and is once more when the note is written.
        Refusal::Foreign | Refusal::WrongPassword => (sent.mistake, None),
        Refusal::Expired => (Mistake::Expired, sent.names),
        Refusal::Revoked => (Mistake::Revoked, sent.names),
        Refusal::Unknown => (Mistake::NotIssued, sent.names),
        Refusal::OfPlatform | Refusal::PlatformElsewhere => (Mistake::OfPlatform, None),
        Refusal::Elsewhere { tenant, credential, .. } => (Mistake::NotFromHere, Some((*tenant, *credential))),
        Refusal::Busy | Refusal::Unavailable(_) => return None,
    })
}

/// The address, or of IPv6 the network of 64 bits that is usually one customer's.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests;

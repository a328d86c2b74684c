//! The public keys of identity providers: fetched through the egress client, cached, bounded.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use egress::{Call, Client, Limits};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use moka::future::Cache;
use serde::Deserialize;
use serde_json::Value;
use store::{Store, federations::Federation};
use tokio::sync::Mutex;
use url::Url;

/// Issuers whose keys are kept.
const CAPACITY: u64 = 10_000;
/// An issuer whose keys nobody has asked for so long is forgotten.
const IDLE: Duration = Duration::from_secs(25 * 3600);
/// Keys younger than this are not fetched again, unless one is missing. Milliseconds.
const FRESH: i64 = 3600 * 1000;
/// Older keys are not used, even when the issuer cannot be reached. Milliseconds.
const USABLE: i64 = 24 * FRESH;
/// Shortest time between two attempts. Milliseconds.
const PAUSE: i64 = 60 * 1000;
/// The same as long as there is no key at all.
const SHORT_PAUSE: i64 = 10 * 1000;
/// Fetching takes no longer, discovery included.
const PATIENCE: Duration = Duration::from_secs(5);
/// Largest document, in bytes: Microsoft's has 20 KB.
const DOCUMENT: usize = 256 * 1024;
/// Keys of one issuer that are looked at.
const MOST_KEYS: usize = 100;

/// Where keys come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    issuer: String,
    keys_url: Option<String>,
}

impl Source {
    pub(crate) fn of(federation: &Federation) -> Self {
        Self { issuer: federation.issuer.clone(), keys_url: federation.keys_url.clone() }
    }

    /// Of an issuer whose configuration was read already.
    pub(crate) fn at(issuer: String, keys_url: String) -> Self {
        Self { issuer, keys_url: Some(keys_url) }
    }
}

/// A public key with the one algorithm that it is for, by its type: what a token says cannot change that.
pub(crate) struct Key {
    kid: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
}

/// See the module.
pub(crate) struct Issuers {
    egress: Client,
    sets: Cache<Source, Arc<KeySet>>,
}

/// The keys of one issuer.
#[derive(Default)]
struct KeySet {
    kept: RwLock<Kept>,
    /// Held by the one who fetches.
    turn: Mutex<()>,
}

#[derive(Clone, Default)]
struct Kept {
    keys: Vec<Arc<Key>>,
    /// Milliseconds; of the last success.
    fetched_at: Option<i64>,
    /// Milliseconds; of the last attempt.
    tried_at: Option<i64>,
}

impl Kept {
    fn younger_than(&self, age: i64, now: i64) -> bool {
        self.fetched_at.is_some_and(|at| now.saturating_sub(at) < age)
    }

    fn find(&self, kid: &str, algorithm: Algorithm, now: i64) -> Option<Arc<Key>> {
        let mut keys = self.keys.iter().filter(|_| self.younger_than(USABLE, now));
        keys.find(|key| key.kid == kid && key.algorithm == algorithm).cloned()
    }

    fn may_try(&self, now: i64) -> bool {
        let pause = if self.keys.is_empty() { SHORT_PAUSE } else { PAUSE };
        self.tried_at.is_none_or(|at| now.saturating_sub(at).abs() >= pause)
    }
}

impl KeySet {
    fn kept(&self) -> Kept {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.kept.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Issuers {
    pub(crate) fn new(egress: Client) -> Self {
        Self { egress, sets: Cache::builder().max_capacity(CAPACITY).time_to_idle(IDLE).build() }
    }

    pub(crate) fn egress(&self) -> &Client {
        &self.egress
    }

    /// The key of that id and algorithm. An unknown one is looked for at the issuer, at most once a minute for all who
    /// ask; those who have an old key in hand do not wait for others that fetch new ones.
    pub(crate) async fn key(
        &self,
        source: &Source,
        kid: &str,
        algorithm: Algorithm,
        store: &Store,
    ) -> Option<Arc<Key>> {
        let set = self.set(source).await;
        let (kept, now) = (set.kept(), store.now());
        let found = kept.find(kid, algorithm, now);
        if found.is_some() && kept.younger_than(FRESH, now) {
            return found;
        }
        let _turn = match found {
            Some(_) => match set.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return found,
            },
            None => set.turn.lock().await,
        };
        // Somebody else may have fetched while this one waited.
        let kept = set.kept();
        let now = store.now();
        let wanted = kept.find(kid, algorithm, now).is_none() || !kept.younger_than(FRESH, now);
        if wanted
            && kept.may_try(now)
            && let Err(reason) = self.refresh(&set, source, store).await
        {
            let issuer = source.issuer.as_str();
            tracing::warn!(target: "token_service::federation", issuer, reason, "the issuer's keys were not fetched");
        }
        set.kept().find(kid, algorithm, store.now())
    }

    /// Fetches the keys now and tells how many there are, or what went wrong.
    pub(crate) async fn look(&self, source: &Source, store: &Store) -> Result<usize, String> {
        let set = self.set(source).await;
        let _turn = set.turn.lock().await;
        self.refresh(&set, source, store).await
    }

    async fn set(&self, source: &Source) -> Arc<KeySet> {
        self.sets.get_with_by_ref(source, async { Arc::default() }).await
    }

    /// Puts what the issuer publishes now in the place of what is kept. For whoever has the turn.
    async fn refresh(&self, set: &KeySet, source: &Source, store: &Store) -> Result<usize, String> {
        let now = store.now();
        // Noted before, so that a caller who goes away counts as an attempt too.
        set.change(|kept| kept.tried_at = Some(now));
        let fetched = tokio::time::timeout(PATIENCE, self.fetch(source)).await;
        let keys = fetched.map_err(|_| "it took too long".to_owned())??;
        let count = keys.len();
        set.change(|kept| (kept.keys, kept.fetched_at) = (keys, Some(now)));
        Ok(count)
    }

    async fn fetch(&self, source: &Source) -> Result<Vec<Arc<Key>>, String> {
        let url = match &source.keys_url {
            Some(url) => url.clone(),
            None => self.discover(&source.issuer).await?,
        };
        let set: Set = self.document(&url).await?;
        let keys: Vec<_> = set.keys.into_iter().take(MOST_KEYS).filter_map(usable).map(Arc::new).collect();
        if keys.is_empty() {
            return Err(format!("{url} holds no key that signs with RS256 or ES256"));
        }
        Ok(keys)
    }

    /// Where an issuer says that its keys are (OpenID Connect Discovery 1.0, sections 4 and 4.3).
    async fn discover(&self, issuer: &str) -> Result<String, String> {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let found: Discovered = self.document(&url).await?;
        if found.issuer != issuer {
            return Err(format!("{url} is the configuration of another issuer, {:?}", cut(&found.issuer)));
        }
        Ok(found.jwks_uri)
    }

    /// Reads a JSON document; the error is for the log or for an operator.
    pub(crate) async fn document<T: for<'de> Deserialize<'de>>(&self, url: &str) -> Result<T, String> {
        let parsed: Url = url.parse().map_err(|error| format!("{:?}: {error}", cut(url)))?;
        let limits = Limits { total: PATIENCE, answer: DOCUMENT };
        let answer = self.egress.send(Call::get(parsed, limits)).await.map_err(|error| error.to_string())?;
        if answer.status != http::StatusCode::OK {
            return Err(format!("{} answers {}", cut(url), answer.status));
        }
        serde_json::from_slice(&answer.body).map_err(|error| format!("{}: {error}", cut(url)))
    }
}

/// Enough of a text that others wrote.
fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

/// RFC 7517 §5. Keys that are not understood are left out, as it demands.
#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// A key that signatures can be checked with: RSA for RS256, P-256 for ES256, with an id.
fn usable(key: Value) -> Option<Key> {
    let key: Jwk = serde_json::from_value(key).ok()?;
    let algorithm = match &key.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(parameters) if parameters.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        _ => return None,
    };
    let stated = key.common.key_algorithm;
    let signs = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    if !signs || stated.is_some_and(|stated| stated != KeyAlgorithm::from(algorithm)) {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&key).ok()?;
    Some(Key { kid: key.common.key_id?, algorithm, decoding })
}

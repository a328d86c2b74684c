//! Passwords of people and machines: argon2id, off the async threads, a bounded number at once.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{Error as HashError, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// Shortest password, in characters.
pub const MIN_LENGTH: usize = 12;
/// Longest password, in characters.
pub const MAX_LENGTH: usize = 256;

/// Hashes that the queue of people computes at once: each takes a core and 19 MiB.
const AT_ONCE: usize = 2;
/// Of people: hashes that may wait for their turn.
const WAITING: usize = 64;
/// Longest wait for a turn: whoever waits longer is told so, well before a request ends for its age.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// What a hash is taken to cost before one was computed.
const FIRST_COST: Duration = Duration::from_millis(30);
/// Length of a generated password.
const GENERATED_LENGTH: usize = 24;
/// Letters and digits without `0 O o`, `1 l I`.
const ALPHABET: &[u8; 56] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz";
/// Stands in for the hash of an account that does not exist: same cost, and no password is known to give it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Of those who sign in to the console, and of new passwords. One for the process: memory and cores are shared.
static PEOPLE: Queue = Queue::new(AT_ONCE, WAITING);

/// A bounded queue for slow work.
pub(crate) struct Queue {
    at_once: usize,
    size: usize,
    /// Whoever gets no place is turned away.
    places: Semaphore,
    /// Whoever has a place waits here.
    turns: Semaphore,
    /// What a piece of work has cost lately, in microseconds; 0: there was none.
    cost: AtomicU64,
    #[cfg(test)]
    done: AtomicU64,
}

/// A password that cannot be hashed or checked now.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Shorter than 12 or longer than 256 characters; the text says which.
    #[error("{0}")]
    Unfit(String),
    /// Too many checks at once: try again.
    #[error("too many passwords are being checked at once")]
    Busy,
    /// The hash cannot be read or made.
    #[error("the password hash is unusable")]
    Broken,
}

/// Hashes a password (argon2id, 19 MiB, 2 passes).
pub async fn hash(password: SecretString) -> Result<String, PasswordError> {
    check_length(&password)?;
    PEOPLE
        .run(move || {
            let hash: Result<PasswordHash, HashError> =
                argon2id().hash_password(password.expose_secret().as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|_| PasswordError::Broken)
        })
        .await
}

/// Hashes a password that a person chose, unless it is easily guessed by somebody who knows `about` them (e-mail address
/// and the like); [`PasswordError::Unfit`] says why and what to do.
pub async fn choose(password: SecretString, about: &[&str]) -> Result<String, PasswordError> {
    // First, so that nothing long is measured.
    check_length(&password)?;
    let about: Vec<String> = about.iter().map(|text| (*text).to_owned()).collect();
    let measured = password.clone();
    PEOPLE.run(move || check_strength(&measured, &about)).await?;
    hash(password).await
}

/// What zxcvbn calls 3 of 4: safe behind a slow hash.
fn check_strength(password: &SecretString, about: &[String]) -> Result<(), PasswordError> {
    let mut known: Vec<&str> = vec!["rollcall", "scim", "console"];
    for text in about {
        known.push(text);
        known.extend(text.split(|ch: char| !ch.is_alphanumeric()).filter(|part| part.len() > 2));
    }
    let password = password.expose_secret();
    // What is left when the words that everybody knows are taken out has to be good enough alone.
    let mut rest = Zeroizing::new(password.to_lowercase());
    for word in known.iter().filter(|word| word.chars().count() > 2) {
        rest = Zeroizing::new(rest.replace(&word.to_lowercase(), ""));
    }
    let mut measured = zxcvbn::zxcvbn(password, &known);
    if rest.chars().count() < password.chars().count() {
        let of_rest = zxcvbn::zxcvbn(&rest, &known);
        measured = if of_rest.score() < measured.score() { of_rest } else { measured };
    }
    if measured.score() >= zxcvbn::Score::Three {
        return Ok(());
    }
    let feedback = measured.feedback();
    let why = feedback.and_then(zxcvbn::feedback::Feedback::warning).map(|why| format!(" {why}"));
    let why = why.unwrap_or_default();
    Err(PasswordError::Unfit(format!(
        "password: this one is easily guessed.{why} Take four or more words that have nothing to do with each other or with \
         you, or let a password manager make one"
    )))
}

fn check_length(password: &SecretString) -> Result<(), PasswordError> {
    let length = password.expose_secret().chars().count();
    if length < MIN_LENGTH {
        return Err(PasswordError::Unfit(format!("password: use at least {MIN_LENGTH} characters")));
    }
    if length > MAX_LENGTH {
        return Err(PasswordError::Unfit(format!("password: use at most {MAX_LENGTH} characters")));
    }
    Ok(())
}

/// Checks a person's password against a PHC string. `None` (no such account) costs the same as a wrong password.
pub async fn verify(password: SecretString, phc: Option<String>) -> Result<bool, PasswordError> {
    verify_in(&PEOPLE, password, phc).await
}

/// As [`verify`], in this queue.
pub(crate) async fn verify_in(
    queue: &'static Queue,
    password: SecretString,
    phc: Option<String>,
) -> Result<bool, PasswordError> {
    if password.expose_secret().chars().count() > MAX_LENGTH {
        return Ok(false);
    }
    queue
        .run(move || {
            let known = phc.is_some();
            let phc = phc.as_deref().unwrap_or(NOBODY);
            match argon2id().verify_password(password.expose_secret().as_bytes(), phc) {
                Ok(()) => Ok(known),
                Err(HashError::PasswordInvalid) => Ok(false),
                Err(_) => Err(PasswordError::Broken),
            }
        })
        .await
}

/// A random password of 24 characters from a 56-letter alphabet without look-alikes (139 bits).
#[must_use]
pub fn generate() -> SecretString {
    let mut random = rand::rng();
    let letters = (0..GENERATED_LENGTH).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]));
    letters.collect::<String>().into()
}

fn argon2id() -> Argon2<'static> {
    // The crate's default parameters are 19 MiB, two passes, one lane; a test holds them to that.
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

impl Queue {
    /// So many at once, and so many who wait.
    pub(crate) const fn new(at_once: usize, waiting: usize) -> Self {
        Self {
            at_once,
            size: at_once + waiting,
            places: Semaphore::const_new(at_once + waiting),
            turns: Semaphore::const_new(at_once),
            cost: AtomicU64::new(0),
            #[cfg(test)]
            done: AtomicU64::new(0),
        }
    }

    /// Would somebody who came now be turned away?
    pub(crate) fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    /// How long somebody who came now would take, with the wait for a turn.
    pub(crate) fn expected(&self) -> Duration {
        let cost = match self.cost.load(Ordering::Relaxed) {
            0 => FIRST_COST,
            micros => Duration::from_micros(micros),
        };
        let before = self.size.saturating_sub(self.places.available_permits());
        let rounds = 1 + before / self.at_once;
        cost.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }

    /// Pieces of work that were done.
    #[cfg(test)]
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Takes all places, until what it gives is dropped.
    #[cfg(test)]
    pub(crate) fn fill(&'static self) -> SemaphorePermit<'static> {
        let all = u32::try_from(self.size).expect("few");
        self.places.try_acquire_many(all).expect("nobody is in the queue")
    }

    /// Runs slow work on a blocking thread when it is its turn. The permits go along, so that a caller who leaves
    /// does not make room before the work has ended.
    async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place: SemaphorePermit<'static> = self.places.try_acquire().map_err(|_| PasswordError::Busy)?;
        let turn = timeout(PATIENCE, self.turns.acquire()).await.map_err(|_| PasswordError::Busy)?;
        let turn = turn.map_err(|_| PasswordError::Busy)?;
        tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            let began = Instant::now();
            let done = work();
            self.note(began.elapsed());
            #[cfg(test)]
            self.done.fetch_add(1, Ordering::Relaxed);
            done
        })
        .await
        .map_err(|_| PasswordError::Broken)?
    }

    /// Half of what was known, half of what was seen: follows the load of the machine within a few hashes.
    fn note(&self, took: Duration) {
        let seen = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let known = self.cost.load(Ordering::Relaxed);
        let next = if known == 0 { seen } else { known / 2 + seen / 2 };
        self.cost.store(next.max(1), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        sync::atomic::{AtomicBool, Ordering},
        time::Duration,
    };

    use super::*;

    #[tokio::test]
    async fn the_right_password_and_no_other() {
        let phc = hash("correct horse battery".into()).await.expect("hashed");
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        let again = hash("correct horse battery".into()).await.expect("hashed");
        assert_ne!(phc, again, "salted");
        assert!(verify("correct horse battery".into(), Some(phc.clone())).await.expect("checked"));
        assert!(!verify("correct horse batterz".into(), Some(phc.clone())).await.expect("checked"));
        assert!(!verify("x".repeat(300).into(), Some(phc)).await.expect("checked"));
    }

    #[tokio::test]
    async fn nobody_is_no_one_and_a_broken_hash_is_an_error() {
        assert!(!verify("correct horse battery".into(), None).await.expect("checked"));
        let broken = verify("correct horse battery".into(), Some("plain".into())).await;
        assert!(matches!(broken, Err(PasswordError::Broken)));
    }

    #[tokio::test]
    async fn length_is_counted_in_characters() {
        for (password, fits) in [
            ("é".repeat(11), false),
            ("é".repeat(12), true),
            ("é".repeat(256), true),
            ("é".repeat(257), false),
        ] {
            let hashed = hash(password.clone().into()).await;
            assert_eq!(hashed.is_ok(), fits, "{} characters", password.chars().count());
        }
    }

    #[tokio::test]
    async fn what_is_easily_guessed_is_not_chosen() {
        for weak in ["password1234", "aaaaaaaaaaaaaaaa", "qwertyuiop123", "ada.lovelace1", "rollcall-console"]
        {
            match choose(weak.into(), &["ada.lovelace@example.com"]).await {
                Err(PasswordError::Unfit(text)) => {
                    assert!(text.starts_with("password: ") && !text.contains(weak), "{text}")
                }
                other => panic!("{weak}: {other:?}"),
            }
        }
        for strong in ["correct horse battery staple", "Tq7vR2mXb9Lk", "überquere sieben stille Felder"] {
            choose(strong.into(), &["ada.lovelace@example.com"]).await.expect(strong);
        }
        assert!(matches!(choose("x".repeat(100_000).into(), &[]).await, Err(PasswordError::Unfit(_))));
    }

    #[test]
    fn generated_passwords_differ_and_fit() {
        let made: HashSet<String> = (0..50).map(|_| generate().expose_secret().to_owned()).collect();
        assert_eq!(made.len(), 50);
        for password in made {
            assert_eq!(password.len(), GENERATED_LENGTH);
            assert!(password.bytes().all(|byte| ALPHABET.contains(&byte)));
        }
        assert_eq!(ALPHABET.iter().collect::<HashSet<_>>().len(), 56);
        assert!(!ALPHABET.iter().any(|byte| b"0Oo1lI".contains(byte)));
    }

    #[tokio::test]
    async fn a_crowd_is_turned_away() {
        static CROWDED: Queue = Queue::new(AT_ONCE, WAITING);
        static OPEN: AtomicBool = AtomicBool::new(false);
        let slow = || {
            while !OPEN.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        };
        // Tasks of this runtime start in order: the first fill the queue.
        let mut crowd: Vec<_> =
            (0..AT_ONCE + WAITING + 10).map(|_| tokio::spawn(CROWDED.run(slow))).collect();
        for late in crowd.drain(AT_ONCE + WAITING..) {
            assert!(matches!(late.await.expect("joined"), Err(PasswordError::Busy)));
        }
        OPEN.store(true, Ordering::Relaxed);
        for early in crowd {
            early.await.expect("joined").expect("had its turn");
        }
        CROWDED.run(|| Ok(())).await.expect("room again");
    }
}

//! Where the passwords of identity providers are checked: user names that somebody has and those that nobody has wait
//! apart, so that strangers who guess keep out nobody, and no answer tells the one kind from the other.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep, sleep_until};

use crate::passwords::{self, MAX_LENGTH, PATIENCE, PasswordError, Queue};

/// Names one user name, whoever has it.
type Name = [u8; 32];

/// Hashes of user names that somebody has: computed at once, and waiting.
const KNOWN: (usize, usize) = (2, 126);
/// Hashes for one user name at once, waiting ones included: wrong passwords for one leave room for the others.
const SHARE: usize = 16;

/// One for the process: memory and cores are shared.
pub(crate) static MACHINES: Desk = Desk::new();

/// See the module.
pub(crate) struct Desk {
    known: Queue,
    /// Nobody waits here: whoever gets no turn only waits as long as a hash would have taken.
    strangers: Queue,
    /// How many passwords are being checked for a user name.
    names: Mutex<BTreeMap<Name, usize>>,
}

impl Desk {
    pub(crate) const fn new() -> Self {
        Self {
            known: Queue::new(KNOWN.0, KNOWN.1),
            strangers: Queue::new(1, 0),
            names: Mutex::new(BTreeMap::new()),
        }
    }

    /// Is it the password of this hash? `None`: nobody has that name. What is refused as busy does not hang on that.
    pub(crate) async fn check(
        &'static self,
        name: Name,
        password: SecretString,
        phc: Option<String>,
    ) -> Result<bool, PasswordError> {
        if password.expose_secret().chars().count() > MAX_LENGTH {
            return Ok(false);
        }
        let _share = Share::take(self, name).ok_or(PasswordError::Busy)?;
        match phc {
            Some(_) => passwords::verify_in(&self.known, password, phc).await,
            None => self.nobody(password).await,
        }
    }

    /// Answers no, as late as a wrong password for a name that somebody has would be, and busy when that would be.
    async fn nobody(&'static self, password: SecretString) -> Result<bool, PasswordError> {
        if self.known.is_full() {
            return Err(PasswordError::Busy);
        }
        let (began, expected) = (Instant::now(), self.known.expected());
        if expected > PATIENCE {
            sleep(PATIENCE).await;
            return Err(PasswordError::Busy);
        }
        match passwords::verify_in(&self.strangers, password, None).await {
            Ok(_) | Err(PasswordError::Busy) => {}
            Err(error) => return Err(error),
        }
        sleep_until(began + expected).await;
        Ok(false)
    }

    /// Hashes that were computed.
    #[cfg(test)]
    pub(crate) fn done(&self) -> u64 {
        self.known.done() + self.strangers.done()
    }

    /// Takes all places of the names that somebody has, until what it gives is dropped.
    #[cfg(test)]
    pub(crate) fn fill(&'static self) -> tokio::sync::SemaphorePermit<'static> {
        self.known.fill()
    }
}

/// One of the places of a user name; given back when it is dropped.
struct Share {
    desk: &'static Desk,
    name: Name,
}

impl Share {
    fn take(desk: &'static Desk, name: Name) -> Option<Self> {
        let mut names = desk.names.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = names.entry(name).or_default();
        if *taken >= SHARE {
            return None;
        }
        *taken += 1;
        Some(Self { desk, name })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut names = self.desk.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = names.get_mut(&self.name) {
            *taken -= 1;
            if *taken == 0 {
                names.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    /// More at once than a name has places: some are told to come again, and for both kinds of names alike.
    #[tokio::test]
    async fn one_name_has_its_share_whether_somebody_has_it_or_not() {
        static DESK: Desk = Desk::new();
        let hash = passwords::hash("correct horse battery".into()).await.expect("hashed");
        for (name, phc) in [([1; 32], Some(hash)), ([2; 32], None)] {
            let asked = (0..SHARE + 8).map(|at| DESK.check(name, format!("wrong {at}").into(), phc.clone()));
            let answers = join_all(asked).await;
            let busy = answers.iter().filter(|answer| matches!(answer, Err(PasswordError::Busy))).count();
            let wrong = answers.iter().filter(|answer| matches!(answer, Ok(false))).count();
            assert_eq!((wrong, busy), (SHARE, 8), "{name:?}");
        }
        assert!(DESK.names.lock().expect("whole").is_empty(), "places are given back");
    }

    /// A crowd at one name leaves room for another, and names that nobody has need none.
    #[tokio::test]
    async fn a_crowd_keeps_out_no_other_name() {
        static DESK: Desk = Desk::new();
        let hash = passwords::hash("correct horse battery".into()).await.expect("hashed");
        let strangers = (0..200_u8).map(|at| DESK.check([at; 32], "correct horse battery".into(), None));
        let guesses =
            (0..50).map(|at| DESK.check([201; 32], format!("wrong {at}").into(), Some(hash.clone())));
        let valid = DESK.check([202; 32], "correct horse battery".into(), Some(hash.clone()));
        let (strangers, guesses, valid) =
            futures::future::join3(join_all(strangers), join_all(guesses), valid).await;
        assert!(valid.expect("checked"), "the last who came");
        assert!(strangers.iter().all(|answer| matches!(answer, Ok(false))));
        assert!(guesses.iter().all(|answer| matches!(answer, Ok(false) | Err(PasswordError::Busy))));
    }
}

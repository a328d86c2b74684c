//! One connection that all attempts of a destination share: made by one of them while the others wait, and given up by those
//! alone who had that very one.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::{sync::Mutex as Turn, time::Instant};

/// See the module.
pub(crate) struct Shared<C, E> {
    kept: Mutex<Option<Lent<C>>>,
    making: Turn<Making<E>>,
}

/// What whoever makes a connection knows of those before it.
struct Making<E> {
    /// Counts connections, from 1.
    number: u64,
    /// When the last try failed, and why.
    failed: Option<(Instant, E)>,
}

/// A connection, and which one it is.
#[derive(Clone)]
pub(crate) struct Lent<C> {
    pub(crate) connection: C,
    number: u64,
}

/// Which connection an attempt had last, for whoever ends it.
#[derive(Debug, Default)]
pub(crate) struct Had(AtomicU64);

impl<C, E> Default for Shared<C, E> {
    fn default() -> Self {
        Self { kept: Mutex::default(), making: Turn::new(Making { number: 0, failed: None }) }
    }
}

impl<C: Clone, E: Clone> Shared<C, E> {
    /// The connection that there is, if it can be used still, or a new one; and whether it is new. Whoever waited while another
    /// could not make one is told the same, and does not try in its turn.
    pub(crate) async fn lend(
        &self,
        had: &Had,
        is_usable: impl Fn(&mut C) -> bool,
        make: impl Future<Output = Result<C, E>>,
    ) -> Result<(Lent<C>, bool), E> {
        if let Some(lent) = self.usable(&is_usable) {
            return Ok((had.noting(lent), false));
        }
        let asked = Instant::now();
        let mut making = self.making.lock().await;
        if let Some(lent) = self.usable(&is_usable) {
            return Ok((had.noting(lent), false));
        }
        if let Some((at, error)) = &making.failed
            && *at >= asked
        {
            return Err(error.clone());
        }
        match make.await {
            Ok(connection) => {
                making.number += 1;
                let lent = Lent { connection, number: making.number };
                *self.kept() = Some(lent.clone());
                Ok((had.noting(lent), true))
            }
            Err(error) => {
                making.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// The connection that an attempt had is lent no more; one that was made since is. It waits for nobody.
    pub(crate) fn forget(&self, had: &Had) {
        let number = had.0.load(Ordering::Relaxed);
        self.kept().take_if(|kept| kept.number == number);
    }

    fn usable(&self, is_usable: impl Fn(&mut C) -> bool) -> Option<Lent<C>> {
        let mut kept = self.kept();
        kept.take_if(|kept| !is_usable(&mut kept.connection));
        kept.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Option<Lent<C>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Had {
    fn noting<C>(&self, lent: Lent<C>) -> Lent<C> {
        self.0.store(lent.number, Ordering::Relaxed);
        lent
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        time::Duration,
    };

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    async fn lent(shared: &Shared<u8, &'static str>, had: &Had, new: u8) -> (u8, bool) {
        let (lent, is_new) = shared.lend(had, |_| true, ready(Ok(new))).await.expect("a connection");
        (lent.connection, is_new)
    }

    #[tokio::test]
    async fn only_the_connection_that_failed_is_given_up() {
        let shared = Shared::<u8, &str>::default();
        let [slow, quick, later, never] = [const { Had(AtomicU64::new(0)) }; 4];
        assert_eq!(lent(&shared, &slow, 1).await, (1, true));
        assert_eq!(lent(&shared, &quick, 9).await, (1, false));
        shared.forget(&quick);
        assert_eq!(lent(&shared, &later, 2).await, (2, true));
        // Whoever had the first one, or none, comes too late.
        shared.forget(&slow);
        shared.forget(&never);
        assert_eq!(lent(&shared, &quick, 9).await, (2, false));
        shared.forget(&later);
        assert_eq!(lent(&shared, &quick, 3).await, (3, true));
        // What was closed meanwhile is not lent.
        let (lent, is_new) = shared.lend(&quick, |one| *one > 3, ready(Ok(4))).await.expect("a connection");
        assert_eq!((lent.connection, is_new), (4, true));
    }

    #[tokio::test]
    async fn whoever_gives_up_does_not_wait_for_whoever_connects() {
        let shared = Shared::<u8, &str>::default();
        let had = Had::default();
        lent(&shared, &had, 1).await;
        shared.forget(&had);
        let other = Had::default();
        let connecting = shared.lend(&other, |_| true, pending());
        tokio::pin!(connecting);
        assert!(timeout(SOON, &mut connecting).await.is_err(), "it is under way");
        shared.forget(&had);
        // Who waits is told what came of it.
        let shared = Shared::<u8, &str>::default();
        let failing = shared.lend(&had, |_| true, async {
            tokio::time::sleep(SOON).await;
            Err("nobody is there")
        });
        let waiting = shared.lend(&other, |_| true, ready(Ok(1)));
        let (failed, waited) = tokio::join!(failing, waiting);
        assert_eq!((failed.err(), waited.err()), (Some("nobody is there"), Some("nobody is there")));
        assert_eq!(lent(&shared, &other, 1).await, (1, true), "the next one tries");
    }
}

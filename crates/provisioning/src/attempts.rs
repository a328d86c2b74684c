//! Changes are compare-and-swap: who comes second reads again and repeats, unless the client named a version.

use std::time::Duration;

use scim_core::ScimError;
use store::StoreError;

use crate::{IfMatch, answer};

/// Repetitions after the first attempt; with the waits between them about a second and a half in all.
const REPEATS: u32 = 14;

/// Longest wait before a repetition, in milliseconds.
const LONGEST_WAIT: u64 = 256;

/// The attempts of one change.
pub(crate) struct Attempts {
    if_match: IfMatch,
    repeated: u32,
}

impl Attempts {
    /// Under the client's condition.
    pub(crate) fn new(if_match: IfMatch) -> Self {
        Self { if_match, repeated: 0 }
    }

    /// Does the client name versions?
    pub(crate) fn conditional(&self) -> bool {
        self.if_match.is_some()
    }

    /// 412 unless the client takes any version, or this one.
    pub(crate) fn check(&self, version: i64) -> Result<(), ScimError> {
        match &self.if_match {
            Some(versions) if !versions.contains(&version) => Err(ScimError::precondition_failed()),
            _ => Ok(()),
        }
    }

    /// After somebody else was faster: `Ok` to read again and repeat, after a short wait of random length so that rivals
    /// do not meet again. 412 when the client named a version, 503 after too many repetitions.
    pub(crate) async fn again(&mut self) -> Result<(), ScimError> {
        if self.conditional() {
            return Err(ScimError::precondition_failed());
        }
        if self.repeated >= REPEATS {
            return Err(answer::unavailable("This resource is being changed by many requests at once."));
        }
        self.repeated += 1;
        wait(self.repeated).await;
        Ok(())
    }
}

/// A store call, repeated while the database undoes it because it met another one. Each call is one whole change, so
/// nothing of an undone one remains.
pub(crate) async fn whole<T, F>(mut call: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut repeated = 0;
    loop {
        match call().await {
            Err(StoreError::Contended(_)) if repeated < REPEATS => {
                repeated += 1;
                wait(repeated).await;
            }
            outcome => return outcome,
        }
    }
}

/// Before a change is computed anew because somebody else was faster: `true` after a short wait, `false` after too many
/// repetitions.
pub(crate) async fn may_repeat(repeated: &mut u32) -> bool {
    if *repeated >= REPEATS {
        return false;
    }
    *repeated += 1;
    wait(*repeated).await;
    true
}

/// A random time that may grow with the number of repetitions.
async fn wait(repeated: u32) {
    let longest = LONGEST_WAIT.min(8 << repeated.min(8));
    let [random, ..] = uuid::Uuid::new_v4().into_bytes();
    tokio::time::sleep(Duration::from_millis(u64::from(random) % longest)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_named_version_is_final_and_repeats_are_bounded() {
        let mut named = Attempts::new(Some(vec![2, 3]));
        assert!(named.check(3).is_ok());
        assert_eq!(named.check(4).expect_err("other version").status, 412);
        assert_eq!(named.again().await.expect_err("no repeat").status, 412);
        assert_eq!(Attempts::new(Some(vec![])).check(1).expect_err("no version").status, 412);

        let mut any = Attempts::new(None);
        assert!(any.check(99).is_ok());
        for _ in 0..REPEATS {
            any.again().await.expect("a repeat");
        }
        assert_eq!(any.again().await.expect_err("bounded").status, 503);

        let mut repeated = 0;
        while may_repeat(&mut repeated).await {}
        assert_eq!(repeated, REPEATS);
    }
}

//! How long a provider waits after 429 before it asks again.

use std::time::Duration;

/// How often a request that is answered with 429 is sent.
pub(crate) const ATTEMPTS: u32 = 10;
/// The wait when a 429 has no integer `Retry-After`.
const WAIT_UNTOLD: Duration = Duration::from_secs(300);
/// The waits between the attempts of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    pub(crate) count: u32,
    last: Duration,
    /// A 429 came without an integer `Retry-After`.
    pub(crate) untold: bool,
}

impl Waits {
    /// What to wait after one more 429: as told, but at least twice the last wait.
    pub(crate) fn next(&mut self, retry_after: Option<&str>) -> Duration {
        let told = retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        self.untold |= told.is_none();
        self.last = told.unwrap_or(WAIT_UNTOLD).max(self.last * 2);
        self.count += 1;
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_as_told_then_doubled() {
        let seconds = |waits: &mut Waits, told: Option<&str>| waits.next(told).as_secs();
        let mut waits = Waits::default();
        assert_eq!(seconds(&mut waits, Some("1")), 1);
        assert_eq!(seconds(&mut waits, Some("1")), 2);
        assert_eq!(seconds(&mut waits, Some("30")), 30);
        assert_eq!(seconds(&mut waits, Some("0")), 60);
        assert!(!waits.untold);
        for told in [None, Some("Wed, 21 Oct 2026 07:28:00 GMT"), Some("1.5")] {
            let mut waits = Waits::default();
            assert_eq!(seconds(&mut waits, told), 300);
            assert!(waits.untold);
        }
    }
}

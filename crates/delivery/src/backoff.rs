//! When something is tried again.

use std::time::Duration;

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;

/// Pauses before each attempt, in seconds; after the last one there is none any more. Together a little more than 27 hours.
const PAUSES: [u64; 8] = [0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];

/// A pause is longer by up to this part of it, so that what failed together does not come back together.
const JITTER: f64 = 0.2;

/// While nothing is taken at all, a destination is tried after a pause as long as it has failed already, between these.
const SHORTEST: i64 = 5_000;
const LONGEST: i64 = 300_000;

/// The pause before the attempt that comes after so many that failed; `None`: there is none.
pub(crate) fn pause(failed: u32) -> Option<Duration> {
    let pause = PAUSES.get(usize::try_from(failed).ok()?)?;
    Some(Duration::from_secs(*pause).mul_f64(1.0 + JITTER * rand::random::<f64>()))
}

/// Milliseconds until a destination is tried again that takes nothing since `since`, at `now` (milliseconds).
pub(crate) fn rest(since: i64, now: i64) -> i64 {
    (now - since).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_attempts_in_a_little_more_than_a_day() {
        let pauses: Vec<Duration> = (0..20).map_while(pause).collect();
        assert_eq!(pauses.len(), 8);
        assert_eq!(pauses[0], Duration::ZERO);
        for (pause, least) in pauses.iter().zip(PAUSES) {
            let least = Duration::from_secs(least);
            assert!((least..=least.mul_f64(1.2)).contains(pause), "{pause:?}");
        }
        let all: Duration = pauses.iter().sum();
        assert!(all > Duration::from_secs(27 * HOUR), "{all:?}");
        assert_eq!((pause(8), pause(u32::MAX)), (None, None));
    }

    #[test]
    fn what_fails_as_a_whole_is_tried_less_and_less_often() {
        let rests = [0, 5_000, 5_001, 60_000, 300_000, 10_000_000].map(|now| rest(0, now));
        assert_eq!(rests, [5_000, 5_000, 5_001, 60_000, 300_000, 300_000]);
        assert_eq!(rest(10, 0), 5_000, "clocks differ");
    }
}

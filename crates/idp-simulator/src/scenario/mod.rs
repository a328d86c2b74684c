//! Whole runs: general ones by size (`simulate okta`, `simulate entra`), the sets of Entra's SCIM Validator, and the
//! guide of each product (`demo`).

mod entra;
mod guides;
mod mapping;
mod okta;
mod validator;

use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use mapping::GENERAL;

pub use entra::{EntraOptions, OptScim, entra};
pub use guides::{Prepared, guide, prepared};
pub use okta::{OktaOptions, okta};
pub use validator::validator;

use crate::client::TargetError;
use crate::{Failure, Report};

/// How far a run is, for a progress bar: steps done, steps in all, and what was done last.
pub type Progress<'a> = &'a (dyn Fn(u64, u64, &str) + Send + Sync);

/// Counts steps towards a total and tells the caller's bar.
struct Steps<'a> {
    done: AtomicU64,
    total: u64,
    progress: Progress<'a>,
}

impl<'a> Steps<'a> {
    fn new(total: usize, progress: Progress<'a>) -> Self {
        let total = total as u64;
        progress(0, total, "start");
        Self { done: AtomicU64::new(0), total, progress }
    }

    fn tick(&self, label: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.progress)(done.min(self.total), self.total, label);
    }
}

/// The report of a run that could not begin.
fn unusable(error: &TargetError) -> Report {
    let failure = Failure {
        operation: "connect".into(),
        request: "none".into(),
        requirement: "the base URL and the Authorization value can be used".into(),
        found: error.to_string(),
    };
    Report { failures: vec![failure], ..Report::default() }
}

/// Largest number of members that a group of a run begins with.
const MEMBERS: usize = 500;

/// Who begins in a group, who joins, and both together: a window that moves with the group's number.
fn parts<T>(users: &[T], index: usize) -> (&[T], &[T], &[T]) {
    let size = (users.len() / 4).clamp(1, MEMBERS).min(users.len());
    let room = users.len() - size;
    let start = if room == 0 { 0 } else { index * size % (room + 1) };
    let all = &users[start..start + size];
    let (first, second) = all.split_at(size.div_ceil(2));
    (first, second, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_members_fit_any_number_of_people() {
        for size in [0, 1, 2, 3, 9, 200, 3000] {
            let users: Vec<usize> = (0..size).collect();
            for index in 0..30 {
                let (first, second, all) = parts(&users, index);
                assert_eq!(first.len() + second.len(), all.len());
                assert_eq!(all.is_empty(), size == 0);
                assert!(all.len() <= MEMBERS);
            }
        }
    }
}

//! What can go wrong.

use std::{fmt, time::Duration};

use serde::Deserialize;

/// Why there is no answer, or another one than was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of the installation, or the token, cannot be used as it is.
    #[error("{0}")]
    Unusable(String),
    /// The server was not reached, or its answer did not arrive as a whole.
    #[error("the server was not reached: {0}")]
    Unreached(#[source] reqwest::Error),
    /// The server refused, and says why.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// Something else answered, or a server of another version.
    #[error("an answer of status {status} that was not expected: {detail}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// What does not fit.
        detail: String,
    },
}

/// A problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The status in words.
    pub title: String,
    /// What was wrong and what to do, for people.
    pub detail: String,
    /// The field or parameter that was wrong, where it is one.
    #[serde(default)]
    pub field: Option<String>,
    /// By this the request is found in the server's log.
    #[serde(default)]
    pub request_id: String,
    /// When it is worth trying again (`Retry-After`).
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}: {} (request {})", self.status, self.title, self.detail, self.request_id)
    }
}

impl Error {
    /// The HTTP status, where there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(problem) => Some(problem.status),
            Self::Unexpected { status, .. } => Some(*status),
            Self::Unusable(_) | Self::Unreached(_) => None,
        }
    }

    /// Is there no such user, group, role or tenant?
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == 404)
    }

    /// Is the place of the feed forgotten, or not there (a restored database)? Then everybody is to be read anew.
    #[must_use]
    pub fn is_place_lost(&self) -> bool {
        let of_place = |problem: &Problem| problem.field.as_deref() == Some("after");
        matches!(self, Self::Refused(problem) if matches!(problem.status, 410 | 422) && of_place(problem))
    }

    /// May the same request succeed a little later?
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreached(_) => true,
            Self::Unusable(_) => false,
            Self::Refused(_) | Self::Unexpected { .. } => {
                self.status().is_some_and(|status| status == 429 || status >= 500)
            }
        }
    }

    /// After how long the server wants to be asked again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, field: Option<&str>) -> Error {
        let field = field.map(str::to_owned);
        let (title, detail, request_id) = ("T".to_owned(), "d".to_owned(), "r".to_owned());
        Error::Refused(Box::new(Problem { status, title, detail, field, request_id, retry_after: None }))
    }

    #[test]
    fn what_to_do_is_told() {
        for (error, not_found, lost, may_pass) in [
            (refused(404, None), true, false, false),
            (refused(410, Some("after")), false, true, false),
            (refused(422, Some("after")), false, true, false),
            (refused(422, Some("limit")), false, false, false),
            (refused(401, None), false, false, false),
            (refused(429, None), false, false, true),
            (refused(503, None), false, false, true),
            (Error::Unexpected { status: 502, detail: String::new() }, false, false, true),
            (Error::Unexpected { status: 200, detail: String::new() }, false, false, false),
            (Error::Unusable(String::new()), false, false, false),
        ] {
            let told = (error.is_not_found(), error.is_place_lost(), error.may_pass());
            assert_eq!(told, (not_found, lost, may_pass), "{error:?}");
        }
    }
}

//! What is told of a Redis that takes nothing: for people, without anything that it wrote but the word for its error.

use std::error::Error as _;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::carrier::Refusal;

/// Longest word for an error.
const WORD: usize = 20;

/// Why a command came to nothing, at a host, about the stream of this key.
pub(super) fn refusal(host: &str, stream: &str, error: &RedisError) -> Refusal {
    let problem = match error.kind() {
        ErrorKind::AuthenticationFailed => format!("{host} does not know this user and password"),
        ErrorKind::Parse => format!("{host} does not answer as Redis does"),
        ErrorKind::Io if error.is_timeout() => return too_late(host),
        ErrorKind::Io if error.is_connection_refusal() => {
            format!("{host} cannot be reached: it refuses connections")
        }
        ErrorKind::Io => format!("{host} cannot be reached: {}", reason(error)),
        kind => answered(host, stream, kind, error.code().unwrap_or_default()),
    };
    Refusal { problem, ..Refusal::default() }
}

/// Nothing came.
pub(super) fn too_late(host: &str) -> Refusal {
    Refusal { problem: format!("{host} did not answer in time"), ..Refusal::default() }
}

/// Does the error say that the connection is of no use any more? A replica that was the master is: its name may lead
/// elsewhere by now.
pub(super) fn is_lost(error: &RedisError) -> bool {
    let moved = [ServerErrorKind::ReadOnly, ServerErrorKind::MasterDown].map(ErrorKind::Server);
    error.is_io_error() || error.is_unrecoverable_error() || moved.contains(&error.kind())
}

fn answered(host: &str, stream: &str, kind: ErrorKind, code: &str) -> String {
    match (kind, code) {
        (ErrorKind::Server(ServerErrorKind::NoPerm), _) => {
            format!(
                "the user may not do this at {host}: XADD and XGROUP CREATE on the key {stream:?} are needed"
            )
        }
        (ErrorKind::Server(ServerErrorKind::ReadOnly), _) => {
            format!("{host} is a replica, which takes nothing; name the primary")
        }
        (ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask), _) => {
            format!(
                "{host} is a node of a cluster, and the key {stream:?} lies on another one; name that node"
            )
        }
        (_, "NOAUTH") => format!("{host} wants a password"),
        (_, "OOM") => format!("{host} has no memory left"),
        (_, "WRONGTYPE") => format!("the key {stream:?} at {host} holds something that is no stream"),
        (_, code) if is_word(code) => format!("{host} answered with the error {code}"),
        _ => format!("{host} answered with an error"),
    }
}

/// What it writes beside the word may be anything.
fn is_word(code: &str) -> bool {
    (1..=WORD).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The innermost cause.
fn reason(error: &RedisError) -> String {
    let mut last = error.source();
    while let Some(next) = last.and_then(|error| error.source()) {
        last = Some(next);
    }
    last.map_or_else(|| "the connection broke".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_the_server_are_repeated() {
        let told = |code: &str, detail: &str| {
            let error = redis::make_extension_error(code.to_owned(), Some(detail.to_owned()));
            refusal("redis.example.com", "rollcall", &error).problem
        };
        assert_eq!(
            told("WRONGTYPE", "secret"),
            "the key \"rollcall\" at redis.example.com holds something that is no stream"
        );
        assert_eq!(told("NOAUTH", "secret"), "redis.example.com wants a password");
        assert_eq!(told("LOADING", "secret"), "redis.example.com answered with the error LOADING");
        for code in ["<script>", "", "ERRORERRORERRORERROR1", "secret"] {
            assert_eq!(told(code, "secret"), "redis.example.com answered with an error", "{code}");
        }
    }
}

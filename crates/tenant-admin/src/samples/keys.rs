//! The pages of the signing keys.

use askama::Template;

use super::{at, chrome};
use crate::{
    chrome::Badge,
    pages::keys::{Facts, KeyRow, KeysPage, RotateKeysPage},
};

fn row(
    kid: &str,
    state: Badge,
    since: Option<i64>,
    until: Option<i64>,
    tokens: &str,
    end: Option<i64>,
) -> KeyRow {
    KeyRow {
        kid: kid.into(),
        state,
        since: since.map(at),
        until: until.map(at),
        tokens: tokens.into(),
        covers: end.map(at),
    }
}

fn active() -> KeyRow {
    row("Zk2xQ9dV0fGqTn4c", Badge::new("ok", "Signs"), Some(-40), None, "38 tokens", Some(3612))
}

fn keys(notice: bool) -> KeysPage {
    KeysPage {
        chrome: chrome("Keys"),
        rows: vec![
            active(),
            row("pW8rB1sLhY6uKe3J", Badge::new("quiet", "Next"), None, None, "0 tokens", None),
            row(
                "c7NfX5mAoT2vRg9i",
                Badge::new("quiet", "Only verifies"),
                Some(-400),
                Some(-40),
                "1 token",
                Some(3251),
            ),
        ],
        facts: Facts {
            issuer: "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90".into(),
            jwks: "https://scim.example.com/.well-known/jwks.json".into(),
        },
        notice: notice.then_some("The next key signs now. Tokens that were issued before go on as they are."),
        problem: (!notice)
            .then_some("Somebody else has rotated the keys at the same time, so nothing more was done."),
    }
}

fn question(hasty: Option<i64>) -> RotateKeysPage {
    RotateKeysPage {
        chrome: chrome("Rotate the keys"),
        active: active(),
        next: "pW8rB1sLhY6uKe3J".into(),
        hasty,
    }
}

pub(super) fn pages() -> Vec<(&'static str, askama::Result<String>)> {
    vec![
        ("keys", keys(true).render()),
        ("keys-overtaken", keys(false).render()),
        ("rotate-keys", question(None).render()),
        ("rotate-keys-hasty", question(Some(4)).render()),
    ]
}

//! What does not fit of a destination that somebody describes.

/// What is wrong with a destination: the member of its settings, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {detail}")]
pub struct Unfit {
    /// `url`, `headers.NAME`, `secret`, `stream`, …
    pub member: String,
    /// For people.
    pub detail: String,
}

impl Unfit {
    pub(crate) fn new(member: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { member: member.into(), detail: detail.into() }
    }
}

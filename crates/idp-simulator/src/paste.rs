//! What people paste where a token belongs.

/// How a bearer token gets into a field that is sent as the whole `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paste {
    /// The token alone.
    Bare,
    /// `bearer` in small letters.
    Small,
    /// `Bearer Bearer`, by those who paste the whole value behind a `Bearer` that is there already.
    Doubled,
    /// Blanks around and between, as copied from a document.
    Blanks,
    /// `Bearer` and nothing behind it.
    Forgotten,
}

impl Paste {
    /// All that a server takes.
    pub(crate) const TAKEN: [Self; 4] = [Self::Bare, Self::Small, Self::Doubled, Self::Blanks];

    pub(crate) fn header(self, token: &str) -> String {
        match self {
            Self::Bare => token.to_owned(),
            Self::Small => format!("bearer {token}"),
            Self::Doubled => format!("Bearer Bearer {token}"),
            Self::Blanks => format!(" Bearer  {token} "),
            Self::Forgotten => "Bearer".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_pasted_in_every_way_that_people_have() {
        for (paste, header) in [
            (Paste::Bare, "sesame"),
            (Paste::Small, "bearer sesame"),
            (Paste::Doubled, "Bearer Bearer sesame"),
            (Paste::Blanks, " Bearer  sesame "),
            (Paste::Forgotten, "Bearer"),
        ] {
            assert_eq!(paste.header("sesame"), header);
            assert_eq!(Paste::TAKEN.contains(&paste), paste != Paste::Forgotten);
        }
    }
}

//! The identity providers that the set-up page speaks for: one value each, so that a page has no word about any of them.

use scim_core::profile::{CredentialKind, IdentityProvider};

use super::{
    okta, others,
    steps::{Text, When},
};

/// What is known of an identity provider. Its texts are as in [`super::words`], with `{base-url}` and `{prefix}`.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) key: IdentityProvider,
    /// In addresses and in the database.
    pub(crate) word: &'static str,
    /// For people who choose one.
    pub(crate) name: &'static str,
    /// Within a sentence.
    pub(crate) spoken: &'static str,
    /// With what it signs in; the first that a tenant takes is the best.
    pub(crate) signs_in: &'static [CredentialKind],
    /// What its screens call the Base URL.
    pub(crate) url_label: &'static str,
    /// What it wants after the Base URL.
    pub(crate) url_suffix: &'static str,
    /// What its screens call the secret.
    pub(crate) secret_label: &'static str,
    /// Does it send the field of the secret word for word where the product's guide says so?
    pub(crate) word_for_word: bool,
    /// What tests the connection.
    pub(crate) test: &'static str,
    /// What its screens ask for besides: when, label, what to choose or to paste.
    pub(crate) asks: &'static [(When, &'static str, &'static str)],
    /// Where the product has no guide of its own for it.
    pub(crate) steps: &'static [Text],
    /// What goes wrong with it.
    pub(crate) traps: &'static [Text],
    /// How its attributes are mapped.
    pub(crate) table: Table,
}

/// How attributes are mapped in an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Okta's profile editor.
    Okta,
    /// Entra's attribute mapping.
    Entra,
    /// OneLogin's JSON template.
    OneLogin,
    /// Paths of SCIM, and a body.
    Paths,
}

/// All, in the order in which they are offered.
pub(crate) static ALL: [Provider; 7] = [
    okta::HEADER,
    okta::OIN,
    okta::BASIC,
    others::ENTRA,
    others::ONELOGIN,
    others::JUMPCLOUD,
    others::GENERIC,
];

/// By its word.
pub(crate) fn by_word(word: &str) -> Option<&'static Provider> {
    ALL.iter().find(|provider| provider.word == word)
}

/// By its key.
pub(crate) fn of(key: IdentityProvider) -> &'static Provider {
    let index = match key {
        IdentityProvider::OktaHeader => 0,
        IdentityProvider::OktaOin => 1,
        IdentityProvider::OktaBasic => 2,
        IdentityProvider::Entra => 3,
        IdentityProvider::Onelogin => 4,
        IdentityProvider::Jumpcloud => 5,
        IdentityProvider::Generic => 6,
    };
    &ALL[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_key_and_word() {
        for provider in &ALL {
            assert_eq!(of(provider.key).word, provider.word);
            assert_eq!(by_word(provider.word).map(|found| found.key), Some(provider.key));
            let word = serde_json::to_value(provider.key).expect("a word");
            assert_eq!(word, provider.word, "as profiles write it");
            assert!(!provider.signs_in.is_empty() && !provider.steps.is_empty());
        }
        assert!(by_word("azure").is_none());
    }
}

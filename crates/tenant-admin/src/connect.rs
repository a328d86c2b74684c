//! How to connect an identity provider to a tenant: the values that its screens ask for, the steps in its words or in
//! those of the product's own guide, the attributes to map, and how far it has come. What is here decides and computes;
//! pages only show it.

pub(crate) mod checklist;
pub(crate) mod known;
pub(crate) mod mapping;
mod okta;
mod others;
pub(crate) mod providers;
pub(crate) mod steps;
pub(crate) mod words;

use scim_core::profile::{CredentialKind, IdentityProvider, Profile};

use mapping::Mapping;
use providers::Provider;
use steps::{Chapter, Given, Step};

/// What the set-up page says for one identity provider.
#[derive(Clone, Debug)]
pub(crate) struct Connect {
    /// Value, name, and whether it is the one.
    pub(crate) choices: Vec<(&'static str, &'static str, bool)>,
    /// Its name within a sentence.
    pub(crate) name: &'static str,
    /// What its screens ask for beside address and secret: label, and what to choose or to paste.
    pub(crate) asks: Vec<(&'static str, Step)>,
    /// What its screens call the secret.
    pub(crate) secret_label: &'static str,
    /// Is the token pasted with `Bearer` in front?
    pub(crate) with_bearer: bool,
    /// Title of the product's guide, when the steps are its own.
    pub(crate) guide: Option<String>,
    /// Title of the product's guide and for whom it is, when that is somebody else.
    pub(crate) other_guide: Option<(String, &'static str)>,
    pub(crate) chapters: Vec<Chapter>,
    /// What goes wrong.
    pub(crate) notes: Vec<Step>,
    /// Why it cannot be connected, if it cannot.
    pub(crate) unfit: Option<String>,
    pub(crate) mapping: Mapping,
}

impl Connect {
    /// For a tenant of this profile whose identity provider is this one, reached at `base_url`.
    pub(crate) fn of(profile: &Profile, provider: &'static Provider, base_url: &str) -> Self {
        let base_url = format!("{base_url}{}", provider.url_suffix);
        let mapping = Mapping::of(profile, provider.table);
        let given = Given {
            base_url: &base_url,
            prefix: profile.roles.prefix.as_deref(),
            groups: profile.group.is_some(),
            own: mapping.rows.iter().any(|row| !row.there),
            with_bearer: profile.paste_with_bearer,
        };
        let own_guide = profile.setup.as_ref().filter(|guide| guide.provider == provider.key);
        let other = profile.setup.as_ref().filter(|guide| guide.provider != provider.key);
        let (chapters, mut notes) = match own_guide {
            Some(guide) => (
                guide.chapters.iter().map(|chapter| Chapter::of_guide(chapter, &given)).collect(),
                guide.notes.iter().map(|note| Step::new(note, &given)).collect(),
            ),
            None => (vec![Chapter::of_provider(provider.steps, &given)], Vec::new()),
        };
        notes.extend(steps::chosen(provider.traps, &given).map(|text| Step::new(text, &given)));
        Self {
            choices: providers::ALL.iter().map(|one| (one.word, one.name, one.key == provider.key)).collect(),
            name: provider.spoken,
            asks: provider
                .asks
                .iter()
                .filter(|(when, _, _)| when.holds(&given))
                .map(|(_, label, text)| (*label, Step::new(text, &given)))
                .collect(),
            secret_label: provider.secret_label,
            with_bearer: provider.word_for_word && profile.paste_with_bearer,
            guide: own_guide.map(|guide| guide.guide.clone()),
            other_guide: other.map(|guide| (guide.guide.clone(), providers::of(guide.provider).name)),
            chapters,
            notes,
            unfit: unfit(&profile.credentials, provider),
            mapping,
        }
    }
}

/// The identity provider that a tenant's page speaks for: the one that was asked for, or was chosen before, or that the
/// product's guide is for, or that signs in with what the tenant takes.
pub(crate) fn provider_of(profile: &Profile, asked: Option<&str>, chosen: Option<&str>) -> &'static Provider {
    let named = [asked, chosen].into_iter().flatten().find_map(providers::by_word);
    let of_guide = || profile.setup.as_ref().map(|guide| providers::of(guide.provider));
    named.or_else(of_guide).unwrap_or_else(|| {
        let takes = |kind| profile.credentials.contains(&kind);
        providers::of(match () {
            () if takes(CredentialKind::Bearer) => IdentityProvider::OktaHeader,
            () if takes(CredentialKind::Basic) => IdentityProvider::OktaBasic,
            () => IdentityProvider::Entra,
        })
    })
}

impl Connect {
    /// Word of the identity provider.
    pub(crate) fn word(&self) -> &'static str {
        self.choices.iter().find(|(_, _, chosen)| *chosen).map_or("", |(word, _, _)| word)
    }
}

fn unfit(takes: &[CredentialKind], provider: &Provider) -> Option<String> {
    if provider.signs_in.iter().any(|kind| takes.contains(kind)) {
        return None;
    }
    let word = |kind: &CredentialKind| match kind {
        CredentialKind::Bearer => "a token",
        CredentialKind::Basic => "a user name and a password",
        CredentialKind::Oauth => "an OAuth client",
    };
    let list = |kinds: &[CredentialKind]| kinds.iter().map(word).collect::<Vec<_>>().join(" or ");
    Some(format!(
        "This product takes {}. {} signs in with {}, so it cannot be connected this way: choose another one.",
        list(takes),
        provider.name,
        list(provider.signs_in)
    ))
}

#[cfg(test)]
#[path = "connect/tests.rs"]
mod tests;

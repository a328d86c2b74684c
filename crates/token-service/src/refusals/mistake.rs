//! What people do wrong when they set up an identity provider, in words that they understand, and what to do.

use scim_core::{profile::CredentialKind, timestamp};
use serde::{Deserialize, Serialize};

/// The likely mistake. Its name in JSON is kebab-case: `no-token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mistake {
    /// No `Authorization` header.
    NoHeader,
    /// An empty one.
    EmptyHeader,
    /// `Bearer` or `Basic` and nothing after it.
    NoToken,
    /// More than one header.
    TwoHeaders,
    /// Longer than is looked at.
    TooLong,
    /// `Authorization:` stands in the value.
    HeaderName,
    /// A scheme that is not taken.
    OtherScheme,
    /// `Basic` without a readable user name and password.
    UnreadableBasic,
    /// User name and password in Base64, sent as a token.
    LoginAsToken,
    /// Quotes around the token.
    Quoted,
    /// Brackets around it, or the words of a guide.
    Placeholder,
    /// `…` stands in it.
    Shortened,
    /// Blanks or line breaks stand in it.
    BrokenUp,
    /// No blank after `Bearer`.
    Glued,
    /// An address.
    Url,
    /// A token of Microsoft Entra ID.
    EntraToken,
    /// An API token of Okta.
    OktaApiToken,
    /// A JWT of somebody else.
    ForeignJwt,
    /// Our token without `rcl_`.
    PrefixMissing,
    /// The beginning of one of our tokens.
    CutShort,
    /// Our token with other characters in it.
    Damaged,
    /// A token of another installation.
    OtherInstallation,
    /// Nothing that is known.
    NotOurs,
    /// It has expired.
    Expired,
    /// It was revoked.
    Revoked,
    /// It was rotated, and its grace is over.
    RotatedAway,
    /// An access token of a client, which lives for an hour or so.
    AccessTokenEnded,
    /// Our signature, and nobody knows it.
    NotIssued,
    /// Good, at an address that names no tenant there is.
    UnknownTenant,
    /// Good, for another tenant.
    OtherTenant,
    /// Good, but the tenant is not active.
    TenantInactive,
    /// The tenant takes no tokens.
    BearerNotTaken,
    /// The tenant takes no user names.
    BasicNotTaken,
    /// The tenant takes no OAuth clients.
    ClientNotTaken,
    /// A client of the tenant, and another secret.
    WrongSecret,
    /// No client has that id.
    UnknownClient,
    /// Id and secret of a client, sent where its access token belongs.
    ClientAsLogin,
    /// A user name of the tenant, and another password.
    WrongPassword,
    /// Nobody has that user name here.
    UnknownUserName,
    /// A token that stands for one user, at an address of the tenant's own.
    UserBound,
    /// Good, without the scope that is needed.
    MissingScope,
    /// Good, from a network that it may not come from.
    NotFromHere,
    /// A token of the installation, which opens `/api/v1` alone.
    OfPlatform,
}

/// What is known beside the mistake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Facts {
    /// Name of the credential.
    pub(super) name: Option<String>,
    /// Is it a user name with a password?
    pub(super) basic: bool,
    /// Is it an OAuth client?
    pub(super) client: bool,
    /// When it ended, in milliseconds.
    pub(super) at: Option<i64>,
    /// Who ended it.
    pub(super) by: Option<String>,
    /// The scheme that was sent, or the scope that is needed.
    pub(super) word: Option<String>,
}

impl Mistake {
    /// The status that it was answered with: 401, or 403 to a credential that is good.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::TenantInactive | Self::UserBound | Self::MissingScope => 403,
            _ => 401,
        }
    }

    /// Sent with a guess at a credential? Not so what carries our signature, or nothing at all.
    pub(super) fn is_guess(self) -> bool {
        !matches!(
            self,
            Self::NoHeader
                | Self::EmptyHeader
                | Self::NoToken
                | Self::Expired
                | Self::Revoked
                | Self::RotatedAway
                | Self::AccessTokenEnded
                | Self::NotIssued
                | Self::UnknownTenant
                | Self::OtherTenant
                | Self::TenantInactive
                | Self::BearerNotTaken
                | Self::BasicNotTaken
                | Self::ClientNotTaken
                | Self::UserBound
                | Self::MissingScope
                | Self::NotFromHere
                | Self::OfPlatform
        )
    }

    /// The same where nobody has the name that was sent.
    pub(super) fn of_nobody(self) -> Self {
        match self {
            Self::WrongPassword => Self::UnknownUserName,
            Self::WrongSecret => Self::UnknownClient,
            other => other,
        }
    }

    /// The same as a tenant sees it that takes only these kinds: what is wrong in itself is no matter where its whole
    /// kind is not taken.
    pub(super) fn where_taken(self, takes: &[CredentialKind]) -> Self {
        let token = takes.contains(&CredentialKind::Bearer) || takes.contains(&CredentialKind::Oauth);
        match self {
            Self::WrongPassword | Self::UnknownUserName | Self::UnreadableBasic | Self::LoginAsToken
                if !takes.contains(&CredentialKind::Basic) =>
            {
                Self::BasicNotTaken
            }
            Self::NotOurs | Self::CutShort | Self::Damaged | Self::PrefixMissing | Self::BrokenUp
                if !token =>
            {
                Self::BearerNotTaken
            }
            other => other,
        }
    }

    /// What was wrong, in a sentence.
    pub(super) fn what(self, facts: &Facts) -> String {
        let named = |kind: &str| match &facts.name {
            Some(name) => format!("{kind} “{name}”"),
            None => kind.to_owned(),
        };
        let it = named(match facts {
            Facts { basic: true, .. } => "The user name",
            Facts { client: true, .. } => "The client",
            _ => "The token",
        });
        let at = facts.at.map(|at| format!(" on {}", date(at))).unwrap_or_default();
        let by = facts.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let word = facts.word.as_deref().unwrap_or_default();
        match self {
            Self::NoHeader => "No Authorization header was sent.".into(),
            Self::EmptyHeader => "The Authorization header is empty.".into(),
            Self::NoToken => "The Authorization header names a scheme, and nothing comes after it.".into(),
            Self::TwoHeaders => "Two Authorization headers were sent at once.".into(),
            Self::TooLong => {
                "The Authorization header is longer than 8 KiB; a token has some 500 characters.".into()
            }
            Self::HeaderName => {
                "The name of the header stands in its value: “Authorization: Authorization: …”.".into()
            }
            Self::OtherScheme if word.is_empty() => {
                "The Authorization header has a scheme that is not known here.".into()
            }
            Self::OtherScheme => {
                format!("The Authorization header has the scheme {word}, which is not taken here.")
            }
            Self::UnreadableBasic => {
                "Basic was sent, but not Base64 of a user name, a colon and a password.".into()
            }
            Self::LoginAsToken => {
                "A user name and a password in Base64 came as a token, without “Basic” in front.".into()
            }
            Self::Quoted => "The token has quotes around it.".into(),
            Self::Placeholder => "This is the placeholder of a guide, or a token in brackets.".into(),
            Self::Shortened => {
                "The token has “…” in it: it was copied from where it is shown shortened.".into()
            }
            Self::BrokenUp => "The token has blanks or line breaks in it.".into(),
            Self::Glued => "There is no blank between “Bearer” and the token.".into(),
            Self::Url => "This is an address, not a token.".into(),
            Self::EntraToken => "This looks like a token that Microsoft Entra ID made for itself.".into(),
            Self::OktaApiToken => {
                "This looks like an API token of Okta (00…), which opens Okta and nothing here.".into()
            }
            Self::ForeignJwt => "This is a JSON Web Token of somebody else.".into(),
            Self::PrefixMissing => "This is a token of ours without its beginning, “rcl_”.".into(),
            Self::CutShort => "This is the beginning of a token of ours; its end is missing.".into(),
            Self::Damaged => "This is a token of ours with characters changed, missing or added.".into(),
            Self::OtherInstallation => "This is a token of another installation of Rollcall.".into(),
            Self::NotOurs => "This is no token of this installation.".into(),
            Self::Expired => format!("{it} expired{at}."),
            Self::Revoked => format!("{it} was revoked{at}{by}."),
            Self::RotatedAway => format!("{it} was rotated, and the old one ended{at}."),
            Self::AccessTokenEnded => format!("The access token of {} ended{at}.", named("the client")),
            Self::ClientNotTaken => format!("{it} signed in, and this product takes no OAuth clients."),
            Self::WrongSecret => format!("{}: the secret is wrong.", named("The client")),
            Self::ClientAsLogin => "Id and secret of an OAuth client came as user name and password.".into(),
            Self::UnknownClient => "No OAuth client has the id that was sent.".into(),
            Self::NotIssued => "The token was signed here, and is not in the list of tokens.".into(),
            Self::UnknownTenant => {
                format!("{it} is good, but the Base URL names a tenant that does not exist.")
            }
            Self::OtherTenant => "The credential was made here, but not for this tenant.".into(),
            Self::TenantInactive => format!("{it} is good, but this tenant is not active."),
            Self::BearerNotTaken => {
                "A token was sent, and this product signs in with a user name and a password.".into()
            }
            Self::BasicNotTaken => {
                "A user name and a password were sent, and this product signs in with a token.".into()
            }
            Self::WrongPassword => format!("{}: the password is wrong.", named("The user name")),
            Self::UnknownUserName => "The user name is not one of this tenant's.".into(),
            Self::UserBound => format!("{it} stands for one user: it reaches /Me and discovery alone."),
            Self::MissingScope => format!("{it} lacks the scope {word}."),
            Self::NotFromHere => format!("{it} may not come from this address."),
            Self::OfPlatform => "A token of the whole installation was sent; it opens /api/v1 alone.".into(),
        }
    }

    /// What to do about it, in a sentence or two.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::NoHeader | Self::EmptyHeader => {
                "Enter the token in the identity provider. In Okta: Provisioning, Integration, API Token; in Entra: \
                 Provisioning, Admin Credentials, Secret Token."
            }
            Self::NoToken => {
                "Paste the token after “Bearer” and a blank, or alone where the field adds “Bearer” itself."
            }
            Self::TwoHeaders => {
                "Take one of them away: often a header that was added by hand, beside the field for the token."
            }
            Self::TooLong => "Paste the token alone, as it was shown when it was made.",
            Self::HeaderName => "Take “Authorization:” out of the field; only what follows belongs there.",
            Self::OtherScheme => {
                "Choose “HTTP Header” or “Bearer” in the identity provider, or “Basic Auth” where the set-up page says so."
            }
            Self::UnreadableBasic => {
                "Enter user name and password in their own fields; the identity provider puts them together."
            }
            Self::LoginAsToken => {
                "Choose “Basic Auth” in the identity provider and enter user name and password in their own fields."
            }
            Self::Quoted => "Paste the token without the quotes.",
            Self::Placeholder => "Put a token of this tenant in its place, without the brackets.",
            Self::Shortened => {
                "A token is shown in full once, when it is made. If nobody has kept it, make or rotate one and paste that."
            }
            Self::BrokenUp => {
                "Paste it in one line; text programs break it. If that is what was copied, make or rotate a token."
            }
            Self::Glued => "Write “Bearer”, a blank, then the token; no colon.",
            Self::Url => "Base URL and token stand in each other's fields, or the address was pasted twice.",
            Self::EntraToken => {
                "Entra sends it when the field Secret Token is empty. Make a token here and paste it there; for a test, \
                 the set-up page can name the customer's directory instead."
            }
            Self::OktaApiToken => "Make a token here and paste that into the app's field API Token.",
            Self::ForeignJwt => "Make a token here (it begins with rcl_) and paste that.",
            Self::PrefixMissing => "Paste the whole of it, rcl_ included.",
            Self::CutShort => {
                "Paste the whole of it; some fields and terminals cut long lines. If it is lost, rotate the token."
            }
            Self::Damaged => "Copy it again. If it is lost, rotate the token.",
            Self::OtherInstallation => {
                "Test and production have tokens of their own: make one here, or correct the Base URL."
            }
            Self::NotOurs => "Make a token here (it begins with rcl_) and paste that.",
            Self::Expired | Self::Revoked => "Make a new one and enter it in the identity provider.",
            Self::RotatedAway => {
                "The one that took its place is to be entered in the identity provider; if it is lost, make a new one."
            }
            Self::AccessTokenEnded => {
                "The identity provider should fetch a new one by itself. If it does not, test the connection there once more."
            }
            Self::ClientNotTaken => "Use what the set-up page offers.",
            Self::WrongSecret => {
                "Enter the secret that was shown when the client was made. If it is lost, make a new client."
            }
            Self::ClientAsLogin => {
                "Choose OAuth 2.0 client credentials in the identity provider; it fetches access tokens with them at /oauth/token."
            }
            Self::UnknownClient => {
                "Copy the client id from the set-up page. A revoked client does not come back: make a new one."
            }
            Self::NotIssued => "Was the database restored from an older copy? Make a new token.",
            Self::UnknownTenant => {
                "Copy the Base URL from the set-up page; the name of the tenant in it is mistyped."
            }
            Self::OtherTenant => {
                "Compare the Base URL with the one on the set-up page, or make a token for this tenant."
            }
            Self::TenantInactive => "Activate the tenant, then press Test API Credentials again.",
            Self::BearerNotTaken => "Choose “Basic Auth” in the identity provider and make a user name here.",
            Self::BasicNotTaken => {
                "Choose “HTTP Header” (Bearer) in the identity provider and make a token here."
            }
            Self::WrongPassword => {
                "Enter the password that was shown when the user name was made. If it is lost, revoke the user name and make it again."
            }
            Self::UnknownUserName => {
                "Compare it with the list of user names; it is not an e-mail address or an Okta account unless it was made so."
            }
            Self::UserBound => "Make a token that is bound to nobody and enter it in the identity provider.",
            Self::MissingScope => "Make a token that holds it.",
            Self::OfPlatform => {
                "Make a token of this tenant and enter it in the identity provider. Keep the other one out of it."
            }
            Self::NotFromHere => {
                "Add the address to the credential's networks if it is the identity provider's."
            }
        }
    }
}

/// `2026-11-21 10:00 UTC`.
fn date(at: i64) -> String {
    let text = timestamp::to_rfc3339(at);
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_name_what_is_known() {
        let facts = Facts {
            name: Some("Okta".into()),
            at: Some(1_795_255_200_000),
            by: Some("ada@example.com".into()),
            ..Facts::default()
        };
        assert_eq!(
            Mistake::Revoked.what(&facts),
            "The token “Okta” was revoked on 2026-11-21 10:00 UTC by ada@example.com."
        );
        assert_eq!(Mistake::Expired.what(&facts), "The token “Okta” expired on 2026-11-21 10:00 UTC.");
        assert_eq!(Mistake::WrongPassword.what(&Facts::default()), "The user name: the password is wrong.");
    }

    #[test]
    fn what_a_tenant_does_not_take_comes_first() {
        use CredentialKind::{Basic, Bearer, Oauth};
        assert_eq!(Mistake::UnknownUserName.where_taken(&[Bearer]), Mistake::BasicNotTaken);
        assert_eq!(Mistake::UnknownUserName.where_taken(&[Bearer, Basic]), Mistake::UnknownUserName);
        assert_eq!(Mistake::NotOurs.where_taken(&[Basic]), Mistake::BearerNotTaken);
        assert_eq!(Mistake::NotOurs.where_taken(&[Oauth]), Mistake::NotOurs);
        assert_eq!(Mistake::OktaApiToken.where_taken(&[Basic]), Mistake::OktaApiToken);
    }
}

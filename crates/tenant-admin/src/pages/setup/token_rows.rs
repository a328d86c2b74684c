//! A tenant's tokens as its pages show them; never a secret.

use provisioning::Tenant;
use store::credentials::Credential;

use crate::{
    ConsoleState,
    chrome::Badge,
    error::PageError,
    when::{DAY, Moment},
};

/// A token in the list.
#[derive(Clone, Debug)]
pub(crate) struct TokenRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Last four characters.
    pub(crate) hint: String,
    pub(crate) scope: String,
    pub(crate) created: Moment,
    pub(crate) created_by: String,
    pub(crate) used: Option<Moment>,
    /// Address and user agent of the last use.
    pub(crate) used_from: String,
    pub(crate) expires: Option<Moment>,
    pub(crate) state: Badge,
    pub(crate) live: bool,
    /// The tenant has no other live token that an identity provider can use.
    pub(crate) last_live: bool,
    /// It stands for one user, and is of no use to an identity provider.
    pub(crate) personal: bool,
}

/// All tokens of a tenant, live ones first, then newest first.
pub(crate) async fn token_rows(state: &ConsoleState, tenant: &Tenant) -> Result<Vec<TokenRow>, PageError> {
    let now = state.store.now();
    let mut tokens = state.tokens.list(tenant.id()).await?;
    tokens.sort_by_key(|token| !is_live(token, now));
    let live = tokens.iter().filter(|token| provisions(token, now)).count();
    Ok(tokens.into_iter().map(|token| row(token, live, now)).collect())
}

fn row(token: Credential, live: usize, now: i64) -> TokenRow {
    TokenRow {
        id: token.id.to_string(),
        state: token_badge(&token, now),
        live: is_live(&token, now),
        last_live: live == 1 && provisions(&token, now),
        personal: token.user.is_some(),
        created: Moment::new(token.created_at, now),
        used: token.last_used_at.map(|at| Moment::new(at, now)),
        used_from: token.last_used_from.unwrap_or_default(),
        expires: token.expires_at.map(|at| Moment::new(at, now)),
        name: token.name,
        hint: token.hint,
        scope: token.scope,
        created_by: token.created_by,
    }
}

/// Neither revoked nor expired?
pub(crate) fn is_live(token: &Credential, now: i64) -> bool {
    token.revoked_at.is_none() && token.expires_at.is_none_or(|at| at > now)
}

/// Live, and good for an identity provider?
pub(crate) fn provisions(token: &Credential, now: i64) -> bool {
    is_live(token, now) && token.user.is_none()
}

/// State of a token: a word that also says how urgent it is.
pub(crate) fn token_badge(token: &Credential, now: i64) -> Badge {
    if token.revoked_at.is_some() {
        return Badge::new("quiet", "Revoked");
    }
    let Some(expires_at) = token.expires_at else { return Badge::new("ok", "Active") };
    match expires_at - now {
        left if left <= 0 => Badge::new("bad", "Expired"),
        left if left <= 7 * DAY => {
            Badge::new("bad", format!("Expires {}", Moment::new(expires_at, now).relative))
        }
        left if left <= 30 * DAY => {
            Badge::new("warn", format!("Expires {}", Moment::new(expires_at, now).relative))
        }
        _ => Badge::new("ok", "Active"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim_core::profile::CredentialKind;
    use store::CredentialId;

    #[test]
    fn the_state_tells_how_urgent_it_is() {
        let token = |expires_at, revoked_at| Credential {
            id: CredentialId::generate(),
            kind: CredentialKind::Bearer,
            name: "Okta".into(),
            scope: "scim:read".into(),
            login: None,
            secret_hash: None,
            hint: "abcd".into(),
            created_at: 0,
            created_by: "a@b".into(),
            expires_at,
            revoked_at,
            last_used_at: None,
            last_used_from: None,
            user: None,
        };
        let badge = |expires_at, revoked_at| {
            let badge = token_badge(&token(expires_at, revoked_at), 0);
            (badge.kind, badge.text)
        };
        assert_eq!(badge(Some(365 * DAY), None), ("ok", "Active".into()));
        assert_eq!(badge(Some(20 * DAY), None), ("warn", "Expires in 20 days".into()));
        assert_eq!(badge(Some(3 * DAY), None), ("bad", "Expires in 3 days".into()));
        assert_eq!(badge(Some(0), None), ("bad", "Expired".into()));
        assert_eq!(badge(Some(0), Some(0)), ("quiet", "Revoked".into()));
        assert!(!is_live(&token(Some(0), None), 0) && is_live(&token(None, None), 0));
        let personal = Credential { user: Some(store::UserId::generate()), ..token(None, None) };
        assert!(is_live(&personal, 0) && !provisions(&personal, 0) && provisions(&token(None, None), 0));
    }
}

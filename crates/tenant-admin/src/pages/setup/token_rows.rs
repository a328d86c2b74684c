//! A tenant's tokens, user names and OAuth clients as its pages show them; never a secret.

use provisioning::Tenant;
use scim_core::profile::CredentialKind;
use store::credentials::Credential;
use token_service::{Longest, expiring};

use crate::{ConsoleState, chrome::Badge, error::PageError, when::Moment};

/// A token, a user name or an OAuth client in its list.
#[derive(Clone, Debug)]
pub(crate) struct TokenRow {
    pub(crate) id: String,
    /// A token's or client's name; the user name.
    pub(crate) name: String,
    /// Of an OAuth client.
    pub(crate) client_id: Option<String>,
    /// A user name with a password, not a token.
    pub(crate) basic: bool,
    /// Last four characters of a token.
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
    /// Its time is over, and operators are told so until another one has its name or it is revoked.
    pub(crate) ended: bool,
    /// Live, and the tenant's identity provider gets in with it.
    pub(crate) serves: bool,
    /// The tenant has no other one that serves.
    pub(crate) last_live: bool,
    /// It stands for one user, and is of no use to an identity provider.
    pub(crate) personal: bool,
    /// It was rotated: a newer token has its name.
    pub(crate) replaced: bool,
    /// Can a new token take its place?
    pub(crate) rotates: bool,
    /// Networks that it may come from; none: from anywhere.
    pub(crate) networks: Vec<String>,
    /// From elsewhere it is let in, and the log tells so.
    pub(crate) report_only: bool,
    /// It lives longer than a new one may: so long.
    pub(crate) too_long: Option<String>,
}

impl TokenRow {
    /// Id of the list that it stands in, and segment of the addresses of its actions.
    pub(crate) fn list(&self) -> &'static str {
        match (self.basic, &self.client_id) {
            (true, _) => "logins",
            (_, Some(_)) => "clients",
            _ => "tokens",
        }
    }

    /// Start of the addresses of its actions.
    pub(crate) fn path(&self, slug: &str) -> String {
        format!("/console/tenants/{slug}/{}/{}", self.list(), self.id)
    }
}

/// All tokens, user names and clients of a tenant, live ones first, then newest first.
pub(crate) async fn token_rows(state: &ConsoleState, tenant: &Tenant) -> Result<Vec<TokenRow>, PageError> {
    let tokens = state.tokens.list(tenant.id()).await?;
    Ok(rows_of(state, tenant, tokens))
}

/// The same of credentials that were read already.
pub(super) fn rows_of(state: &ConsoleState, tenant: &Tenant, mut tokens: Vec<Credential>) -> Vec<TokenRow> {
    let now = state.store.now();
    let longest = state.tokens.longest(tenant.row.credential_days);
    tokens.sort_by_key(|token| !is_live(token, now));
    let live = tokens.iter().filter(|token| serves(tenant, token, now)).count();
    tokens.into_iter().map(|token| row(tenant, token, live, longest, now)).collect()
}

fn row(tenant: &Tenant, token: Credential, live: usize, longest: Longest, now: i64) -> TokenRow {
    let is_live = is_live(&token, now);
    let serves = serves(tenant, &token, now);
    let taken = tenant.profile.credentials.contains(&token.kind);
    let basic = token.kind == CredentialKind::Basic;
    TokenRow {
        id: token.id.to_string(),
        state: if is_live && !taken { Badge::new("quiet", "Not taken") } else { token_badge(&token, now) },
        live: is_live,
        ended: !is_live && token.revoked_at.is_none() && !token.replaced,
        serves,
        last_live: live == 1 && serves,
        personal: token.user.is_some(),
        rotates: is_live
            && taken
            && !token.replaced
            && token.kind == CredentialKind::Bearer
            && !token.is_federated(),
        replaced: token.replaced && is_live,
        networks: token.allowed_from.networks.iter().map(ToString::to_string).collect(),
        report_only: token.allowed_from.report_only,
        too_long: (is_live && longest.is_exceeded_by(&token)).then(|| longest.lifetime.words()),
        created: Moment::new(token.created_at, now),
        used: token.last_used_at.map(|at| Moment::new(at, now)),
        used_from: token.last_used_from.unwrap_or_default(),
        expires: token.expires_at.map(|at| Moment::new(at, now)),
        client_id: token.login.clone().filter(|_| token.kind == CredentialKind::Oauth),
        name: if basic { token.login.unwrap_or_default() } else { token.name },
        basic,
        hint: token.hint,
        scope: token.scope,
        created_by: token.created_by,
    }
}

/// Live, and does the tenant's identity provider get in with it?
fn serves(tenant: &Tenant, token: &Credential, now: i64) -> bool {
    provisions(token, now) && tenant.profile.credentials.contains(&token.kind)
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
    let until = Moment::new(expires_at, now);
    let kind = match expiring::step(expires_at, now) {
        _ if expires_at <= now => return Badge::new("bad", "Expired"),
        _ if token.replaced => return Badge::new("warn", format!("Until {}", until.exact)),
        None => return Badge::new("ok", "Active"),
        Some(step) => urgency(step),
    };
    Badge::new(kind, format!("Expires {}", until.relative))
}

/// How urgent a step of warnings is: from a week on, somebody has to act.
pub(crate) fn urgency(step: i32) -> &'static str {
    if step <= 7 { "bad" } else { "warn" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::CredentialId;

    const DAY: i64 = 86_400_000;

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
            replaced: false,
            allowed_from: Default::default(),
            warned_days: None,
            kid: None,
        };
        let badge = |expires_at, revoked_at| {
            let badge = token_badge(&token(expires_at, revoked_at), 0);
            (badge.kind, badge.text)
        };
        assert_eq!(badge(Some(365 * DAY), None), ("ok", "Active".into()));
        assert_eq!(badge(Some(61 * DAY), None), ("ok", "Active".into()));
        assert_eq!(badge(Some(59 * DAY), None), ("warn", "Expires in 59 days".into()));
        assert_eq!(badge(Some(20 * DAY), None), ("warn", "Expires in 20 days".into()));
        assert_eq!(badge(Some(3 * DAY), None), ("bad", "Expires in 3 days".into()));
        assert_eq!(badge(Some(0), None), ("bad", "Expired".into()));
        assert_eq!(badge(Some(0), Some(0)), ("quiet", "Revoked".into()));
        let rotated = |at| {
            let badge = token_badge(&Credential { replaced: true, ..token(Some(at), None) }, 0);
            (badge.kind, badge.text)
        };
        assert_eq!(rotated(DAY), ("warn", "Until 2 Jan 1970, 00:00 UTC".into()));
        assert_eq!(rotated(0), ("bad", "Expired".into()));
        assert!(!is_live(&token(Some(0), None), 0) && is_live(&token(None, None), 0));
        let personal = Credential { user: Some(store::UserId::generate()), ..token(None, None) };
        assert!(is_live(&personal, 0) && !provisions(&personal, 0) && provisions(&token(None, None), 0));
    }
}

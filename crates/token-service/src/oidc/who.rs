//! Which person of the console somebody is whom the provider knows.
//!
//! The subject decides, once it is bound to a person. It is bound by a verified e-mail address at the first sign-in. Who
//! is on no list comes in only if the provider's groups give a role; who has none of these comes in never, listed or not.

use std::collections::BTreeSet;

use serde_json::Value;
use store::{
    Actor, ActorKind, AdminId, ChangeContext, StoreError,
    admins::{Admin, AdminRole, Outcome},
};

use super::{OidcError, Provider, Returned, exchange::Proven};
use crate::TokenService;

/// Longest e-mail address (RFC 5321 §4.5.3.1.3).
const LONGEST_EMAIL: usize = 254;

impl Provider {
    /// Ends a sign-in: who it is, and the page that they wanted. `kept` is what [`Provider::begin`] gave the browser.
    pub async fn finish(
        &self,
        tokens: &TokenService,
        kept: &str,
        returned: &Returned,
        cause: &str,
    ) -> Result<(Admin, String), OidcError> {
        let proven = self.prove(tokens, kept, returned).await?;
        let context = ChangeContext {
            actor: Actor {
                kind: ActorKind::System,
                id: String::new(),
                name: format!("sign-in at {}", self.name()),
            },
            cause: cause.to_owned(),
        };
        let admin = self.person(tokens, &proven, &context).await?;
        Ok((admin, proven.next))
    }

    async fn person(
        &self,
        tokens: &TokenService,
        proven: &Proven,
        context: &ChangeContext,
    ) -> Result<Admin, OidcError> {
        let options = &self.inner.options;
        let role = options.roles.role(&proven.claims);
        if options.roles.decides() && role.is_none() {
            return Err(OidcError::Refused(format!(
                "Your account at {} has none of the roles that may sign in here. Ask an operator of this installation for one.",
                self.name()
            )));
        }
        let platform = tokens.inner.store.platform();
        let admin = match platform.admin_by_identity(&options.issuer, &proven.subject).await? {
            Some(admin) => admin,
            None => self.first_sign_in(tokens, proven, role, context).await?,
        };
        match role {
            Some(role) if role != admin.role => self.with_role(tokens, admin, role, context).await,
            _ => Ok(admin),
        }
    }

    async fn first_sign_in(
        &self,
        tokens: &TokenService,
        proven: &Proven,
        role: Option<AdminRole>,
        context: &ChangeContext,
    ) -> Result<Admin, OidcError> {
        let (options, platform) = (&self.inner.options, tokens.inner.store.platform());
        let email = self.email(&proven.claims)?;
        let bound = |error: StoreError| match error {
            StoreError::Conflict { .. } => OidcError::Refused(format!(
                "{email} signs in here with another account of {}. Ask an operator of this installation to remove {email} \
                 and to add it again.",
                self.name()
            )),
            other => other.into(),
        };
        let unlisted = || {
            OidcError::Refused(format!(
                "{email} is not on the list of people of this console. Ask an operator of this installation to add it."
            ))
        };
        if let Some(admin) = platform.admin_by_email(&email).await? {
            // The list takes letters for the same that mail need not: `ſ` is another mailbox than `s`.
            if !admin.email.eq_ignore_ascii_case(&email) {
                return Err(unlisted());
            }
            let done = platform.bind_identity(admin.id, &options.issuer, &proven.subject, context).await;
            return done.map(|()| admin).map_err(bound);
        }
        let role = role.ok_or_else(unlisted)?;
        // A manager's tenants are given here, by an operator: no provider can say which.
        let admin = Admin {
            id: AdminId::generate(),
            email: email.clone(),
            password_hash: String::new(),
            role,
            tenants: BTreeSet::new(),
            created_at: tokens.inner.store.now(),
        };
        let made = platform.create_admin_of_issuer(&admin, &options.issuer, &proven.subject, context).await;
        made.map(|()| admin).map_err(bound)
    }

    /// The provider's role in the place of the one that was kept. The last operator stays one.
    async fn with_role(
        &self,
        tokens: &TokenService,
        admin: Admin,
        role: AdminRole,
        context: &ChangeContext,
    ) -> Result<Admin, OidcError> {
        let tenants = if role == AdminRole::Operator { BTreeSet::new() } else { admin.tenants.clone() };
        match tokens.inner.store.platform().set_admin_role(admin.id, role, &tenants, context).await? {
            Outcome::Done(admin) => Ok(admin),
            Outcome::LastOperator => {
                tracing::warn!(admin = %admin.id, "the last operator keeps that role, whatever the OpenID provider says");
                Ok(admin)
            }
            Outcome::Unknown => Err(OidcError::Refused("You were removed just now.".into())),
        }
    }

    /// A verified e-mail address (OpenID Connect Core 1.0 §5.1). Some providers write the truth as a text.
    fn email(&self, claims: &Value) -> Result<String, OidcError> {
        let name = self.name();
        let odd = |ch: char| ch.is_whitespace() || ch.is_control();
        let email = claims["email"]
            .as_str()
            .filter(|email| email.contains('@') && email.len() <= LONGEST_EMAIL && !email.contains(odd));
        let email = email.ok_or_else(|| {
            OidcError::Refused(format!(
                "{name} does not tell your e-mail address. Ask its administrator to let this application have it."
            ))
        })?;
        let said = &claims["email_verified"];
        let verified = *said == Value::Bool(true) || said.as_str() == Some("true");
        // What is said to be unverified is never trusted.
        if verified || (self.inner.options.trust_email && said.is_null()) {
            return Ok(email.to_owned());
        }
        Err(OidcError::Refused(format!(
            "{name} does not say that {email} is verified, so it could be anybody's. Verify it there, or ask an operator of \
             this installation."
        )))
    }
}

//! Who may sign in to the console, and what for.

use std::collections::BTreeSet;

use secrecy::SecretString;
use store::{
    AdminId, ChangeContext, StoreError, TenantId,
    admins::{Admin, AdminRole},
};

use super::{PeopleError, done};
use crate::{TokenService, passwords};

/// Longest e-mail address (RFC 5321 §4.5.3.1.3).
const LONGEST_EMAIL: usize = 254;

/// Somebody who is to sign in to the console.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// E-mail address, unique without regard to case.
    pub email: String,
    /// What they are there for.
    pub role: AdminRole,
    /// Tenants that they are given: none for an operator, who has all; one at least for a manager; for an auditor none
    /// means all.
    pub tenants: BTreeSet<TenantId>,
}

impl NewPerson {
    /// The row of it, without a password.
    pub(crate) fn row(self, now: i64) -> Result<Admin, PeopleError> {
        check_email(&self.email)?;
        check_person(self.role, !self.tenants.is_empty()).map_err(PeopleError::Unfit)?;
        Ok(Admin {
            id: AdminId::generate(),
            email: self.email,
            password_hash: String::new(),
            role: self.role,
            tenants: self.tenants,
            created_at: now,
        })
    }
}

/// Do role and tenants go together? The error is for a person.
pub fn check_person(role: AdminRole, has_tenants: bool) -> Result<(), String> {
    match (role, has_tenants) {
        (AdminRole::Operator, true) => Err("tenants: an operator has all tenants: leave them out".into()),
        (AdminRole::Manager, false) => {
            Err("tenants: a manager without a tenant could do nothing: name one at least".into())
        }
        _ => Ok(()),
    }
}

fn check_email(email: &str) -> Result<(), PeopleError> {
    let (local, domain) = email.split_once('@').unwrap_or_default();
    let odd = |ch: char| ch.is_whitespace() || ch.is_control();
    if local.is_empty() || domain.is_empty() || email.len() > LONGEST_EMAIL || email.contains(odd) {
        let shown: String = email.chars().take(80).collect();
        return Err(PeopleError::Unfit(format!("email: {shown:?} is no e-mail address")));
    }
    Ok(())
}

pub(super) fn taken(email: &str) -> impl FnOnce(StoreError) -> PeopleError {
    let email = email.to_owned();
    move |error| match error {
        StoreError::Conflict { attribute: "email" } => {
            PeopleError::Taken(format!("email: {email} is on the list of people already"))
        }
        other => other.into(),
    }
}

impl TokenService {
    /// Keeps somebody with a password that they or the machine chose.
    pub async fn add_person(
        &self,
        new: NewPerson,
        password: SecretString,
        context: &ChangeContext,
    ) -> Result<Admin, PeopleError> {
        let mut admin = new.row(self.inner.store.now())?;
        admin.password_hash = passwords::choose(password, &[&admin.email]).await?;
        let kept = self.inner.store.platform().create_admin(&admin, context).await;
        kept.map_err(taken(&admin.email))?;
        Ok(admin)
    }

    /// Says anew what somebody is there for; it holds at once on this node and within 1 s on others, in their open
    /// sessions too.
    pub async fn change_person(
        &self,
        id: AdminId,
        role: AdminRole,
        tenants: &BTreeSet<TenantId>,
        context: &ChangeContext,
    ) -> Result<Admin, PeopleError> {
        check_person(role, !tenants.is_empty()).map_err(PeopleError::Unfit)?;
        done(self.inner.store.platform().set_admin_role(id, role, tenants, context).await?)
    }

    /// Removes somebody; their sessions end at once on this node and within 1 s on others.
    pub async fn remove_person(&self, id: AdminId, context: &ChangeContext) -> Result<Admin, PeopleError> {
        done(self.inner.store.platform().remove_admin(id, context).await?)
    }

    /// For somebody who lost phone and recovery codes: takes the second factor away and ends all their sessions. `false`:
    /// they had none.
    pub async fn reset_second_factor(
        &self,
        id: AdminId,
        context: &ChangeContext,
    ) -> Result<bool, PeopleError> {
        let admin = self.person(id).await?;
        let platform = self.inner.store.platform();
        let removed = platform.remove_second_factor(admin.id, context).await?;
        platform.end_sessions(admin.id, None, context).await?;
        Ok(removed)
    }
}

//! One door to either kind of trail, for those who show them.

use super::{
    Entry, TrailPage, TrailQuery,
    verify::{Check, Step, TrailState, Walk},
};
use crate::{Platform, StoreError, TenantScope};

/// A trail.
#[derive(Clone)]
pub enum Trail {
    /// A tenant's.
    Tenant(TenantScope),
    /// Of what is about no tenant.
    Installation(Platform),
}

impl Trail {
    /// Numbered entries that fit, newest first.
    pub async fn page(&self, query: &TrailQuery) -> Result<TrailPage, StoreError> {
        match self {
            Self::Tenant(scope) => scope.trail(query).await,
            Self::Installation(platform) => platform.trail(query).await,
        }
    }

    /// One entry.
    pub async fn entry(&self, number: i64) -> Result<Option<Entry>, StoreError> {
        match self {
            Self::Tenant(scope) => scope.trail_entry(number).await,
            Self::Installation(platform) => platform.trail_entry(number).await,
        }
    }

    /// See [`TenantScope::trail_events`].
    pub async fn events(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Tenant(scope) => scope.trail_events().await,
            Self::Installation(platform) => platform.trail_events().await,
        }
    }

    /// How long it is, and what is known of its chain.
    pub async fn state(&self) -> Result<TrailState, StoreError> {
        match self {
            Self::Tenant(scope) => scope.trail_state().await,
            Self::Installation(platform) => platform.trail_state().await,
        }
    }

    /// See [`TenantScope::verify_trail`].
    pub async fn verify(&self, walk: Walk) -> Result<Step, StoreError> {
        match self {
            Self::Tenant(scope) => scope.verify_trail(walk).await,
            Self::Installation(platform) => platform.verify_trail(walk).await,
        }
    }

    /// See [`TenantScope::request_check`].
    pub async fn request_check(&self) -> Result<(), StoreError> {
        match self {
            Self::Tenant(scope) => scope.request_check().await,
            Self::Installation(platform) => platform.request_check().await,
        }
    }

    /// See [`TenantScope::keep_check`].
    pub async fn keep_check(&self, check: &Check) -> Result<(), StoreError> {
        match self {
            Self::Tenant(scope) => scope.keep_check(check).await,
            Self::Installation(platform) => platform.keep_check(check).await,
        }
    }
}

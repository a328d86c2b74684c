//! A request and its answer, as the one who serves it hands them over.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use scim_core::profile::Profile;
use store::{CredentialId, TenantId};

/// Largest body, in bytes, that is handed over; of a larger one only the size.
pub const MAX_CAPTURED: usize = 256 * 1024;

/// A body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// There was none.
    #[default]
    None,
    /// All of it, as it came.
    Whole(Bytes),
    /// More than [`MAX_CAPTURED`] bytes, or more than there was room for: so many.
    Large(u64),
    /// It was written piece by piece; nobody knows how much there was.
    Streamed,
}

impl Payload {
    /// Bytes of it; `None`: it was streamed.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::None => Some(0),
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Large(size) => Some(*size),
            Self::Streamed => None,
        }
    }

    /// Bytes that it holds in memory.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            _ => 0,
        }
    }

    /// The same size, without the bytes.
    #[must_use]
    pub fn without_bytes(self) -> Self {
        match self {
            Self::Whole(bytes) => Self::Large(bytes.len() as u64),
            other => other,
        }
    }
}

/// One authenticated request. The Authorization header is not part of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Whose.
    pub tenant: TenantId,
    /// By which it was served: says what is secret.
    pub profile: Arc<Profile>,
    /// When it was answered, in milliseconds.
    pub at: i64,
    /// How long it took.
    pub duration: Duration,
    /// Request id, as the answer carries it.
    pub request_id: String,
    /// The credential.
    pub credential: CredentialId,
    /// Its name.
    pub credential_name: String,
    /// Method.
    pub method: String,
    /// Endpoint below the base URL, such as `/Users/{id}`; empty where there is none.
    pub route: &'static str,
    /// `{id}` of the path, decoded; empty where there is none.
    pub id: String,
    /// Path below the base URL, as sent.
    pub path: String,
    /// Query, as sent.
    pub query: Option<String>,
    /// Status of the answer.
    pub status: u16,
    /// Body.
    pub request: Payload,
    /// Body of the answer.
    pub response: Payload,
}

/// What can be said of a request without copying anything of it.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'r> {
    /// See [`Exchange::tenant`].
    pub tenant: TenantId,
    /// See [`Exchange::at`].
    pub at: i64,
    /// See [`Exchange::duration`].
    pub duration: Duration,
    /// See [`Exchange::method`].
    pub method: &'r str,
    /// See [`Exchange::route`].
    pub route: &'static str,
    /// See [`Exchange::status`].
    pub status: u16,
}

impl Outline<'_> {
    /// Was it answered as the client wished (2xx, or 304: what it has is still right)?
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status) || self.status == 304
    }

    /// In whole microseconds.
    pub(crate) fn duration_us(&self) -> i64 {
        i64::try_from(self.duration.as_micros()).unwrap_or(i64::MAX)
    }
}

impl Exchange {
    pub(crate) fn outline(&self) -> Outline<'_> {
        let Self { tenant, at, duration, method, route, status, .. } = self;
        Outline { tenant: *tenant, at: *at, duration: *duration, method, route, status: *status }
    }

    /// See [`Outline::is_success`].
    pub(crate) fn is_success(&self) -> bool {
        self.outline().is_success()
    }

    /// In whole microseconds.
    pub(crate) fn duration_us(&self) -> i64 {
        self.outline().duration_us()
    }
}

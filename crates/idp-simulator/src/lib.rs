//! Plays an identity provider's provisioning engine against any SCIM server, over HTTP only, and judges each answer
//! as strictly as the real one does.
//!
//! [`okta`] is the engine of Okta: wizard apps (GET, then PUT with the answer echoed back) and catalogue apps (PATCH).
//! [`entra`] is the engine of Microsoft Entra ID in both of its wire styles, and the sets of its SCIM Validator.
//! [`scenario`] plays whole runs with them, [`load`] many requests at once. TLS uses the process's default crypto provider, which the program installs.

pub mod client;
pub mod entra;
mod exchange;
mod judge;
mod load;
pub mod okta;
mod paste;
pub mod people;
pub mod report;
pub mod scenario;
mod waits;

pub use client::{Provider, Target, TargetError};
pub use load::{KindReport, LoadError, LoadOptions, LoadReport, load};
pub use okta::{AppProfile, AppStyle, Engine};
pub use report::{Failure, FeatureOutcome, Report};

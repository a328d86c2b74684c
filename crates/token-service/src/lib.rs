//! Who is calling: issues, verifies and revokes credentials; guards the signing keys.

pub mod authorization;
pub mod basic;
pub mod expiring;
pub mod expiry;
pub mod handover;
pub mod keys;
pub mod lifetime;
pub mod master_key;
pub mod meter;
pub mod passwords;
pub mod places;
pub mod rotation;
pub mod scopes;
pub mod sender;
pub mod service;

mod claims;
mod desk;
mod proofs;
mod uses;
mod verified;

pub use authorization::Presented;
pub use basic::{IssuedBasic, NewBasic};
pub use handover::RotationState;
pub use lifetime::{Lifetime, Longest, Options};
pub use master_key::MasterKey;
pub use rotation::Rotated;
pub use sender::{Networks, Sender};
pub use service::{Issued, NewToken, Principal, Refusal, TokenService};

//! Who is calling: issues, verifies and revokes credentials; guards the signing keys.

pub mod authorization;
pub mod basic;
pub mod expiry;
pub mod keys;
pub mod master_key;
pub mod passwords;
pub mod platform;
pub mod rotation;
pub mod scopes;
pub mod sender;
pub mod service;

mod claims;
mod desk;
mod proofs;
mod uses;

pub use authorization::Presented;
pub use basic::{IssuedBasic, NewBasic};
pub use master_key::MasterKey;
pub use platform::{Caller, NewPlatformToken, PlatformPrincipal};
pub use rotation::Rotated;
pub use sender::{Networks, Sender};
pub use service::{Issued, NewToken, Principal, Refusal, TokenService};

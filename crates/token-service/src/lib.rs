//! Who is calling: issues, verifies and revokes credentials; guards the signing keys.

pub mod authorization;
pub mod expiry;
pub mod keys;
pub mod master_key;
pub mod passwords;
pub mod scopes;
pub mod service;

mod claims;
mod uses;

pub use authorization::Presented;
pub use master_key::MasterKey;
pub use service::{Issued, NewToken, Principal, Refusal, TokenService};

//! Who is calling: issues, verifies and revokes credentials; guards the signing keys.

pub mod access_tokens;
pub mod attempts;
pub mod authorization;
pub mod basic;
pub mod custody;
pub mod expiry;
pub mod federation;
pub mod host;
pub mod jwks;
pub mod lost;
pub mod master_key;
pub mod oauth;
pub mod passwords;
pub mod refusals;
pub mod rotation;
pub mod scopes;
pub mod sender;
pub mod service;
pub mod vault;

mod claims;
mod desk;
mod key_file;
mod keys;
mod logins;
mod proofs;
mod sealing;
mod signing;
mod uses;

pub use access_tokens::{AccessToken, Lifetime};
pub use authorization::Presented;
pub use basic::{IssuedBasic, NewBasic};
pub use egress::Networks;
pub use master_key::MasterKey;
pub use oauth::{Client, IssuedClient, NewClient};
pub use rotation::Rotated;
pub use sender::Sender;
pub use service::{Issued, NewToken, Principal, Refusal, TokenService};
pub use vault::Vault;

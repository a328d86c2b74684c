//! What must not be shown of a destination, sealed under the master key: each kind has a form of its own.

use serde::{Serialize, de::DeserializeOwned};
use store::DestinationId;
use token_service::Vault;

/// Of a destination, as it is kept. The error is for people.
pub(crate) fn open<T: DeserializeOwned>(
    vault: &Vault,
    id: DestinationId,
    sealed: &[u8],
) -> Result<T, String> {
    let plain = vault.open(sealed, &context(id)).map_err(|_| {
        "its secrets cannot be read with this installation's master key; set them anew".to_owned()
    })?;
    serde_json::from_slice(&plain).map_err(|_| "its secrets cannot be read".to_owned())
}

/// To be kept. The error is for the log.
pub(crate) fn seal<T: Serialize>(vault: &Vault, id: DestinationId, secrets: &T) -> Result<Vec<u8>, String> {
    let plain = serde_json::to_vec(secrets).map_err(|error| error.to_string())?;
    vault.seal(&plain, &context(id)).map_err(|error| error.to_string())
}

/// Opened for another destination it cannot be read.
fn context(id: DestinationId) -> String {
    format!("destination:{id}")
}

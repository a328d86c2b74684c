//! Networks that credentials may come from, as bodies name them.

use store::credentials::AllowedFrom;
use token_service::Networks;

use super::problem::ApiError;

/// What `allowedFrom` and `reportOnly` ask for. A mode without networks is an error, since nothing would come of it.
pub(super) fn allowed(networks: &[String], report_only: bool) -> Result<AllowedFrom, ApiError> {
    let Networks(networks) = networks
        .join(",")
        .parse()
        .map_err(|error: String| ApiError::unfit("allowedFrom", format!("allowedFrom: {error}")))?;
    if report_only && networks.is_empty() {
        let text = "reportOnly: it may come from anywhere, so there is nothing to report; name networks in allowedFrom";
        return Err(ApiError::unfit("reportOnly", text));
    }
    Ok(AllowedFrom { networks, report_only })
}

//! Networks that credentials may come from, as bodies name them.

use serde::Deserialize;
use store::credentials::AllowedFrom;
use token_service::Networks;
use utoipa::ToSchema;

use super::{extract::named, problem::ApiError};

/// What of a credential is to change; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CredentialChange {
    /// Networks that it may come from, as addresses or CIDR, in the place of those before; null or none: from anywhere.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<Vec<String>>, example = json!(["203.0.113.0/24"]))]
    allowed_from: Option<Option<Vec<String>>>,
    /// Only tell in the log when it comes from elsewhere; false: refuse it then.
    report_only: Option<bool>,
}

impl CredentialChange {
    /// What is allowed then, if that was allowed before. A mode that was there goes with the last network.
    pub(super) fn of(self, before: &AllowedFrom) -> Result<AllowedFrom, ApiError> {
        let listed = self.allowed_from.map(Option::unwrap_or_default);
        let networks = listed.unwrap_or_else(|| before.networks.iter().map(ToString::to_string).collect());
        let kept = before.report_only && !networks.is_empty();
        allowed(&networks, self.report_only.unwrap_or(kept))
    }
}

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

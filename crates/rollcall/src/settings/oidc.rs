//! Settings of the OpenID provider at which people of the console sign in.

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;
use token_service::oidc::{OidcOptions, RoleMapping};
use url::Url;

use super::{Settings, is_loopback};

/// The flags. The client's secret has none: a command line is seen by every process of the machine.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct OidcFlags {
    /// Issuer of the OpenID provider where people of the console may sign in, to the letter [default: none]
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_issuer: Option<String>,
    /// Client id at the provider; its secret comes by ROLLCALL_OIDC_CLIENT_SECRET or rollcall.toml alone
    #[arg(long, global = true, hide_short_help = true, value_name = "ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_client_id: Option<String>,
    /// Claim that holds the values below [default: groups]
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_roles_claim: Option<String>,
    /// Value of the claim that makes an operator; as soon as one of the three is set, nobody without a value comes in
    #[arg(long, global = true, hide_short_help = true, value_name = "VALUE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_operator: Option<String>,
    /// Value of the claim that makes a manager, of the tenants that an operator gives them
    #[arg(long, global = true, hide_short_help = true, value_name = "VALUE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_manager: Option<String>,
    /// Value of the claim that makes an auditor
    #[arg(long, global = true, hide_short_help = true, value_name = "VALUE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_auditor: Option<String>,
    /// Take e-mail addresses for verified though the provider does not say so (Entra ID) [default: false]
    #[arg(long, global = true, hide_short_help = true, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_trust_email: Option<bool>,
}

impl Settings {
    /// The provider, if one is set; the error says what is missing.
    pub(crate) fn oidc(&self) -> anyhow::Result<Option<OidcOptions>> {
        let Some(issuer) = self.oidc_issuer.clone() else { return Ok(None) };
        let url: Option<Url> = issuer.parse().ok();
        let fits = url.filter(|url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)));
        if fits.is_none_or(|url| url.query().is_some() || url.fragment().is_some()) {
            bail!(
                "oidc_issuer {issuer:?} must be an address such as https://login.example.com, as the provider writes it"
            );
        }
        let client_id = self.oidc_client_id.clone().context(
            "oidc_issuer is set, and oidc_client_id is not: enter this installation at the provider as a web application, \
             and set the client id that it shows",
        )?;
        let client_secret = self.oidc_client_secret.clone().context(
            "oidc_issuer is set, and oidc_client_secret is not: set ROLLCALL_OIDC_CLIENT_SECRET, or oidc_client_secret in \
             rollcall.toml",
        )?;
        Ok(Some(OidcOptions {
            issuer,
            client_id,
            client_secret,
            redirect_uri: self.public_url().join("/console/sign-in/callback")?,
            roles: RoleMapping {
                claim: self.oidc_roles_claim.clone().unwrap_or_else(|| "groups".into()),
                operator: self.oidc_operator.clone(),
                manager: self.oidc_manager.clone(),
                auditor: self.oidc_auditor.clone(),
            },
            trust_email: self.oidc_trust_email.unwrap_or_default(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::{SettingFlags, Settings};

    fn load(text: &str) -> anyhow::Result<Settings> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("rollcall.toml");
        std::fs::write(&file, text)?;
        Settings::load(&SettingFlags { config: Some(file), ..Default::default() })
    }

    #[test]
    fn what_is_missing_is_named() {
        let whole = "oidc_issuer = \"https://login.example.com\"\noidc_client_id = \"rollcall\"\n\
                     oidc_client_secret = \"hunter2\"\noidc_operator = \"ops\"";
        let options = load(whole).unwrap().oidc().unwrap().unwrap();
        assert_eq!(options.redirect_uri.as_str(), "http://127.0.0.1:8080/console/sign-in/callback");
        assert_eq!((options.roles.claim.as_str(), options.trust_email), ("groups", false));
        assert!(!format!("{options:?}").contains("hunter2"));
        for (from, to, word) in [
            ("oidc_client_id = \"rollcall\"\n", "", "oidc_client_id"),
            ("oidc_client_secret = \"hunter2\"\n", "", "ROLLCALL_OIDC_CLIENT_SECRET"),
            ("https://login.example.com", "http://login.example.com", "oidc_issuer"),
            ("https://login.example.com", "login", "oidc_issuer"),
        ] {
            let error = load(&whole.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains("hunter2"), "{error}");
        }
        assert!(load("").unwrap().oidc().unwrap().is_none());
    }
}

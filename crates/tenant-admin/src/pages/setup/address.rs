//! The addresses under which an identity provider reaches a tenant.

use provisioning::Tenant;

use crate::{ConsoleState, error::PageError, pages::domains};

/// An address of the tenant.
#[derive(Clone, Debug)]
pub(crate) struct BaseUrl {
    pub(crate) id: String,
    pub(crate) label: &'static str,
    pub(crate) value: String,
}

/// All of them, the usual one first, as `label` names it and with what its identity provider wants after it; host names of
/// the tenant's own once they are proven.
pub(crate) async fn base_urls(
    state: &ConsoleState,
    tenant: &Tenant,
    label: &'static str,
    suffix: &str,
) -> Result<Vec<BaseUrl>, PageError> {
    let first = format!("{}{suffix}", tenant.base_url(&state.public_url));
    let mut urls = vec![BaseUrl { id: "base-url".to_owned(), label, value: first }];
    if let Some(domain) = &state.tenant_domain {
        let port = match state.public_url.port() {
            Some(port) if !domain.contains(':') => format!(":{port}"),
            _ => String::new(),
        };
        let (scheme, path) = (state.public_url.scheme(), &tenant.profile.base_path);
        let value = format!("{scheme}://{}.{domain}{port}{path}{suffix}", tenant.row.slug);
        let id = "base-url-host".to_owned();
        urls.push(BaseUrl { id, label: "The same, on the tenant's own host", value });
    }
    for (number, url) in domains::own_base_urls(state, tenant).await?.into_iter().enumerate() {
        let id = format!("base-url-own-{number}");
        let label = "The same, on a host name of the customer's own";
        urls.push(BaseUrl { id, label, value: format!("{url}{suffix}") });
    }
    Ok(urls)
}

//! The addresses under which an identity provider reaches a tenant.

use provisioning::Tenant;

use crate::ConsoleState;

/// An address of the tenant.
#[derive(Clone, Debug)]
pub(crate) struct BaseUrl {
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    pub(crate) value: String,
}

/// Base URL of a tenant on the shared host, in the form of its product's guide.
pub(crate) fn base_url(public_url: &url::Url, tenant: &Tenant) -> String {
    let origin = public_url.origin().ascii_serialization();
    format!("{origin}/t/{}{}", tenant.row.slug, tenant.profile.base_path)
}

/// All of them, the usual one first, as `label` names it and with what its identity provider wants after it.
pub(crate) fn base_urls(
    state: &ConsoleState,
    tenant: &Tenant,
    label: &'static str,
    suffix: &str,
) -> Vec<BaseUrl> {
    let first = format!("{}{suffix}", base_url(&state.public_url, tenant));
    let mut urls = vec![BaseUrl { id: "base-url", label, value: first }];
    if let Some(domain) = &state.tenant_domain {
        let port = match state.public_url.port() {
            Some(port) if !domain.contains(':') => format!(":{port}"),
            _ => String::new(),
        };
        let (scheme, path) = (state.public_url.scheme(), &tenant.profile.base_path);
        let value = format!("{scheme}://{}.{domain}{port}{path}{suffix}", tenant.row.slug);
        urls.push(BaseUrl { id: "base-url-host", label: "The same, on the tenant's own host", value });
    }
    urls
}

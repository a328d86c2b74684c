//! From the host and path of a request to the tenant that they name and the endpoint below its base URL.
//!
//! | form | address |
//! | --- | --- |
//! | [`Form::Path`] | `/t/{slug}/scim/v2/…`, `/t/{slug}/scim/…`, `/t/{slug}/scim/api/V1/…` |
//! | [`Form::Host`] | the same without `/t/{slug}` on `{slug}.DOMAIN` |
//! | [`Form::Domain`] | the same without `/t/{slug}` on a host name that a tenant has proven to be its own |
//! | [`Form::Shared`] | the same without `/t/{slug}` on any other host: the credential names the tenant |
//!
//! Doubled and trailing slashes are taken, and the literal parts compare without case; a query string on the base
//! URL is none of this module's business. What is written into answers ([`Address::base_url`]) comes from the
//! configuration and from the matched form, never from the request's own spelling.

use url::Url;

/// The part of the configuration that addresses are read and written with.
#[derive(Clone, Debug)]
pub struct Origins {
    /// Origin of the shared host.
    public_url: Url,
    /// DOMAIN of `{slug}.DOMAIN`, in lower case, without a dot at either end.
    tenant_domain: Option<String>,
}

impl Origins {
    /// `public_url` gives scheme, host and port; its path is ignored. A blank `tenant_domain` counts as none.
    #[must_use]
    pub fn new(public_url: Url, tenant_domain: Option<&str>) -> Self {
        let tenant_domain = tenant_domain
            .map(|domain| domain.trim().trim_matches('.').to_ascii_lowercase())
            .filter(|domain| !domain.is_empty());
        Self { public_url, tenant_domain }
    }

    /// What stands before `.DOMAIN` in a host name: a tenant's own host. `None` for the public URL's host, even
    /// where that lies below DOMAIN, and for every host outside of it.
    fn tenant_of_host(&self, host: &str) -> Option<String> {
        let name = host_name(host);
        if self.public_url.host_str().is_some_and(|public| public.eq_ignore_ascii_case(&name)) {
            return None;
        }
        let label = name.strip_suffix(self.tenant_domain.as_deref()?)?.strip_suffix('.')?;
        (!label.is_empty()).then(|| label.to_owned())
    }
}

/// How a client names the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// In the path: `/t/{slug}/…`.
    Path,
    /// In the host name: `{slug}.DOMAIN`.
    Host,
    /// By a host name of its own.
    Domain,
    /// Not at all; its credential does.
    Shared,
}

/// A SCIM address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The tenant that path or host name; not known to exist.
    pub slug: Option<String>,
    /// Where it was named.
    pub form: Form,
    /// The tenant's own host name, where that named it.
    pub domain: Option<String>,
    /// Path of the base URL in canonical spelling, without a trailing slash: `/t/acme/scim/v2`. Empty when the
    /// request lies on a tenant's ground but below no base URL.
    pub base_path: String,
    /// What follows the base URL, as sent: each segment still percent-encoded, with one `/` before it; empty for the
    /// base URL itself.
    pub rest: String,
}

impl Address {
    /// Reads an address; `None` when host and path belong to something else than SCIM. Everything on a tenant's own
    /// host and everything below `/t/{slug}` is SCIM's, so that no such address tells whether the tenant exists.
    #[must_use]
    pub fn parse(origins: &Origins, host: Option<&str>, path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        if let Some(slug) = host.and_then(|host| origins.tenant_of_host(host)) {
            return Some(Self::below(Some(slug), Form::Host, String::new(), &segments));
        }
        match segments.as_slice() {
            [t, slug, rest @ ..] if t.eq_ignore_ascii_case("t") => {
                Some(Self::below(Some((*slug).to_owned()), Form::Path, format!("/t/{slug}"), rest))
            }
            [scim, ..] if scim.eq_ignore_ascii_case("scim") => {
                Some(Self::below(None, Form::Shared, String::new(), &segments))
            }
            _ => None,
        }
    }

    /// Reads an address on a host name (in lower case, without port) that this tenant has proven to be its own. Everything
    /// there is SCIM's.
    #[must_use]
    pub fn on_domain(host: String, slug: &str, path: &str) -> Self {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let address = Self::below(Some(slug.to_owned()), Form::Domain, String::new(), &segments);
        Self { domain: Some(host), ..address }
    }

    fn below(slug: Option<String>, form: Form, tenant_path: String, segments: &[&str]) -> Self {
        let (scim_path, used) = scim_base(segments);
        let base_path = if used == 0 { String::new() } else { tenant_path + scim_path };
        let rest = segments[used..].iter().fold(String::new(), |rest, segment| rest + "/" + segment);
        Self { slug, form, domain: None, base_path, rest }
    }

    /// Does the address lie below a base URL, so that it can name an endpoint?
    #[must_use]
    pub fn has_endpoint(&self) -> bool {
        !self.base_path.is_empty()
    }

    /// Base URL for `meta.location` and `$ref`, without a trailing slash: the configured origin (on a tenant's own
    /// host: scheme and port of it), and the form that the client used.
    #[must_use]
    pub fn base_url(&self, origins: &Origins) -> String {
        let public = &origins.public_url;
        let on = |host: &str| {
            let port = public.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{host}{port}", public.scheme())
        };
        let origin = match (self.form, &self.slug, &origins.tenant_domain, &self.domain) {
            (Form::Host, Some(slug), Some(domain), _) => on(&format!("{slug}.{domain}")),
            (Form::Domain, _, _, Some(host)) => on(host),
            _ => public.origin().ascii_serialization(),
        };
        origin + &self.base_path
    }
}

/// The canonical spelling of the base path at the head of `segments`, and how many of them it takes; 0 when they do
/// not begin with one.
fn scim_base(segments: &[&str]) -> (&'static str, usize) {
    let is = |at: usize, wanted: &str| {
        segments.get(at).is_some_and(|segment| segment.eq_ignore_ascii_case(wanted))
    };
    if !is(0, "scim") {
        ("", 0)
    } else if is(1, "v2") {
        ("/scim/v2", 2)
    } else if is(1, "api") && is(2, "V1") {
        ("/scim/api/V1", 3)
    } else {
        ("/scim", 1)
    }
}

/// A host without its port and the root's dot, in lower case: `Acme.Example.com.:8443` is `acme.example.com`.
pub(crate) fn host_name(host: &str) -> String {
    let host = host.trim();
    let after_bracket = host.rfind(']').map_or(0, |at| at + 1);
    let name = match host[after_bracket..].rfind(':') {
        Some(colon) => &host[..after_bracket + colon],
        None => host,
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(public: &str, domain: Option<&str>) -> Origins {
        Origins::new(Url::parse(public).expect("a URL"), domain)
    }

    fn example() -> Origins {
        origins("https://scim.example.com", Some("tenants.example.net"))
    }

    /// (host, path) → (slug, form, base path, rest)
    fn check(host: &str, path: &str, wanted: Option<(Option<&str>, Form, &str, &str)>) {
        let found = Address::parse(&example(), Some(host), path);
        let wanted = wanted.map(|(slug, form, base, rest)| Address {
            slug: slug.map(str::to_owned),
            form,
            domain: None,
            base_path: base.into(),
            rest: rest.into(),
        });
        assert_eq!(found, wanted, "{host} {path}");
    }

    const SHARED: &str = "scim.example.com";
    const OWN: &str = "acme.tenants.example.net";

    #[test]
    fn each_form_and_alias() {
        let acme = Some("acme");
        let table = [
            (SHARED, "/t/acme/scim/v2/Users", acme, Form::Path, "/t/acme/scim/v2", "/Users"),
            (SHARED, "/t/acme/scim/Users/1", acme, Form::Path, "/t/acme/scim", "/Users/1"),
            (SHARED, "/t/acme/scim/api/V1/Groups", acme, Form::Path, "/t/acme/scim/api/V1", "/Groups"),
            (SHARED, "/t/acme/scim/v2", acme, Form::Path, "/t/acme/scim/v2", ""),
            (SHARED, "/t/acme/scim", acme, Form::Path, "/t/acme/scim", ""),
            (OWN, "/scim/v2/Users", acme, Form::Host, "/scim/v2", "/Users"),
            (OWN, "/scim/Users", acme, Form::Host, "/scim", "/Users"),
            (OWN, "/scim/api/V1/Users", acme, Form::Host, "/scim/api/V1", "/Users"),
            (SHARED, "/scim/v2/Users", None, Form::Shared, "/scim/v2", "/Users"),
            (SHARED, "/scim/Users", None, Form::Shared, "/scim", "/Users"),
            (SHARED, "/scim/api/V1/Users", None, Form::Shared, "/scim/api/V1", "/Users"),
            ("127.0.0.1:8080", "/t/acme/scim/v2/Users", acme, Form::Path, "/t/acme/scim/v2", "/Users"),
            ("[::1]:8080", "/scim/v2/Users", None, Form::Shared, "/scim/v2", "/Users"),
        ];
        for (host, path, slug, form, base, rest) in table {
            check(host, path, Some((slug, form, base, rest)));
        }
    }

    #[test]
    fn slashes_and_the_case_of_literals_do_not_matter() {
        for path in [
            "//t/acme/scim/v2/Users",
            "/t//acme/scim//v2/Users/",
            "/T/acme/SCIM/V2/Users//",
            "/t/acme/scim/v2//Users",
        ] {
            check(SHARED, path, Some((Some("acme"), Form::Path, "/t/acme/scim/v2", "/Users")));
        }
        for path in ["/scim/api/v1/Users", "/Scim/API/V1/Users/"] {
            check(SHARED, path, Some((None, Form::Shared, "/scim/api/V1", "/Users")));
            check(OWN, path, Some((Some("acme"), Form::Host, "/scim/api/V1", "/Users")));
        }
        // What follows the base URL is kept as sent.
        check(SHARED, "/scim/v2/users/A%2Fb", Some((None, Form::Shared, "/scim/v2", "/users/A%2Fb")));
        // A slug is no literal: it is compared as sent.
        check(SHARED, "/t/ACME/scim/v2/Users", Some((Some("ACME"), Form::Path, "/t/ACME/scim/v2", "/Users")));
    }

    #[test]
    fn hosts_compare_without_case_port_and_root_dot() {
        for host in ["ACME.tenants.Example.net", "acme.tenants.example.net:8443", "acme.tenants.example.net."]
        {
            check(host, "/scim/v2/Users", Some((Some("acme"), Form::Host, "/scim/v2", "/Users")));
        }
        assert_eq!(host_name("[2001:db8::1]:443"), "[2001:db8::1]");
        assert_eq!(host_name("[2001:db8::1]"), "[2001:db8::1]");
        assert_eq!(host_name(""), "");
    }

    #[test]
    fn the_rest_of_the_host_is_left_to_others() {
        for path in ["/", "", "/console/tenants", "/t", "/t/", "/healthz", "/scimitar", "/api/v1/scim"] {
            check(SHARED, path, None);
        }
        // DOMAIN itself, and hosts that only end like it, are no tenant's.
        check("tenants.example.net", "/console", None);
        check("evil-tenants.example.net", "/console", None);
        check("acme.tenants.example.net.evil.org", "/console", None);
        assert_eq!(Address::parse(&example(), None, "/console"), None);
    }

    #[test]
    fn a_tenants_ground_is_scims_alone() {
        for path in ["/", "/console", "/healthz", "/t/acme/scim/v2/Users", "/t/other/scim/v2/Users"] {
            let address = Address::parse(&example(), Some(OWN), path).expect("SCIM's");
            assert_eq!((address.slug.as_deref(), address.form), (Some("acme"), Form::Host), "{path}");
            assert!(!address.has_endpoint(), "{path}");
        }
        for path in ["/t/acme", "/t/acme/console", "/t/acme/v2/scim"] {
            let address = Address::parse(&example(), Some(SHARED), path).expect("SCIM's");
            assert_eq!(address.slug.as_deref(), Some("acme"), "{path}");
            assert!(!address.has_endpoint(), "{path}");
        }
        // Deeper labels are on the tenants' ground too; no slug has a dot, so they are nobody's.
        let address = Address::parse(&example(), Some("a.b.tenants.example.net"), "/scim").expect("SCIM's");
        assert_eq!(address.slug.as_deref(), Some("a.b"));
    }

    #[test]
    fn a_proven_host_is_its_tenants_alone() {
        let on = |path| Address::on_domain("scim.acme.example".into(), "acme", path);
        let address = on("//scim/V2/Users/");
        assert_eq!((address.slug.as_deref(), address.form), (Some("acme"), Form::Domain));
        assert_eq!((address.base_path.as_str(), address.rest.as_str()), ("/scim/v2", "/Users"));
        assert_eq!(address.base_url(&example()), "https://scim.acme.example/scim/v2");
        let origins = origins("http://localhost:8080", None);
        assert_eq!(on("/scim").base_url(&origins), "http://scim.acme.example:8080/scim");
        for path in ["/", "/console", "/t/other/scim/v2/Users"] {
            assert!(!on(path).has_endpoint(), "{path}");
        }
    }

    #[test]
    fn the_public_host_may_lie_below_the_domain() {
        let origins = origins("https://scim.example.com", Some("example.com"));
        assert_eq!(Address::parse(&origins, Some("SCIM.example.com:443"), "/console"), None);
        let shared = Address::parse(&origins, Some("scim.example.com"), "/scim/v2").expect("SCIM's");
        assert_eq!((shared.slug, shared.form), (None, Form::Shared));
        let own = Address::parse(&origins, Some("acme.example.com"), "/scim/v2").expect("SCIM's");
        assert_eq!((own.slug.as_deref(), own.form), (Some("acme"), Form::Host));
    }

    #[test]
    fn without_a_domain_every_host_is_shared() {
        for domain in [None, Some(""), Some(" . ")] {
            let origins = origins("http://127.0.0.1:8080", domain);
            let address = Address::parse(&origins, Some("acme.example.com"), "/scim/v2").expect("SCIM's");
            assert_eq!(address.form, Form::Shared);
            assert_eq!(address.base_url(&origins), "http://127.0.0.1:8080/scim/v2");
        }
    }

    #[test]
    fn locations_come_from_the_configuration() {
        let table = [
            // public URL, host sent, path sent, base URL written
            (
                "https://scim.example.com/",
                "evil.org",
                "//t/acme/SCIM/v2/Users",
                "https://scim.example.com/t/acme/scim/v2",
            ),
            (
                "https://scim.example.com/below/",
                "scim.example.com:9",
                "/scim/Users",
                "https://scim.example.com/scim",
            ),
            (
                "http://localhost:8080",
                "Acme.tenants.example.net:1234",
                "/scim/api/v1/",
                "http://acme.tenants.example.net:8080/scim/api/V1",
            ),
            (
                "https://scim.example.com:443",
                "acme.tenants.example.net.",
                "/scim/v2",
                "https://acme.tenants.example.net/scim/v2",
            ),
        ];
        for (public, host, path, wanted) in table {
            let origins = origins(public, Some(".Tenants.example.net"));
            let address = Address::parse(&origins, Some(host), path).expect("SCIM's");
            assert_eq!(address.base_url(&origins), wanted, "{public} {host} {path}");
        }
    }
}

//! The rule for a tenant's slug.

/// Longest slug: one label of a host name (RFC 1035 §2.3.4).
pub const MAX_LENGTH: usize = 63;

/// Names that would collide with hosts and paths of the platform.
pub const RESERVED: [&str; 17] = [
    "www",
    "api",
    "console",
    "setup",
    "oauth",
    "scim",
    "admin",
    "static",
    "assets",
    "health",
    "healthz",
    "readyz",
    "metrics",
    "mail",
    "t",
    "well-known",
    // The console's page for a new tenant stands beside those of tenants.
    "new",
];

/// Checks a slug: `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`, not `xn--…`, not reserved. The error is for a person.
pub fn check(slug: &str) -> Result<(), String> {
    if slug.is_empty() || slug.len() > MAX_LENGTH {
        return Err(format!("slug: use 1 to {MAX_LENGTH} characters"));
    }
    if !slug.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
        return Err("slug: use lower-case letters a-z, digits and hyphens only".into());
    }
    if slug.starts_with('-') || slug.ends_with('-') {
        return Err("slug: begin and end with a letter or a digit".into());
    }
    if slug.starts_with("xn--") {
        return Err("slug: xn-- marks encoded international names; choose another beginning".into());
    }
    if RESERVED.contains(&slug) {
        return Err(format!("slug: {slug:?} is reserved for the platform; choose another"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_that_may_be() {
        for slug in ["a", "7", "acme", "acme-2", "a--b", "x-n", "0-0", &"a".repeat(63)] {
            assert_eq!(check(slug), Ok(()), "{slug}");
        }
    }

    #[test]
    fn slugs_that_may_not_be() {
        let long = "a".repeat(64);
        for slug in [
            "",
            "-",
            "-a",
            "a-",
            "Acme",
            "a_b",
            "a.b",
            "a b",
            "é",
            "xn--mnchen-3ya",
            "www",
            "t",
            "new",
            &long,
        ] {
            assert!(check(slug).is_err_and(|text| text.starts_with("slug: ")), "{slug:?}");
        }
    }
}

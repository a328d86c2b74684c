//! What a credential may do (RFC 6749 §3.3).

/// Read SCIM resources.
pub const SCIM_READ: &str = "scim:read";
/// Change SCIM resources.
pub const SCIM_WRITE: &str = "scim:write";
/// What a token gets when nobody says otherwise.
pub const DEFAULT: &str = "scim:read scim:write";
/// Scopes that a tenant's token may hold.
pub const TENANT: [&str; 3] = [SCIM_READ, SCIM_WRITE, "directory:read"];

/// Checks a blank-separated list of scopes for a tenant's token and gives it without repeats. The error is for a
/// person.
pub fn check(scope: &str) -> Result<String, String> {
    let mut held: Vec<&str> = Vec::new();
    for word in scope.split_ascii_whitespace() {
        let Some(known) = TENANT.into_iter().find(|known| *known == word) else {
            let shown: String = word.chars().take(40).collect();
            return Err(format!("scope: {shown:?} is unknown; use {}", TENANT.join(", ")));
        };
        if !held.contains(&known) {
            held.push(known);
        }
    }
    if held.is_empty() {
        return Err(format!("scope: name at least one of {}", TENANT.join(", ")));
    }
    Ok(held.join(" "))
}

/// Is the scope in a blank-separated list?
#[must_use]
pub fn holds(list: &str, scope: &str) -> bool {
    list.split(' ').any(|held| held == scope)
}

/// What both of two blank-separated lists hold.
pub(crate) fn common(one: &str, other: &str) -> String {
    one.split(' ').filter(|scope| holds(other, scope)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_lists_have_in_common() {
        assert_eq!(common(DEFAULT, DEFAULT), DEFAULT);
        assert_eq!(common("scim:write scim:read", SCIM_READ), SCIM_READ);
        assert_eq!(common(SCIM_READ, SCIM_WRITE), "");
        assert!(holds(DEFAULT, SCIM_WRITE) && !holds(DEFAULT, "scim") && !holds("", SCIM_READ));
    }

    #[test]
    fn only_known_scopes_and_each_once() {
        assert_eq!(check(DEFAULT).as_deref(), Ok(DEFAULT));
        assert_eq!(check("  scim:write   scim:write ").as_deref(), Ok(SCIM_WRITE));
        assert!(check("").is_err());
        assert!(check("scim:read platform").is_err_and(|text| text.contains("\"platform\"")));
        assert!(check("SCIM:READ").is_err());
    }
}

//! What a credential may do (RFC 6749 §3.3).

/// Read SCIM resources.
pub const SCIM_READ: &str = "scim:read";
/// Change SCIM resources.
pub const SCIM_WRITE: &str = "scim:write";
/// Read users, their groups and roles at `/api/v1`.
pub const DIRECTORY_READ: &str = "directory:read";
/// Say at `/api/v1` which events are done.
pub const RECEIPTS_WRITE: &str = "receipts:write";
/// Look at tenants, their configuration and credentials at `/api/v1`.
pub const ADMIN_READ: &str = "admin:read";
/// Change them.
pub const ADMIN_WRITE: &str = "admin:write";
/// All that begins with `admin:`.
pub const ADMIN: &str = "admin:*";
/// What a tenant's token gets when nobody says otherwise.
pub const DEFAULT: &str = "scim:read scim:write";
/// What a token of the installation gets when nobody says otherwise.
pub const DEFAULT_PLATFORM: &str = "admin:* directory:read";
/// Scopes that a tenant's token may hold.
pub const TENANT: [&str; 4] = [SCIM_READ, SCIM_WRITE, DIRECTORY_READ, RECEIPTS_WRITE];
/// Scopes that a token of the installation may hold.
pub const PLATFORM: [&str; 5] = [ADMIN, ADMIN_READ, ADMIN_WRITE, DIRECTORY_READ, RECEIPTS_WRITE];

/// Checks a blank-separated list of scopes for a tenant's token and gives it without repeats. The error is for a
/// person.
pub fn check(scope: &str) -> Result<String, String> {
    check_among(scope, &TENANT)
}

/// The same for a token of the installation.
pub fn check_platform(scope: &str) -> Result<String, String> {
    check_among(scope, &PLATFORM)
}

fn check_among(scope: &str, all: &[&'static str]) -> Result<String, String> {
    let mut held: Vec<&str> = Vec::new();
    for word in scope.split_ascii_whitespace() {
        let Some(known) = all.iter().find(|known| **known == word) else {
            let shown: String = word.chars().take(40).collect();
            return Err(format!("scope: {shown:?} is unknown; use {}", all.join(", ")));
        };
        if !held.contains(known) {
            held.push(known);
        }
    }
    if held.is_empty() {
        return Err(format!("scope: name at least one of {}", all.join(", ")));
    }
    Ok(held.join(" "))
}

/// What both of two blank-separated lists hold.
pub(crate) fn common(one: &str, other: &str) -> String {
    one.split(' ').filter(|scope| holds(other, scope)).collect::<Vec<_>>().join(" ")
}

/// Does a blank-separated list of scopes hold this one, by itself or as part of `admin:*`?
#[must_use]
pub fn holds(list: &str, scope: &str) -> bool {
    list.split(' ').any(|held| held == scope || (held == ADMIN && scope.starts_with("admin:")))
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
        assert_eq!(check_platform(DEFAULT_PLATFORM).as_deref(), Ok(DEFAULT_PLATFORM));
    }

    #[test]
    fn a_tenants_token_is_no_admin_and_the_other_way_round() {
        for scope in [ADMIN, ADMIN_READ, ADMIN_WRITE] {
            assert!(check(scope).is_err(), "{scope}");
        }
        for scope in [SCIM_READ, SCIM_WRITE] {
            assert!(check_platform(scope).is_err(), "{scope}");
        }
    }

    #[test]
    fn the_star_holds_what_begins_like_it() {
        for (list, scope, expected) in [
            (ADMIN, ADMIN_READ, true),
            (ADMIN, ADMIN_WRITE, true),
            (ADMIN, ADMIN, true),
            (ADMIN, DIRECTORY_READ, false),
            ("directory:read admin:read", ADMIN_READ, true),
            (ADMIN_WRITE, ADMIN_READ, false),
            (ADMIN_READ, ADMIN, false),
            ("", ADMIN_READ, false),
        ] {
            assert_eq!(holds(list, scope), expected, "{list:?} {scope:?}");
        }
    }
}

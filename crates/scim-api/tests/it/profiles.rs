//! Profiles of tests.

/// The enterprise extension.
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The core schema of users.
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The core schema of groups.
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The extension of [`every_kind`].
pub(crate) const X: &str = "urn:example:params:scim:schemas:extension:test:2.0:User";

/// The general profile, and an extension with an attribute of every type and characteristic.
pub(crate) fn every_kind() -> String {
    generic(&format!(
        r#"
        [[extension]]
        urn = "{X}"
        name = "Test"
        top-level = true
        attribute = [
            {{ name = "siteNumbers", multi-valued = true }},
            {{ name = "count", type = "integer" }},
            {{ name = "share", type = "decimal" }},
            {{ name = "flag", type = "boolean" }},
            {{ name = "blob", type = "binary" }},
            {{ name = "since", type = "dateTime" }},
            {{ name = "code", case-exact = true }},
            {{ name = "badge", mutability = "immutable" }},
            {{ name = "rank", mutability = "readOnly" }},
            {{ name = "pin", mutability = "writeOnly", returned = "never" }},
            {{ name = "hint", returned = "request" }},
            {{ name = "mark", returned = "always" }},
            {{ name = "home", type = "complex", sub-attribute = [
                {{ name = "key", mutability = "immutable" }}, {{ name = "note" }} ] }},
        ]
        "#
    ))
}

/// The general profile with more tables.
pub(crate) fn generic(more: &str) -> String {
    let text = scim_core::profile::Profile::builtin("generic").expect("generic");
    format!("{text}\n{more}")
}

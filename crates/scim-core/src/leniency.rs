//! One table: each habit of an identity provider that the strict protocol would refuse, and its switch.

use serde::{Deserialize, Serialize};

/// Which habits a tenant takes. `lenient` has all on, `strict` all off. Case-insensitive names, media types and
/// Authorization forms are no leniencies: they are always on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Leniencies {
    /// `"True"`/`"false"` where a boolean is expected, in bodies, PATCH values and filters (Entra, OneLogin).
    pub boolean_strings: bool,
    /// A body without `schemas` is taken as the core schema of its endpoint.
    pub missing_schemas: bool,
    /// An extension object whose URN is not in `schemas` counts (Entra).
    pub undeclared_extensions: bool,
    /// PATCH add/replace on `attr[x eq "y"].sub` without a match makes the element (Entra).
    pub create_missing_element: bool,
    /// PATCH `remove` with a filter that matches nothing succeeds.
    pub remove_without_match: bool,
    /// PATCH `remove` on `members` or another list with the elements in `value` (Entra's default); off: 400, since a
    /// server that ignored the value would remove all.
    pub remove_by_value: bool,
    /// Path-less PATCH values with dotted or URN keys: `name.givenName`, `urn:…:User:department` (Entra).
    pub dotted_keys: bool,
    /// One object where a list is expected, and a list of one where one value is expected (manager); one string with
    /// commas where a list of strings is expected.
    pub single_as_list: bool,
    /// A bare string for a complex attribute with `value` (manager, members) (Entra); SCIM 1.1's `managerId` for a
    /// manager's `value` (OneLogin).
    pub string_for_complex: bool,
    /// A JSON number where a string is expected, and a numeric string where a number is.
    pub numbers_as_strings: bool,
    /// An extension's attribute by its bare name, in bodies and PATCH where the profile says `top-level`, in filters,
    /// `sortBy` and `attributes` always: `manager eq "…"` (Entra).
    pub bare_extension_names: bool,
    /// A dot between a URN and the attribute: `urn:…:2.0:User.department` (Entra's jobs from before 2018).
    pub dotted_urns: bool,
    /// The enterprise URN with its last colon forgotten (Entra), or as SCIM 1.0 had it (OneLogin).
    pub misspelt_enterprise_urn: bool,
    /// Core attributes in an object under the core URN, as if that were an extension's.
    pub nested_core: bool,
    /// PATCH on `members` with the list wrapped once more: `{"members": […]}` (Ping).
    pub wrapped_members: bool,
    /// Filters with a comparison after the brackets: `emails[type eq "work"].value eq "…"` (Entra).
    pub compare_after_brackets: bool,
}

impl Leniencies {
    /// All on.
    pub const LENIENT: Self = Self {
        boolean_strings: true,
        missing_schemas: true,
        undeclared_extensions: true,
        create_missing_element: true,
        remove_without_match: true,
        remove_by_value: true,
        dotted_keys: true,
        single_as_list: true,
        string_for_complex: true,
        numbers_as_strings: true,
        bare_extension_names: true,
        dotted_urns: true,
        misspelt_enterprise_urn: true,
        nested_core: true,
        wrapped_members: true,
        compare_after_brackets: true,
    };
    /// All off.
    pub const STRICT: Self = Self {
        boolean_strings: false,
        missing_schemas: false,
        undeclared_extensions: false,
        create_missing_element: false,
        remove_without_match: false,
        remove_by_value: false,
        dotted_keys: false,
        single_as_list: false,
        string_for_complex: false,
        numbers_as_strings: false,
        bare_extension_names: false,
        dotted_urns: false,
        misspelt_enterprise_urn: false,
        nested_core: false,
        wrapped_members: false,
        compare_after_brackets: false,
    };
}

impl Default for Leniencies {
    fn default() -> Self {
        Self::LENIENT
    }
}

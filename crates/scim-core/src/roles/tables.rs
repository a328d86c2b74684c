//! Each kind of rule of a role mapping by a table, as a profile file has it: at least ten groups that it gives a role to
//! and ten that it does not know.

use super::{RoleMapping, UnmatchedGroup};
use crate::profile::Profile;

/// The mapping of a file with these lines under `[roles]`.
fn mapping(lines: &str) -> RoleMapping {
    let file = format!(
        "name = \"roles\"\ntitle = \"Roles\"\nsummary = \"Groups that are roles.\"\nversion = 1\n\
         credentials = [\"bearer\"]\nbase-path = \"/scim/v2\"\n[roles]\nunmatched-group = \"reject\"\n{lines}"
    );
    Profile::from_toml(&file).unwrap_or_else(|error| panic!("{lines}: {error}")).roles
}

/// A group: its name and its externalId.
type Group = (&'static str, Option<&'static str>);

fn table(mapping: &RoleMapping, good: &[(Group, &str)], bad: &[Group]) {
    assert!(good.len() >= 10 && bad.len() >= 10);
    assert_eq!(mapping.unmatched_group, UnmatchedGroup::Reject);
    for ((name, id), role) in good {
        let roles: Vec<String> =
            mapping.roles_for(name, *id, None).into_iter().map(|role| role.name).collect();
        assert_eq!(roles, [*role], "{name:?} {id:?}");
        assert!(mapping.admit(name, *id).is_ok(), "{name:?} {id:?}");
    }
    for (name, id) in bad {
        assert!(mapping.roles_for(name, *id, None).is_empty(), "{name:?} {id:?}");
        let error = mapping.admit(name, *id).expect_err(name);
        assert!(
            error.detail.starts_with("displayName: no role belongs to a group of this name; "),
            "{error}"
        );
        assert!(error.detail.contains("do not push it"), "{error}");
    }
}

#[test]
fn by_prefix() {
    table(
        &mapping("[[roles.rule]]\nprefix = \"Envi_\""),
        &[
            (("Envi_Manager", None), "Manager"),
            (("envi_Manager", None), "Manager"),
            (("ENVI_manager", None), "manager"),
            (("Envi_ Manager ", None), "Manager"),
            (("Envi_Head of Sales", None), "Head of Sales"),
            (("Envi_Envi_x", None), "Envi_x"),
            (("Envi__", None), "_"),
            (("Envi_7", None), "7"),
            (("Envi_Ärztin", None), "Ärztin"),
            (("Envi_Manager", Some("00g1")), "Manager"),
        ],
        &[
            ("Envi", None),
            ("Envi-Manager", None),
            ("Envi Manager", None),
            (" Envi_Manager", None),
            ("My Envi_Manager", None),
            ("Manager", None),
            ("Environment", None),
            ("Env_Manager", None),
            ("Everyone", Some("Envi_Manager")),
            ("Manager_Envi_", None),
            ("", None),
        ],
    );
}

#[test]
fn by_prefix_with_a_fixed_role() {
    table(
        &mapping("[[roles.rule]]\nprefix = \"Staff\"\nrole = \"Member\""),
        &[
            (("Staff", None), "Member"),
            (("staff", None), "Member"),
            (("STAFF OF ACME", None), "Member"),
            (("Staff-1", None), "Member"),
            (("Staff 1", None), "Member"),
            (("Staffing", None), "Member"),
            (("Staff ", None), "Member"),
            (("staff_x", Some("1")), "Member"),
            (("Staffé", None), "Member"),
            (("Staff/Oslo", None), "Member"),
        ],
        &[
            ("Staf", None),
            ("Sta ff", None),
            ("The staff", None),
            (" Staff", None),
            ("Stäff", None),
            ("Member", None),
            ("Everyone", Some("Staff")),
            ("xStaff", None),
            ("S", None),
            ("", None),
        ],
    );
}

#[test]
fn by_pattern() {
    table(
        &mapping("[[roles.rule]]\npattern = 'acme-(?<role>[a-z]+)(-\\d+)?'"),
        &[
            (("acme-viewer", None), "viewer"),
            (("Acme-Viewer", None), "Viewer"),
            (("ACME-VIEWER", None), "VIEWER"),
            (("acme-viewer-1", None), "viewer"),
            (("acme-viewer-123", None), "viewer"),
            (("acme-a", None), "a"),
            (("acme-A-0", None), "A"),
            (("acme-editor", Some("1")), "editor"),
            (("acme-role", None), "role"),
            (("acme-acme-1", None), "acme"),
        ],
        &[
            ("acme", None),
            ("acme-", None),
            ("acme-7", None),
            ("acme--viewer", None),
            ("acme-viewer-", None),
            ("acme-viewer-x", None),
            ("xacme-viewer", None),
            ("acme-viewer x", None),
            (" acme-viewer", None),
            ("acme_viewer", None),
            ("Everyone", Some("acme-viewer")),
        ],
    );
}

#[test]
fn by_pattern_with_parts() {
    table(
        &mapping("[[roles.rule]]\npattern = '(\\w+) of (?<unit>\\w+)'\nrole = \"${unit} $1\""),
        &[
            (("Head of Sales", None), "Sales Head"),
            (("head OF sales", None), "sales head"),
            (("Nurse of ICU", None), "ICU Nurse"),
            (("a of b", None), "b a"),
            (("X1 of Y2", None), "Y2 X1"),
            (("of of of", None), "of of"),
            (("Ärztin of Köln", None), "Köln Ärztin"),
            (("_ of _", None), "_ _"),
            (("Head of Sales", Some("1")), "Sales Head"),
            (("1 of 2", None), "2 1"),
        ],
        &[
            ("Head", None),
            ("Head of", None),
            ("of Sales", None),
            ("Head  of Sales", None),
            ("Head of Sales now", None),
            ("The Head of Sales", None),
            ("Head-of-Sales", None),
            ("Head of Sales ", None),
            ("Head off Sales", None),
            ("", None),
        ],
    );
}

#[test]
fn by_name_of_the_group() {
    table(
        &mapping("[[roles.rule]]\ngroup = \"Straße Owners\"\nrole = \"Owner\""),
        &[
            (("Straße Owners", None), "Owner"),
            (("straße owners", None), "Owner"),
            (("STRASSE OWNERS", None), "Owner"),
            (("Strasse Owners", None), "Owner"),
            (("STRAẞE OWNERS", None), "Owner"),
            ((" Straße Owners", None), "Owner"),
            (("Straße Owners ", None), "Owner"),
            (("\tStraße Owners\n", None), "Owner"),
            (("Straße Owners", Some("1")), "Owner"),
            (("sTRASSE oWNERS", None), "Owner"),
        ],
        &[
            ("Straße", None),
            ("Owners", None),
            ("Straße Owner", None),
            ("Straße Owners 2", None),
            ("Straße  Owners", None),
            ("The Straße Owners", None),
            ("Strase Owners", None),
            ("Owner", None),
            ("Everyone", Some("Straße Owners")),
            ("", None),
        ],
    );
}

#[test]
fn by_external_id() {
    table(
        &mapping("[[roles.rule]]\nexternal-id = \"00g7x\"\nrole = \"Auditor\""),
        &[
            (("Auditors", Some("00g7x")), "Auditor"),
            (("auditors", Some("00g7x")), "Auditor"),
            (("Everyone", Some("00g7x")), "Auditor"),
            (("00g7x", Some("00g7x")), "Auditor"),
            (("Envi_Manager", Some("00g7x")), "Auditor"),
            (("", Some("00g7x")), "Auditor"),
            ((" ", Some("00g7x")), "Auditor"),
            (("Ärzte", Some("00g7x")), "Auditor"),
            (("renamed", Some("00g7x")), "Auditor"),
            (("x", Some("00g7x")), "Auditor"),
        ],
        &[
            ("Auditors", None),
            ("Auditor", None),
            ("00g7x", None),
            ("Auditors", Some("00G7X")),
            ("Auditors", Some("00g7")),
            ("Auditors", Some("00g7xx")),
            ("Auditors", Some(" 00g7x")),
            ("Auditors", Some("00g7x ")),
            ("Auditors", Some("")),
            ("Auditors", Some("other")),
        ],
    );
}

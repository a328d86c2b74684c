//! A tenant's own configuration: what is refused, what it does to people, and that it holds at once.

mod profiles;
mod protected_roles;
mod settings;
mod value_sets;
mod whole;

/// A product with an extension, a list, roles from a list, one of them protected, an organization and a gate.
const BADGES: &str = r#"
name = "badges"
title = "Badges"
summary = "People with badges."
version = 1
credentials = ["bearer"]
base-path = "/scim/v2"

[[extension]]
urn = "urn:example:badges"
name = "Badges"
top-level = true

[[extension.attribute]]
name = "site"
value-set = "sites"

[[extension.attribute]]
name = "badge"

[[value-set]]
name = "sites"
title = "Sites"

[[value-set]]
name = "roles"
title = "Roles"
values = ["Owner", "Guard", "Clerk"]

[roles]
prefix = "Badge_"
catalogue = "roles"
unlisted = "ignore"
protected = ["Owner"]

[[roles.rule]]
group = "Owners"
role = "Owner"

[organization]
title = "Building"
value-set = "buildings"

[[value-set]]
name = "buildings"
title = "Buildings"

[[gate]]
name = "door-type"
title = "Door type"
values = ["Wood", "Steel"]
opens = ["Steel"]
"#;

/// The text of an error that a person reads.
fn told<T: std::fmt::Debug>(outcome: Result<T, provisioning::configuration::ConfigurationError>) -> String {
    outcome.expect_err("refused").to_string()
}

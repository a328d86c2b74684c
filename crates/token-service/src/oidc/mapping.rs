//! Which of the provider's groups or roles makes somebody what in the console.

use serde_json::Value;
use store::admins::AdminRole;

/// Values of one claim by role. Who has several gets the first of operator, manager, auditor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleMapping {
    /// Name of the claim: a text or a list of texts.
    pub claim: String,
    /// Value that makes an operator.
    pub operator: Option<String>,
    /// Value that makes a manager.
    pub manager: Option<String>,
    /// Value that makes an auditor.
    pub auditor: Option<String>,
}

impl RoleMapping {
    /// Does the provider decide about roles? Otherwise what is kept of a person counts.
    #[must_use]
    pub fn decides(&self) -> bool {
        [&self.operator, &self.manager, &self.auditor].iter().any(|value| value.is_some())
    }

    /// The role that these claims give; compared to the letter.
    pub(super) fn role(&self, claims: &Value) -> Option<AdminRole> {
        let has = |wanted: &Option<String>| {
            let Some(wanted) = wanted else { return false };
            match &claims[self.claim.as_str()] {
                Value::String(value) => value == wanted,
                Value::Array(values) => values.iter().any(|value| value.as_str() == Some(wanted)),
                _ => false,
            }
        };
        let roles = [
            (&self.operator, AdminRole::Operator),
            (&self.manager, AdminRole::Manager),
            (&self.auditor, AdminRole::Auditor),
        ];
        roles.into_iter().find(|(value, _)| has(value)).map(|(_, role)| role)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_role_counts_and_nothing_else_gives_one() {
        let mapping = RoleMapping {
            claim: "groups".into(),
            operator: Some("ops".into()),
            manager: None,
            auditor: Some("audit".into()),
        };
        assert!(mapping.decides() && !RoleMapping::default().decides());
        for (claims, role) in [
            (json!({"groups": ["audit", "ops"]}), Some(AdminRole::Operator)),
            (json!({"groups": "audit"}), Some(AdminRole::Auditor)),
            (json!({"groups": ["Ops", "oper", null, 7, ["ops"]]}), None),
            (json!({"roles": ["ops"]}), None),
            (json!({"groups": {"ops": true}}), None),
        ] {
            assert_eq!(mapping.role(&claims), role, "{claims}");
        }
    }
}

//! Who may do what: the one place that decides.

use store::{TenantId, admins::Admin, admins::AdminRole};

/// What a route needs of the person who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Nothing, not even a session.
    Anybody,
    /// A session.
    SignedIn,
    /// To make tenants, and to look after what belongs to the whole installation: operators.
    Found,
    /// What belongs to the installation, or is of a tenant and not for its managers: operators.
    Operate,
    /// To look at what belongs to the installation and not to a tenant: operators, and auditors of all tenants.
    Survey,
    /// To look at a tenant: everybody who is given it.
    Read,
    /// A session that a link to one tenant's set-up page was exchanged for; nobody of the console has it.
    Guest,
    /// To change a tenant, and to see how to connect to it: operators, and managers who are given it.
    Manage,
    /// To end a tenant: operators.
    End,
}

/// Whether somebody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Yes.
    Granted,
    /// The role does not have that right.
    NotYours,
    /// The tenant is not there, or is none of theirs: they are not told which.
    NotThere,
}

impl Right {
    /// Whether a person has it, for a tenant where the address names one.
    pub(crate) fn verdict(self, admin: &Admin, tenant: Named) -> Verdict {
        match tenant {
            Named::Tenant(id) if admin.reaches(id) => {}
            Named::Nobody => {}
            Named::Tenant(_) | Named::Unknown => return Verdict::NotThere,
        }
        let has = match self {
            Self::Anybody | Self::SignedIn | Self::Read => true,
            Self::Guest => false,
            Self::Found | Self::End => may_found(admin.role),
            Self::Operate => may_operate(admin.role),
            Self::Survey => may_survey(admin),
            Self::Manage => may_manage(admin.role),
        };
        if has { Verdict::Granted } else { Verdict::NotYours }
    }
}

/// Which tenant an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// This one.
    Tenant(TenantId),
    /// One that is not there.
    Unknown,
    /// None.
    Nobody,
}

/// Whether a role makes tenants, and ends them.
pub(crate) fn may_found(role: AdminRole) -> bool {
    role == AdminRole::Operator
}

/// Whether a role looks after the installation itself.
pub(crate) fn may_operate(role: AdminRole) -> bool {
    role == AdminRole::Operator
}

/// Whether a person looks at what belongs to the installation itself.
pub(crate) fn may_survey(admin: &Admin) -> bool {
    admin.reaches_all()
}

/// Whether a role changes the tenants that it reaches, and sees their connection data.
pub(crate) fn may_manage(role: AdminRole) -> bool {
    matches!(role, AdminRole::Operator | AdminRole::Manager)
}

/// Whether a role decides to whom a product's page is offered: the vendor's feature gate, and the properties of the
/// customer's account. The page's own switch, Status, is the manager's once the page is open.
pub(crate) fn may_open(role: AdminRole) -> bool {
    role == AdminRole::Operator
}

/// What somebody is there for, in a sentence about them.
pub(crate) fn described(role: AdminRole) -> &'static str {
    match role {
        AdminRole::Operator => "Operator: all tenants and the installation itself.",
        AdminRole::Manager => "Manager: everything of the tenants that you are given.",
        AdminRole::Auditor => "Auditor: you read, and see no connection data.",
    }
}

/// What managers are told who try that.
pub(crate) const FOR_OPERATORS: &str = "Whether this product's SCIM page is offered is not for a manager to change: ask an \
                                        operator of this installation, or the product's support";

#[cfg(test)]
mod tests {
    use super::*;
    use store::AdminId;

    fn admin(role: AdminRole, tenants: &[TenantId]) -> Admin {
        Admin {
            id: AdminId::generate(),
            email: "ada@example.com".into(),
            password_hash: String::new(),
            role,
            tenants: tenants.iter().copied().collect(),
            created_at: 0,
        }
    }

    #[test]
    fn each_role_has_its_rights_and_no_others() {
        use AdminRole::{Auditor, Manager, Operator};
        use Verdict::{Granted, NotThere, NotYours};
        let (own, other) = (TenantId::generate(), TenantId::generate());
        let people = [
            admin(Operator, &[]),
            admin(Manager, &[own]),
            admin(Auditor, &[own]),
            admin(Auditor, &[]),
            admin(Manager, &[]),
        ];
        let rows = [
            (Right::Anybody, Named::Nobody, [Granted; 5]),
            (Right::SignedIn, Named::Nobody, [Granted; 5]),
            (Right::Found, Named::Nobody, [Granted, NotYours, NotYours, NotYours, NotYours]),
            (Right::Operate, Named::Nobody, [Granted, NotYours, NotYours, NotYours, NotYours]),
            (Right::Operate, Named::Tenant(own), [Granted, NotYours, NotYours, NotYours, NotThere]),
            (Right::Operate, Named::Tenant(other), [Granted, NotThere, NotThere, NotYours, NotThere]),
            (Right::Guest, Named::Nobody, [NotYours; 5]),
            (Right::Survey, Named::Nobody, [Granted, NotYours, NotYours, Granted, NotYours]),
            (Right::Read, Named::Tenant(own), [Granted, Granted, Granted, Granted, NotThere]),
            (Right::Read, Named::Tenant(other), [Granted, NotThere, NotThere, Granted, NotThere]),
            (Right::Read, Named::Unknown, [NotThere; 5]),
            (Right::Manage, Named::Tenant(own), [Granted, Granted, NotYours, NotYours, NotThere]),
            (Right::Manage, Named::Tenant(other), [Granted, NotThere, NotThere, NotYours, NotThere]),
            (Right::Manage, Named::Unknown, [NotThere; 5]),
            (Right::End, Named::Tenant(own), [Granted, NotYours, NotYours, NotYours, NotThere]),
            (Right::End, Named::Unknown, [NotThere; 5]),
        ];
        for (right, named, expected) in rows {
            let found = people.each_ref().map(|admin| right.verdict(admin, named));
            assert_eq!(found, expected, "{right:?} of {named:?}");
        }
    }
}

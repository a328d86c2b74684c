//! Whether the console offers a tenant's SCIM page: the product's own conditions, never those of SCIM itself.

use crate::Tenant;

/// Is the page with the connection data there?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsolePage {
    /// Yes.
    Open,
    /// No; each reason is a sentence for a person.
    Hidden {
        /// At least one.
        reasons: Vec<String>,
    },
}

impl Tenant {
    /// Does the console offer the tenant's SCIM page? SCIM traffic never asks that.
    #[must_use]
    pub fn console_page_open(&self) -> ConsolePage {
        let mut reasons = Vec::new();
        if self.profile.feature_gate && !self.row.gate_open {
            reasons.push(format!(
                "SCIM is not turned on for this organization; ask the support of {} to request it.",
                self.profile.title
            ));
        }
        for gate in &self.profile.gates {
            let wanted = gate.opens.join(" or ");
            match self.row.properties.get(&gate.name) {
                Some(value) if gate.is_open(value) => {}
                Some(value) => {
                    reasons.push(format!("{} is {value}; this page is there for {wanted}.", gate.title));
                }
                None => reasons.push(format!("{} is not set; this page is there for {wanted}.", gate.title)),
            }
        }
        if reasons.is_empty() { ConsolePage::Open } else { ConsolePage::Hidden { reasons } }
    }
}

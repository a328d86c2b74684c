//! What a profile asks of one attribute beyond its SCIM type.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    format::{Format, comma_list},
    schema::Attribute,
};

/// Format, allowed values and default of an attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constraint {
    /// Each of its texts has this format.
    pub format: Option<Format>,
    /// Each of its texts is in the tenant's value set of this name.
    pub value_set: Option<String>,
    /// Folded texts that it never has, whatever the value set says: protected roles, which groups alone give.
    pub withheld: HashSet<String>,
    /// Its value where a resource has none, in canonical form.
    pub default: Option<Value>,
}

impl Constraint {
    /// What a value means that the attribute's type alone would refuse: a number for a text of digits, and a comma list
    /// for a list or a list for a comma list. `None`: it is what it is.
    pub(crate) fn read(&self, attribute: &Attribute, value: &Value) -> Option<Value> {
        let format = self.format.as_ref()?;
        match (format, value) {
            (Format::CommaList, _) => {
                let elements = comma_list::elements(value)?;
                Some(if attribute.multi_valued {
                    elements.into()
                } else {
                    comma_list::join(&elements).into()
                })
            }
            (_, Value::Number(number)) if format.takes_numbers() => Some(number.to_string().into()),
            _ => None,
        }
    }
}

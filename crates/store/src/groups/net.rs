//! Member operations in order, as one net change.

use std::collections::HashSet;

use scim_core::patch::MemberOp;

/// What all operations together ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Net<'a> {
    /// Do the added ones replace all members that are there?
    pub(super) exact: bool,
    /// To be in afterwards, in the order in which they were named.
    pub(super) add: Vec<&'a str>,
    /// To be out afterwards.
    pub(super) remove: HashSet<&'a str>,
}

impl<'a> Net<'a> {
    /// Folds operations in their order.
    pub(super) fn of(operations: &'a [MemberOp]) -> Self {
        let mut exact = false;
        let (mut add, mut remove, mut order) = (HashSet::new(), HashSet::new(), Vec::new());
        for operation in operations {
            let (MemberOp::Add(members) | MemberOp::Remove(members) | MemberOp::Replace(members)) = operation;
            let ids = members.iter().map(|member| member.value.as_str());
            if let MemberOp::Remove(_) = operation {
                for id in ids {
                    add.remove(id);
                    remove.insert(id);
                }
                continue;
            }
            if let MemberOp::Replace(_) = operation {
                exact = true;
                add.clear();
            }
            for id in ids {
                remove.remove(id);
                add.insert(id);
                order.push(id);
            }
        }
        if exact {
            remove.clear();
        }
        // Each that is still wanted, once, where it was first named.
        order.retain(|id| add.remove(id));
        Self { exact, add: order, remove }
    }

    /// The one member that is to come (`true`) or to go, where that is all.
    pub(super) fn only(&self) -> Option<(&'a str, bool)> {
        if self.exact || self.add.len() + self.remove.len() != 1 {
            return None;
        }
        let coming = self.add.first().map(|id| (*id, true));
        coming.or_else(|| self.remove.iter().next().map(|id| (*id, false)))
    }
}

#[cfg(test)]
mod tests {
    use scim_core::intake::MemberRef;

    use super::*;

    fn refs(ids: &str) -> Vec<MemberRef> {
        ids.chars().map(|id| MemberRef { value: id.to_string() }).collect()
    }

    #[test]
    fn operations_fold_in_order() {
        use MemberOp::{Add, Remove, Replace};
        let cases: [(Vec<MemberOp>, bool, &str, &str); 8] = [
            (vec![], false, "", ""),
            (vec![Add(refs("ab")), Add(refs("bc"))], false, "abc", ""),
            (vec![Add(refs("ab")), Remove(refs("b"))], false, "a", "b"),
            (vec![Remove(refs("a")), Add(refs("a"))], false, "a", ""),
            (vec![Add(refs("a")), Replace(refs("bb"))], true, "b", ""),
            (vec![Replace(refs("ab")), Remove(refs("a")), Add(refs("c"))], true, "bc", ""),
            (vec![Remove(refs("x")), Replace(refs(""))], true, "", ""),
            (vec![Add(refs("b")), Remove(refs("b")), Add(refs("ab"))], false, "ba", ""),
        ];
        for (operations, exact, add, remove) in cases {
            let net = Net::of(&operations);
            assert_eq!(net.exact, exact, "{operations:?}");
            assert_eq!(net.add.concat(), add, "{operations:?}");
            let mut removed: Vec<_> = net.remove.iter().copied().collect();
            removed.sort_unstable();
            assert_eq!(removed.concat(), remove, "{operations:?}");
        }
    }
}

//! Random filters over a population.

use scim_core::{ResourceKind, resource::AttrRef, schema::AttributeType};
use store_testing::Dice;

use super::{
    kept::Kept,
    literals::{constant, holds_ids},
    targets::{Home, Target, respelled},
    tree::{Constant, Leaf, Tree},
};

/// Most levels.
const DEPTHS: &[(usize, usize)] = &[(35, 0), (25, 1), (20, 2), (12, 3), (8, 4)];

/// Makes filters on one kind of rows.
pub(super) struct Maker<'a> {
    pub(super) kind: ResourceKind,
    pub(super) kept: &'a Kept,
    pub(super) targets: &'a [Target],
}

impl Maker<'_> {
    /// Any filter.
    pub(super) fn filter(&self, dice: &mut Dice) -> Tree {
        let depth = dice.weighted(DEPTHS);
        self.tree(dice, depth)
    }

    /// Any attribute, each home as often as it has something to say.
    pub(super) fn target(&self, dice: &mut Dice) -> &Target {
        let homes = [(18, Home::Common), (40, Home::Core), (10, Home::Enterprise), (32, Home::Own)];
        let homes: Vec<(usize, Home)> = homes
            .into_iter()
            .filter(|(_, home)| self.targets.iter().any(|target| target.home == *home))
            .collect();
        let home = dice.weighted(&homes);
        let there: Vec<&Target> = self.targets.iter().filter(|target| target.home == home).collect();
        there[dice.below(there.len())]
    }

    fn tree(&self, dice: &mut Dice, depth: usize) -> Tree {
        if depth == 0 {
            return Tree::Leaf(self.leaf(dice));
        }
        match dice.below(100) {
            0..26 => Tree::All(dice.word(AND), self.several(dice, depth - 1)),
            26..56 => Tree::Any(dice.word(OR), self.several(dice, depth - 1)),
            56..74 => Tree::Not(dice.word(NOT), Box::new(self.tree(dice, depth - 1))),
            74..80 => Tree::Brackets(Box::new(self.tree(dice, depth - 1))),
            _ => self.element(dice, depth - 1),
        }
    }

    /// One part of the whole depth, others of less.
    fn several(&self, dice: &mut Dice, depth: usize) -> Vec<Tree> {
        let mut parts = vec![self.tree(dice, depth)];
        for _ in 0..dice.between(1..=2) {
            let depth = dice.between(0..=depth);
            let at = dice.between(0..=parts.len());
            parts.insert(at, self.tree(dice, depth));
        }
        parts
    }

    fn leaf(&self, dice: &mut Dice) -> Leaf {
        if dice.chance(2) && self.kind == ResourceKind::User {
            return not_offered(dice);
        }
        let target = self.target(dice);
        let name = target.name(dice);
        self.compared(dice, name, &target.compared, target.is_whole())
    }

    fn compared(&self, dice: &mut Dice, name: String, target: &AttrRef, is_whole: bool) -> Leaf {
        let op =
            if is_whole { dice.word(&["pr", "pr", "eq", "ne"]) } else { operator(dice, target.leaf().kind) };
        let keyword = if dice.chance(10) { op.to_uppercase() } else { op.to_owned() };
        let constant = match op {
            "pr" => None,
            _ if is_whole => Some(Constant::Written("null".into())),
            _ => Some(constant(dice, self.kept, self.kind, target, op)),
        };
        let of_ids = constant.is_some() && holds_ids(self.kind, target);
        Leaf { name, op, keyword, constant, of_ids }
    }

    /// `list[…]`, with a comparison after it now and then.
    fn element(&self, dice: &mut Dice, depth: usize) -> Tree {
        let lists: Vec<&Target> = self.targets.iter().filter(|target| target.is_list()).collect();
        let list = *dice.pick(&lists);
        let name = list.name(dice);
        let inner = self.inside(dice, list, depth);
        let tail = dice.chance(25).then(|| self.part(dice, list));
        Tree::Element(name, Box::new(inner), tail)
    }

    fn inside(&self, dice: &mut Dice, list: &Target, depth: usize) -> Tree {
        if depth == 0 {
            return Tree::Leaf(self.part(dice, list));
        }
        match dice.below(10) {
            0..5 => Tree::All(dice.word(AND), self.parts(dice, list, depth - 1)),
            5..8 => Tree::Any(dice.word(OR), self.parts(dice, list, depth - 1)),
            _ => Tree::Not(dice.word(NOT), Box::new(self.inside(dice, list, depth - 1))),
        }
    }

    fn parts(&self, dice: &mut Dice, list: &Target, depth: usize) -> Vec<Tree> {
        let first = self.inside(dice, list, depth);
        let depth = dice.between(0..=depth);
        vec![first, self.inside(dice, list, depth)]
    }

    /// A comparison of a part of an element; in a simple list, `value` is the element.
    fn part(&self, dice: &mut Dice, list: &Target) -> Leaf {
        let subs = &list.attr.attribute.sub_attributes;
        let target = if subs.is_empty() { list.attr.clone() } else { list.attr.with_sub(dice.pick(subs)) };
        let name = if subs.is_empty() { "value".to_owned() } else { target.leaf().name.clone() };
        let name = respelled(dice, name);
        self.compared(dice, name, &target, false)
    }
}

const AND: &[&str] = &[" and ", " and ", " and ", " AND ", "\tAnd  "];
const OR: &[&str] = &[" or ", " or ", " or ", " OR ", "  oR\n"];
const NOT: &[&str] = &["not ", "not ", "not", "NOT  "];

/// An operator that fits the type (RFC 7644 table 3).
fn operator(dice: &mut Dice, kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::String | AttributeType::Reference => dice.weighted(&[
            (22, "eq"),
            (9, "ne"),
            (18, "co"),
            (13, "sw"),
            (11, "ew"),
            (6, "gt"),
            (6, "ge"),
            (6, "lt"),
            (6, "le"),
            (9, "pr"),
        ]),
        AttributeType::Boolean | AttributeType::Binary => dice.weighted(&[(5, "eq"), (3, "ne"), (2, "pr")]),
        _ => dice.weighted(&[(5, "eq"), (3, "ne"), (3, "gt"), (3, "ge"), (3, "lt"), (3, "le"), (2, "pr")]),
    }
}

/// What SCIM knows and this tenant does not offer: such a comparison selects nobody, negated or not.
fn not_offered(dice: &mut Dice) -> Leaf {
    let name = dice.word(&["photos.value", "ims.type", "entitlements.display"]).to_owned();
    let constant = Constant::Written("\"x\"".into());
    Leaf { name, op: "eq", keyword: "eq".into(), constant: Some(constant), of_ids: false }
}

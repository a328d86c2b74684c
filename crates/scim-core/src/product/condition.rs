//! One condition of a rule: an expression of CEL (the Common Expression Language), checked when its profile is compiled
//! so that no evaluation can cost much.

use std::sync::Arc;

use cel::{
    Program, Value as Cel,
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr, operators},
};

use super::facts::{self, EXT, Facts, USER};
use crate::{resource::ResourceType, schema::Attribute};

/// Longest condition, in bytes.
pub const MAX_CONDITION: usize = 1000;
/// Most parts of a condition (names, constants, calls).
const MAX_PARTS: usize = 200;
/// Most elements of a list or map that a condition spells out.
const MAX_LITERAL: usize = 100;
/// Most `all`, `exists`, `exists_one` and `filter` in a condition; none of them inside another.
const MAX_COMPREHENSIONS: usize = 5;
/// Most elements of a list of a resource whose type has conditions: each condition may walk over each list.
pub const MAX_RULE_ELEMENTS: usize = 1000;
/// Largest automaton of a `matches`, in bytes.
const MAX_PATTERN: usize = 256 * 1024;

/// What `all`, `exists`, `exists_one` and `filter` gather their result in.
const GATHERED: &str = "@result";

/// Operators and functions that a condition may use.
const FUNCTIONS: [&str; 27] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::NOT_STRICTLY_FALSE,
    operators::IN,
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "int",
    "double",
    "string",
];

/// A condition that can be evaluated.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    program: Arc<Program>,
    walks: usize,
    patterns: usize,
}

/// A condition came to no answer for a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unanswered;

impl Condition {
    /// Compiles and checks an expression for a resource type; the error says what is wrong and what to do.
    pub fn compile(text: &str, resource_type: &ResourceType) -> Result<Self, String> {
        if text.len() > MAX_CONDITION {
            return Err(format!("is longer than {MAX_CONDITION} bytes; split it into several rules"));
        }
        let program = Program::compile(text).map_err(|errors| {
            let told = errors.errors.first().map_or_else(String::new, |error| error.msg.clone());
            format!("is no CEL expression: {told}")
        })?;
        let mut check =
            Check { resource_type, variables: Vec::new(), parts: 0, comprehensions: 0, patterns: 0 };
        check.expression(&program.expression().expr)?;
        let (walks, patterns) = (check.comprehensions, check.patterns);
        Ok(Self { text: text.to_owned(), program: Arc::new(program), walks, patterns })
    }

    /// The expression.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many walks over lists it has.
    pub(crate) fn walks(&self) -> usize {
        self.walks
    }

    /// How many `matches` it has; each compiles its pattern whenever it is evaluated.
    pub(crate) fn patterns(&self) -> usize {
        self.patterns
    }

    /// Whether it holds. An error of the evaluation may hold values, so it is not kept.
    pub(super) fn holds(&self, facts: &Facts) -> Result<bool, Unanswered> {
        match self.program.execute(facts.context()) {
            Ok(Cel::Bool(holds)) => Ok(holds),
            _ => Err(Unanswered),
        }
    }
}

/// A walk over an expression.
struct Check<'a> {
    resource_type: &'a ResourceType,
    /// Variables of the comprehension that the walk is in.
    variables: Vec<String>,
    parts: usize,
    comprehensions: usize,
    patterns: usize,
}

impl Check<'_> {
    fn expression(&mut self, expr: &Expr) -> Result<(), String> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(format!("has more than {MAX_PARTS} parts; split it into several rules"));
        }
        match expr {
            Expr::Unspecified | Expr::Struct(_) => Err("makes an object; compare attributes instead".into()),
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                at_most(list.elements.len())?;
                list.elements.iter().try_for_each(|element| self.expression(&element.expr))
            }
            Expr::Map(map) => {
                at_most(map.entries.len())?;
                map.entries.iter().try_for_each(|entry| match &entry.expr {
                    EntryExpr::StructField(field) => self.expression(&field.value.expr),
                    EntryExpr::MapEntry(entry) => {
                        self.expression(&entry.key.expr)?;
                        self.expression(&entry.value.expr)
                    }
                })
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn variable(&self, name: &str) -> Result<(), String> {
        if [USER, EXT].contains(&name) || self.variables.iter().any(|known| known == name) {
            return Ok(());
        }
        Err(format!("knows no {name:?}; write {USER}.attribute, or {EXT}.attribute for one of an extension"))
    }

    /// `user.name.givenName`: what is selected of `user` and `ext` must be declared.
    fn select(&mut self, select: &SelectExpr) -> Result<(), String> {
        if let Some((variable, names)) = names_of(select) {
            self.parts += names.len();
            return self.declared(variable, &names);
        }
        self.expression(&select.operand.expr)
    }

    fn declared(&self, variable: &str, names: &[&str]) -> Result<(), String> {
        let Some((first, rest)) = names.split_first() else { return Ok(()) };
        let found: Option<&Attribute> = match variable {
            USER => facts::core_attributes(self.resource_type).find(|attribute| attribute.name == *first),
            EXT => facts::extension_attributes(self.resource_type)
                .map(|(_, attribute)| attribute)
                .find(|attribute| attribute.name == *first),
            variable => return self.variable(variable),
        };
        let Some(attribute) = found else {
            return Err(format!("{variable} has no {first:?} that a client may write; compare the spelling"));
        };
        match rest {
            [] => Ok(()),
            [_, ..] if attribute.multi_valued => {
                Err(format!("{variable}.{first} is a list; write {variable}.{first}.exists(e, …)"))
            }
            [sub] if attribute.sub_attributes.iter().any(|known| known.name == *sub) => Ok(()),
            [sub, ..] => Err(format!("{variable}.{first} has no {sub:?}; compare the spelling")),
        }
    }

    fn call(&mut self, call: &CallExpr) -> Result<(), String> {
        let name = call.func_name.as_str();
        if !FUNCTIONS.contains(&name) {
            return Err(format!(
                "uses {name:?}; only size, startsWith, endsWith, contains, matches, int, double, string, has, all, \
                 exists, exists_one and filter are there"
            ));
        }
        if name == operators::ADD && !self.variables.is_empty() && !gathers(call, &self.variables) {
            return Err("joins values inside a list with + or map; compare them one by one".into());
        }
        if name == "matches" {
            if !self.variables.is_empty() {
                return Err("has matches inside a list; use startsWith, endsWith or contains there".into());
            }
            self.patterns += 1;
            check_pattern(call)?;
        }
        let target = call.target.iter().map(|target| &target.expr);
        let arguments = call.args.iter().map(|argument| &argument.expr);
        target.chain(arguments).try_for_each(|expr| self.expression(expr))
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Result<(), String> {
        if !self.variables.is_empty() {
            return Err(
                "has one of all, exists, exists_one and filter inside another; write two rules".into()
            );
        }
        self.comprehensions += 1;
        if self.comprehensions > MAX_COMPREHENSIONS {
            return Err(format!(
                "walks over more than {MAX_COMPREHENSIONS} lists; split it into several rules"
            ));
        }
        self.expression(&comprehension.iter_range.expr)?;
        self.variables = vec![comprehension.accu_var.clone(), comprehension.iter_var.clone()];
        self.variables.extend(comprehension.iter_var2.clone());
        let inner = [
            &comprehension.accu_init,
            &comprehension.loop_cond,
            &comprehension.loop_step,
            &comprehension.result,
        ];
        let checked = inner.into_iter().try_for_each(|part| self.expression(&part.expr));
        self.variables.clear();
        checked
    }
}

fn at_most(elements: usize) -> Result<(), String> {
    if elements > MAX_LITERAL {
        return Err(format!("spells out more than {MAX_LITERAL} elements; use a value set"));
    }
    Ok(())
}

/// The variable and the names of `variable.name.name`.
fn names_of(select: &SelectExpr) -> Option<(&str, Vec<&str>)> {
    let mut names = vec![select.field.as_str()];
    let mut operand = &select.operand.expr;
    loop {
        match operand {
            Expr::Select(outer) => {
                names.push(outer.field.as_str());
                operand = &outer.operand.expr;
            }
            Expr::Ident(variable) => {
                names.reverse();
                return Some((variable, names));
            }
            _ => return None,
        }
    }
}

/// The additions that `exists_one` and `filter` are made of: one more, or the element itself. `map` gathers anything
/// else.
fn gathers(call: &CallExpr, variables: &[String]) -> bool {
    let [gathered, more] = call.args.as_slice() else { return false };
    if !matches!(&gathered.expr, Expr::Ident(name) if name == GATHERED) {
        return false;
    }
    match &more.expr {
        Expr::Literal(LiteralValue::Int(_)) => true,
        Expr::List(list) => match list.elements.as_slice() {
            [element] => matches!(&element.expr, Expr::Ident(name) if variables.contains(name)),
            _ => false,
        },
        _ => false,
    }
}

/// The pattern of `matches` stands in the profile, never in a resource, and is a small one.
fn check_pattern(call: &CallExpr) -> Result<(), String> {
    let pattern = match call.args.last().map(|argument| &argument.expr) {
        Some(Expr::Literal(LiteralValue::String(pattern))) => pattern.inner(),
        _ => return Err("gives matches a pattern that is no constant; write it out".into()),
    };
    let compiled = regex::RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build();
    compiled.map(|_| ()).map_err(|error| {
        let told = error.to_string();
        format!("has a pattern that cannot be used: {}", told.lines().last().unwrap_or_default())
    })
}

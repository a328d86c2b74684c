//! Text → syntax tree: the grammar of RFC 7644 figure 1, in bounds.

use super::{
    CompareOp, MAX_DEPTH, MAX_LENGTH, MAX_TERMS,
    syntax::{Constant, Expr, Name},
};
use crate::{
    error::{ScimError, ScimType},
    path::is_name_char,
};

/// What may stand in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// A whole filter.
    Resource,
    /// What stands between the brackets of a value path: no brackets inside.
    Element,
}

/// Parses all of the text. `column`: characters that stand before it, for errors.
pub(super) fn parse(text: &str, column: usize, context: Context) -> Result<Expr, ScimError> {
    if text.len() > MAX_LENGTH {
        return Err(invalid(column + 1, format!("the filter is longer than {MAX_LENGTH} bytes; shorten it")));
    }
    let mut parser = Parser { text, at: 0, column, context, depth: 0, terms: 0 };
    parser.skip_space();
    if parser.rest().is_empty() {
        return Err(parser.error("the filter is empty; write attribute operator value"));
    }
    let expr = parser.or()?;
    parser.skip_space();
    match parser.rest().chars().next() {
        None => Ok(expr),
        Some(')' | ']') => Err(parser.error("this bracket was never opened")),
        Some(_) => Err(parser.error("expected and, or, or the end of the filter")),
    }
}

/// 400 `invalidFilter` at a 1-based column.
pub(super) fn invalid(column: usize, problem: impl AsRef<str>) -> ScimError {
    ScimError::bad_request(ScimType::InvalidFilter, format!("filter, column {column}: {}", problem.as_ref()))
}

struct Parser<'t> {
    text: &'t str,
    /// Byte offset; always on a character boundary.
    at: usize,
    /// Characters before the text.
    column: usize,
    context: Context,
    depth: usize,
    terms: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn column_of(&self, at: usize) -> usize {
        self.column + self.text[..at].chars().count() + 1
    }

    fn error_at(&self, at: usize, problem: impl AsRef<str>) -> ScimError {
        invalid(self.column_of(at), problem)
    }

    fn error(&self, problem: impl AsRef<str>) -> ScimError {
        self.error_at(self.at, problem)
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    /// Takes one character if it is the next.
    fn take(&mut self, ch: char) -> bool {
        let found = self.rest().starts_with(ch);
        if found {
            self.at += ch.len_utf8();
        }
        found
    }

    /// The run of name characters that comes next; may be empty.
    fn peek_word(&self) -> &'t str {
        let rest = self.rest();
        &rest[..rest.find(|ch| !is_name_char(ch)).unwrap_or(rest.len())]
    }

    /// Takes a keyword, in any case.
    fn take_keyword(&mut self, keyword: &str) -> bool {
        let word = self.peek_word();
        let found = word.eq_ignore_ascii_case(keyword);
        if found {
            self.at += word.len();
        }
        found
    }

    fn or(&mut self) -> Result<Expr, ScimError> {
        let mut parts = vec![self.and()?];
        while self.take_joint("or") {
            parts.push(self.and()?);
        }
        Ok(single(parts, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, ScimError> {
        let mut parts = vec![self.term()?];
        while self.take_joint("and") {
            parts.push(self.term()?);
        }
        Ok(single(parts, Expr::And))
    }

    fn take_joint(&mut self, keyword: &str) -> bool {
        self.skip_space();
        self.take_keyword(keyword)
    }

    fn term(&mut self) -> Result<Expr, ScimError> {
        self.skip_space();
        let start = self.at;
        if self.take('(') {
            return self.bracketed(start, ')');
        }
        if self.take_keyword("not") {
            self.skip_space();
            let open = self.at;
            if !self.take('(') {
                return Err(self.error_at(open, "not needs brackets: write not (…)"));
            }
            return Ok(Expr::Not(Box::new(self.bracketed(open, ')')?)));
        }
        let name = self.name()?;
        let open = self.at;
        if self.take('[') {
            return self.element(name, open);
        }
        self.comparison(name)
    }

    /// What follows an opening bracket, up to its end. Depth is bounded here, so that recursion is.
    fn bracketed(&mut self, open: usize, close: char) -> Result<Expr, ScimError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error_at(open, format!("brackets nest deeper than {MAX_DEPTH} levels")));
        }
        let inner = self.or()?;
        self.skip_space();
        if !self.take(close) {
            let problem = if self.rest().is_empty() {
                format!("the bracket at column {} is never closed; add {close}", self.column_of(open))
            } else {
                format!("expected and, or, or {close}")
            };
            return Err(self.error(problem));
        }
        self.depth -= 1;
        Ok(inner)
    }

    /// `name[…]`, with what may follow the bracket.
    fn element(&mut self, name: Name, open: usize) -> Result<Expr, ScimError> {
        if self.context == Context::Element {
            return Err(self.error_at(open, "brackets of a value path do not nest"));
        }
        self.context = Context::Element;
        let inner = self.bracketed(open, ']')?;
        self.context = Context::Resource;
        let tail = if self.take('.') {
            let sub = self.name()?;
            Some(Box::new(self.comparison(sub)?))
        } else {
            self.end_of_term()?;
            None
        };
        Ok(Expr::Element(name, Box::new(inner), tail))
    }

    fn name(&mut self) -> Result<Name, ScimError> {
        let word = self.peek_word();
        if !word.starts_with(|ch: char| ch.is_ascii_alphabetic() || ch == '$' || ch == '_') {
            return Err(self.error("expected the name of an attribute"));
        }
        let column = self.column_of(self.at);
        self.at += word.len();
        Ok(Name { text: word.to_owned(), column })
    }

    /// The operator and the right side after a name.
    fn comparison(&mut self, name: Name) -> Result<Expr, ScimError> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(
                self.error(format!("the filter has more than {MAX_TERMS} comparisons; split the query"))
            );
        }
        self.space("the attribute")?;
        let start = self.at;
        let word = self.peek_word();
        self.at += word.len();
        if word.eq_ignore_ascii_case("pr") {
            self.end_of_term()?;
            return Ok(Expr::Present(name));
        }
        let op = CompareOp::KEYWORDS
            .iter()
            .find(|(keyword, _)| word.eq_ignore_ascii_case(keyword))
            .map(|(_, op)| *op)
            .ok_or_else(|| self.error_at(start, unknown_operator(word)))?;
        self.space("the operator")?;
        let constant = self.constant()?;
        self.end_of_term()?;
        Ok(Expr::Compare(name, op, constant))
    }

    fn space(&mut self, after: &str) -> Result<(), ScimError> {
        let start = self.at;
        self.skip_space();
        if self.rest().is_empty() {
            return Err(self.error(format!("the filter ends after {after}; write attribute operator value")));
        }
        if self.at == start {
            return Err(self.error(format!("expected a blank after {after}")));
        }
        Ok(())
    }

    /// After a term there is a blank, a closing bracket, or nothing.
    fn end_of_term(&self) -> Result<(), ScimError> {
        match self.rest().chars().next() {
            None | Some(' ' | '\t' | '\r' | '\n' | ')' | ']') => Ok(()),
            Some(_) => Err(self.error("expected a blank, a closing bracket, or the end of the filter")),
        }
    }

    fn constant(&mut self) -> Result<Constant, ScimError> {
        if self.rest().starts_with('"') {
            return self.string().map(Constant::Text);
        }
        let start = self.at;
        let word = self.peek_word();
        self.at += word.len();
        match word.to_ascii_lowercase().as_str() {
            "true" => Ok(Constant::Boolean(true)),
            "false" => Ok(Constant::Boolean(false)),
            "null" => Ok(Constant::Null),
            _ => number(word)
                .map(Constant::Number)
                // the value itself stays out of the text: it may be sensitive
                .ok_or_else(|| {
                    self.error_at(start, "the value is no JSON; write text in double quotes: \"…\"")
                }),
        }
    }

    fn string(&mut self) -> Result<String, ScimError> {
        let start = self.at;
        let mut escaped = false;
        let end = self.rest().char_indices().skip(1).find(|(_, ch)| match ch {
            _ if escaped => {
                escaped = false;
                false
            }
            '\\' => {
                escaped = true;
                false
            }
            ch => *ch == '"',
        });
        let Some((end, _)) = end else {
            return Err(self.error_at(start, "the text is never closed; add a double quote"));
        };
        let quoted = &self.rest()[..=end];
        self.at += quoted.len();
        serde_json::from_str(quoted).map_err(|_| {
            self.error_at(
                start,
                "the text is no JSON string; escape a quote as \\\", a backslash as \\\\, a control character as \\u00XX",
            )
        })
    }
}

fn single(mut parts: Vec<Expr>, join: impl Fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

fn unknown_operator(word: &str) -> String {
    const KNOWN: &str = "use eq, ne, co, sw, ew, gt, ge, lt, le or pr";
    // anything longer may be a value that lost its operator
    if (1..=4).contains(&word.len()) && word.chars().all(|ch| ch.is_ascii_alphabetic()) {
        format!("unknown operator {word:?}; {KNOWN}")
    } else {
        format!("expected an operator; {KNOWN}")
    }
}

/// A JSON number that is finite.
fn number(word: &str) -> Option<f64> {
    let numeric = word.starts_with(|ch: char| ch == '-' || ch.is_ascii_digit());
    let json = numeric && serde_json::from_str::<serde::de::IgnoredAny>(word).is_ok();
    word.parse().ok().filter(|value: &f64| json && value.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resource(text: &str) -> Result<Expr, ScimError> {
        parse(text, 0, Context::Resource)
    }

    /// The tree with a bracket around everything that is joined.
    fn shape(text: &str) -> String {
        fn show(expr: &Expr) -> String {
            let all = |parts: &[Expr], word: &str| {
                format!("({})", parts.iter().map(show).collect::<Vec<_>>().join(word))
            };
            match expr {
                Expr::And(parts) => all(parts, " & "),
                Expr::Or(parts) => all(parts, " | "),
                Expr::Not(inner) => format!("!{}", show(inner)),
                Expr::Element(name, inner, tail) => {
                    let tail = tail.as_ref().map(|tail| format!(".{}", show(tail))).unwrap_or_default();
                    format!("{}[{}]{tail}", name.text, show(inner))
                }
                leaf => leaf.to_string(),
            }
        }
        resource(text).map_or_else(|error| error.detail, |expr| show(&expr))
    }

    #[test]
    fn precedence_and_forms() {
        for (text, tree) in [
            ("a pr or b pr and c pr", "(a pr | (b pr & c pr))"),
            ("(a pr or b pr) and c pr", "((a pr | b pr) & c pr)"),
            ("not (a pr) and b pr", "(!a pr & b pr)"),
            ("not(a pr or b pr)", "!(a pr | b pr)"),
            ("NOT (a PR) AND b Eq 1 OR c Co \"x\"", "((!a pr & b eq 1e0) | c co \"x\")"),
            ("a pr and b pr and c pr", "(a pr & b pr & c pr)"),
            ("  a   eq\t\"x\"  ", "a eq \"x\""),
            ("emails[type eq \"work\" and value co \"@x\"]", "emails[(type eq \"work\" & value co \"@x\")]"),
            ("emails[type eq \"work\"].value eq \"x\"", "emails[type eq \"work\"].value eq \"x\""),
            ("emails[not (type pr)].value pr or a pr", "(emails[!type pr].value pr | a pr)"),
            (
                "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName eq \"x\"",
                "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName eq \"x\"",
            ),
            ("a eq true", "a eq true"),
            ("a eq FALSE", "a eq false"),
            ("a eq null", "a eq null"),
            ("a gt -1.5e3", "a gt -1.5e3"),
            ("android pr and order pr or notes pr", "((android pr & order pr) | notes pr)"),
        ] {
            assert_eq!(shape(text), tree, "{text}");
        }
    }

    #[test]
    fn text_may_hold_anything() {
        for (text, value) in [
            (r#"a eq "A or B""#, "A or B"),
            (r#"a eq "not""#, "not"),
            (r#"a eq "(x""#, "(x"),
            (r#"a eq "x]""#, "x]"),
            (r#"a eq "a\"b""#, "a\"b"),
            (r#"a eq "a\\""#, "a\\"),
            (r#"a eq "\u00e9""#, "é"),
            (r#"a eq "\ud83d\ude00""#, "😀"),
            (r#"a eq "\b\f\n\r\t\/""#, "\u{8}\u{c}\n\r\t/"),
            (r#"a eq """#, ""),
        ] {
            let Ok(Expr::Compare(_, CompareOp::Eq, Constant::Text(found))) = resource(text) else {
                panic!("{text}");
            };
            assert_eq!(found, value, "{text}");
        }
    }

    #[test]
    fn malformed_text_is_refused_with_its_column() {
        for (text, column) in [
            ("", 1),
            ("   ", 4),
            ("userName", 9),
            ("userName eq", 12),
            ("userName eq ", 13),
            ("userName eq bob", 13),
            ("userName eq 'bob'", 13),
            ("userName lte \"x\"", 10),
            ("userName eq \"x", 13),
            (r#"userName eq "\a""#, 13),
            (r#"userName eq "\ud83d""#, 13),
            ("userName eq \"a\nb\"", 13),
            ("userName eq \"x\" extra", 17),
            ("userName eq \"x\"and active pr", 16),
            ("userName eq\"x\"", 12),
            ("(userName pr", 13),
            ("userName pr)", 12),
            ("emails[type pr", 15),
            ("emails[type pr)", 15),
            ("emails[value[type pr]]", 13),
            ("emails[type pr]x", 16),
            ("emails[type pr].", 17),
            ("not userName pr", 5),
            ("userName pr and", 16),
            ("userName pr or or active pr", 19),
            ("and userName pr", 5),
            ("\"x\" eq userName", 1),
            ("é pr", 1),
            ("displayName eq \"é\" é", 20),
            ("a eq 01", 6),
            ("a eq 1e999", 6),
            ("a eq 1.", 6),
            ("a eq NaN", 6),
        ] {
            let error = resource(text).expect_err(text);
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{text}");
            assert!(
                error.detail.starts_with(&format!("filter, column {column}: ")),
                "{text}: {}",
                error.detail
            );
        }
    }

    #[test]
    fn a_value_never_gets_into_the_error() {
        for text in
            ["npi eq 123456789x", "npi 1234567890", "npi eq \"1234567890\" 1234567890", "npi AB1234563 x"]
        {
            let detail = resource(text).expect_err(text).detail;
            assert!(!detail.contains("12345"), "{detail}");
        }
    }

    #[test]
    fn bounds() {
        let nested = |levels: usize| format!("{}a pr{}", "(".repeat(levels), ")".repeat(levels));
        assert!(resource(&nested(MAX_DEPTH)).is_ok());
        assert!(resource(&nested(MAX_DEPTH + 1)).is_err());
        assert!(resource(&nested(1000)).is_err());
        assert!(resource(&"not(".repeat(1000)).is_err());
        let terms = |count: usize| vec!["a pr"; count].join(" or ");
        assert!(resource(&terms(MAX_TERMS)).is_ok());
        assert!(resource(&terms(MAX_TERMS + 1)).is_err());
        let long = |length: usize| format!("a eq \"{}\"", "x".repeat(length - 7));
        assert!(resource(&long(MAX_LENGTH)).is_ok());
        assert!(resource(&long(MAX_LENGTH + 1)).is_err());
    }

    fn name() -> impl Strategy<Value = Name> {
        "(urn:[a-z]{1,5}:2\\.0:)?[a-zA-Z$_][a-zA-Z0-9_.-]{0,8}"
            .prop_filter("a keyword stands for itself", |text| !text.eq_ignore_ascii_case("not"))
            .prop_map(|text| Name { text, column: 0 })
    }

    fn leaf() -> impl Strategy<Value = Expr> {
        let constant = prop_oneof![
            any::<String>().prop_map(Constant::Text),
            any::<bool>().prop_map(Constant::Boolean),
            any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Constant::Number),
            Just(Constant::Null),
        ];
        let op = proptest::sample::select(CompareOp::KEYWORDS.map(|(_, op)| op).to_vec());
        prop_oneof![
            (name(), op, constant).prop_map(|(name, op, constant)| Expr::Compare(name, op, constant)),
            name().prop_map(Expr::Present),
        ]
    }

    fn joined(leaf: BoxedStrategy<Expr>, depth: u32) -> BoxedStrategy<Expr> {
        leaf.prop_recursive(depth, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
                inner.prop_map(|inner| Expr::Not(Box::new(inner))),
            ]
        })
        .boxed()
    }

    fn tree() -> impl Strategy<Value = Expr> {
        let element = (name(), joined(leaf().boxed(), 3), proptest::option::of(leaf()))
            .prop_map(|(name, inner, tail)| Expr::Element(name, Box::new(inner), tail.map(Box::new)));
        joined(prop_oneof![3 => leaf(), 1 => element].boxed(), 5)
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_back(tree in tree()) {
            let text = tree.to_string();
            prop_assume!(text.len() <= MAX_LENGTH);
            prop_assert_eq!(resource(&text), Ok(tree));
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>()) {
            let _ = resource(&text);
            let _ = parse(&text, 7, Context::Element);
        }

        #[test]
        fn almost_filters_never_panic(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "emails", "type", "eq", "pr", "and", "or", "not", "(", ")", "[", "]", ".", " ", "\"", "\\",
                    "é", "\"x\"", "1", "-", "true", "urn:x:2.0:",
                ]),
                0..24,
            ),
        ) {
            let _ = resource(&parts.concat());
        }
    }
}

//! A text in which words of a screen stand between `**` and what is to be typed between backticks.

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// As it is.
    Plain(String),
    /// What a screen calls something.
    Screen(String),
    /// To be typed or pasted.
    Typed(String),
}

/// The pieces of a text; a mark that is not closed is a part of the text.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text;
    let mut plain = String::new();
    while let Some(at) = rest.find(['*', '`']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let mark = if from.starts_with("**") { "**" } else { "`" };
        let inner = from.strip_prefix(mark).and_then(|inner| inner.split_once(mark));
        match inner.filter(|(inside, _)| !inside.is_empty()) {
            Some((inside, after)) => {
                push_plain(&mut words, &mut plain);
                let inside = inside.to_owned();
                words.push(if mark == "`" { Word::Typed(inside) } else { Word::Screen(inside) });
                rest = after;
            }
            None => {
                plain.extend(from.chars().next());
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    plain.push_str(rest);
    push_plain(&mut words, &mut plain);
    words
}

fn push_plain(words: &mut Vec<Word>, plain: &mut String) {
    if !plain.is_empty() {
        words.push(Word::Plain(std::mem::take(plain)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_in_pairs() {
        let plain = |text: &str| Word::Plain(text.into());
        let cases = [
            ("", vec![]),
            ("Save.", vec![plain("Save.")]),
            (
                "Press **To App**, type `a*b`.",
                vec![
                    plain("Press "),
                    Word::Screen("To App".into()),
                    plain(", type "),
                    Word::Typed("a*b".into()),
                    plain("."),
                ],
            ),
            ("5 * 3 ** 2 ` é", vec![plain("5 * 3 ** 2 ` é")]),
            ("****", vec![plain("****")]),
            ("`x``y`", vec![Word::Typed("x".into()), Word::Typed("y".into())]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
    }
}

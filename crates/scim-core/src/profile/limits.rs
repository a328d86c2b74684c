//! How large a profile may be. Whoever may write the profile of one tenant must not keep the server of all of them busy,
//! and users are checked by the profile at each write.

use toml::Spanned;

use super::{
    compile::Fault,
    file::{AttributeFile, ProfileFile, RolesFile},
};

/// Longest profile, in bytes.
pub const MAX_PROFILE: usize = 256 * 1024;
/// Most `[[rule]]` and `[[not-applicable]]` together.
const MAX_RULES: usize = 100;
/// Most paths that one of them names.
const MAX_RULE_PATHS: usize = 100;
/// Most `all`, `exists`, `exists_one` and `filter` in all conditions.
const MAX_WALKS: usize = 50;
/// Most `matches` in all conditions.
const MAX_PATTERNS: usize = 20;
/// Most `[[extension]]`.
const MAX_EXTENSIONS: usize = 20;
/// Most `aliases` of one of them.
const MAX_URNS: usize = 20;
/// Most attributes of all extensions, sub-attributes included; of `[[attribute]]`, `[[alias]]` and the lists in `[user]`.
const MAX_ATTRIBUTES: usize = 300;
/// Most `[[value-set]]`.
const MAX_SETS: usize = 50;
/// Most `[[gate]]`.
const MAX_GATES: usize = 50;
/// Most `[[example]]`.
const MAX_EXAMPLES: usize = 100;
/// Longest `user` or `becomes` of an example, in bytes.
const MAX_EXAMPLE: usize = 64 * 1024;
/// Most `[[roles.rule]]`.
const MAX_ROLE_RULES: usize = 100;
/// Most `pattern` in them: each looks at the whole name of each group.
const MAX_ROLE_PATTERNS: usize = 20;
/// Most names in `roles.protected`.
const MAX_PROTECTED: usize = 100;
/// Longest prefix, name of a group, externalId and role, in characters.
const MAX_NAME: usize = 200;

/// What the conditions of a profile may cost together.
#[derive(Default)]
pub(super) struct Budget {
    walks: usize,
    patterns: usize,
}

impl Budget {
    /// Counts one condition; the error says of what there is too much.
    pub(super) fn spend(&mut self, walks: usize, patterns: usize) -> Result<(), String> {
        self.walks += walks;
        self.patterns += patterns;
        if self.walks > MAX_WALKS {
            return Err(format!(
                "is too much: all conditions of a profile together walk over at most {MAX_WALKS} lists (all, exists, \
                 exists_one, filter)"
            ));
        }
        if self.patterns > MAX_PATTERNS {
            return Err(format!(
                "is too much: all conditions of a profile together have at most {MAX_PATTERNS} matches"
            ));
        }
        Ok(())
    }
}

/// Checks the length of a text, before it is read.
pub(super) fn check_length(text: &str) -> Result<(), Fault> {
    if text.len() <= MAX_PROFILE {
        return Ok(());
    }
    let problem = format!(
        "the text has {} bytes; a profile has at most {MAX_PROFILE}. Move long lists to value sets of the tenant",
        text.len()
    );
    Err(Fault { offset: text.floor_char_boundary(MAX_PROFILE), problem })
}

/// Checks the numbers of a file, before anything is made of it.
pub(super) fn check(file: &ProfileFile) -> Result<(), Fault> {
    at_most(MAX_EXTENSIONS, "[[extension]]", file.extensions.iter().map(|one| &one.urn))?;
    for extension in &file.extensions {
        at_most(MAX_URNS, "aliases of an extension", &extension.aliases)?;
    }
    let own = file.extensions.iter().flat_map(|extension| &extension.attributes).flat_map(names);
    at_most(MAX_ATTRIBUTES, "attributes and sub-attributes of extensions", own)?;
    at_most(MAX_ATTRIBUTES, "user.attributes", file.user.attributes.iter().flatten())?;
    at_most(MAX_ATTRIBUTES, "user.required", &file.user.required)?;
    at_most(MAX_ATTRIBUTES, "user.dropped", &file.user.dropped)?;
    at_most(MAX_ATTRIBUTES, "[[attribute]]", file.attributes.iter().map(|one| &one.path))?;
    at_most(MAX_ATTRIBUTES, "[[alias]]", file.aliases.iter().map(|one| &one.name))?;
    at_most(MAX_SETS, "[[value-set]]", file.value_sets.iter().map(|one| &one.name))?;
    at_most(MAX_GATES, "[[gate]]", file.gates.iter().map(|one| &one.name))?;
    let rules = file.rules.iter().map(|one| &one.name);
    let rules = rules.chain(file.not_applicable.iter().map(|one| &one.when));
    at_most(MAX_RULES, "[[rule]] and [[not-applicable]] together", rules)?;
    for rule in &file.rules {
        let lists = [&rule.require, &rule.paths].into_iter().flatten();
        lists.into_iter().try_for_each(|paths| at_most(MAX_RULE_PATHS, "paths in a rule", paths))?;
    }
    for rule in &file.not_applicable {
        at_most(MAX_RULE_PATHS, "attributes in a [[not-applicable]]", &rule.attributes)?;
    }
    at_most(MAX_EXAMPLES, "[[example]]", file.examples.iter().map(|one| &one.title))?;
    for text in file.examples.iter().flat_map(|one| [Some(&one.user), one.becomes.as_ref()]).flatten() {
        let length = text.get_ref().len();
        if length > MAX_EXAMPLE {
            return Err(Fault::at(text, format!("has {length} bytes; an example has at most {MAX_EXAMPLE}")));
        }
    }
    check_roles(&file.roles)
}

fn check_roles(roles: &RolesFile) -> Result<(), Fault> {
    if let Some(rule) = roles.rules.get(MAX_ROLE_RULES) {
        let parts = [&rule.prefix, &rule.pattern, &rule.group, &rule.external_id, &rule.role];
        let offset = parts.into_iter().flatten().next().map_or(0, |part| part.span().start);
        return Err(Fault { offset, problem: too_many(MAX_ROLE_RULES, "[[roles.rule]]") });
    }
    let patterns = roles.rules.iter().filter_map(|rule| rule.pattern.as_ref());
    at_most(MAX_ROLE_PATTERNS, "[[roles.rule]] with a pattern", patterns)?;
    at_most(MAX_PROTECTED, "roles.protected", &roles.protected)?;
    // A pattern has a limit of its own.
    let parts =
        roles.rules.iter().flat_map(|rule| [&rule.prefix, &rule.group, &rule.external_id, &rule.role]);
    for text in parts.flatten().chain(&roles.prefix).chain(&roles.protected) {
        if text.get_ref().chars().nth(MAX_NAME).is_some() {
            return Err(Fault::at(text, format!("is longer than {MAX_NAME} characters; shorten it")));
        }
    }
    Ok(())
}

fn names(file: &AttributeFile) -> Vec<&Spanned<String>> {
    std::iter::once(&file.name).chain(file.sub_attributes.iter().flat_map(names)).collect()
}

/// The fault is at the first that is too much.
fn at_most<'a>(
    most: usize,
    what: &str,
    places: impl IntoIterator<Item = &'a Spanned<String>>,
) -> Result<(), Fault> {
    match places.into_iter().nth(most) {
        Some(place) => Err(Fault::at(place, too_many(most, what))),
        None => Ok(()),
    }
}

fn too_many(most: usize, what: &str) -> String {
    format!("is one too many: a profile has at most {most} {what}; remove some")
}

#[cfg(test)]
mod tests {
    use super::super::Profile;

    const HEAD: &str = "name = \"x\"\ntitle = \"X\"\nsummary = \"X.\"\nversion = 1\ncredentials = [\"bearer\"]\nbase-path = \"/scim\"\n";

    fn times(number: usize, one: impl Fn(usize) -> String) -> String {
        (0..number).map(one).collect()
    }

    /// `most` of it compiles; one more is refused with its place and the number.
    fn bounded(most: usize, word: &str, text: impl Fn(usize) -> String) {
        if let Err(error) = Profile::from_saved_toml(&format!("{HEAD}{}", text(most))) {
            panic!("{most} {word}: {error}");
        }
        let error = Profile::from_saved_toml(&format!("{HEAD}{}", text(most + 1))).expect_err(word);
        assert!(error.problem.contains(&most.to_string()) && error.problem.contains(word), "{error}");
        assert!(error.line > 6 && error.column > 1, "{error}");
    }

    #[test]
    fn numbers_are_bounded() {
        let rule = |at| format!("[[rule]]\nname = \"r{at}\"\nrequire = [\"title\"]\n");
        let not = "[[not-applicable]]\nwhen = \"user.title == null\"\nattributes = [\"nickName\"]\nreason = \"x\"\n";
        bounded(100, "[[rule]] and [[not-applicable]]", |number| times(number - 40, rule) + &not.repeat(40));
        let when = |at, text: &str| {
            format!("[[rule]]\nname = \"r{at}\"\nwhen = \"{text}\"\nrequire = [\"title\"]\n")
        };
        bounded(50, "lists", |number| {
            times(number, |at| when(at, "user.emails.exists(e, e.primary == true)"))
        });
        bounded(20, "matches", |number| times(number, |at| when(at, "user.title.matches('x')")));
        let own = "[[extension]]\nurn = \"urn:a:b\"\nname = \"A\"\n[[extension.attribute]]\nname = \"whole\"\ntype = \"complex\"\n";
        let sub = |at| format!("[[extension.attribute.sub-attribute]]\nname = \"a{at}\"\n");
        bounded(300, "attributes", |number| own.to_owned() + &times(number - 1, sub));
        bounded(300, "[[alias]]", |number| {
            times(number, |at| format!("[[alias]]\nname = \"a{at}\"\npath = \"title\"\n"))
        });
        bounded(50, "[[value-set]]", |number| {
            times(number, |at| format!("[[value-set]]\nname = \"s{at}\"\ntitle = \"S\"\n"))
        });
        bounded(100, "[[example]]", |number| {
            "[[example]]\ntitle = \"t\"\nvalid = true\nuser = '{}'\n".repeat(number)
        });
        bounded(100, "[[roles.rule]]", |number| "[[roles.rule]]\nprefix = \"a\"\n".repeat(number));
        bounded(20, "with a pattern", |number| {
            "[[roles.rule]]\npattern = \"a\"\nrole = \"x\"\n".repeat(number)
        });
        bounded(100, "protected", |number| format!("[roles]\nprotected = [{}]\n", "\"a\", ".repeat(number)));
    }

    #[test]
    fn constraints_are_bounded() {
        let own = |at| {
            let subs = times(7, |sub| format!("[[extension.attribute.sub-attribute]]\nname = \"s{sub}\"\n"));
            format!("[[extension.attribute]]\nname = \"a{at}\"\ntype = \"complex\"\n{subs}")
        };
        let one = |path: String| format!("[[attribute]]\npath = \"{path}\"\nrequired = true\n");
        let text = |number: usize| {
            let attributes = times(37, own);
            let paths = times(number, |at| one(format!("urn:a:b:a{}.s{}", at / 7 % 37, at % 7)));
            format!("[[extension]]\nurn = \"urn:a:b\"\nname = \"A\"\n{attributes}{paths}")
        };
        assert!(Profile::from_saved_toml(&format!("{HEAD}{}", text(259))).is_ok());
        let twice = Profile::from_saved_toml(&format!("{HEAD}{}", text(260))).expect_err("twice");
        assert!(twice.problem.contains("constrained already"), "{twice}");
        let many = Profile::from_saved_toml(&format!("{HEAD}{}", text(301))).expect_err("too many");
        assert!(many.problem.contains("at most 300 [[attribute]]"), "{many}");
    }

    #[test]
    fn texts_are_bounded() {
        let name = |text: &'static str| move |number| text.replace('#', &"é".repeat(number));
        bounded(200, "characters", name("[roles]\nprefix = \"#\"\n"));
        bounded(200, "characters", name("[roles]\nprotected = [\"#\"]\n"));
        bounded(200, "characters", name("[[roles.rule]]\nprefix = \"#\"\n"));
        bounded(200, "characters", name("[[roles.rule]]\ngroup = \"#\"\nrole = \"x\"\n"));
        bounded(200, "characters", name("[[roles.rule]]\nexternal-id = \"#\"\nrole = \"x\"\n"));
        bounded(200, "characters", name("[[roles.rule]]\nprefix = \"x\"\nrole = \"#\"\n"));
        bounded(64 * 1024, "bytes", |number| {
            format!("[[example]]\ntitle = \"t\"\nvalid = true\nuser = \"{}\"\n", "x".repeat(number))
        });
        bounded(super::MAX_PROFILE, "bytes", |number| format!("#{}", "x".repeat(number - HEAD.len() - 1)));
    }
}

//! From `[setup]` to what the set-up page says: the steps of the product's own guide, in its words.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    compile::Fault,
    file::{ChapterFile, SetupFile},
    tenant_keys::label,
};

/// Most `[[setup.chapter]]`.
const MAX_CHAPTERS: usize = 12;
/// Most steps, with their parts, of a chapter.
const MAX_STEPS: usize = 60;
/// Longest step, in characters.
const MAX_STEP: usize = 1000;

/// What a customer connects, and by which of its doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum IdentityProvider {
    /// Okta, an app of the App Integration Wizard with HTTP Header.
    OktaHeader,
    /// Okta, an app of its catalog.
    OktaOin,
    /// Okta, with a user name and a password.
    OktaBasic,
    /// Microsoft Entra ID.
    Entra,
    /// OneLogin.
    Onelogin,
    /// JumpCloud.
    Jumpcloud,
    /// Any other one.
    Generic,
}

/// The product's own guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupGuide {
    /// Its title.
    pub guide: String,
    /// For which identity provider it is written.
    pub provider: IdentityProvider,
    /// Its chapters, in its order.
    pub chapters: Vec<SetupChapter>,
    /// What goes wrong, and whom to ask.
    pub notes: Vec<String>,
}

/// A chapter of a guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupChapter {
    /// Its heading.
    pub title: String,
    /// What to do, one after the other.
    pub steps: Vec<SetupStep>,
}

/// A step. In its texts `**…**` is a word of a screen, a text between backticks is to be typed, and `{base-url}` stands
/// for the tenant's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupStep {
    /// What to do.
    pub text: String,
    /// In detail.
    pub parts: Vec<String>,
}

/// The guide of a file.
pub(super) fn guide(file: SetupFile) -> Result<SetupGuide, Fault> {
    if let Some(chapter) = file.chapters.get(MAX_CHAPTERS) {
        let problem =
            format!("is one too many: a guide has at most {MAX_CHAPTERS} [[setup.chapter]]; remove some");
        return Err(Fault::at(&chapter.title, problem));
    }
    let guide = file.guide.get_ref().trim().to_owned();
    if guide.is_empty() || guide.chars().count() > 200 {
        return Err(Fault::at(&file.guide, "is the title of the guide; write 1 to 200 characters"));
    }
    let chapters = file.chapters.into_iter().map(chapter).collect::<Result<_, _>>()?;
    let notes = lines(&file.notes)?.into_iter().map(|line| plain(&line)).collect();
    Ok(SetupGuide { guide, provider: file.provider, chapters, notes })
}

fn chapter(file: ChapterFile) -> Result<SetupChapter, Fault> {
    let mut steps: Vec<SetupStep> = Vec::new();
    for line in lines(&file.steps)? {
        match (line.strip_prefix("- "), steps.last_mut()) {
            (Some(part), Some(step)) => step.parts.push(part.trim().to_owned()),
            _ => steps.push(SetupStep { text: plain(&line), parts: Vec::new() }),
        }
    }
    if steps.is_empty() {
        return Err(Fault::at(&file.steps, "has no step; write one a line, its parts after \"- \""));
    }
    Ok(SetupChapter { title: label(file.title)?, steps })
}

fn plain(line: &str) -> String {
    line.strip_prefix("- ").unwrap_or(line).trim().to_owned()
}

/// The lines of a text that are not empty.
fn lines(text: &Spanned<String>) -> Result<Vec<String>, Fault> {
    let lines: Vec<String> =
        text.get_ref().lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if lines.len() > MAX_STEPS {
        return Err(Fault::at(text, format!("has {} lines; at most {MAX_STEPS} fit", lines.len())));
    }
    match lines.iter().find(|line| line.chars().count() > MAX_STEP) {
        Some(line) => {
            let start: String = line.chars().take(30).collect();
            Err(Fault::at(
                text,
                format!("the line {start:?}… is longer than {MAX_STEP} characters; shorten it"),
            ))
        }
        None => Ok(lines),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::*;

    const HEAD: &str = "name = \"x\"\ntitle = \"X\"\nsummary = \"X.\"\nversion = 1\ncredentials = [\"bearer\"]\nbase-path = \"/scim\"\n";

    fn read(text: &str) -> Result<Option<SetupGuide>, String> {
        let profile = Profile::from_toml(&format!("{HEAD}{text}")).map_err(|error| error.to_string())?;
        Ok(profile.setup)
    }

    #[test]
    fn a_step_a_line_and_its_parts_below_it() {
        assert_eq!(read("").unwrap(), None);
        let text = "[setup]\nguide = \"Guide\"\nprovider = \"okta-oin\"\nnotes = \"\"\"\n- Ask us.\n\"\"\"\n\
                    [[setup.chapter]]\ntitle = \"One\"\nsteps = \"\"\"\n\nPress **Edit**.\n  - Status\n - `{base-url}` \nDone.\n\"\"\"\n";
        let guide = read(text).unwrap().unwrap();
        assert_eq!((guide.guide.as_str(), guide.provider), ("Guide", IdentityProvider::OktaOin));
        assert_eq!(guide.notes, ["Ask us."]);
        let step = |text: &str, parts: &[&str]| SetupStep {
            text: text.into(),
            parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        };
        let steps = vec![step("Press **Edit**.", &["Status", "`{base-url}`"]), step("Done.", &[])];
        assert_eq!(guide.chapters, [SetupChapter { title: "One".into(), steps }]);
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        let with = |chapter: &str| format!("[setup]\nguide = \"G\"\nprovider = \"entra\"\n{chapter}");
        let one =
            |steps: &str| with(&format!("[[setup.chapter]]\ntitle = \"T\"\nsteps = \"\"\"\n{steps}\"\"\"\n"));
        assert!(read(&one("a\n")).is_ok());
        for (text, word) in [
            (one(""), "no step"),
            (one(&"a\n".repeat(61)), "at most 60"),
            (one(&"a".repeat(1001)), "1000 characters"),
            (with(&"[[setup.chapter]]\ntitle = \"T\"\nsteps = \"a\"\n".repeat(13)), "at most 12"),
            ("[setup]\nguide = \" \"\nprovider = \"entra\"\n".to_owned(), "1 to 200"),
            ("[setup]\nguide = \"G\"\nprovider = \"azure\"\n".to_owned(), "okta-header"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}

//! Who is in the tenant: a text file with the prefix of the names in its first line, then `number id` a user and
//! `group id size name` a group.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    rc::Rc,
};

use anyhow::{Context as _, bail};

/// A user that the server has.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: Rc<str>,
    /// What its name, addresses and so on are made of.
    pub(crate) n: usize,
}

/// A group that the server has.
#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) id: Rc<str>,
    pub(crate) name: Rc<str>,
    /// Members it was filled with.
    pub(crate) size: usize,
}

/// All that the generator knows of a tenant.
pub(crate) struct Roster {
    file: PathBuf,
    pub(crate) prefix: Rc<str>,
    pub(crate) users: Vec<User>,
    pub(crate) groups: Vec<Group>,
}

impl Roster {
    /// Reads the file; one that is not there is an empty roster.
    pub(crate) fn open(file: &Path, prefix: &str) -> anyhow::Result<Self> {
        let mut roster = Self { file: file.to_owned(), prefix: prefix.into(), users: vec![], groups: vec![] };
        if !file.exists() {
            return Ok(roster);
        }
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let mut lines = text.lines();
        roster.prefix = lines.next().unwrap_or_default().into();
        for line in lines {
            match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
                ["group", id, size, name] => {
                    roster.groups.push(Group { id: id.into(), name: name.into(), size: size.parse()? });
                }
                [n, id] => roster.users.push(User { id: id.into(), n: n.parse()? }),
                _ => bail!("{}: what is {line}?", file.display()),
            }
        }
        Ok(roster)
    }

    /// Writes the file.
    pub(crate) fn save(&self) -> anyhow::Result<()> {
        let mut text = format!("{}\n", self.prefix);
        for User { id, n } in &self.users {
            writeln!(text, "{n} {id}")?;
        }
        for Group { id, name, size } in &self.groups {
            writeln!(text, "group {id} {size} {name}")?;
        }
        std::fs::write(&self.file, text).with_context(|| self.file.display().to_string())
    }

    /// The number that the next new user gets.
    pub(crate) fn next(&self) -> usize {
        self.users.iter().map(|user| user.n + 1).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_read_again() {
        let file = std::env::temp_dir().join(format!("roster-{}", std::process::id()));
        let mut roster = Roster::open(&file, "bench").unwrap();
        assert_eq!(roster.next(), 0);
        roster.users = vec![User { id: "a".into(), n: 7 }, User { id: "b".into(), n: 3 }];
        roster.groups = vec![Group { id: "g".into(), name: "All of them".into(), size: 2 }];
        roster.save().unwrap();
        let again = Roster::open(&file, "another prefix").unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!((&*again.prefix, again.next(), again.users.len()), ("bench", 8, 2));
        assert_eq!((&*again.groups[0].name, again.groups[0].size), ("All of them", 2));
    }
}

//! Who runs PostgreSQL and what belongs to it: the user of Debian's package, as it refuses to be root's.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
};

/// Are the tests run by root?
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A program as a user that PostgreSQL accepts.
pub(crate) fn as_postgres(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    if let Some((user, group)) = other() {
        command.uid(user).gid(group).current_dir("/").env("HOME", "/");
    }
    command
}

/// Gives a folder to that user.
pub(crate) fn give(folder: &Path) {
    if let Some((user, group)) = other() {
        chown(folder, Some(user), Some(group)).unwrap();
    }
}

/// User and group; nobody else where the tests are not run by root.
fn other() -> Option<(u32, u32)> {
    let number = |what| {
        let output = Command::new("id").args([what, "postgres"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    is_root().then(|| (number("-u"), number("-g")))
}

//! What the columns of a file are likely to hold, for people who then say it.

use scim_core::ResourceType;
use tokio::io::AsyncRead;

use super::{
    LineError,
    columns::{Column, Known},
    rows::Rows,
};

/// Rows that are shown.
const SHOWN: usize = 3;

/// Longest cell that is shown, in characters.
const LONGEST: usize = 60;

/// What other systems call attributes: letters and digits alone, in lower case.
const NAMES: &[(&str, &[&str])] = &[
    (
        "userName",
        &["username", "login", "loginname", "user", "userid", "upn", "userprincipalname", "samaccountname"],
    ),
    ("externalId", &["externalid", "objectid", "oktaid", "sourceid", "uniqueid"]),
    ("active", &["active", "enabled", "isactive", "accountenabled", "status"]),
    ("displayName", &["displayname", "name", "fullname", "commonname", "cn"]),
    ("name.givenName", &["givenname", "firstname", "first", "forename", "vorname", "prenom"]),
    ("name.familyName", &["familyname", "lastname", "last", "surname", "sn", "nachname"]),
    ("name.middleName", &["middlename", "middle", "middleinitial"]),
    ("emails.value", &["email", "emailaddress", "mail", "primaryemail", "workemail", "emails"]),
    (
        "phoneNumbers.value",
        &["phone", "phonenumber", "telephone", "telephonenumber", "primaryphone", "workphone"],
    ),
    ("phoneNumbers[type eq \"mobile\"].value", &["mobile", "mobilephone", "cell", "cellphone"]),
    ("title", &["title", "jobtitle", "position"]),
    ("department", &["department", "dept"]),
    ("employeeNumber", &["employeenumber", "employeeid", "employeeno", "personnelnumber", "staffid"]),
    ("costCenter", &["costcenter", "costcentre"]),
    ("organization", &["organization", "organisation", "company", "companyname"]),
    ("division", &["division"]),
    ("manager.value", &["manager", "managerid"]),
    ("timezone", &["timezone", "tz"]),
    ("locale", &["locale"]),
    ("preferredLanguage", &["preferredlanguage", "language"]),
];

/// The beginning of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Begin {
    /// The names of its columns.
    pub names: Vec<String>,
    /// Its first rows, cut: what stands in each column.
    pub rows: Vec<Vec<String>>,
}

/// Reads the beginning of a file; the error says why it is none that can be imported.
pub async fn begin(source: impl AsyncRead + Unpin) -> Result<Begin, LineError> {
    let mut rows = Rows::new(source);
    let Some(first) = rows.next().await? else {
        return Err(LineError::new(1, "the file is empty; its first row must name the columns"));
    };
    let names = first.cells.map_err(|misfit| LineError::new(first.line, misfit.problem))?;
    if let [only] = names.as_slice()
        && only.contains([';', '\t'])
    {
        let problem = "cells are separated by semicolons or tabs; save the file with commas";
        return Err(LineError::new(first.line, problem));
    }
    let mut begin = Begin { names, rows: Vec::new() };
    while begin.rows.len() < SHOWN {
        let Some(row) = rows.next().await? else { break };
        // What is wrong with a row is told when all of them are tried.
        let Ok(cells) = row.cells else { continue };
        begin.rows.push(cells.iter().map(|cell| cut(cell)).collect());
    }
    Ok(begin)
}

/// The attribute that each column is likely to hold, each attribute once; empty: none that is known.
#[must_use]
pub fn guess(kind: &ResourceType, names: &[String]) -> Vec<String> {
    let known = Known::of(kind);
    let written = known.written();
    let mut guessed: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let found = by_name(&known, &written, name).filter(|found| !guessed.contains(found));
        guessed.push(found.unwrap_or_default());
    }
    guessed
}

fn by_name(known: &Known<'_>, written: &[(String, Column)], name: &str) -> Option<String> {
    let own = |column: &Column| matches!(column, Column::Value(_));
    if let Some(column) = known.find(name) {
        let listed = written.iter().find(|(_, other)| *other == column);
        // What only the server writes is left out.
        return own(&column).then(|| listed.map_or_else(|| name.trim().to_owned(), |(name, _)| name.clone()));
    }
    let plain = plain(name);
    let alike = written.iter().find(|(other, column)| own(column) && self::plain(other) == plain);
    if let Some((found, _)) = alike {
        return Some(found.clone());
    }
    let meant = NAMES.iter().find(|(_, names)| names.contains(&plain.as_str()))?.0;
    known.find(meant).map(|_| meant.to_owned())
}

/// Letters and digits alone, in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(|ch| ch.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn cut(cell: &str) -> String {
    let shown: String = cell.chars().take(LONGEST).map(|ch| if ch.is_control() { ' ' } else { ch }).collect();
    if cell.chars().count() > LONGEST { format!("{shown}…") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim_core::profile::Profile;

    fn guessed(profile: &str, names: &[&str]) -> Vec<String> {
        let profile = Profile::from_toml(Profile::builtin(profile).expect("a profile")).expect("compiles");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        guess(&profile.user, &names)
    }

    #[test]
    fn names_of_other_systems_are_known() {
        let names =
            ["Login", "First Name", "last_name", "E-mail", "Employee ID", "Job Title", "Shoe size", "id"];
        let expected = [
            "userName",
            "name.givenName",
            "name.familyName",
            "emails.value",
            "employeeNumber",
            "title",
            "",
            "",
        ];
        assert_eq!(guessed("generic", &names), expected);
        // Each attribute once.
        assert_eq!(guessed("generic", &["userName", "Login"]), ["userName", ""]);
        assert_eq!(
            guessed("generic", &["emails[type eq \"home\"].value"]),
            ["emails[type eq \"home\"].value"]
        );
    }

    #[tokio::test]
    async fn the_beginning_of_a_file_is_read() {
        let long = "x".repeat(100);
        let file = format!("\u{feff}a,b\r\n1,\"2\n3\"\r\n{long},\r\nx,y\r\nnot,shown\r\n");
        let found = begin(file.as_bytes()).await.expect("a file");
        assert_eq!(found.names, ["a", "b"]);
        assert_eq!(found.rows.len(), 3);
        assert_eq!(found.rows[0], ["1", "2 3"]);
        assert!(found.rows[1][0].ends_with("x…"), "{}", found.rows[1][0]);
        for (file, problem) in [("", "empty"), ("a;b\n", "semicolons")] {
            let error = begin(file.as_bytes()).await.expect_err(problem);
            assert!(error.problem.contains(problem), "{error}");
        }
    }
}

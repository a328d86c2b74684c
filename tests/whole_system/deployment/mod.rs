//! What `deploy/` offers is what the tools of the field and the program itself take.

mod chart;
mod compose;
mod directory;
mod kubernetes;
mod monitoring;
mod postgres;
mod system;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value};

use crate::harness::{describe, plain_command};

/// Settings by the names of variables.
type Settings = BTreeMap<String, String>;

/// The top of the tree.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The one document of a YAML file.
fn yaml(path: &Path) -> Value {
    let documents =
        Yaml::load_from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let [document] = &documents[..] else { panic!("{}: {} documents", path.display(), documents.len()) };
    value(document)
}

fn value(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(truth)) => (*truth).into(),
        Yaml::Value(Scalar::Integer(number)) => (*number).into(),
        Yaml::Value(Scalar::FloatingPoint(number)) => number.into_inner().into(),
        Yaml::Value(Scalar::String(text)) => text.clone().into_owned().into(),
        Yaml::Sequence(items) => items.iter().map(value).collect(),
        Yaml::Mapping(members) => {
            let member = |(name, member): (&Yaml<'_>, &Yaml<'_>)| {
                (name.as_str().expect("a name is a text").to_owned(), value(member))
            };
            Value::Object(members.iter().map(member).collect::<Map<_, _>>())
        }
        other => panic!("no plain value: {other:?}"),
    }
}

/// The text at a pointer (RFC 6901); nothing there is a fault.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {value}"))
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer} in {value}"))
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn members<'a>(value: &'a Value, pointer: &str) -> Vec<(&'a str, &'a Value)> {
    let members = value.pointer(pointer).and_then(Value::as_object);
    members.into_iter().flatten().map(|(name, value)| (name.as_str(), value)).collect()
}

/// `KEY=VALUE` a line.
fn env_file(path: &Path) -> Settings {
    let text = read(path);
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once('=').unwrap_or_else(|| panic!("{}: {line}", path.display())))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The names of the program's settings, as its own source lists them.
fn setting_names() -> BTreeSet<String> {
    let source = read(&root().join("crates/rollcall/src/settings.rs"));
    let (_, list) = source.split_once("const KEYS: [&str; ").expect("settings.rs lists its keys");
    let (list, _) = list.split_once("];").unwrap();
    let (count, list) = list.split_once("] = [").unwrap();
    let names: BTreeSet<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(names.len().to_string(), count, "{names:?}");
    names
}

/// The program knows each of them, and takes the values. A database that is elsewhere is not asked.
fn the_program_takes(settings: &Settings) {
    let known = setting_names();
    for name in settings.keys() {
        let key =
            name.strip_prefix("ROLLCALL_").unwrap_or_else(|| panic!("{name} is none of ours")).to_lowercase();
        assert!(known.contains(&key) || key == "config", "the program has no setting {name}");
    }
    let dir = tempfile::tempdir().unwrap();
    let mut command = plain_command(dir.path());
    let elsewhere = ["ROLLCALL_CONFIG", "ROLLCALL_DATABASE_URL", "ROLLCALL_REDIS_URL"];
    command.envs(settings.iter().filter(|(name, _)| !elsewhere.contains(&name.as_str())));
    let output = command.args(["doctor", "--data-dir", "data"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("✓ settings"), "{settings:?}: {}", describe(&output));
}

/// The program knows these words, as it says itself when it is asked how they are used.
fn the_program_knows(arguments: &[Value]) {
    let dir = tempfile::tempdir().unwrap();
    let words = arguments.iter().map(|word| word.as_str().unwrap());
    let output = plain_command(dir.path()).args(words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", describe(&output));
}

/// Whom the image runs as.
fn image_user() -> u64 {
    let dockerfile = read(&root().join("deploy/Dockerfile"));
    let user = dockerfile.lines().find_map(|line| line.strip_prefix("USER ")).unwrap();
    let (user, group) = user.split_once(':').unwrap();
    assert_eq!(user, group);
    user.parse().unwrap()
}

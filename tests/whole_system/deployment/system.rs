//! The systemd unit, the sample of settings, and what the Debian package is made of. `tests/long package` builds, installs and
//! runs it.

use std::process::Command;

use regex::Regex;

use super::{Settings, read, root, setting_names, the_program_knows, the_program_takes};
use crate::harness::{describe, plain_command};

fn unit() -> Vec<(String, String)> {
    let text = read(&root().join("deploy/systemd/rollcall.service"));
    let lines =
        text.lines().filter_map(|line| line.split_once('=')).filter(|(name, _)| !name.starts_with('#'));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn told(unit: &[(String, String)], name: &str) -> Vec<String> {
    unit.iter().filter(|(found, _)| found == name).map(|(_, value)| value.clone()).collect()
}

#[test]
fn the_unit_starts_what_is_there() {
    let unit = unit();
    let start = told(&unit, "ExecStart").concat();
    let (program, words) = start.split_once(' ').unwrap();
    assert_eq!(program, "/usr/bin/rollcall");
    the_program_knows(&words.split(' ').map(Into::into).collect::<Vec<_>>());
    let settings: Settings = told(&unit, "Environment")
        .iter()
        .map(|setting| setting.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    the_program_takes(&settings);
    let state = format!("/var/lib/{}", told(&unit, "StateDirectory").concat());
    let sample = read(&root().join("deploy/rollcall.toml"));
    assert!(sample.contains(&format!("\ndata_dir = \"{state}\"\n")));
    for script in ["postinst", "postrm", "prerm"] {
        let script = root().join("deploy/debian").join(script);
        let output = Command::new("sh").arg("-n").arg(&script).output().unwrap();
        assert!(
            output.status.success() && read(&script).contains("\n#DEBHELPER#\n"),
            "{}",
            describe(&output)
        );
    }
}

#[test]
fn the_sample_of_settings_is_taken_as_it_is_and_with_all_that_it_offers() {
    let sample = read(&root().join("deploy/rollcall.toml"));
    let offered = Regex::new(r"(?m)^#(\w+ = )").unwrap().replace_all(&sample, "$1").into_owned();
    let keys: toml::Table = offered.parse().unwrap();
    let known = setting_names();
    assert!(keys.len() > 10 && keys.keys().all(|key| known.contains(key)), "{keys:?}");
    let dir = tempfile::tempdir().unwrap();
    for text in [&sample, &offered] {
        let file = dir.path().join("rollcall.toml");
        std::fs::write(&file, text).unwrap();
        let mut doctor = plain_command(dir.path());
        doctor.args(["doctor", "--config"]).arg(&file);
        // What it names is elsewhere.
        let output = doctor.args(["--data-dir", "data", "--database-url", "sqlite://x.db"]).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("✓ settings"), "{}", describe(&output));
    }
}

#[test]
fn the_package_is_made_of_files_that_are_there() {
    let folder = root().join("crates/rollcall");
    let manifest: toml::Table = read(&folder.join("Cargo.toml")).parse().unwrap();
    let package = &manifest["package"]["metadata"]["deb"];
    let assets = package["assets"].as_array().unwrap();
    let sources: Vec<&str> = assets.iter().map(|asset| asset[0].as_str().unwrap()).collect();
    assert_eq!(sources[0], "target/release/rollcall");
    for source in &sources[1..] {
        let file = folder.join(source.replace("/*.md", ""));
        assert!(file.exists(), "{}", file.display());
    }
    let targets: Vec<String> =
        assets.iter().map(|asset| format!("/{}", asset[1].as_str().unwrap())).collect();
    for kept in package["conf-files"].as_array().unwrap() {
        let (parent, _) = kept.as_str().unwrap().rsplit_once('/').unwrap();
        assert!(targets.contains(&format!("{parent}/")), "{kept}");
    }
    let units = folder.join(package["systemd-units"]["unit-scripts"].as_str().unwrap());
    assert!(units.join("rollcall.service").is_file());
}

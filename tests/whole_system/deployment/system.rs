//! The systemd unit, the sample of settings, and what the Debian package is made of. `tests/long package` builds, installs and
//! runs it.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

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

/// What `cargo build` reads there is what docs/releasing.md says that it is told.
#[test]
fn the_image_of_a_release_tells_its_commit() {
    let dockerfile = read(&root().join("deploy/Dockerfile"));
    let (before, _) = dockerfile.split_once("cargo build").unwrap();
    let releases = read(&root().join("docs/releasing.md"));
    for variable in ["ROLLCALL_BUILD_COMMIT", "SOURCE_DATE_EPOCH"] {
        assert!(before.lines().any(|line| line == format!("ARG {variable}")), "{variable}");
        assert!(releases.contains(&format!("--build-arg {variable}")), "{variable}");
    }
    let source = read(&root().join("crates/rollcall/src/cli.rs"));
    assert!(source.contains("option_env!(\"ROLLCALL_BUILD_COMMIT\")"));
}

/// dpkg asks when the program goes, and again when it has purged the settings; `tests/long package` lets it do so.
#[test]
fn a_purge_keeps_the_master_key() {
    for (settings, is_kept) in
        [("log = \"info\"\n#master_key = \"x\"\n", false), ("master_key = \"x\"\n", true)]
    {
        let dir = tempfile::tempdir().unwrap();
        let (of_settings, of_data) = (dir.path().join("etc"), dir.path().join("lib"));
        let script = read(&root().join("deploy/debian/postrm"))
            .replace("/etc/rollcall", of_settings.to_str().unwrap())
            .replace("/var/lib/rollcall", of_data.to_str().unwrap());
        std::fs::create_dir(&of_settings).unwrap();
        std::fs::write(of_settings.join("rollcall.toml"), settings).unwrap();
        let ask = |step: &str| {
            let output = Command::new("sh").args(["-c", &script, "postrm", step]).output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{}", describe(&output));
            String::from_utf8(output.stdout).unwrap()
        };
        ask("upgrade");
        let kept = of_data.join("rollcall.toml.kept");
        assert!(!kept.exists());
        ask("remove");
        std::fs::remove_dir_all(&of_settings).unwrap();
        let told = ask("purge");
        assert_eq!((kept.exists(), told.contains(kept.to_str().unwrap())), (is_kept, is_kept), "{told}");
        if is_kept {
            assert_eq!(read(&kept), settings);
            assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
        }
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

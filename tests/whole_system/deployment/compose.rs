//! `docker-compose.yml`, judged by Docker Compose and then by what it must not do; its scripts, run.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::Command,
};

use serde_json::Value;

use super::{
    Settings, list, members, number, read, root, setting_names, text, the_program_knows, the_program_takes,
    yaml,
};
use crate::harness::{Database, Installation, describe, free_port, plain_command, variable};

/// Images of others that write where they like and change whom they run as.
const AS_THEY_COME: [&str; 2] = ["postgres", "redis"];

/// What Compose makes of the file; a warning is a fault.
fn compose(arguments: &[&str]) -> Value {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = Command::new(variable("ROLLCALL_TEST_COMPOSE"));
    command.current_dir(root()).env_clear().env("HOME", nowhere.path()).args(arguments);
    let output = command.args(["config", "--format", "json"]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {}", describe(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn services(composed: &Value) -> BTreeSet<&str> {
    members(composed, "/services").into_iter().map(|(name, _)| name).collect()
}

fn environment(service: &Value) -> Settings {
    members(service, "/environment")
        .into_iter()
        // What has no value is handed on where it is set.
        .filter_map(|(name, value)| Some((name.to_owned(), value.as_str()?.to_owned())))
        .collect()
}

/// Settings that are of the stack itself, or secrets of the volume.
const OWN: [&str; 9] = [
    "listen",
    "admin_listen",
    "data_dir",
    "database_url",
    "migrate_database_url",
    "redis_url",
    "master_key",
    "former_master_key",
    "config",
];

#[test]
fn every_setting_is_handed_on() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let wanted: Vec<String> =
        setting_names().into_iter().filter(|name| !OWN.contains(&name.as_str())).collect();
    let mut set: Vec<String> =
        wanted.iter().map(|name| format!("ROLLCALL_{}", name.to_uppercase())).collect();
    set.extend(
        ["OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_EXPORTER_OTLP_HEADERS"].map(str::to_owned),
    );
    std::fs::write(file.path(), set.iter().map(|name| format!("{name}=x of {name}\n")).collect::<String>())
        .unwrap();
    let composed = compose(&["--env-file", file.path().to_str().unwrap()]);
    let handed = environment(&composed["services"]["rollcall"]);
    for name in &set {
        assert_eq!(handed.get(name), Some(&format!("x of {name}")), "{name} is not handed on");
    }
    let own = handed.keys().filter(|name| !set.contains(name));
    let own: Vec<String> = own.map(|name| name.trim_start_matches("ROLLCALL_").to_lowercase()).collect();
    assert!(own.iter().all(|name| OWN.contains(&name.as_str())), "{own:?}");
    // Behind a proxy with TLS, with people who sign in elsewhere.
    let settings = [
        ("ROLLCALL_PUBLIC_URL", "https://scim.example.com"),
        ("ROLLCALL_TRUSTED_PROXIES", "172.16.0.0/12,192.168.0.0/16"),
        ("ROLLCALL_OIDC_ISSUER", "https://login.example.com"),
        ("ROLLCALL_OIDC_CLIENT_ID", "rollcall"),
        ("ROLLCALL_OIDC_CLIENT_SECRET", "hunter2"),
    ];
    std::fs::write(file.path(), settings.map(|(name, value)| format!("{name}={value}\n")).concat()).unwrap();
    let composed = compose(&["--env-file", file.path().to_str().unwrap()]);
    the_program_takes(&environment(&composed["services"]["rollcall"]));
}

#[test]
fn the_minimum_is_small_and_profiles_add_to_it() {
    let least = BTreeSet::from(["init", "postgres", "redis", "rollcall"]);
    let telemetry = ["collector", "jaeger", "prometheus", "grafana"];
    let minimum = compose(&[]);
    assert_eq!(services(&minimum), least);
    let with = |arguments: &[&str], more: &[&str]| {
        let composed = compose(arguments);
        let expected: BTreeSet<&str> = least.iter().chain(more).copied().collect();
        assert_eq!(services(&composed), expected, "{arguments:?}");
        let settings = environment(&composed["services"]["rollcall"]);
        the_program_takes(&settings);
        settings
    };
    with(&["--profile", "simulate"], &["simulate"]);
    let traced = with(&["--env-file", "deploy/compose/telemetry.env"], &telemetry);
    let directory = with(&["--env-file", "deploy/compose/ldap.env"], &["ldap"]);
    let all = with(&["--env-file", "deploy/compose/all.env"], &[&telemetry[..], &["ldap"]].concat());
    for (name, value) in &all {
        assert!([&traced[name], &directory[name]].contains(&value), "all.env sets {name} otherwise");
    }

    // Traces go to the collector, and whoever asks for metrics asks where they are.
    let collector = yaml(&root().join("deploy/compose/collector.yaml"));
    let receiver =
        text(&collector, "/receivers/otlp/protocols/http/endpoint").replace("0.0.0.0", "collector");
    assert_eq!(traced["ROLLCALL_OTLP_ENDPOINT"], format!("http://{receiver}"));
    assert!(environment(&minimum["services"]["rollcall"])["ROLLCALL_OTLP_ENDPOINT"].is_empty());
    let prometheus = yaml(&root().join("deploy/compose/prometheus.yaml"));
    let target = text(&prometheus, "/scrape_configs/0/static_configs/0/targets/0");
    assert_eq!(target.replace("rollcall", "0.0.0.0"), traced["ROLLCALL_ADMIN_LISTEN"]);
    let job = format!("job=\"{}\"", text(&prometheus, "/scrape_configs/0/job_name"));
    assert!(read(&root().join("deploy/telemetry/alerts.yaml")).contains(&job));
}

/// What is wrong with a service.
fn faults(name: &str, service: &Value, composed: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let has = |pointer: &str, word: &str| list(service, pointer).iter().any(|found| found == word);
    let image = text(service, "/image");
    if !image.split_once(':').is_some_and(|(_, tag)| !tag.is_empty() && tag != "latest") {
        faults.push(format!("{image} names no version"));
    }
    if !has("/security_opt", "no-new-privileges:true") {
        faults.push("may gain privileges".to_owned());
    }
    if !AS_THEY_COME.contains(&name) {
        if service["read_only"] != true {
            faults.push("may write into its image".to_owned());
        }
        if name != "init" && !has("/cap_drop", "ALL") {
            faults.push("keeps capabilities".to_owned());
        }
    }
    for port in list(service, "/ports") {
        if port["host_ip"] != "127.0.0.1" {
            faults.push(format!("port {} is open to others", port["published"]));
        }
    }
    for (other, depends) in members(service, "/depends_on") {
        let target = &composed["services"][other];
        let fits = match text(depends, "/condition") {
            "service_healthy" => !target["healthcheck"].is_null(),
            "service_completed_successfully" => target["restart"].is_null(),
            _ => false,
        };
        if !fits || !target["profiles"].is_null() {
            faults.push(format!("waits for {other}, which never comes to that"));
        }
    }
    for mount in list(service, "/volumes") {
        let source = text(mount, "/source");
        let is_there = match text(mount, "/type") {
            "bind" => Path::new(source).is_file() && mount["read_only"] == true,
            _ => !composed["volumes"][source].is_null(),
        };
        if !is_there || (source.starts_with("secrets") && name != "init" && mount["read_only"] != true) {
            faults.push(format!("{source} is not there, or may be written to"));
        }
        // Whose secrets they are says the name; Okta's part is played with the program's own.
        let owner = if name == "simulate" { "rollcall" } else { name };
        if source.starts_with("secrets") && name != "init" && source != format!("secrets-{owner}") {
            faults.push(format!("has {source} of another"));
        }
    }
    if let Some(context) = service.pointer("/build/context").and_then(Value::as_str) {
        let dockerfile = service["build"]["dockerfile"].as_str().unwrap_or("Dockerfile");
        if !Path::new(context).join(dockerfile).is_file() {
            faults.push(format!("{context} has no {dockerfile}"));
        }
    }
    faults
}

#[test]
fn each_service_has_what_it_needs_and_no_more() {
    let composed = compose(&["--profile", "*"]);
    for (name, service) in members(&composed, "/services") {
        let faults = faults(name, service, &composed);
        assert!(faults.is_empty(), "{name}: {faults:?}");
        let mut ours = environment(service);
        ours.retain(|name, _| name.starts_with("ROLLCALL_"));
        if !ours.is_empty() {
            the_program_takes(&ours);
        }
    }
    // Each looks at the server that runs, not at what another process finds.
    let asked = list(&composed, "/services/rollcall/healthcheck/test");
    assert_eq!(asked[..2], ["CMD", "rollcall"]);
    the_program_knows(&asked[2..]);
    let dockerfile = read(&root().join("deploy/Dockerfile"));
    let of_image = dockerfile.lines().find(|line| line.starts_with("HEALTHCHECK ")).unwrap();
    let of_image: Value = serde_json::from_str(of_image.split_once(" CMD ").unwrap().1).unwrap();
    assert_eq!(
        list(&of_image, "")[..],
        ["rollcall", "health", "--alive"],
        "what is not healthy may be started anew"
    );
    the_program_knows(&list(&of_image, "")[1..]);
    assert_eq!(asked[2..], ["health"]);
    // What the files of others name is there, too.
    let collector = yaml(&root().join("deploy/compose/collector.yaml"));
    for (_, pipeline) in members(&collector, "/service/pipelines") {
        for kind in ["receivers", "processors", "exporters"] {
            for name in list(pipeline, &format!("/{kind}")) {
                assert!(!collector[kind][name.as_str().unwrap()].is_null(), "the collector has no {name}");
            }
        }
    }
    let sources = yaml(&root().join("deploy/compose/grafana/datasources.yaml"));
    let mut addresses: Vec<String> = vec![text(&collector, "/exporters/otlp~1jaeger/endpoint").to_owned()];
    addresses.extend(
        list(&sources, "/datasources").iter().map(|source| text(source, "/url").replace("http://", "")),
    );
    for address in addresses {
        let (host, _) = address.split_once(':').unwrap();
        assert!(services(&composed).contains(host), "there is no {address}");
    }
    let rules = yaml(&root().join("deploy/compose/prometheus.yaml"));
    let mounted = |service: &str, target: &str| {
        let mounts = list(&composed, &format!("/services/{service}/volumes"));
        mounts.iter().any(|mount| mount["target"] == target)
    };
    assert!(mounted("prometheus", &format!("/etc/prometheus/{}", text(&rules, "/rule_files/0"))));
    let boards = yaml(&root().join("deploy/compose/grafana/dashboards.yaml"));
    assert!(mounted("grafana", &format!("{}/rollcall.json", text(&boards, "/providers/0/options/path"))));
}

#[test]
fn every_fault_of_a_service_is_noticed() {
    let mut composed = compose(&["--profile", "*"]);
    let whole = composed.clone();
    let mut noticed = |service: &str, pointer: &str, value: Value, word: &str| {
        composed.clone_from(&whole);
        *composed.pointer_mut(&format!("/services/{service}{pointer}")).expect(pointer) = value;
        let found = faults(service, &composed["services"][service], &composed);
        assert!(found.len() == 1 && found[0].contains(word), "{service}{pointer}: {found:?}");
    };
    noticed("grafana", "/image", "grafana/grafana".into(), "no version");
    noticed("grafana", "/image", "grafana/grafana:latest".into(), "no version");
    noticed("jaeger", "/security_opt", Value::Null, "privileges");
    noticed("jaeger", "/read_only", false.into(), "its image");
    noticed("rollcall", "/cap_drop", Value::Null, "capabilities");
    noticed("rollcall", "/ports/0/host_ip", Value::Null, "open to others");
    noticed("rollcall", "/depends_on/redis/condition", "service_started".into(), "waits for redis");
    noticed("prometheus", "/volumes/1/source", "/nowhere".into(), "/nowhere");
    noticed("rollcall", "/volumes/0/read_only", false.into(), "secrets");
    noticed("redis", "/volumes/1/source", "secrets-postgres".into(), "of another");
    noticed("redis", "/volumes/1/source", "secrets".into(), "of another");
    noticed("ldap", "/build/context", "/nowhere".into(), "Dockerfile");
}

/// A folder of programs that stands first in the path.
fn programs(dir: &Path, programs: &[(&str, &str)]) -> String {
    let bin = dir.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for (name, script) in programs {
        std::fs::write(bin.join(name), script).unwrap();
        std::fs::set_permissions(bin.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", bin.display())
}

/// The files of a folder by their names.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), read(&entry.path()))).collect()
}

#[test]
fn secrets_are_made_once_and_each_for_one() {
    let dir = tempfile::tempdir().unwrap();
    let (secrets, shares) = (dir.path().join("secrets"), dir.path().join("shares"));
    std::fs::create_dir(&secrets).unwrap();
    let files_of: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("grafana", &["grafana_password"][..]),
        ("ldap", &["ldap_password"]),
        ("postgres", &["postgres_password"]),
        ("redis", &["redis.conf", "redis_password"]),
        ("rollcall", &["rollcall.toml"]),
    ]);
    for service in files_of.keys() {
        std::fs::create_dir_all(shares.join(service)).unwrap();
    }
    // Only root may give files away.
    let path = programs(dir.path(), &[("chown", "#!/bin/sh\necho \"$1 ${2%.new}\" >> \"$OWNERS\"\n")]);
    let owners = dir.path().join("owners");
    let init = || {
        let mut command = Command::new("sh");
        command.arg(root().join("deploy/compose/init")).args([&secrets, &shares]);
        let output = command.env("PATH", &path).env("OWNERS", &owners).output().unwrap();
        assert!(output.status.success(), "{}", describe(&output));
        files(&secrets)
    };
    let made = init();
    let names: BTreeSet<&str> = made.keys().map(String::as_str).collect();
    assert_eq!(names, files_of.values().copied().flatten().copied().collect());
    let passwords: BTreeSet<&String> = made.values().collect();
    assert_eq!(passwords.len(), made.len(), "no two are alike");
    let handed = || {
        for (service, expected) in &files_of {
            let folder = shares.join(service);
            let given = files(&folder);
            assert_eq!(given.keys().map(String::as_str).collect::<Vec<_>>(), *expected, "{service}");
            for (name, content) in &given {
                assert_eq!(*content, read(&secrets.join(name)), "{service}: {name}");
            }
            assert_eq!(std::fs::metadata(folder).unwrap().mode() & 0o777, 0o711, "{service}");
        }
    };
    handed();
    for file in std::iter::once(&secrets)
        .chain(&files_of.keys().map(|service| shares.join(service)).collect::<Vec<_>>())
    {
        for entry in std::fs::read_dir(file).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{}", entry.path().display());
        }
    }
    let given: BTreeSet<String> = read(&owners).lines().map(str::to_owned).collect();
    let expected = [
        "10001:10001 rollcall.toml",
        "10002:10002 ldap_password",
        "472:472 grafana_password",
        "999:999 postgres_password",
        "999:999 redis.conf",
        "999:999 redis_password",
    ];
    assert_eq!(given, expected.map(str::to_owned).into());
    assert_eq!(init(), made, "a second start changes nothing");
    handed();
    // A stack of earlier days gets what is new, and what was changed there is handed on.
    std::fs::remove_file(secrets.join("ldap_password")).unwrap();
    let renewed = init();
    assert_eq!(renewed.len(), made.len());
    assert_eq!(renewed.iter().filter(|(name, content)| made[*name] == **content).count(), made.len() - 1);
    handed();

    // What Rollcall is given are its settings; the database has another name here.
    let file = shares.join("rollcall/rollcall.toml");
    let mut doctor = plain_command(dir.path());
    let output =
        doctor.args(["doctor", "--database-url", "sqlite://x.db", "--config"]).arg(&file).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("✓ settings"), "{}", describe(&output));
    let settings: toml::Table = read(&file).parse().unwrap();
    let key = settings["master_key"].as_str().unwrap();
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    assert_eq!(BASE64_STANDARD.decode(key).unwrap().len(), 32);
}

/// The address of the people is another one than that of the simulator, as it is there.
#[tokio::test]
async fn okta_is_played_against_a_tenant_of_its_own() {
    let mut installation = Installation::new(Database::Sqlite).await;
    let port = free_port();
    installation.set("ROLLCALL_PUBLIC_URL", Some("http://localhost:8080"));
    let server = {
        let listen = format!("127.0.0.1:{port}");
        let mut command = installation.command(&["serve", "--listen", &listen]);
        crate::harness::Server::start(&mut command, port).await
    };
    let path = programs(installation.dir.path(), &[]);
    let rollcall = installation.dir.path().join("bin/rollcall");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rollcall"), rollcall).unwrap();
    let settings = installation.command(&[]);
    let mut simulate = Command::new("sh");
    simulate.arg(root().join("deploy/compose/simulate")).args(["--users", "6", "--groups", "2", "--json"]);
    simulate.envs(settings.get_envs().filter_map(|(name, value)| Some((name, value?))));
    simulate.env("PATH", path).env("SIMULATE_URL", &server.origin);
    let output = simulate.output().unwrap();
    assert!(output.status.success(), "{}", describe(&output));
    let report: Value = serde_json::from_slice(
        &output.stdout[output.stdout.iter().position(|byte| *byte == b'{').unwrap()..],
    )
    .unwrap();
    assert_eq!((list(&report, "/failures").len(), number(&report, "/users")), (0, 6), "{report}");
    let tenants = installation.json(&["tenant", "list", "--json"]);
    assert!(tenants.to_string().contains("\"okta-2"), "{tenants}");
}

//! The manifests: what Kubernetes says of their kinds, and that they fit each other, the image and the program.

use std::{collections::BTreeSet, path::PathBuf};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{
    Settings, env_file, image_user, list, members, number, read, root, setting_names, text,
    the_program_knows, the_program_takes, yaml,
};

/// Each folder is a kustomization.
const FOLDERS: [&str; 3] = ["base", "migrate", "example"];

/// Requests in flight may take so long when a node stops, and writing down what it still knows.
const DRAIN: u64 = 9;

/// How large a body ingress-nginx takes, and what has to be said there.
pub(super) const BODIES: &str = "nginx.ingress.kubernetes.io/proxy-body-size";
pub(super) const LARGEST: &str = "33m";

fn folder(name: &str) -> PathBuf {
    root().join("deploy/kubernetes").join(name)
}

/// The manifests of a kustomization, each a file that it lists, and no file beside them.
fn manifests(name: &str) -> Vec<Value> {
    let kustomization = yaml(&folder(name).join("kustomization.yaml"));
    let listed: BTreeSet<String> =
        list(&kustomization, "/resources").iter().map(|file| file.as_str().unwrap().to_owned()).collect();
    let files = std::fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().file_name());
    let files: BTreeSet<String> = files.map(|file| file.into_string().unwrap()).collect();
    let unlisted: Vec<&String> =
        files.iter().filter(|file| file.ends_with(".yaml") && !listed.contains(*file)).collect();
    assert_eq!(unlisted, ["kustomization.yaml"], "{name}");
    listed.iter().filter(|file| file.ends_with(".yaml")).map(|file| yaml(&folder(name).join(file))).collect()
}

fn of_kind<'a>(manifests: &'a [Value], kind: &str) -> &'a Value {
    manifests.iter().find(|manifest| manifest["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

/// What Kubernetes says of all kinds that are used here.
struct Schemas(Value);

impl Schemas {
    fn new() -> Self {
        Self(
            serde_json::from_str(&read(&root().join("tests/whole_system/deployment/kubernetes.schema.json")))
                .unwrap(),
        )
    }

    /// What is wrong with a manifest.
    fn faults(&self, manifest: &Value) -> Vec<String> {
        let (version, kind) = (text(manifest, "/apiVersion"), text(manifest, "/kind"));
        let group = version.split_once('/').map_or("core", |(group, _)| group.split('.').next().unwrap());
        let name = format!("io.k8s.api.{group}.{}.{kind}", version.rsplit('/').next().unwrap());
        if self.0["$defs"][&name].is_null() {
            return vec![format!("nothing is known of {name}")];
        }
        let schema = json!({"$ref": format!("#/$defs/{name}"), "$defs": self.0["$defs"]});
        let judge: Validator = jsonschema::validator_for(&schema).unwrap();
        judge.iter_errors(manifest).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

#[test]
fn manifests_are_what_kubernetes_takes() {
    let schemas = Schemas::new();
    for name in FOLDERS {
        for manifest in manifests(name) {
            let faults = schemas.faults(&manifest);
            assert!(faults.is_empty(), "{name} {}: {faults:#?}", manifest["kind"]);
        }
    }
    // The judge is no yes-man.
    let whole = manifests("base");
    let deployment = of_kind(&whole, "Deployment");
    for (pointer, wrong) in [
        ("/spec/template/spec/containers/0/livenessProbe", json!({"httpGet": {"path": "/", "prt": "admin"}})),
        ("/spec/template/spec/containers/0/ports/0/containerPort", json!("8080")),
        ("/spec/template/spec/securityContext/runAsNonRoot", json!("yes")),
        ("/apiVersion", json!("apps/v2")),
    ] {
        let mut changed = deployment.clone();
        *changed.pointer_mut(pointer).unwrap() = wrong;
        assert!(!schemas.faults(&changed).is_empty(), "{pointer}");
    }
}

/// Variables of a container that are given as they are, with those of a file; the names of the others come from secrets.
fn settings(container: &Value, file: Option<Settings>) -> (Settings, Vec<(String, String, String)>) {
    let (mut settings, mut secrets) = (file.unwrap_or_default(), Vec::new());
    for variable in list(container, "/env") {
        let name = text(variable, "/name").to_owned();
        match variable.pointer("/valueFrom/secretKeyRef") {
            Some(secret) => {
                secrets.push((name, text(secret, "/name").to_owned(), text(secret, "/key").to_owned()));
            }
            None => {
                settings.insert(name, text(variable, "/value").to_owned());
            }
        }
    }
    (settings, secrets)
}

/// A pod that may do nothing but what it is for.
fn is_confined(pod: &Value) {
    let user = image_user();
    assert_eq!(pod["automountServiceAccountToken"], false);
    for pointer in ["/securityContext/runAsUser", "/securityContext/runAsGroup"] {
        assert_eq!(number(pod, pointer), user);
    }
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(text(pod, "/securityContext/seccompProfile/type"), "RuntimeDefault");
    for container in list(pod, "/containers") {
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}));
        for resource in ["/resources/requests/cpu", "/resources/requests/memory", "/resources/limits/memory"]
        {
            text(container, resource);
        }
    }
}

/// What holds of the nodes, the Job and what goes with them, however they were written down.
fn fit_each_other(nodes: &[Value], migration: &Value, settings_of_nodes: Settings) {
    let deployment = of_kind(nodes, "Deployment");
    let (name, pod) = (text(deployment, "/metadata/name"), &deployment["spec"]["template"]["spec"]);
    is_confined(pod);
    let container = &pod["containers"][0];
    the_program_knows(list(container, "/args"));
    assert!(list(container, "/args").contains(&json!("--no-migrate")));

    // Settings: known and taken; what is secret comes by reference.
    let (settings, secrets) = settings(container, Some(settings_of_nodes));
    the_program_takes(&settings);
    let port = |name: &str| {
        list(container, "/ports").iter().find(|port| port["name"] == name).unwrap()["containerPort"].clone()
    };
    for (setting, name) in [("ROLLCALL_LISTEN", "http"), ("ROLLCALL_ADMIN_LISTEN", "admin")] {
        assert_eq!(settings[setting], format!("0.0.0.0:{}", port(name)));
    }
    let pod_of_job = &migration["spec"]["template"]["spec"];
    is_confined(pod_of_job);
    the_program_knows(list(pod_of_job, "/containers/0/args"));
    let (of_job, secrets_of_job) = self::settings(&pod_of_job["containers"][0], None);
    the_program_takes(&of_job);
    let known = setting_names();
    for (setting, _, _) in secrets.iter().chain(&secrets_of_job) {
        assert!(
            known.contains(&setting.trim_start_matches("ROLLCALL_").to_lowercase()),
            "no setting {setting}"
        );
    }
    let given = |secrets: &[(String, String, String)]| -> Vec<String> {
        secrets.iter().map(|(name, ..)| name.clone()).collect()
    };
    let needed = ["ROLLCALL_DATABASE_URL", "ROLLCALL_MASTER_KEY"];
    let possible = ["ROLLCALL_REDIS_URL", "ROLLCALL_OIDC_CLIENT_SECRET", "ROLLCALL_FORMER_MASTER_KEY"];
    assert_eq!(given(&secrets), [&needed[..], &possible].concat());
    // A node starts without the keys that not every installation has.
    for variable in list(container, "/env") {
        let reference = &variable["valueFrom"]["secretKeyRef"];
        let is_optional = reference["optional"] == true;
        assert_eq!(is_optional, possible.contains(&text(variable, "/name")), "{variable}");
        let key = text(variable, "/name").trim_start_matches("ROLLCALL_").to_lowercase().replace('_', "-");
        assert_eq!(text(reference, "/key"), key);
    }
    assert_eq!(given(&secrets_of_job), ["ROLLCALL_DATABASE_URL", "ROLLCALL_MIGRATE_DATABASE_URL"]);
    assert_ne!(secrets_of_job[1].1, secrets[0].1, "the owner's login is a secret of its own");

    // It leaves in time, and is looked away from before.
    let delay: u64 = settings["ROLLCALL_SHUTDOWN_DELAY"].parse().unwrap();
    assert!(number(pod, "/terminationGracePeriodSeconds") > delay + DRAIN);
    let noticed = number(container, "/readinessProbe/periodSeconds")
        * number(container, "/readinessProbe/failureThreshold");
    assert!(noticed <= delay, "a node is asked for {noticed} s after it was told to stop");
    for (probe, path) in
        [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
    {
        let get = &container[probe]["httpGet"];
        assert_eq!((text(get, "/path"), text(get, "/port")), (path, "admin"), "{probe}");
    }

    // What points to the pods finds them, and not those of the Job but where the network is meant.
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let labels_of_job = &migration["spec"]["template"]["metadata"]["labels"];
    let selects = |selector: &Value, labels: &Value| {
        members(selector, "").iter().all(|(name, value)| labels[*name] == **value)
    };
    for selector in [
        &deployment["spec"]["selector"]["matchLabels"],
        &of_kind(nodes, "Service")["spec"]["selector"],
        &of_kind(nodes, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        &pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0]["podAffinityTerm"]
            ["labelSelector"]["matchLabels"],
        &pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ] {
        assert!(
            selector.is_object() && selects(selector, labels) && !selects(selector, labels_of_job),
            "{selector}"
        );
    }
    let policy = of_kind(nodes, "NetworkPolicy");
    let everyone = &policy["spec"]["podSelector"]["matchLabels"];
    assert!(everyone.is_object() && selects(everyone, labels) && selects(everyone, labels_of_job));
    let opened: Vec<&Value> = list(policy, "/spec/ingress")
        .iter()
        .flat_map(|rule| list(rule, "/ports"))
        .map(|port| &port["port"])
        .collect();
    assert_eq!(opened, [&port("http"), &port("admin")]);
    assert_eq!(text(of_kind(nodes, "Service"), "/spec/ports/0/targetPort"), "http");
    let scaler = of_kind(nodes, "HorizontalPodAutoscaler");
    assert_eq!(text(scaler, "/spec/scaleTargetRef/name"), name);
    assert!(number(scaler, "/spec/minReplicas") >= 2 && deployment["spec"]["replicas"].is_null());
    assert_eq!(text(pod, "/serviceAccountName"), text(of_kind(nodes, "ServiceAccount"), "/metadata/name"));
}

/// What is around a file in a form comes on top of its 32 MiB.
#[test]
fn an_ingress_takes_all_that_the_program_takes() {
    let largest = provisioning::imports::MAX_BYTES.max(scim_api::MAX_BYTES);
    let megabytes: usize = LARGEST.strip_suffix('m').unwrap().parse().unwrap();
    assert_eq!(megabytes, largest / 1024 / 1024 + 1);
}

#[test]
fn manifests_fit_each_other_the_image_and_the_program() {
    let kustomization = yaml(&folder("base").join("kustomization.yaml"));
    assert_eq!(list(&kustomization, "/configMapGenerator/0/envs"), ["settings.env"]);
    let settings = env_file(&folder("base").join("settings.env"));
    let nodes = manifests("base");
    let from =
        of_kind(&nodes, "Deployment").pointer("/spec/template/spec/containers/0/envFrom/0/configMapRef/name");
    assert_eq!(from, kustomization.pointer("/configMapGenerator/0/name"));
    fit_each_other(&nodes, of_kind(&manifests("migrate"), "Job"), settings.clone());

    // The example changes what is there.
    let example = yaml(&folder("example").join("kustomization.yaml"));
    let changed = list(&example, "/configMapGenerator/0/literals").iter().map(|line| line.as_str().unwrap());
    let changed = changed
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    the_program_takes(&settings.into_iter().chain(changed).collect());
    assert_eq!(
        example["images"][0]["name"],
        of_kind(&nodes, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"]
    );
    assert_eq!(text(&example, "/images/0/newTag"), env!("CARGO_PKG_VERSION"));
    let before = yaml(&folder("example/migrate").join("kustomization.yaml"));
    assert_eq!(list(&before, "/resources"), ["../../migrate"]);
    for same in ["images", "namespace"] {
        assert_eq!(before[same], example[same], "{same} of the migration and of the nodes");
    }
    let ingress = manifests("example");
    let ingress = of_kind(&ingress, "Ingress");
    assert_eq!(text(ingress, &format!("/metadata/annotations/{}", BODIES.replace('/', "~1"))), LARGEST);
    let service = "/spec/rules/0/http/paths/0/backend/service";
    assert_eq!(text(ingress, &format!("{service}/name")), text(of_kind(&nodes, "Service"), "/metadata/name"));
    assert_eq!(
        text(ingress, &format!("{service}/port/name")),
        text(of_kind(&nodes, "Service"), "/spec/ports/0/name")
    );
}

//! What deploy/ says: well-formed, with commands that loadproof accepts, and without names that lead nowhere.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_yaml_ng::Value;

use crate::support::bench;

use bench::*;

fn deploy(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)).unwrap()
}

/// All documents of the Kubernetes manifests.
fn manifests() -> Vec<Value> {
    let files = ["nats", "agents", "coordinator", "system"];
    let texts = files.map(|file| deploy(&format!("kubernetes/{file}.yaml")));
    let documents = |text: &String| -> Vec<Value> {
        serde_yaml_ng::Deserializer::from_str(text).map(|one| Value::deserialize(one).unwrap()).collect()
    };
    texts.iter().flat_map(documents).collect()
}

fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path)?.as_str()
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

fn list(value: Option<&Value>) -> Vec<Value> {
    value.and_then(Value::as_sequence).cloned().unwrap_or_default()
}

fn words(value: Option<&Value>) -> Vec<String> {
    list(value).iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// That loadproof accepts a command line; its scenario is at `scenario`.
fn check_accepted(command: &[String], scenario: &str) {
    let bench = Bench::new();
    bench.write("deployed.toml", scenario);
    let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    for word in &mut arguments {
        if Path::new(*word).extension().is_some_and(|end| end == "toml") {
            *word = "deployed.toml";
        }
    }
    arguments.push(if arguments[0] == "run" { "--dry-run" } else { "--help" });
    let output = bench.run(&arguments);
    assert_eq!(code(&output), 0, "{command:?}: {}", stderr(&output));
}

#[test]
fn commands_of_the_compose_file_are_accepted_and_its_services_are_there() {
    let compose: Value = serde_yaml_ng::from_str(&deploy("compose.yaml")).unwrap();
    let services = compose["services"].as_mapping().unwrap();
    let names: BTreeSet<&str> = services.keys().map(|name| name.as_str().unwrap()).collect();
    let scenario = deploy("scenario.toml");
    let mut accepted = 0;
    for (name, service) in services {
        for needed in words(service.get("depends_on")) {
            assert!(names.contains(needed.as_str()), "{name:?} needs {needed}");
        }
        if at(service, &["build", "dockerfile"]).is_some() {
            let command = words(service.get("command"));
            let url = command.iter().find(|word| word.contains("nats://")).unwrap();
            let host = url.split("nats://").nth(1).unwrap().split(':').next().unwrap();
            assert!(names.contains(host), "{host}");
            check_accepted(&command, &scenario);
            accepted += 1;
        }
    }
    assert_eq!(accepted, 2);
    let dockerfile = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/Dockerfile");
    assert!(dockerfile.exists() && names.contains("system"));
}

#[test]
fn commands_of_the_manifests_are_accepted_and_their_names_lead_somewhere() {
    let all = manifests();
    let named = |kind: &str| -> BTreeSet<String> {
        let of_kind = all.iter().filter(|one| text(one, &["kind"]) == Some(kind));
        of_kind.map(|one| text(one, &["metadata", "name"]).unwrap().to_owned()).collect()
    };
    let (services, maps, claims) = (named("Service"), named("ConfigMap"), named("PersistentVolumeClaim"));
    let map = all.iter().find(|one| text(one, &["kind"]) == Some("ConfigMap")).unwrap();
    let scenario = text(map, &["data", "scenario.toml"]).unwrap();
    let labels: Vec<&Value> =
        all.iter().filter_map(|one| at(one, &["spec", "template", "metadata", "labels"])).collect();
    let mut accepted = 0;
    for one in &all {
        assert!(text(one, &["apiVersion"]).is_some() && text(one, &["kind"]).is_some());
        if text(one, &["kind"]) == Some("Service") {
            assert!(
                labels.contains(&at(one, &["spec", "selector"]).unwrap()),
                "nothing has the labels of {one:?}"
            );
        }
        let Some(pod) = at(one, &["spec", "template", "spec"]) else { continue };
        if let Some(selector) = at(one, &["spec", "selector", "matchLabels"]) {
            assert_eq!(Some(selector), at(one, &["spec", "template", "metadata", "labels"]));
        }
        let volumes = list(pod.get("volumes"));
        let volume_names: BTreeSet<&str> =
            volumes.iter().filter_map(|volume| text(volume, &["name"])).collect();
        for volume in &volumes {
            assert!(text(volume, &["configMap", "name"]).is_none_or(|name| maps.contains(name)));
            assert!(
                text(volume, &["persistentVolumeClaim", "claimName"])
                    .is_none_or(|name| claims.contains(name))
            );
        }
        for container in list(pod.get("containers")) {
            assert!(at(&container, &["resources", "requests", "cpu"]).is_some(), "{container:?}");
            for mount in list(container.get("volumeMounts")) {
                assert!(volume_names.contains(text(&mount, &["name"]).unwrap()), "{mount:?}");
            }
            if text(&container, &["image"]).unwrap().starts_with("loadproof:") {
                let command = words(container.get("args"));
                let url = command.iter().find_map(|word| word.strip_prefix("--nats=nats://")).unwrap();
                assert!(services.contains(url.split(':').next().unwrap()), "{url}");
                check_accepted(&command, scenario);
                accepted += 1;
            }
        }
    }
    assert_eq!(accepted, 2);
    // As many agents are started as are waited for.
    let job = all.iter().find(|one| text(one, &["metadata", "name"]) == Some("loadproof-agents")).unwrap();
    let count = at(job, &["spec", "completions"]).unwrap().as_u64().unwrap();
    assert_eq!(at(job, &["spec", "parallelism"]).unwrap().as_u64(), Some(count));
    assert!(deploy("kubernetes/coordinator.yaml").contains(&format!("--agents={count}\n")));
}

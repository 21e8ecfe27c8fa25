//! What types, ranges and formats cannot say: what one part of the file says of another. All faults at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::error::quoted;
use super::format::{has_credentials, lexical};
use super::shape::suggestion;
use super::tree::{Fault, Node, Place};
use super::{Config, Service};
use crate::{ServiceName, TargetSpec, normal_name};

/// `tree` is what the configuration was read from: places are looked up there, and whether something was given at all.
pub(super) fn check(config: &Config, tree: &Node, faults: &mut Vec<Fault>) {
    thresholds(config, tree, faults);
    maintenance(config, tree, faults);
    services(config, tree, faults);
    dependencies(config, tree, faults);
    paths(config, tree, faults);
    sources(config, tree, faults);
    public_urls(config, tree, faults);
    super::check_notifications::check(&config.notifications, tree, faults);
}

/// An entry of a list of the file.
pub(super) fn entry<'a>(tree: &'a Node, keys: &[&str], index: usize) -> &'a Node {
    let mut node = tree;
    for key in keys {
        node = node.get(key).map_or(node, |(_, node)| node);
    }
    node.entries().get(index).unwrap_or(tree)
}

/// Names that stand a second time, with the index of the first.
pub(super) fn twice<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(usize, usize)> {
    let mut seen = BTreeMap::new();
    let mut found = Vec::new();
    for (index, name) in names.enumerate() {
        // Names that differ in their case alone are taken for one by the person who reads them.
        let first = *seen.entry(normal_name(name).to_lowercase()).or_insert(index);
        if first != index {
            found.push((index, first));
        }
    }
    found
}

pub(super) fn line_of(node: &Node, keys: &[&str]) -> usize {
    node.place(keys).line
}

fn thresholds(config: &Config, tree: &Node, faults: &mut Vec<Fault>) {
    let healing = &config.self_healing;
    let (suggest, auto) = (healing.suggest_fix_threshold, healing.auto_heal_confidence_threshold);
    if suggest > auto {
        let section = tree.get("self_healing").map_or(tree, |(_, node)| node);
        let key = if section.get("suggest_fix_threshold").is_some() {
            "suggest_fix_threshold"
        } else {
            "auto_heal_confidence_threshold"
        };
        let message = format!(
            "`suggest_fix_threshold` ({suggest}) is above `auto_heal_confidence_threshold` ({auto}); expected at most that; what may heal by itself may be suggested too"
        );
        faults.push((section.place(&[key]), message));
    }
}

fn maintenance(config: &Config, tree: &Node, faults: &mut Vec<Fault>) {
    let windows = &config.maintenance;
    for (index, first) in twice(windows.iter().map(|window| window.name.as_str())) {
        let line = line_of(entry(tree, &["maintenance"], first), &["name"]);
        let message = format!(
            "maintenance window {} stands a second time (first in line {line}); expected each name once; rename one",
            quoted(&windows[index].name)
        );
        faults.push((entry(tree, &["maintenance"], index).place(&["name"]), message));
    }
    for (index, window) in windows.iter().enumerate() {
        let node = entry(tree, &["maintenance"], index);
        if let Some(problem) = window.problem() {
            faults.push((node.place(&["name"]), problem));
        }
        for (place, name) in named(node, "services", &window.services) {
            if config.service(name).is_none() {
                faults.push((
                    place,
                    unlisted(config, name, &format!("maintenance window {} names", quoted(&window.name))),
                ));
            }
        }
    }
}

fn services(config: &Config, tree: &Node, faults: &mut Vec<Fault>) {
    let services = &config.services;
    let node = |index| entry(tree, &["services"], index);
    for (index, first) in twice(services.iter().map(|service| service.name.as_str())) {
        let message = format!(
            "service {} stands a second time (first in line {}); expected each name once; rename one, or remove it",
            quoted(services[index].name.as_str()),
            line_of(node(first), &["name"])
        );
        faults.push((node(index).place(&["name"]), message));
    }
    let mut targets: BTreeMap<String, usize> = BTreeMap::new();
    for (index, service) in services.iter().enumerate() {
        let name = quoted(service.name.as_str());
        let node = node(index);
        // Text that nobody said whom it speaks for must not speak for anything that is managed.
        if service.name.as_str() == crate::UNKNOWN_SERVICE {
            let message =
                format!("{name} is what a service is called that nobody named; expected another name; rename this one");
            faults.push((node.place(&["name"]), message));
        }
        if service.managed && node.get("target").is_none_or(|(_, target)| target.is_null()) {
            let message = format!(
                "service {name} is managed and has no target; expected `target:` with what stands behind it; add it, or set `managed: false`"
            );
            faults.push((node.place(&["managed"]), message));
        }
        checks(service, node, faults);
        if let Some(target) = &service.target {
            one_target(target, node, &name, faults);
            let first = *targets.entry(canonical(target)).or_insert(index);
            if first != index {
                let key = match target {
                    TargetSpec::Process { .. } => "pidfile",
                    TargetSpec::Supervisord { .. } => "program",
                };
                let message = format!(
                    "service {name} has the target of service {} (line {}); expected a target of its own; two services would restart each other's program: make one of them",
                    quoted(services[first].name.as_str()),
                    line_of(entry(tree, &["services"], first), &["target", key])
                );
                faults.push((node.place(&["target", key]), message));
            }
        }
    }
}

/// As [`TargetSpec::canonical`], and with `x/..` taken out.
fn canonical(target: &TargetSpec) -> String {
    match target {
        TargetSpec::Process { pidfile, .. } => format!("process:{}", lexical(pidfile).display()),
        TargetSpec::Supervisord { .. } => target.canonical(),
    }
}

fn one_target(target: &TargetSpec, node: &Node, name: &str, faults: &mut Vec<Fault>) {
    let mut fault = |key: &str, message: String| faults.push((node.place(&["target", key]), message));
    match target {
        TargetSpec::Process { start, stop, .. } => {
            for (key, command, optional) in [("start", start, false), ("stop", stop, true)] {
                match command.first().map(String::as_str) {
                    None if optional => {}
                    None | Some("") => fault(
                        key,
                        format!(
                            "`{key}` of {name} names no program; expected a list with the program and its arguments"
                        ),
                    ),
                    Some(program) if program.contains('/') && !Path::new(program).is_absolute() => fault(
                        key,
                        format!(
                            "`{key}` of {name} begins with {}; expected a path that begins with /, or the bare name of a program; where the engine is started from must not matter",
                            quoted(program)
                        ),
                    ),
                    Some(_) => {}
                }
            }
        }
        TargetSpec::Supervisord { server, username, password_env, .. } => {
            let socket = server.strip_prefix("unix:").map(|path| path.trim_start_matches("//"));
            let good = match socket {
                Some(path) => Path::new(path).is_absolute(),
                None => server.starts_with("http://") || server.starts_with("https://"),
            };
            if has_credentials(server) && socket.is_none() {
                let message = format!(
                    "`server` of {name} carries a name or password, which would be shown and stored; expected an address without; use `username` and `password_env`"
                );
                fault("server", message);
            } else if !good {
                let message = format!(
                    "`server` of {name} is {}; expected unix:/path/to/the.sock or an address that starts with http://",
                    quoted(server)
                );
                fault("server", message);
            }
            if username.is_some() != password_env.is_some() {
                let key = if username.is_some() { "username" } else { "password_env" };
                let message = format!(
                    "`username` and `password_env` of {name} go together; expected both or none; add the other one"
                );
                fault(key, message);
            }
        }
    }
}

fn checks(service: &Service, node: &Node, faults: &mut Vec<Fault>) {
    let name = quoted(service.name.as_str());
    let node = |index| entry(node, &["health_checks"], index);
    for (index, first) in twice(service.health_checks.iter().map(|check| check.name.as_str())) {
        let message = format!(
            "health check {} of {name} stands a second time (first in line {}); expected each name once; rename one",
            quoted(&service.health_checks[index].name),
            line_of(node(first), &["name"])
        );
        faults.push((node(index).place(&["name"]), message));
    }
    for (index, check) in service.health_checks.iter().enumerate() {
        if node(index).get("http").is_none_or(|(_, http)| http.is_null()) {
            let message =
                format!("health check {} of {name} says nothing to check; expected `http:`", quoted(&check.name));
            faults.push((node(index).place(&["name"]), message));
        }
    }
}

fn dependencies(config: &Config, tree: &Node, faults: &mut Vec<Fault>) {
    for (index, service) in config.services.iter().enumerate() {
        let node = entry(tree, &["services"], index);
        let name = quoted(service.name.as_str());
        let mut seen = BTreeSet::new();
        for (place, other) in named(node, "depends_on", &service.depends_on) {
            if *other == service.name {
                let message = format!("service {name} depends on itself; expected other services; remove it here");
                faults.push((place, message));
            } else if config.service(other).is_none() {
                faults.push((place, unlisted(config, other, &format!("service {name} depends on"))));
            } else if !seen.insert(other) {
                let message = format!(
                    "service {name} depends on {} twice; expected each name once; remove one",
                    quoted(other.as_str())
                );
                faults.push((place, message));
            }
        }
    }
    for circle in circles(config) {
        let Some((index, service)) = config.services.iter().enumerate().find(|(_, service)| service.name == circle[0])
        else {
            continue;
        };
        let node = entry(tree, &["services"], index);
        let place = named(node, "depends_on", &service.depends_on).into_iter().find(|(_, other)| **other == circle[1]);
        let path: Vec<&str> = circle.iter().map(ServiceName::as_str).collect();
        let message = format!(
            "services depend on each other in a circle: {}; expected none, so that what failed first can be told; take out the dependency that is not one",
            path.join(" -> ")
        );
        faults.push((place.map_or_else(|| node.place(&["depends_on"]), |(place, _)| place), message));
    }
}

/// Each circle once, as the services on the way, the first one again at the end. What depends on itself is none here.
fn circles(config: &Config) -> Vec<Vec<ServiceName>> {
    let index: BTreeMap<&ServiceName, usize> = config.services.iter().enumerate().map(|(i, s)| (&s.name, i)).collect();
    let next = |at: usize| {
        let service = &config.services[at];
        service.depends_on.iter().filter(|other| **other != service.name).filter_map(|other| index.get(other).copied())
    };
    // Depth first without recursion: a chain of a thousand services is no reason to overflow a stack.
    let (mut done, mut found) = (vec![false; config.services.len()], Vec::new());
    for start in 0..config.services.len() {
        let mut way: Vec<(usize, Vec<usize>)> = Vec::new();
        if !done[start] {
            way.push((start, next(start).collect()));
        }
        while let Some((at, rest)) = way.last_mut() {
            let at = *at;
            let Some(to) = rest.pop() else {
                done[at] = true;
                way.pop();
                continue;
            };
            if let Some(from) = way.iter().position(|(on, _)| *on == to) {
                let name = |at: usize| config.services[at].name.clone();
                found.push(way[from..].iter().map(|(on, _)| name(*on)).chain([name(to)]).collect());
            } else if !done[to] {
                way.push((to, next(to).collect()));
            }
        }
    }
    found
}

/// One file cannot be two things: two logs that are followed, or a pidfile and what a program writes its output to.
fn paths(config: &Config, tree: &Node, faults: &mut Vec<Fault>) {
    let mut followed: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for (index, source) in config.sources.iter().enumerate() {
        let Some(file) = &source.file else { continue };
        let first = *followed.entry(lexical(&file.path)).or_insert(index);
        if first != index {
            let message = format!(
                "{} is read by source {} already (line {}); expected each file once, so that no line counts twice; remove one",
                quoted(&file.path.display().to_string()),
                quoted(config.sources[first].name.as_str()),
                line_of(entry(tree, &["sources"], first), &["file", "path"])
            );
            faults.push((entry(tree, &["sources"], index).place(&["file", "path"]), message));
        }
    }
    let mut pidfiles: BTreeMap<PathBuf, &ServiceName> = BTreeMap::new();
    for service in &config.services {
        if let Some(TargetSpec::Process { pidfile, .. }) = &service.target {
            pidfiles.insert(lexical(pidfile), &service.name);
        }
    }
    let claim = |path: &Path, what: &str| {
        let owner = pidfiles.get(&lexical(path))?;
        Some(format!(
            "{} is the pidfile of service {}; expected another file for {what}",
            quoted(&path.display().to_string()),
            quoted(owner.as_str())
        ))
    };
    for (index, service) in config.services.iter().enumerate() {
        if let Some(TargetSpec::Process { output: Some(output), .. }) = &service.target
            && let Some(message) = claim(output, "its output")
        {
            faults.push((entry(tree, &["services"], index).place(&["target", "output"]), message));
        }
    }
    for (index, source) in config.sources.iter().enumerate() {
        if let Some(message) = source.file.as_ref().and_then(|file| claim(&file.path, "a log")) {
            faults.push((entry(tree, &["sources"], index).place(&["file", "path"]), message));
        }
    }
}

fn sources(config: &Config, tree: &Node, faults: &mut Vec<Fault>) {
    let node = |index| entry(tree, &["sources"], index);
    for (index, first) in twice(config.sources.iter().map(|source| source.name.as_str())) {
        let message = format!(
            "source {} stands a second time (first in line {}); expected each name once; rename one",
            quoted(config.sources[index].name.as_str()),
            line_of(node(first), &["name"])
        );
        faults.push((node(index).place(&["name"]), message));
    }
    for (index, source) in config.sources.iter().enumerate() {
        let name = quoted(source.name.as_str());
        if node(index).get("file").is_none_or(|(_, file)| file.is_null()) {
            let message = format!("source {name} says nothing to read; expected `file:` with a path");
            faults.push((node(index).place(&["name"]), message));
        }
        if config.service(&source.service).is_none() {
            let message = unlisted(config, &source.service, &format!("source {name} speaks for"));
            faults.push((node(index).place(&["service"]), message));
        }
    }
}

/// Names of a list with their places; what was left out of the list because it is bad has been told already.
/// Names under which the interface is reached: what is compared with the host of a request, so no path and no pattern.
fn public_urls(config: &Config, tree: &Node, faults: &mut Vec<Fault>) {
    for (index, url) in config.server.public_urls.iter().enumerate() {
        let host = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let is_bare = |host: &str| {
            let host = host.trim_end_matches('/');
            !host.is_empty() && !host.contains(['/', '?', '#', ' ', '*'])
        };
        if has_credentials(url) || !host.is_some_and(is_bare) {
            let message = format!(
                "`public_urls` has {}; expected an address such as https://selfheal.example.org, without a name, password or path",
                quoted(url)
            );
            faults.push((entry(tree, &["server", "public_urls"], index).at, message));
        }
    }
}

fn named<'a>(node: &Node, key: &str, names: &'a [ServiceName]) -> Vec<(Place, &'a ServiceName)> {
    let entries = node.get(key).map_or(&[][..], |(_, list)| list.entries());
    names
        .iter()
        .enumerate()
        .map(|(index, name)| (entries.get(index).map_or_else(|| node.place(&[key]), |entry| entry.at), name))
        .collect()
}

fn unlisted(config: &Config, name: &ServiceName, who: &str) -> String {
    let near = suggestion(name.as_str(), config.services.iter().map(|service| service.name.as_str()));
    format!(
        "{who} {}, which is not listed under `services`; expected a service of the inventory; add it there{near}",
        quoted(name.as_str())
    )
}

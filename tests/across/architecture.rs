//! The rules of docs/ARCHITECTURE.md that a compiler does not check.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Every file below a folder with one of these endings, without what is generated or installed.
fn files(folder: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                if !["node_modules", "build", ".svelte-kit", "target", "gen"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = std::fs::read_to_string(&path).expect("readable");
                found.push((path.strip_prefix(root()).expect("below the root").to_owned(), text));
            }
        }
    }
    assert!(!found.is_empty(), "no files below {folder}");
    found
}

/// Whether a file is one of tests beside the code.
fn is_of_tests(path: &Path) -> bool {
    path.file_stem().is_some_and(|name| name == "tests" || name.to_string_lossy().ends_with("_tests"))
}

/// Lines of code that contain a word, without comments and without the tests beside the code.
fn lines_with<'a>(files: &'a [(PathBuf, String)], word: &'a str) -> impl Iterator<Item = String> + 'a {
    files.iter().filter(|(path, _)| !is_of_tests(path)).flat_map(move |(path, text)| {
        text.split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .lines()
            .filter(move |line| line.contains(word) && !line.trim_start().starts_with("//"))
            .map(move |line| format!("{}: {}", path.display(), line.trim()))
    })
}

/// The platform that this was built on: its packages were downloaded for the build, those of others may never have been.
fn platform() -> String {
    let output = Command::new(env!("CARGO")).arg("-vV").output().expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo names its host").to_owned()
}

/// The normal dependencies of each package on this platform, all the way down.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &platform()])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("a string").to_owned();
    let names: BTreeMap<String, String> = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let direct: BTreeMap<String, Vec<String>> = metadata["resolve"]["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| {
            let normal = |dependency: &&serde_json::Value| {
                dependency["dep_kinds"].as_array().expect("kinds").iter().any(|kind| kind["kind"].is_null())
            };
            let deps = node["deps"].as_array().expect("deps").iter().filter(normal);
            (text(&node["id"]), deps.map(|dependency| text(&dependency["pkg"])).collect())
        })
        .collect();
    names
        .iter()
        .filter(|(_, name)| name.starts_with("selfheal"))
        .map(|(id, name)| {
            let (mut seen, mut next) = (BTreeSet::new(), vec![id.clone()]);
            while let Some(id) = next.pop() {
                for dependency in &direct[&id] {
                    if seen.insert(names[dependency].clone()) {
                        next.push(dependency.clone());
                    }
                }
            }
            (name.clone(), seen)
        })
        .collect()
}

#[test]
fn each_crate_knows_only_what_it_may() {
    let all = dependencies();
    for (package, forbidden) in [
        ("selfheal-core", &["tokio", "sqlx", "tauri", "axum", "reqwest", "getrandom", "rand", "selfheal-store"][..]),
        ("selfheal-store", &["axum", "tauri", "reqwest", "selfheal-engine", "selfheal-adapters"]),
        ("selfheal-engine", &["axum", "tauri", "reqwest", "nix", "dxr", "selfheal-adapters", "selfheal-api"]),
        ("selfheal-adapters", &["axum", "tauri", "selfheal-api"]),
        ("selfheal-api", &["tauri", "clap"]),
        ("selfheal", &["tauri"]),
    ] {
        let found: Vec<&&str> = forbidden.iter().filter(|name| all[package].contains(**name)).collect();
        assert!(found.is_empty(), "{package} must not depend on {found:?}");
    }
}

#[test]
fn adapters_do_not_use_the_store() {
    // It comes along with the engine, whose ports they implement; they must not use it.
    let adapters = files("crates/adapters/src", &[".rs"]);
    assert_eq!(lines_with(&adapters, "selfheal_store").collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn the_core_asks_for_no_time_and_no_chance() {
    let core = files("crates/core/src", &[".rs"]);
    for word in [
        "Utc::now",
        "Local::now",
        "SystemTime",
        "Instant::",
        "std::fs",
        "TcpStream",
        "UdpSocket",
        "std::process",
        "std::env::",
        "async fn",
        "thread::",
    ] {
        assert_eq!(lines_with(&core, word).collect::<Vec<_>>(), Vec::<String>::new(), "{word}");
    }
}

#[test]
fn only_the_store_holds_sql() {
    for folder in [
        "crates/core/src",
        "crates/engine/src",
        "crates/adapters/src",
        "crates/api/src",
        "crates/cli/src",
        "crates/demo/src",
        "src-tauri/src",
    ] {
        let sources = files(folder, &[".rs"]);
        for word in ["sqlx::", "select * from", "insert into", "delete from ", "update incidents"] {
            assert_eq!(lines_with(&sources, word).collect::<Vec<_>>(), Vec::<String>::new(), "{folder}: {word}");
        }
    }
}

#[test]
fn only_adapters_start_processes() {
    for folder in [
        "crates/core/src",
        "crates/store/src",
        "crates/engine/src",
        "crates/api/src",
        "crates/cli/src",
        "crates/demo/src",
        "src-tauri/src",
    ] {
        let sources = files(folder, &[".rs"]);
        assert_eq!(lines_with(&sources, "Command::new(").collect::<Vec<_>>(), Vec::<String>::new(), "{folder}");
    }
    // One place does, so that what it clears and limits holds for all.
    let adapters = files("crates/adapters/src", &[".rs"]);
    let places: BTreeSet<String> = lines_with(&adapters, "Command::new(")
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(places, BTreeSet::from(["crates/adapters/src/actuator/process/command.rs".to_owned()]));
}

#[test]
fn only_the_platform_folder_knows_tauri() {
    let sources = files("ui/src", &[".ts", ".svelte"]);
    let found: Vec<String> =
        lines_with(&sources, "@tauri-apps").filter(|line| !line.starts_with("ui/src/platform/")).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder: &str| -> BTreeSet<String> {
        files(folder, &[".sql"])
            .iter()
            .map(|(path, _)| path.file_name().expect("a name").to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(names("migrations/sqlite"), names("migrations/postgres"));
}

#[test]
fn the_window_may_do_no_more_than_ask_and_listen() {
    let text = std::fs::read_to_string(root().join("src-tauri/capabilities/main.json")).expect("readable");
    let capability: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        capability["permissions"],
        serde_json::json!(["allow-api", "core:event:allow-listen", "core:event:allow-unlisten"])
    );
    assert_eq!(files("src-tauri/capabilities", &[".json"]).len(), 1);
    let text = std::fs::read_to_string(root().join("src-tauri/tauri.conf.json")).expect("readable");
    let config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let policy = config["app"]["security"]["csp"].as_str().expect("a policy");
    for word in ["unsafe-eval", "script-src 'self' 'unsafe-inline'", "https:"] {
        assert!(!policy.contains(word), "{policy}");
    }
}

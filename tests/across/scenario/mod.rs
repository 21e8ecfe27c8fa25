//! Scenarios: `tests/scenarios/*.yaml`, each a story with a fake clock and a world that breaks and heals on cue. The
//! pipeline, the store and the rules are the real ones.

mod expect;
mod random;
mod script;
mod world;

use std::path::Path;

use script::Script;

/// Every scenario, each told by its name when it fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_ends_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.sort();
    assert!(files.len() >= 10, "only {} scenarios", files.len());
    let only = std::env::var("SCENARIO").ok();
    // Each story has a world of its own, so they are told side by side.
    let mut stories = tokio::task::JoinSet::new();
    for file in files {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("readable");
        let script: Script = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        stories.spawn(async move { script.play().await.map_err(|failure| format!("{name}: {failure}")) });
    }
    let mut failures: Vec<String> = stories.join_all().await.into_iter().filter_map(Result::err).collect();
    failures.sort();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

//! `docs/rules.md` names the test that pins each rule: those tests are there.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_test_that_the_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project");
    let page = std::fs::read_to_string(root.join("docs/rules.md")).expect("readable");
    let (mut missing, mut stories, mut tests) = (Vec::new(), BTreeSet::new(), 0);
    for line in page.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let mut pins = 0;
        // Every other piece stands between backticks.
        for name in line.split('`').skip(1).step_by(2) {
            if let Some((file, function)) = name.split_once("::") {
                let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
                let found = text.contains(&format!("fn {function}("));
                missing.extend((!found).then(|| name.to_owned()));
                (tests, pins) = (tests + 1, pins + 1);
            } else if name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
                let found = root.join(format!("tests/scenarios/{name}.yaml")).exists();
                missing.extend((!found).then(|| name.to_owned()));
                stories.insert(name.to_owned());
                pins += 1;
            }
        }
        assert!(pins > 0, "a rule without a test: {line}");
    }
    assert!(missing.is_empty(), "named in docs/rules.md and not there: {missing:?}");
    assert!(tests > 20 && stories.len() > 20, "only {tests} tests and {} stories", stories.len());
}

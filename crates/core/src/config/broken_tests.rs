//! Broken files and exactly what is said of them: `fixtures/broken.txt`.
//!
//! `SELFHEAL_UPDATE_GOLDEN=1` writes what is said now; look at the difference before you commit it.

use super::{Config, parse, parse_bytes};

const FILE: &str = "fixtures/broken.txt";
const SAID: &str = "---- said\n";

struct Case {
    title: String,
    text: String,
    said: String,
}

fn cases() -> Vec<Case> {
    let cases = include_str!("fixtures/broken.txt").split("=== ").skip(1).map(|case| {
        let (title, rest) = case.split_once('\n').expect("a title");
        let (text, said) = rest.split_once(SAID).expect("what is said");
        Case { title: title.to_owned(), text: text.to_owned(), said: said.to_owned() }
    });
    cases.collect()
}

#[test]
fn every_broken_file_is_told_exactly() {
    let mut now = String::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let said = match parse(&case.text, "f") {
            Ok(_) => "it is taken\n".to_owned(),
            Err(errors) => format!("{errors}\n"),
        };
        if said != case.said {
            wrong.push(format!("{}\nexpected\n{}found\n{said}", case.title, case.said));
        }
        now.push_str(&format!("=== {}\n{}{SAID}{said}", case.title, case.text));
    }
    if std::env::var_os("SELFHEAL_UPDATE_GOLDEN").is_some() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config").join(FILE);
        std::fs::write(path, now).expect("written");
        return;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever is wrong: it is refused, with a place, our words, what was expected, and no secret.
#[test]
fn every_error_has_a_place_and_says_what_was_expected() {
    let cases = cases();
    assert!(cases.len() >= 60, "{} broken files", cases.len());
    for case in cases {
        let errors = parse(&case.text, "f").expect_err(&case.title);
        assert!(!errors.0.is_empty(), "{}", case.title);
        for error in &errors.0 {
            assert!(error.line > 0 && error.column > 0, "{}: {error}", case.title);
            assert!(error.message.contains("expected") || error.message.contains("; "), "{}: {error}", case.title);
            assert!(!error.message.contains('\n'), "{}: {error}", case.title);
            for theirs in ["mapping", "scalar", "sequence", "serde", "token", "EOF", "invalid type", "u64", "variant"] {
                assert!(!error.message.contains(theirs), "{}: {error}", case.title);
            }
            let headline = error.headline();
            assert!(!headline.contains("geheim"), "{}: {headline}", case.title);
            assert!(headline.chars().all(crate::names::can_be_shown), "{}: {headline:?}", case.title);
        }
    }
}

#[test]
fn a_name_that_is_the_beginning_of_another_one_is_pointed_at_itself() {
    let text = "services:\n  - name: web\n  - name: web\n  - name: website\n";
    assert_eq!(parse(text, "f").expect_err("twice").0[0].line, 3);
}

#[test]
fn what_is_no_text_and_what_is_too_large_is_refused() {
    for (bytes, said) in [
        (b"services: []\nlimits:\n  \xff: 1\n".to_vec(), "f:3:3: a byte here is no text"),
        (b"\xff\xfes\0e\0".to_vec(), "f:1:1: the file is written in UTF-16"),
        (b"services: []\n# \xe2\x80\xae\n".to_vec(), "f:2:3: the character U+202E"),
        (vec![b'#'; super::tree::LARGEST + 1], "larger than 4194304 bytes"),
    ] {
        let errors = parse_bytes(&bytes, "f").expect_err(said).to_string();
        assert!(errors.contains(said), "{errors}");
    }
    assert_eq!(parse_bytes("\u{feff}limits:\n  max_attempts: 3\n".as_bytes(), "f"), Ok(Config::default()));
}

proptest::proptest! {
    /// Any text is a configuration, or errors that name places in it.
    #[test]
    fn nothing_panics(text in "(?s).{0,60}") {
        if let Err(errors) = parse(&text, "f") {
            for error in errors.0 {
                let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
                proptest::prop_assert!(error.line as usize <= lines + 1);
                let _ = error.to_string();
            }
        }
    }

    #[test]
    fn nothing_of_yaml_panics(words in proptest::collection::vec(0..24_usize, 0..40)) {
        const PARTS: [&str; 24] = ["services", ":", " ", "\n", "  ", "- ", "name", "{", "}", "[", "]", ",", "\"", "'", "|", ">", "&a", "*a",
            "!t", "#", "true", "5", "~", "target"];
        let text: String = words.into_iter().map(|word| PARTS[word]).collect();
        let _ = parse(&text, "f").map_err(|errors| errors.to_string());
    }
}

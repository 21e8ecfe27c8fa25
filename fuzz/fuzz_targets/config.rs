//! Any text is a configuration or an error that names a place in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use selfheal_core::config::parse;

fuzz_target!(|text: &str| {
    if let Err(error) = parse(text, "f") {
        assert!(error.line as usize <= text.lines().count() + 1);
    }
});

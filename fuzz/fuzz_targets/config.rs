//! Any text is a configuration or an error that names a place in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use selfheal_core::config::parse;

fuzz_target!(|text: &str| {
    if let Err(errors) = parse(text, "f") {
        for error in errors.0 {
            // YAML takes a lone carriage return for a line break too.
            assert!(error.line as usize <= text.split(['\n', '\r']).count() + 1);
            let _ = error.to_string();
        }
    }
});

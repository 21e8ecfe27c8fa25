//! Any bytes are a bundle or an error that names a line of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use selfheal_core::audit::bundle::{BundleError, verify};

fuzz_target!(|bytes: &[u8]| {
    match verify(bytes, &[]) {
        Err(BundleError::Bad { line, .. }) => {
            assert!(line >= 1 && line <= bytes.split(|byte| *byte == b'\n').count() as u64 + 1);
        }
        Err(BundleError::Io(error)) => panic!("memory cannot fail: {error}"),
        Ok(report) => assert!(report.trail.linked <= report.trail.entries),
    }
});

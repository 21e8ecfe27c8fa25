//! `selfheal audit verify BUNDLE`: no home, no database, no engine.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use selfheal_core::audit::bundle::{BundleError, BundleReport, Scope, verify as verify_bundle};
use selfheal_core::audit::{KeyId, PublicKey};
use serde_json::json;

use super::BAD;
use crate::output;

pub fn verify(path: &Path, keys: &[String], as_json: bool) -> anyhow::Result<ExitCode> {
    let expected = keys.iter().map(|key| public_key(key)).collect::<anyhow::Result<Vec<_>>>()?;
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    match verify_bundle(BufReader::with_capacity(1 << 16, file), &expected) {
        Ok(report) => {
            if as_json {
                output::json(&as_document(&report))?;
            } else {
                output::line(told(&report));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(BundleError::Io(why)) => Err(why).with_context(|| format!("{} cannot be read", path.display())),
        Err(BundleError::Bad { line, fault }) => {
            if as_json {
                output::json(&json!({ "ok": false, "line": line, "first_bad": fault.to_string() }))?;
            } else {
                output::line(format!(
                    "The bundle is BAD, line {line}: {fault}.\n\
                     Do not rely on it: ask for another one, and compare it with what others have."
                ));
            }
            Ok(ExitCode::from(BAD))
        }
    }
}

/// 64 hexadecimal digits, or a file that holds them.
fn public_key(text: &str) -> anyhow::Result<PublicKey> {
    if let Some(key) = PublicKey::parse(&text.to_lowercase()) {
        return Ok(key);
    }
    let bytes = std::fs::read(text).with_context(|| {
        format!("`{text}` is neither a public key of 64 hexadecimal digits nor a file that can be read")
    })?;
    if bytes.len() == 32 {
        bail!(
            "{text} is a private key, and must never leave its home. `selfheal audit verify` there shows the public one"
        );
    }
    let key = std::str::from_utf8(&bytes).ok().and_then(|text| PublicKey::parse(&text.trim().to_lowercase()));
    key.with_context(|| format!("{text} does not hold a public key: expected 64 hexadecimal digits and nothing else"))
}

/// What was verified, to the word, and what was not.
struct Said {
    verified: Vec<String>,
    not_verified: Vec<String>,
}

fn said(report: &BundleReport) -> Said {
    let (trail, entries) = (&report.trail, report.trail.entries);
    let mut verified = vec![format!("each of the {entries} entries has the content that its hash was made of")];
    let mut not_verified = Vec::new();
    let range = trail.first.zip(trail.last);
    match (report.header.scope, range) {
        (_, None) => verified = vec!["the bundle has no entries".into()],
        (Scope::Trail, Some((_, last))) => verified.push(format!(
            "the entries are all there are from the first to {last}: none was removed, inserted or moved"
        )),
        (Scope::Since(_), Some((first, last))) => {
            verified.push(format!(
                "the entries from {first} to {last} follow each other: none was removed, inserted or moved"
            ));
            if first.0 > 1 {
                not_verified.push(format!("what was before entry {first}: the bundle begins there"));
            }
        }
        (Scope::Incident(incident), Some(_)) => {
            verified.push(format!(
                "{} of them directly follow the entry before them, or are the first of all; all are of incident {incident}, in order",
                trail.linked
            ));
            not_verified.push(format!(
                "the place of {} of them, and that no entry of the incident was left out: what stands between is not in the bundle. A bundle of the whole trail shows both",
                entries - trail.linked
            ));
        }
    }
    for signed in &trail.signed_to {
        let from = match report.header.scope {
            Scope::Incident(_) => format!("entry {} is", signed.entry),
            _ => format!("the entries up to {} are", signed.entry),
        };
        verified.push(format!("{from} as key {} signed at {}", signed.key, signed.at));
    }
    match (trail.signed(), trail.last, report.header.scope) {
        (None, Some(_), Scope::Incident(_)) => {}
        (None, Some(_), _) => {
            not_verified.push("that the trail is the original one: no checkpoint is in the bundle".into())
        }
        (Some(signed), Some(last), Scope::Trail | Scope::Since(_)) if signed < last && trail.doubts.is_empty() => {
            verified.push(format!(
                "each entry after {signed} is sealed by the key that wrote it; no checkpoint covers them yet"
            ));
        }
        (Some(signed), Some(last), Scope::Trail | Scope::Since(_)) if signed < last => {
            not_verified.push(format!("the entries after {signed} by a checkpoint: none was signed after them yet"));
        }
        _ => {}
    }
    match &report.sealed_by {
        Some(id) => verified.push(format!(
            "the file is, to the byte, what the home with key {} exported at {}",
            key_of(report, id),
            report.header.created_at
        )),
        None => not_verified.push("who wrote the file: it is not sealed".into()),
    }
    if report.pinned {
        verified.push("every signature is by a key that you gave".into());
    } else {
        not_verified.push("whose keys these are: they come from the bundle itself. Compare them with the keys you know, or give the one you expect with --key".into());
    }
    Said { verified, not_verified }
}

/// The key itself, where it is at hand: what people compare.
fn key_of(report: &BundleReport, id: &KeyId) -> String {
    let named = report.header.keys.iter().chain(report.trail.signed_to.iter().map(|signed| &signed.key));
    named.into_iter().find(|key| key.id() == *id).map_or_else(|| id.to_string(), ToString::to_string)
}

fn told(report: &BundleReport) -> String {
    let Said { verified, not_verified } = said(report);
    let list = |items: &[String]| items.iter().map(|item| format!("\n  - {item}")).collect::<String>();
    let keys: Vec<String> = report.header.keys.iter().map(ToString::to_string).collect();
    let mut text = format!("The bundle is good. Verified:{}", list(&verified));
    if !not_verified.is_empty() {
        text.push_str(&format!("\nNot verified:{}", list(&not_verified)));
    }
    if !keys.is_empty() {
        text.push_str(&format!("\nKeys named in the bundle:{}", list(&keys)));
    }
    text
}

fn as_document(report: &BundleReport) -> serde_json::Value {
    let Said { verified, not_verified } = said(report);
    json!({
        "ok": true,
        "created_at": report.header.created_at,
        "scope": report.header.scope,
        "first": report.trail.first,
        "last": report.trail.last,
        "entries": report.trail.entries,
        "linked": report.trail.linked,
        "checkpoints": report.trail.checkpoints,
        "signed_to": report.trail.signed(),
        "sealed_by": report.sealed_by,
        "keys_pinned": report.pinned,
        "keys": report.header.keys,
        "verified": verified,
        "not_verified": not_verified,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_digits_or_a_file_and_never_a_private_one() {
        let digits = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
        let key = public_key(digits).expect("a key");
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("written");
            path.display().to_string()
        };
        assert_eq!(public_key(&file("a", format!("{}\n", digits.to_uppercase()).as_bytes())).expect("a key"), key);
        for (text, words) in [
            (file("private", &[7; 32]), "private key"),
            (file("other", b"hello"), "does not hold a public key"),
            ("no/such/file".into(), "neither a public key"),
        ] {
            let error = format!("{:#}", public_key(&text).expect_err("refused"));
            assert!(error.contains(words), "{error}");
        }
    }
}

//! The formats of texts in the configuration, by the name that its JSON Schema gives them.

use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};

use super::error::quoted;
use super::quiet::{ClockTime, Zone};
use crate::{Timestamp, check_name, normal_name};

const LONGEST: usize = 8_192;

/// What is expected, where nothing at all is given.
pub(super) fn wanted(format: &str) -> &'static str {
    match format {
        "name" => "a name",
        "absolute-path" => "a path that begins with /",
        "http-url" => "an address that starts with http:// or https://",
        "env-name" => "the name of an environment variable such as OPS_TOKEN",
        "socket-address" => "an address with its port, such as 127.0.0.1:7717",
        "date-time" => "a time such as 2026-12-01T22:00:00Z",
        "clock-time" => "a time of day such as \"22:00\"",
        "utc-offset" => "local, UTC or an offset such as \"+02:00\"",
        _ => "a text",
    }
}

/// Whether what is read from it is the text itself, so that a bad one can be looked at further.
pub(super) fn is_only_text(format: &str) -> bool {
    !matches!(format, "socket-address" | "date-time" | "clock-time" | "utc-offset")
}

/// The text as it is stored, or what is wrong with it.
pub(super) fn check(format: &str, text: &str) -> Result<String, String> {
    let refused = |next: &str| Err(format!("is {}; expected {}{next}", quoted(text), wanted(format)));
    if text.len() > LONGEST {
        return Err(format!("has {} bytes; expected at most {LONGEST}", text.len()));
    }
    match format {
        "name" if text.is_empty() => return Err("is empty; expected a name".to_owned()),
        "name" => check_name(text).map_err(|why| format!("{} {why}", quoted(text)))?,
        "absolute-path" => {
            if text.chars().any(char::is_control) {
                return refused(" and has no control characters");
            }
            if let Some(rest) = text.strip_prefix('~') {
                return refused(&format!(
                    "; write the home folder out instead of `~{}`",
                    rest.split('/').next().unwrap_or_default()
                ));
            }
            if !Path::new(text).is_absolute() {
                return refused(": where the engine is started from must not matter");
            }
            if Path::new(text).file_name().is_none() || text.ends_with('/') {
                return refused(" and ends in a name");
            }
        }
        "http-url" => return url(text).map(|()| text.to_owned()),
        // What was written may be the secret itself, so it is not repeated.
        "env-name" if !is_variable(text) => {
            return Err(format!(
                "names no environment variable; expected {}, and the value in the engine's environment",
                wanted(format)
            ));
        }
        "socket-address" if text.parse::<SocketAddr>().is_err() => return refused(""),
        "date-time" if Timestamp::parse(text).is_none() => return refused(" (RFC 3339, with its zone)"),
        "clock-time" if ClockTime::parse(text).is_none() => return refused(""),
        "utc-offset" if Zone::parse(text).is_none() => return refused(""),
        "line" => {
            if text.is_empty() {
                return Err("is empty; expected a text".to_owned());
            }
            if text.chars().any(|c| c.is_control()) {
                return refused(" of one line, without control characters");
            }
        }
        _ if text.contains('\0') => {
            return refused(" without the character U+0000, which ends a text for other programs");
        }
        _ => {}
    }
    Ok(if format == "name" { normal_name(text) } else { text.to_owned() })
}

/// An address that Selfheal calls.
fn url(text: &str) -> Result<(), String> {
    let refused = |why: &str| Err(format!("is {}; {why}", quoted(text)));
    let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else {
        return refused("expected an address that starts with http:// or https://");
    };
    if has_credentials(text) {
        // Not repeated: a password stands in it.
        return Err(
            "carries a name or password, which would be shown and stored; expected an address that needs none".into()
        );
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refused("expected an address without blanks and control characters; write a blank as %20");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let Some((host, after)) = inner.split_once(']') else {
                return refused("expected `]` after the address of the host");
            };
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return refused("expected an IPv6 address between the brackets");
            }
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':').unwrap_or("?")) })
        }
        None => authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return refused("expected the name of a host after `//`");
    }
    if !authority.starts_with('[') && host.contains([':', '[', ']', '\\', '<', '>', '"', '{', '}', '|', '^', '`']) {
        return refused("expected the name of a host after `//`; an IPv6 address stands in brackets");
    }
    match port {
        Some(port) if port.parse::<u16>().is_ok_and(|port| port > 0) && !port.starts_with('+') => Ok(()),
        Some(_) => refused("expected a port from 1 to 65535 after the host"),
        None => Ok(()),
    }
}

/// Whether an address has a part before an `@` in its host: plans, audit and errors show addresses.
pub(super) fn has_credentials(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    host.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@'))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// A path as it is compared: without `.`, doubled slashes and `x/..`. Told from the text alone: two names of one file
/// through a link are not seen here.
pub(super) fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

//! Under which names this server answers over TCP.
//!
//! A page of anybody's can have its own name lead to a loopback address (DNS rebinding) and then talk to what listens
//! there as if it were its own server. It cannot choose the `Host` that the browser sends, so only known names are answered:
//! loopback, the address that was connected to, and what `server.public_urls` says. `Origin` says whose page asks, where a
//! browser sends it: only our own may. Nothing is ever allowed across origins.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};

use crate::ApiError;

/// Characters of a foreign name that are shown.
const SHOWN: usize = 100;

/// Refuses a request that was sent to another name, or by another one's page. `at` is the address of ours that it came to.
pub fn check(request: &Request, at: SocketAddr, public_urls: &[String]) -> Result<(), ApiError> {
    let asked = authority(request)?;
    let (host, _) = split(asked);
    let is_public = || {
        public_urls.iter().filter_map(|url| url_authority(url)).any(|(_, own)| split(own).0.eq_ignore_ascii_case(host))
    };
    if !is_ours(host, at.ip()) && !is_public() {
        return Err(ApiError::Misdirected { name: shown(asked) });
    }
    let mut origins = request.headers().get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    let foreign = || ApiError::ForeignPage { origin: shown(&String::from_utf8_lossy(origin.as_bytes())) };
    let text = origin.to_str().map_err(|_| foreign())?;
    let (scheme, page) = url_authority(text).ok_or_else(foreign)?;
    let same = |scheme: &str, own: &str| with_port(scheme, page) == with_port(scheme, own);
    let listed = public_urls
        .iter()
        .filter_map(|url| url_authority(url))
        .any(|(own_scheme, own)| own_scheme == scheme && same(scheme, own));
    if origins.next().is_none() && (same(scheme, asked) || listed) { Ok(()) } else { Err(foreign()) }
}

/// The name that was asked for: of the address where it has one (RFC 9112, 3.2.2), else of `Host`, which is there once.
fn authority(request: &Request) -> Result<&str, ApiError> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).map(str::trim);
    match (request.uri().authority(), host, hosts.next()) {
        (Some(authority), Some(host), None) if authority.as_str().eq_ignore_ascii_case(host) => Ok(host),
        (None, Some(host), None) if !host.is_empty() => Ok(host),
        (_, host, _) => Err(ApiError::Misdirected { name: shown(host.unwrap_or_default()) }),
    }
}

fn is_ours(host: &str, at: IpAddr) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback() || ip.to_canonical() == at.to_canonical(),
        Err(_) => host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case("localhost"),
    }
}

/// Scheme, and host with port, of an `http` or `https` address.
fn url_authority(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let authority = rest.split('/').next().filter(|authority| !authority.is_empty() && !authority.contains('@'))?;
    matches!(scheme, "http" | "https").then_some((scheme, authority))
}

fn split(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && (!host.contains(':') || host.ends_with(']')) =>
        {
            (host, Some(port))
        }
        _ => (authority, None),
    }
}

fn with_port(scheme: &str, authority: &str) -> (String, String) {
    let (host, port) = split(authority);
    let usual = if scheme == "https" { "443" } else { "80" };
    (
        host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase(),
        port.filter(|port| !port.is_empty()).unwrap_or(usual).to_owned(),
    )
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_graphic()).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn verdict(at: &str, host: Option<&str>, origin: Option<&str>) -> &'static str {
        let mut request = Request::builder().uri("/api/v1/overview");
        for (name, value) in [(HOST, host), (ORIGIN, origin)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let request = request.body(Body::empty()).expect("a request");
        let public = ["https://selfheal.example".to_owned(), "https://ops.example:8443/".to_owned()];
        match check(&request, at.parse().expect("an address"), &public) {
            Ok(()) => "answered",
            Err(ApiError::Misdirected { .. }) => "another name",
            Err(ApiError::ForeignPage { .. }) => "another page",
            Err(_) => "another error",
        }
    }

    #[test]
    fn only_known_names_are_answered() {
        for (host, expected) in [
            ("127.0.0.1:7717", "answered"),
            ("127.0.0.1", "answered"),
            ("localhost:9000", "answered"),
            ("LocalHost.", "answered"),
            ("[::1]:7717", "answered"),
            ("192.0.2.7:7717", "answered"),
            ("selfheal.example", "answered"),
            ("SELFHEAL.example:443", "answered"),
            ("ops.example:8443", "answered"),
            ("evil.example", "another name"),
            ("evil.example:7717", "another name"),
            ("127.0.0.1.evil.example", "another name"),
            ("localhost.evil.example", "another name"),
            ("evil.localhost", "another name"),
            ("192.0.2.8", "another name"),
            ("0.0.0.0:7717", "another name"),
            ("selfheal.example.evil.example", "another name"),
            ("localhost@evil.example", "another name"),
        ] {
            assert_eq!(verdict("192.0.2.7:7717", Some(host), None), expected, "{host}");
        }
        assert_eq!(verdict("127.0.0.1:7717", None, None), "another name", "without a name");
    }

    #[test]
    fn only_pages_of_our_own_may_ask() {
        for (host, origin, expected) in [
            ("127.0.0.1:7717", "http://127.0.0.1:7717", "answered"),
            ("localhost:80", "http://localhost", "answered"),
            ("selfheal.example", "https://selfheal.example", "answered"),
            ("127.0.0.1:7717", "https://selfheal.example", "answered"),
            ("127.0.0.1:7717", "https://ops.example:8443", "answered"),
            ("127.0.0.1:7717", "http://selfheal.example", "another page"),
            ("127.0.0.1:7717", "http://127.0.0.1:3000", "another page"),
            ("127.0.0.1:7717", "http://localhost:7717", "another page"),
            ("127.0.0.1:7717", "https://evil.example", "another page"),
            ("127.0.0.1:7717", "null", "another page"),
            ("127.0.0.1:7717", "file://", "another page"),
            ("127.0.0.1:7717", "https://ops.example", "another page"),
        ] {
            assert_eq!(verdict("127.0.0.1:7717", Some(host), Some(origin)), expected, "{host} {origin}");
        }
    }
}

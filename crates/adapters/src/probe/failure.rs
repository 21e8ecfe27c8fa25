//! Why a request failed, in words that stay the same: detection rules match them.

use std::error::Error;
use std::io;

use reqwest::Url;
use selfheal_core::Span;

/// Says why a request to `url` failed.
pub fn words(error: &reqwest::Error, url: &Url, timeout: Span) -> String {
    let host = url.host_str().unwrap_or_default();
    let at = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    if error.is_timeout() {
        return format!("timed out after {timeout}");
    }
    let causes = causes(error);
    let certificate = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>());
    if let Some(rustls::Error::InvalidCertificate(why)) = certificate {
        return format!("certificate not valid: {why}");
    }
    for cause in &causes {
        match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return format!("connection refused ({at})"),
            Some(io::ErrorKind::TimedOut) => return format!("timed out after {timeout}"),
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
                return format!("host not reachable ({at})");
            }
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe) => {
                return format!("connection reset ({at})");
            }
            _ => {}
        }
    }
    let texts: Vec<String> = causes.iter().map(ToString::to_string).collect();
    // The resolver's and the HTTP library's errors have no type of their own that could be asked.
    let says = |text: &str| texts.iter().any(|cause| cause.contains(text));
    if says("dns error") || says("failed to lookup address") {
        format!("name not found: {host}")
    } else if certificate.is_some() {
        format!("no TLS: {}", texts.last().map_or("unknown", String::as_str))
    } else if says("connection closed before message completed") {
        format!("connection closed without an answer ({at})")
    } else {
        format!("no answer ({at}): {}", texts.last().map_or("unknown", String::as_str))
    }
}

/// The error and what caused it, outermost first. An I/O error that wraps another hides it from `source`, so it is
/// asked by itself.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes = vec![error];
    let mut current = error;
    loop {
        let wrapped = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let inner = match wrapped {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => current.source(),
        };
        let Some(inner) = inner else { return causes };
        causes.push(inner);
        current = inner;
    }
}

//! HTTP clients with TLS by rustls on ring.
//!
//! Invariant: no client is built before its crypto provider is installed, since `reqwest` is compiled without one.

use reqwest::{Client, ClientBuilder, redirect};

/// Starts a client that goes where it is told and nowhere else: no proxy, no redirects, no connections kept (a health
/// check on a connection of yesterday says nothing about a server of today).
pub fn client() -> ClientBuilder {
    // An error means that one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().redirect(redirect::Policy::none()).pool_max_idle_per_host(0)
}

/// Builds a client. On a host without root certificates the client trusts none, so that plain HTTP still works and
/// HTTPS says that the certificate is not valid.
pub fn build(configure: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Client, reqwest::Error> {
    configure(client()).build().or_else(|_| configure(client()).tls_certs_only([]).build())
}

/// The client for Selfheal's own interface on another machine.
pub fn http_client() -> Result<Client, reqwest::Error> {
    build(|client| client)
}

/// The client for an interface behind a socket of this machine.
pub fn http_client_over(socket: &std::path::Path) -> Result<Client, reqwest::Error> {
    build(|client| client.unix_socket(socket))
}

//! Health checks.

pub(crate) mod failure;
mod http;

pub use http::HttpProbe;

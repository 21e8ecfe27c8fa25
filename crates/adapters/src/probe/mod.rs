//! Health checks.

mod failure;
mod http;

pub use http::HttpProbe;

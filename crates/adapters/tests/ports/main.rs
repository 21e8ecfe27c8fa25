//! The adapters against what they touch: real files, listeners, processes and a real supervisord.

#![expect(clippy::disallowed_methods, reason = "tests start the real programs that adapters meet")]

#[cfg(unix)]
mod contract;
#[cfg(unix)]
mod file_source;
mod http_probe;
#[cfg(unix)]
mod notify;
#[cfg(target_os = "linux")]
mod process;
#[cfg(all(unix, feature = "supervisord"))]
mod supervisord;

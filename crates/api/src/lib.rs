//! The application interface of Selfheal: one router with its OpenAPI document, for every host.
//!
//! The window reaches it in-process, the CLI in-process or through the engine's socket, others over HTTP with a bearer
//! token. Who asks is a [`Principal`] that the transport attests; what they may do is decided here. Nothing here knows
//! Tauri or clap.

mod access;
mod app;
mod audit;
mod backup;
mod client;
mod configuration;
mod error;
mod extract;
mod folder;
mod high_water;
mod home;
mod knowledge_snapshot;
mod limit;
mod long_work;
mod packs;
mod patience;
mod principal;
pub mod private;
mod problem;
mod reload;
mod router;
mod routes;
mod serve;
mod token;
mod transfer;
mod ui;
pub mod view;
mod whole_file;

pub use app::{App, AppOptions, DemoControl, database_url};
pub use backup::inspect_backup;
pub use client::{Client, ClientError, Reply};
pub use configuration::{ConfigurationView, WaitingConfiguration};
pub use error::ApiError;
pub use folder::AddedKnowledge;
pub use home::{Home, HomeError};
pub use principal::{Principal, Role};
pub use problem::Problem;
pub use router::{document, router};
pub use routes::backup::RestoreReply;
pub use routes::redact::RedactReply;
pub use selfheal_store::Contents as BackupContents;
pub use serve::{Served, bind, raise_descriptors, serve_socket, serve_tcp};
pub use token::Secret;

pub use selfheal_adapters::{SystemClock, files, run_foreground};
pub use selfheal_engine::{LiveEvent, ports};

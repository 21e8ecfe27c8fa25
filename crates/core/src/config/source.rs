//! Where observations come from.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service::default_project;
use crate::{ProjectName, ServiceName, SourceName};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    pub name: SourceName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileSource>,
    /// The only service that the source's records speak for, whatever they say of themselves.
    pub service: ServiceName,
    #[serde(default = "default_project")]
    pub project: ProjectName,
}

/// A log file that is followed through rotation and truncation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    #[schemars(extend("format" = "absolute-path"))]
    pub path: PathBuf,
    /// False reads only what is written from now on, the first time the file is seen.
    #[serde(default)]
    pub from_start: bool,
}

/// What a source reads: exactly one of the keys of [`SourceSpec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind<'a> {
    File(&'a FileSource),
}

impl SourceSpec {
    pub fn kind(&self) -> Option<SourceKind<'_>> {
        self.file.as_ref().map(SourceKind::File)
    }
}

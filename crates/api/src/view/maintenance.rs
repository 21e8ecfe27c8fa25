//! Maintenance windows, as they are shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MaintenanceView {
    /// To end it by; null where it stands in the configuration file.
    #[schema(required)]
    pub id: Option<String>,
    pub name: String,
    /// The services that it holds; all where the list is empty.
    pub services: Vec<String>,
    /// For a recurring window: when it starts, in words of cron.
    #[schema(required)]
    pub schedule: Option<String>,
    pub active: bool,
    #[schema(required)]
    pub starts_at: Option<String>,
    /// When the one that is active, or a single one, ends.
    #[schema(required)]
    pub ends_at: Option<String>,
    #[schema(required)]
    pub set_by: Option<String>,
    #[schema(required)]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MaintenancePage {
    pub windows: Vec<MaintenanceView>,
}

//! Notices as log lines, for hosts without a desktop.

use async_trait::async_trait;
use selfheal_core::Notice;
use selfheal_engine::ports::{Notifier, NotifyError};

/// Writes each notice as one warning. Never fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogNotifier;

#[async_trait]
impl Notifier for LogNotifier {
    fn name(&self) -> &str {
        "log"
    }

    fn disturbs(&self) -> bool {
        false
    }

    async fn notify(&self, notice: &Notice) -> Result<String, NotifyError> {
        let Notice { id: _, at: _, severity, title, body, about } = notice;
        let incident = notice.incident().map(tracing::field::display);
        tracing::warn!(kind = about.name(), incident, severity = severity.as_str(), body, "{title}");
        Ok("logged".into())
    }
}

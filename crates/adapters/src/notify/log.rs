//! Notices as log lines, for hosts without a desktop.

use async_trait::async_trait;
use selfheal_core::Notice;
use selfheal_engine::ports::{Notifier, NotifyError};

/// Writes each notice as one warning. Never fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogNotifier;

#[async_trait]
impl Notifier for LogNotifier {
    fn name(&self) -> &'static str {
        "log"
    }

    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let Notice { kind, incident, severity, title, body } = notice;
        tracing::warn!(?kind, %incident, severity = severity.as_str(), body, "{title}");
        Ok(())
    }
}

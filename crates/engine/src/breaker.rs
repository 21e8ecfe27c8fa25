//! The circuit breakers of target connections, as the database keeps them for all engines. Who asks a target need not be the
//! engine that heals: a person may choose an action where none runs.

use selfheal_core::Timestamp;

use crate::engine::{Engine, EngineError};

impl Engine {
    /// Until when a connection is left alone; `None` where it may be called. A half-open breaker lets one caller through.
    pub(crate) async fn connection_rests(&self, name: &str) -> Result<Option<Timestamp>, EngineError> {
        let mut tx = self.store.read().await?;
        let health = tx.connection(name).await?;
        drop(tx);
        if health.open_until.is_none() {
            return Ok(None);
        }
        // Two may see it half open: only one of them takes the trial.
        let mut tx = self.store.write().await?;
        let (health, now) = (tx.connection(name).await?, self.now());
        match health.trial(now, &self.config().limits) {
            None => Ok(health.open_until),
            Some(tried) => {
                tx.put_connection(name, &tried, now).await?;
                tx.commit().await?;
                Ok(None)
            }
        }
    }

    /// The same for who only wants to know: takes no trial, and stores nothing.
    pub(crate) async fn connection_would_rest(&self, name: &str) -> Result<Option<Timestamp>, EngineError> {
        let health = self.store.read().await?.connection(name).await?;
        let rests = health.open_until.is_some() && health.trial(self.now(), &self.config().limits).is_none();
        Ok(health.open_until.filter(|_| rests))
    }

    pub(crate) async fn connection_answered(&self, name: &str) -> Result<(), EngineError> {
        let mut tx = self.store.read().await?;
        let known = tx.connection(name).await?;
        drop(tx);
        if known.clone().answered(self.now()) == known {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        let health = tx.connection(name).await?.answered(self.now());
        tx.put_connection(name, &health, self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn connection_failed(&self, name: &str) -> Result<(), EngineError> {
        let mut tx = self.store.write().await?;
        let now = self.now();
        let health = tx.connection(name).await?.failed(now, &self.config().limits);
        if let Some(until) = health.open_until {
            tracing::warn!(connection = name, %until, "the circuit breaker is open");
        }
        tx.put_connection(name, &health, now).await?;
        tx.commit().await?;
        Ok(())
    }
}

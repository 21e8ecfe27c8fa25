//! A damaged database: nothing rests on what it says, so nothing is started.
//!
//! The file is checked when the engine begins to lead, every hour, before every action, and after a read that failed. Damage
//! that is over (a good file was put back) is noticed by itself.

use selfheal_core::{Span, Timestamp};

use crate::engine::{Engine, EngineError, lock};

const INTERVAL: Span = Span::from_minutes(60);
/// A damaged file is looked at again that soon.
const AGAIN: Span = Span::from_secs(5);

/// The last look.
#[derive(Debug, Default)]
pub(crate) struct Integrity {
    at: Option<Timestamp>,
    damage: Option<String>,
}

impl Engine {
    /// Fails while the database is damaged.
    pub(crate) async fn sound_now_and_then(&self, now: Timestamp) -> Result<(), EngineError> {
        {
            let known = lock(&self.integrity);
            let due = if known.damage.is_some() { AGAIN } else { INTERVAL };
            if known.at.is_some_and(|at| at <= now && now < at + due) {
                return known.damage.clone().map_or(Ok(()), |damage| Err(EngineError::Corrupt(damage)));
            }
        }
        self.sound(now).await
    }

    /// Looks at the whole file, and fails where it is damaged.
    pub(crate) async fn sound(&self, now: Timestamp) -> Result<(), EngineError> {
        let damage = self.store.damage().await?.map(|damage| {
            format!(
                "the database is damaged: {damage}. Nothing is started. Stop Selfheal, move the file away, start it again, and \
                 put the last backup back with `selfheal restore FILE`"
            )
        });
        *lock(&self.integrity) = Integrity { at: Some(now), damage: damage.clone() };
        damage.map_or(Ok(()), |damage| Err(EngineError::Corrupt(damage)))
    }

    /// A read failed in a way that only damage explains: look before the next round.
    pub(crate) fn doubt(&self, error: &EngineError) {
        if let EngineError::Store(error) = error
            && error.is_damage()
        {
            lock(&self.integrity).at = None;
        }
    }
}

//! The end of a trail that no checkpoint covers yet: each entry there is looked at by itself, by its seal.
//!
//! Only that end, so that a long trail costs no more than its hashes. What is found good is not looked at twice.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Doubt, Entry, KeyId, PublicKey, Seal, SealError};
use crate::AuditId;

/// Entries that wait; more than a thousand do only where nothing was signed for long.
const MOST: usize = 8_192;

#[derive(Debug)]
struct Pending {
    id: AuditId,
    hash: String,
    seal: Option<Box<Seal>>,
    good: AtomicBool,
}

/// What is known of a key.
pub(super) enum Standing<'a> {
    Trusted(&'a PublicKey),
    /// On record, and nobody vouched for it.
    Stranger(&'a PublicKey),
    Unknown,
}

/// What became of the unsigned entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Settled {
    pub first_bad: Option<SealError>,
    /// The first and the last that carry no seal and need none.
    pub bare: Option<(AuditId, AuditId)>,
}

impl Settled {
    fn bad(&mut self, error: SealError) {
        self.first_bad.get_or_insert(error);
    }

    pub fn doubt(&self) -> Option<Doubt> {
        self.bare.map(|(first, last)| Doubt::NotSealed { first, last })
    }

    /// Whether anything would have to be accepted.
    pub const fn is_clean(&self) -> bool {
        self.first_bad.is_none() && self.bare.is_none()
    }
}

#[derive(Debug, Default)]
pub(super) struct UnsignedEnd {
    waiting: Vec<Pending>,
    /// Of those that were too many to keep.
    let_go: Settled,
}

impl UnsignedEnd {
    pub fn push(&mut self, entry: &Entry) {
        let Entry { id, hash, seal, .. } = entry;
        self.waiting.push(Pending { id: *id, hash: hash.clone(), seal: seal.clone(), good: AtomicBool::new(false) });
    }

    pub const fn is_too_long(&self) -> bool {
        self.waiting.len() >= MOST
    }

    /// Everything so far is covered.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.let_go = Settled::default();
    }

    /// The last one alone is covered: what came before it is not known to belong together.
    pub fn clear_last(&mut self) {
        self.waiting.pop();
    }

    pub fn settle<'a>(&self, since: Option<AuditId>, standing: impl Fn(&KeyId) -> Standing<'a>) -> Settled {
        let mut settled = self.let_go.clone();
        for pending in &self.waiting {
            let id = pending.id;
            let Some(seal) = &pending.seal else {
                match since {
                    Some(since) if since < id => settled.bad(SealError::Missing { id, since }),
                    _ => settled.bare = Some((settled.bare.map_or(id, |(first, _)| first), id)),
                }
                continue;
            };
            if pending.good.load(Ordering::Relaxed) {
                continue;
            }
            let key = match standing(&seal.key) {
                Standing::Trusted(key) | Standing::Stranger(key) => key,
                Standing::Unknown => {
                    settled.bad(SealError::UnknownKey { id, key: seal.key.clone() });
                    continue;
                }
            };
            // Whether a stranger's word counts is asked of its key, once, and not of each of its entries.
            if seal.is_by(key, id, &pending.hash) {
                pending.good.store(true, Ordering::Relaxed);
            } else {
                settled.bad(SealError::Forged { id, key: seal.key.clone() });
            }
        }
        settled
    }

    /// Keeps what became of them, and lets them go.
    pub fn let_go(&mut self, settled: Settled) {
        self.waiting.clear();
        self.let_go = settled;
    }
}

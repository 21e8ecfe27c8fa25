//! `relevance_evidence`: how often a pattern was right and wrong for one kind of incident.

use selfheal_core::matching::Evidence;
use selfheal_core::{Fingerprint, PatternId, Timestamp};

use crate::{StoreError, Tx};

// What was said of a merged pattern is said of the one that it is part of now.
const OF: &str = "
    select coalesce(roots.root, said.pattern_id), said.confirmed, said.rejected
    from relevance_evidence said left join pattern_roots roots on roots.pattern_id = said.pattern_id
    where said.fingerprint = $1 order by 1";
const ADD: &str = "
    insert into relevance_evidence (pattern_id, fingerprint, confirmed, rejected, updated_at)
    values ($1, $2, $3, $4, $5)
    on conflict (pattern_id, fingerprint) do update set
        confirmed = relevance_evidence.confirmed + excluded.confirmed,
        rejected = relevance_evidence.rejected + excluded.rejected,
        updated_at = excluded.updated_at";

impl Tx {
    /// What is known of patterns for incidents with any of these fingerprints, summed by pattern; of merged ones under the
    /// pattern that they are part of now.
    pub async fn relevance_evidence(
        &mut self,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<(PatternId, Evidence)>, StoreError> {
        let mut found: Vec<(PatternId, Evidence)> = Vec::new();
        for fingerprint in fingerprints {
            let rows: Vec<(String, i64, i64)> = on!(self, c => sqlx::query_as(OF).bind(&fingerprint.0).fetch_all(c));
            for (pattern, confirmed, rejected) in rows {
                let more = Evidence { confirmed: confirmed as u32, rejected: rejected as u32 };
                match found.iter_mut().find(|(id, _)| id.as_str() == pattern) {
                    Some((_, known)) => *known = known.with(more),
                    None => found.push((PatternId(pattern), more)),
                }
            }
        }
        Ok(found)
    }

    pub async fn add_relevance_evidence(
        &mut self,
        pattern: &PatternId,
        fingerprint: &Fingerprint,
        more: Evidence,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(ADD)
                .bind(pattern.as_str())
                .bind(&fingerprint.0)
                .bind(i64::from(more.confirmed))
                .bind(i64::from(more.rejected))
                .bind(at.as_micros())
        );
        Ok(())
    }
}

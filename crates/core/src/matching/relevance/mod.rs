//! How surely a pattern is the right one where no rule settles it: a conditional logit over the candidates.
//!
//! Each candidate's best text is laid beside the line ([`compare`]); what is common, missing and left over are its
//! features. A linear model gives log-odds against "none of these patterns"; evidence of frequency and time adds
//! log-likelihood ratios of its own. Candidates share the probability with each other and with none (McFadden, "Conditional
//! logit analysis of qualitative choice behavior", 1974). The weights are fitted by the bench and stored with their
//! provenance in `model.json`.

mod compare;
mod features;
mod model;
mod share;
mod vocabulary;

pub use compare::{LineText, PatternText, Token, Vocabulary};
pub use features::{Feature, Features};
pub use model::{Fitted, Model};
pub use share::{log_sum, share};

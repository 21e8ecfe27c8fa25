//! The one estimate that the learned statistics share: a share of the pattern's incidents against the share of all.

/// How many of some incidents had a property. Hits may be fractions: a change that is half a half-life old is half a hit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counted {
    pub hits: f64,
    pub of: f64,
}

/// `ln(p / q)` with the share of all incidents `q = all.hits / all.of` and the pattern's own share shrunk towards it,
/// `p = (own.hits + weight * q) / (own.of + weight)`: `weight` pseudo-incidents that are as all are, so that few incidents say
/// little. 0 where the pattern has no incidents, where it has all of them, and where no incident had the property: then there
/// is nothing to tell patterns apart by.
pub(super) fn log_ratio(own: Counted, all: Counted, weight: f64) -> f64 {
    if own.of <= 0.0 || all.hits <= 0.0 || all.of <= 0.0 {
        return 0.0;
    }
    let share = all.hits / all.of;
    (shrunk(own, share, weight) / share).ln()
}

/// The smoothed share.
pub(super) fn shrunk(counted: Counted, prior: f64, weight: f64) -> f64 {
    (counted.hits + weight * prior) / (counted.of + weight)
}

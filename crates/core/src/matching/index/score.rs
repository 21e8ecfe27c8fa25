//! The formula: BM25 over weighted fields (BM25F: Robertson, Zaragoza, Taylor, CIKM 2004) with Lucene's inverse document
//! frequency, `ln(1 + (N - n + 0.5) / (n + 0.5))`, which is never negative.

/// Saturation of term frequency, and how much length counts: the usual values.
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// What a term's frequency can never quite reach, however often it occurs.
pub(super) const SATURATED: f64 = K1 + 1.0;

/// How rare a term is: `containing` of `documents` have it.
pub(super) fn idf(documents: u32, containing: u32) -> f64 {
    let (total, n) = (f64::from(documents), f64::from(containing));
    (1.0 + (total - n + 0.5) / (n + 0.5)).ln()
}

/// What each term of a field takes from the count of an occurrence, for fields of some length on average.
pub(super) fn slope(average: f64) -> f64 {
    B / average
}

/// What one occurrence in a field of `length` terms counts.
pub(super) fn occurrence(weight: f64, length: u32, slope: f64) -> f64 {
    weight / (1.0 - B + slope * f64::from(length))
}

/// The weighted frequency of a term, saturated: 0 to below [`SATURATED`].
pub(super) fn saturate(frequency: f64) -> f64 {
    frequency * SATURATED / (frequency + K1)
}

//! BM25 over weighted fields (BM25F: Robertson, Zaragoza, Taylor, CIKM 2004), scored exhaustively.
//!
//! The inverse document frequency is that of Lucene, `ln(1 + (N - n + 0.5) / (n + 0.5))`, which is never negative.

use std::collections::BTreeMap;

use super::tokenise;

/// Saturation of term frequency, and how much length counts: the usual values.
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// A field of a document: its name, its weight and its text.
pub struct Field<'a> {
    pub name: &'static str,
    pub weight: f64,
    pub text: &'a str,
}

/// One document as weighted term frequencies, with the field that carries most of each term.
#[derive(Debug, Default)]
struct Document {
    terms: BTreeMap<String, (f64, &'static str)>,
}

#[derive(Debug, Default)]
pub struct Bm25 {
    documents: Vec<Document>,
    document_frequency: BTreeMap<String, u32>,
}

/// What one term of the query adds to a document's score.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    pub term: String,
    pub field: &'static str,
    pub score: f64,
}

impl Bm25 {
    pub fn new<'a>(documents: impl IntoIterator<Item = Vec<Field<'a>>>) -> Self {
        let mut index = Self::default();
        let documents: Vec<_> = documents.into_iter().collect();
        let lengths: Vec<Vec<(usize, Vec<String>)>> = documents
            .iter()
            .map(|fields| fields.iter().enumerate().map(|(i, field)| (i, tokenise(field.text))).collect())
            .collect();
        let mut totals: BTreeMap<&'static str, (f64, f64)> = BTreeMap::new();
        for (fields, tokens) in documents.iter().zip(&lengths) {
            for (i, terms) in tokens {
                let total = totals.entry(fields[*i].name).or_default();
                total.0 += terms.len() as f64;
                total.1 += 1.0;
            }
        }
        for (fields, tokens) in documents.iter().zip(lengths) {
            let mut document = Document::default();
            for (i, terms) in tokens {
                let field = &fields[i];
                let (sum, count) = totals[field.name];
                let average = (sum / count).max(1.0);
                let norm = 1.0 - B + B * terms.len() as f64 / average;
                for term in terms {
                    let entry = document.terms.entry(term).or_insert((0.0, field.name));
                    entry.0 += field.weight / norm;
                }
            }
            for term in document.terms.keys() {
                *index.document_frequency.entry(term.clone()).or_default() += 1;
            }
            index.documents.push(document);
        }
        index
    }

    fn idf(&self, term: &str) -> f64 {
        let n = f64::from(self.document_frequency.get(term).copied().unwrap_or(0));
        let total = self.documents.len() as f64;
        (1.0 + (total - n + 0.5) / (n + 0.5)).ln()
    }

    /// What each distinct query term adds to a document's score, largest first. The score is their sum.
    pub fn explain(&self, document: usize, query: &[String]) -> Vec<Contribution> {
        let Some(document) = self.documents.get(document) else { return Vec::new() };
        let mut seen: Vec<&str> = Vec::new();
        let mut terms = Vec::new();
        for term in query {
            if seen.contains(&term.as_str()) {
                continue;
            }
            seen.push(term);
            if let Some((frequency, field)) = document.terms.get(term) {
                let score = self.idf(term) * frequency * (K1 + 1.0) / (frequency + K1);
                terms.push(Contribution { term: term.clone(), field, score });
            }
        }
        terms.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.term.cmp(&b.term)));
        terms
    }

    /// The score of a document that is asked with its own terms: its upper bound.
    pub fn best(&self, document: usize) -> f64 {
        let Some(terms) = self.documents.get(document).map(|document| &document.terms) else { return 0.0 };
        terms.iter().map(|(term, (frequency, _))| self.idf(term) * frequency * (K1 + 1.0) / (frequency + K1)).sum()
    }

    /// What the query's terms could add at most, were they all in the document: known terms at full saturation.
    pub fn query_best(&self, query: &[String]) -> f64 {
        let mut seen: Vec<&str> = Vec::new();
        query
            .iter()
            .filter(|term| {
                let new = !seen.contains(&term.as_str());
                seen.push(term);
                new
            })
            .map(|term| self.idf(term) * (K1 + 1.0))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Vec<Field<'_>> {
        vec![Field { name: "text", weight: 1.0, text }]
    }

    #[test]
    fn scores_are_those_of_the_formula() {
        let index = Bm25::new([field("disk full"), field("disk slow now"), field("memory")]);
        let terms = index.explain(0, &tokenise("disk full disk"));
        // N = 3, average length 2; "full" in 1 document, "disk" in 2; length 2, so the norm is 1 and tf is 1.
        let expected = |n: f64| (1.0 + (3.0 - n + 0.5) / (n + 0.5)).ln();
        assert_eq!(terms.iter().map(|t| t.term.as_str()).collect::<Vec<_>>(), ["full", "disk"]);
        assert!((terms[0].score - expected(1.0)).abs() < 1e-12);
        assert!((terms[1].score - expected(2.0)).abs() < 1e-12);
        assert!(index.explain(2, &tokenise("disk")).is_empty());
    }
}

//! The documents' own terms, in order, field by field: what exact scores are computed from.

use crate::matching::snapshot::{Damaged, Reader, Writer};

/// All documents' terms in one arena. A document never changes; an edit is a new one.
#[derive(Clone, Debug)]
pub(super) struct Forward {
    terms: Vec<u32>,
    spans: Vec<Span>,
    /// Where a slot's spans and terms begin; one more than there are slots.
    starts: Vec<(u32, u32)>,
}

/// A field of a document. Fields may occur more than once.
#[derive(Clone, Copy, Debug)]
struct Span {
    field: u8,
    end: u32,
}

impl Default for Forward {
    fn default() -> Self {
        Self { terms: Vec::new(), spans: Vec::new(), starts: vec![(0, 0)] }
    }
}

impl Forward {
    pub fn push_term(&mut self, term: u32) {
        self.terms.push(term);
    }

    /// Ends a field of the document that is being added.
    pub fn end_field(&mut self, field: u8) {
        self.spans.push(Span { field, end: self.terms.len() as u32 });
    }

    pub fn end_document(&mut self) {
        self.starts.push((self.spans.len() as u32, self.terms.len() as u32));
    }

    /// The fields of a document, in the order in which they were added.
    pub fn fields(&self, slot: u32) -> impl Iterator<Item = (u8, &[u32])> + '_ {
        let slot = slot as usize;
        let (first, mut at) = self.starts[slot];
        let (last, _) = self.starts[slot + 1];
        self.spans[first as usize..last as usize].iter().map(move |span| {
            let terms = &self.terms[at as usize..span.end as usize];
            at = span.end;
            (span.field, terms)
        })
    }

    /// Reads a little of a document, so that its terms are on their way into the cache while others are read.
    pub fn fetch(&self, slot: u32) {
        let (span, term) = self.starts[slot as usize];
        std::hint::black_box(self.spans.get(span as usize).map(|span| span.end));
        for line in 0..2 {
            std::hint::black_box(self.terms.get(term as usize + line * 16).copied());
        }
    }

    pub fn save(&self, out: &mut Writer<'_>) -> std::io::Result<()> {
        out.numbers(&self.terms)?;
        out.bytes(&self.spans.iter().map(|span| span.field).collect::<Vec<_>>())?;
        out.numbers(&self.spans.iter().map(|span| span.end).collect::<Vec<_>>())?;
        out.numbers(&self.starts.iter().map(|(span, _)| *span).collect::<Vec<_>>())?;
        out.numbers(&self.starts.iter().map(|(_, term)| *term).collect::<Vec<_>>())
    }

    pub fn load(from: &mut Reader<'_>, slots: usize, terms: usize, fields: usize) -> Result<Self, Damaged> {
        let terms = from.numbers_below(terms)?;
        let (fields_of, ends) = (from.bytes()?, from.numbers()?);
        let (first_spans, first_terms) = (from.numbers()?, from.numbers()?);
        let fits = |numbers: &[u32], last: usize| {
            numbers.is_sorted() && numbers.last().is_none_or(|number| *number as usize <= last)
        };
        let whole = fields_of.len() == ends.len()
            && fields_of.iter().all(|field| usize::from(*field) < fields)
            && fits(&ends, terms.len())
            && (first_spans.len(), first_terms.len()) == (slots + 1, slots + 1)
            && fits(&first_spans, ends.len())
            && fits(&first_terms, terms.len());
        // Where a document's terms begin is where those of the document before it end.
        let joined = first_spans.iter().zip(&first_terms).all(|(span, term)| {
            let before = (*span as usize).checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
            before == *term
        });
        if !whole || !joined {
            return Err(Damaged::Inconsistent("documents"));
        }
        let spans = fields_of.into_iter().zip(ends).map(|(field, end)| Span { field, end }).collect();
        Ok(Self { terms, spans, starts: first_spans.into_iter().zip(first_terms).collect() })
    }
}

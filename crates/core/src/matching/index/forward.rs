//! The documents' own terms, in order, field by field: what exact scores are computed from.

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
}

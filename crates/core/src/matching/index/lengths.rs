//! How long fields are on average, exactly, and how far that has moved since impacts were last computed.

use super::FieldSpec;
use super::score::{occurrence, slope};
use crate::matching::snapshot::{Damaged, Reader, Writer};

/// Relative change of an average above which impacts are computed anew: bounds stay bounds, but grow loose.
const TOLERANCE: f64 = 1.0 / 32.0;

#[derive(Clone, Debug)]
pub(super) struct Lengths {
    fields: Vec<Length>,
}

#[derive(Clone, Copy, Debug)]
struct Length {
    weight: f64,
    terms: u64,
    instances: u64,
    /// The average that the stored impacts assume.
    assumed: f64,
}

impl Length {
    /// Never below one term, so that a field that is mostly empty does not make one word a long text.
    fn average(&self) -> f64 {
        if self.instances == 0 { 1.0 } else { (self.terms as f64 / self.instances as f64).max(1.0) }
    }
}

impl Lengths {
    pub fn new(fields: &[FieldSpec]) -> Self {
        let length = |field: &FieldSpec| Length { weight: field.weight, terms: 0, instances: 0, assumed: 1.0 };
        Self { fields: fields.iter().map(length).collect() }
    }

    pub fn add(&mut self, field: u8, length: u32) {
        let own = &mut self.fields[usize::from(field)];
        own.terms += u64::from(length);
        own.instances += 1;
    }

    pub fn take(&mut self, field: u8, length: u32) {
        let own = &mut self.fields[usize::from(field)];
        own.terms -= u64::from(length);
        own.instances -= 1;
    }

    /// What one occurrence counts now.
    pub fn occurrence(&self, field: u8, length: u32) -> f64 {
        let own = &self.fields[usize::from(field)];
        occurrence(own.weight, length, slope(own.average()))
    }

    /// By field: its weight, and its slope now. For [`occurrence`], which then is what [`Self::occurrence`] says.
    pub fn norms(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.fields.iter().map(|own| (own.weight, slope(own.average())))
    }

    /// What one occurrence counted for the stored impacts.
    pub fn assumed(&self, field: u8, length: u32) -> f64 {
        let own = &self.fields[usize::from(field)];
        occurrence(own.weight, length, slope(own.assumed))
    }

    /// By how much a stored impact may be too small: a factor of at least 1. A field's norm is linear in the inverse of its
    /// average, so a frequency grows at most as its average does; saturation only dampens that.
    pub fn slack(&self) -> f64 {
        self.fields.iter().map(|own| own.average() / own.assumed).fold(1.0, f64::max)
    }

    /// The fields whose average moved beyond the tolerance.
    pub fn moved(&self) -> impl Iterator<Item = u8> + '_ {
        (0u8..)
            .zip(&self.fields)
            .filter(|(_, own)| (own.average() / own.assumed - 1.0).abs() > TOLERANCE)
            .map(|(i, _)| i)
    }

    pub fn assume(&mut self, field: u8) {
        let own = &mut self.fields[usize::from(field)];
        own.assumed = own.average();
    }

    pub fn assume_all(&mut self) {
        for own in &mut self.fields {
            own.assumed = own.average();
        }
    }

    /// What the stored impacts assume; the lengths themselves are those of the documents.
    pub fn save(&self, out: &mut Writer<'_>) -> std::io::Result<()> {
        self.fields.iter().try_for_each(|own| out.number(own.assumed.to_bits()))
    }

    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        for own in &mut self.fields {
            own.assumed = f64::from_bits(from.number()?);
            if !own.assumed.is_finite() || own.assumed < 1.0 {
                return Err(Damaged::Inconsistent("lengths"));
            }
        }
        Ok(())
    }
}

//! Hygiene of the knowledge base: patterns that are the same, that can never come first, that fail their own examples, and that
//! treat a symptom again and again.

mod pairs;
mod repeats;
mod required;
mod texts;

pub use pairs::{Duplicate, FailingExamples, Findings, Sameness, Shadowed, review, review_unless};
pub use repeats::{Repeat, Trend, alternations, repeats};
pub use required::Rules;

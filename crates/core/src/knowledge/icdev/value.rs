//! A value of another program's database, of whatever type it is.

use crate::BasisPoints;

/// What SQLite holds, which need not be what the column promises.
#[derive(Clone, Debug, PartialEq)]
pub enum ForeignValue {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    /// Bytes that are no text.
    Blob(usize),
}

impl ForeignValue {
    pub(super) fn as_text(&self) -> Option<String> {
        match self {
            Self::Null | Self::Blob(_) => None,
            Self::Integer(number) => Some(number.to_string()),
            Self::Real(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.clone()),
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Integer(number) => *number != 0,
            Self::Real(number) => *number != 0.0,
            Self::Text(text) => matches!(text.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "y" | "on"),
            Self::Null | Self::Blob(_) => false,
        }
    }

    /// A share: 0 to 1, 0 to 100 above that, with a percent sign, or one of the words high, medium and low. 1 is all of it.
    pub(super) fn as_share(&self) -> Option<BasisPoints> {
        let (number, is_percent) = match self {
            Self::Integer(number) => (*number as f64, false),
            Self::Real(number) => (*number, false),
            Self::Text(text) => {
                let text = text.trim().to_ascii_lowercase();
                match text.as_str() {
                    "high" => (0.6, false),
                    "medium" => (0.5, false),
                    "low" => (0.3, false),
                    _ => match text.strip_suffix('%') {
                        Some(percent) => (percent.trim().replace(',', ".").parse().ok()?, true),
                        None => (text.replace(',', ".").parse().ok()?, false),
                    },
                }
            }
            Self::Null | Self::Blob(_) => return None,
        };
        let share = if is_percent || number > 1.0 { number / 100.0 } else { number };
        BasisPoints::from_decimal(share).ok()
    }
}

//! How much a list gives: what was asked for, or a refusal that says what may be.

use crate::ApiError;

/// The limit of a list: `usual` where none is named. One beyond the range is refused; taken as something else it would give
/// part of what was asked for and look like all of it.
pub(crate) fn limit<T: Copy + PartialOrd + std::fmt::Display>(
    asked: Option<T>,
    usual: T,
    least: T,
    most: T,
) -> Result<T, ApiError> {
    let limit = asked.unwrap_or(usual);
    if limit < least || limit > most {
        return Err(ApiError::invalid(
            "The list cannot be given",
            format!("`limit` is {limit}: expected {least} to {most}"),
            "Ask for the next page with what the page before says.",
        ));
    }
    Ok(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_kept_or_refused() {
        for (asked, given) in [
            (None, Some(10)),
            (Some(1), Some(1)),
            (Some(50), Some(50)),
            (Some(0), None),
            (Some(51), None),
            (Some(-1), None),
        ] {
            assert_eq!(limit(asked, 10, 1, 50).ok(), given, "{asked:?}");
        }
        let error = limit(Some(6_000), 100, 1, 500).expect_err("too much").to_string();
        assert!(error.contains("1 to 500"), "{error}");
    }
}

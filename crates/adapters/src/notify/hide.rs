//! Takes secrets out of what other systems answer: a page that was not found likes to repeat its address.

use reqwest::Url;

/// Shorter parts of an address are words (`hooks`, `api`), not what lets one in.
const TELLING: usize = 6;

/// What must not be shown. Its own `Debug` shows nothing.
#[derive(Clone, Default)]
pub struct Hidden(Vec<String>);

impl Hidden {
    pub fn secret(mut self, secret: &str) -> Self {
        if !secret.is_empty() {
            self.0.push(secret.to_owned());
        }
        // Longest first, so that no part is left of a whole that contains it.
        self.0.sort_by_key(|hidden| std::cmp::Reverse(hidden.len()));
        self
    }

    /// The address, and each telling part of its path and query.
    pub fn url(self, url: &Url) -> Self {
        let path = url.path_segments().into_iter().flatten().map(str::to_owned);
        let query = url.query_pairs().map(|(_, value)| value.into_owned());
        let parts: Vec<String> = path.chain(query).filter(|part| part.len() >= TELLING).collect();
        parts.iter().fold(self.secret(url.as_str()), |hidden, part| hidden.secret(part))
    }

    pub fn apply(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, hidden| text.replace(hidden, "[secret]"))
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_lets_one_in_is_taken_out() {
        let url = Url::parse("https://hooks.example/services/T00000/s3cr3tkey?token=abcdefgh").expect("a URL");
        let hidden = Hidden::default().url(&url).secret("pw");
        for (text, shown) in [
            ("Cannot POST /services/T00000/s3cr3tkey", "Cannot POST /[secret]/[secret]/[secret]"),
            ("token abcdefgh is unknown", "token [secret] is unknown"),
            ("https://hooks.example/services/T00000/s3cr3tkey?token=abcdefgh", "[secret]"),
            ("login with pw refused", "login with [secret] refused"),
            ("invalid_payload", "invalid_payload"),
        ] {
            assert_eq!(hidden.apply(text), shown);
        }
        assert_eq!(format!("{hidden:?}"), "[secret]");
    }
}

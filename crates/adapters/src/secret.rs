//! Secrets are of a type that cannot be printed, so that no log line, error or audit entry can carry one by accident.

use std::env;
use std::fmt;

/// A password or token. `Debug` prints `[secret]`; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Reads the environment variable `name`; a missing or empty one is an error that says so.
    pub fn from_env(name: &str) -> Result<Self, MissingSecret> {
        match env::var(name) {
            Ok(value) if !value.is_empty() => Ok(Self(value)),
            _ => Err(MissingSecret { variable: name.to_owned() }),
        }
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The configuration names an environment variable that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the environment variable `{variable}` that should hold a secret is not set. Set it where Selfheal is started, or \
     correct the configuration that names it"
)]
pub struct MissingSecret {
    pub variable: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "[secret] Some([secret])");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_missing_variable_is_named() {
        let missing = Secret::from_env("SELFHEAL_TEST_NO_SUCH_VARIABLE").expect_err("it is not set");
        assert!(missing.to_string().contains("`SELFHEAL_TEST_NO_SUCH_VARIABLE`"));
    }
}

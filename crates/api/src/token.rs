//! Bearer tokens: 256 random bits, shown once, kept as digests, compared in constant time.

use subtle::ConstantTimeEq;

use crate::{Principal, Role};

/// A value that must not end up in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// A new random token.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// For the one place that needs the value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn digest(&self) -> String {
        selfheal_core::sha256_hex(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// A token that this process accepts, by its digest.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub name: String,
    pub role: Role,
    pub digest: String,
}

/// Who a presented token belongs to. Every accepted digest is compared, so that time tells nothing.
pub fn identify(presented: &Secret, accepted: &[Accepted]) -> Option<Principal> {
    let digest = presented.digest();
    let mut found = None;
    for token in accepted {
        if bool::from(token.digest.as_bytes().ct_eq(digest.as_bytes())) {
            found = Some(Principal { name: token.name.clone(), role: token.role });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[secret]");
    }

    #[test]
    fn only_the_token_itself_identifies() {
        let (ada, bob) = (Secret::random().expect("random"), Secret::random().expect("random"));
        let accepted = [Accepted { name: "ada".into(), role: Role::Approver, digest: ada.digest() }];
        assert_eq!(identify(&ada, &accepted).map(|who| who.name).as_deref(), Some("ada"));
        assert_eq!(identify(&bob, &accepted), None);
        assert_eq!(identify(&Secret::new(ada.digest()), &accepted), None, "the stored digest is no token");
    }
}

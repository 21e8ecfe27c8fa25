//! Bearer tokens: 256 random bits, shown once, kept as digests, compared in constant time.

use subtle::ConstantTimeEq;

use crate::{Principal, Role};

pub use selfheal_adapters::Secret;

/// A new random token.
pub fn random() -> Result<Secret, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

/// What is kept of a token.
pub fn digest(secret: &Secret) -> String {
    selfheal_core::sha256_hex(secret.expose())
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
    let digest = digest(presented);
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
    fn only_the_token_itself_identifies() {
        let (ada, bob) = (random().expect("random"), random().expect("random"));
        let accepted = [Accepted { name: "ada".into(), role: Role::Approver, digest: digest(&ada) }];
        assert_eq!(identify(&ada, &accepted).map(|who| who.name).as_deref(), Some("ada"));
        assert_eq!(identify(&bob, &accepted), None);
        assert_eq!(identify(&Secret::new(digest(&ada)), &accepted), None, "the stored digest is no token");
    }
}

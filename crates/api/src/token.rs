//! Bearer tokens: 256 random bits, shown once, kept as digests, compared in constant time.

use selfheal_core::Timestamp;
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

/// A token that is known, by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub name: String,
    pub person: String,
    pub role: Role,
    pub digest: String,
    /// Refused from then on.
    pub expires: Option<Timestamp>,
}

/// What a presented token is worth.
#[derive(Debug, PartialEq, Eq)]
pub enum Presented {
    Known(Principal),
    Expired { name: String, at: Timestamp },
    Unknown,
}

/// Who a presented token belongs to. Every accepted digest is compared, so that time tells nothing.
pub fn identify(presented: &Secret, accepted: &[Accepted], now: Timestamp) -> Presented {
    let digest = digest(presented);
    let mut found = Presented::Unknown;
    for token in accepted {
        if bool::from(token.digest.as_bytes().ct_eq(digest.as_bytes())) {
            found = match token.expires {
                Some(at) if at <= now => Presented::Expired { name: token.name.clone(), at },
                _ => Presented::Known(Principal {
                    name: token.name.clone(),
                    person: token.person.clone(),
                    role: token.role,
                    token: Some(token.digest.clone()),
                }),
            };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn accepted(secret: &Secret, expires: Option<Timestamp>) -> [Accepted; 1] {
        [Accepted { name: "ada".into(), person: "ada".into(), role: Role::Approver, digest: digest(secret), expires }]
    }

    fn known(presented: &Secret, accepted: &[Accepted]) -> bool {
        matches!(identify(presented, accepted, NOW), Presented::Known(who) if who.name == "ada")
    }

    #[test]
    fn only_the_token_itself_identifies() {
        let (ada, bob) = (random().expect("random"), random().expect("random"));
        let accepted = accepted(&ada, None);
        assert!(known(&ada, &accepted));
        assert!(!known(&bob, &accepted));
        assert!(!known(&Secret::new(digest(&ada)), &accepted), "the stored digest is no token");
    }

    #[test]
    fn a_token_ends_to_the_microsecond() {
        let ada = random().expect("random");
        let at = |micros: i64| Some(Timestamp::from_micros(NOW.as_micros() + micros));
        assert!(known(&ada, &accepted(&ada, at(1))));
        for ended in [at(0), at(-1)] {
            let presented = identify(&ada, &accepted(&ada, ended), NOW);
            assert_eq!(presented, Presented::Expired { name: "ada".into(), at: ended.expect("an end") });
        }
    }
}

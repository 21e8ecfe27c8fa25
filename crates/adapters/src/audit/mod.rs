//! What is kept of the audit trail outside its database: the key that signs, and the checkpoints that it signed.
//!
//! Whoever owns the database and not this folder can neither sign nor make what was signed unsaid.

mod kept;
mod key;

use std::path::PathBuf;

use selfheal_core::audit::{Checkpoint, PublicKey, Sealer, Signature};
use selfheal_engine::ports::{Signer, SignerError};

pub use kept::KeptCheckpoints;
use key::SigningKey;

/// Signs with the key of a home.
#[derive(Debug)]
pub struct HomeSigner {
    key: SigningKey,
    kept: KeptCheckpoints,
}

impl HomeSigner {
    /// Reads the key, and makes it where there is none.
    pub fn open(key: PathBuf, checkpoints: PathBuf) -> Result<Self, SignerError> {
        Ok(Self { key: SigningKey::open(&key)?, kept: KeptCheckpoints::at(checkpoints) })
    }
}

impl Signer for HomeSigner {
    fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    fn sign(&self, message: &[u8]) -> Signature {
        self.key.sign(message)
    }

    fn keep(&self, checkpoint: &Checkpoint) -> Result<(), SignerError> {
        self.kept.append(checkpoint)
    }

    fn kept(&self) -> Result<Vec<Checkpoint>, SignerError> {
        Ok(self.kept.read()?.0)
    }
}

impl Sealer for HomeSigner {
    fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    fn sign(&self, message: &[u8]) -> Signature {
        self.key.sign(message)
    }

    fn owner(&self) -> String {
        crate::hostname()
    }
}

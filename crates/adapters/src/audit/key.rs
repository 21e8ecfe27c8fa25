//! The key: 32 bytes in a file that only its owner may read, and a type that cannot be printed.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ed25519_dalek::Signer;
use selfheal_core::audit::{PublicKey, Signature};
use selfheal_engine::ports::SignerError;

use crate::files::{self, Links};

/// An Ed25519 key. `Debug` prints `[secret]`; there is no `Display`, and it is wiped from memory when it is dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl SigningKey {
    /// Reads the key, and makes it where there is none. Of two that make it at the same time one wins, and both read it.
    pub fn open(path: &Path) -> Result<Self, SignerError> {
        match files::open(path, Links::Follow) {
            Ok(file) => Self::read(file, path),
            Err(why) if why.kind() == ErrorKind::NotFound => {
                Self::make(path)?;
                Self::read(files::open(path, Links::Follow).map_err(|why| failed(path, "read", &why))?, path)
            }
            Err(why) => Err(failed(path, "read", &why)),
        }
    }

    /// Written beside and then named, so that nobody ever reads half a key.
    fn make(path: &Path) -> Result<(), SignerError> {
        let failed = |why: std::io::Error| failed(path, "made", &why);
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| failed(std::io::Error::other(error.to_string())))?;
        // Two threads of one process may be at it as well, so the name is no process id.
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(|error| failed(std::io::Error::other(error.to_string())))?;
        let beside = path.with_extension(format!("key.{:016x}", u64::from_ne_bytes(name)));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(failed)?;
        let written = file.write_all(&seed).and_then(|()| file.sync_all());
        // A link fails where the name is taken: the key that is there stays.
        let linked = written.and_then(|()| std::fs::hard_link(&beside, path));
        let _ = std::fs::remove_file(&beside);
        match linked {
            Err(why) if why.kind() != ErrorKind::AlreadyExists => Err(failed(why)),
            _ => Ok(()),
        }
    }

    fn read(mut file: File, path: &Path) -> Result<Self, SignerError> {
        let mode = file.metadata().map_err(|why| failed(path, "read", &why))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(SignerError {
                what: format!("the audit key {} cannot be used", path.display()),
                why: format!("others may read it (mode {:o})", mode & 0o777),
                next: format!(
                    "Run `chmod 600 {}`; if somebody else had it, move it away: a new one is made",
                    path.display()
                ),
            });
        }
        let mut seed = [0; 32];
        let read = file.read_exact(&mut seed).and_then(|()| file.read(&mut [0; 1]));
        match read {
            Ok(0) => Ok(Self(ed25519_dalek::SigningKey::from_bytes(&seed))),
            Ok(_) | Err(_) => Err(SignerError {
                what: format!("the audit key {} cannot be used", path.display()),
                why: "it is not 32 bytes long".into(),
                next: "Restore it from a backup, or move it away: a new one is made and put on record".into(),
            }),
        }
    }

    pub fn public(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature::from_bytes(self.0.sign(message).to_bytes())
    }
}

fn failed(path: &Path, verb: &str, why: &std::io::Error) -> SignerError {
    SignerError {
        what: format!("the audit key {} cannot be {verb}", path.display()),
        why: why.to_string(),
        next: "Check that the folder exists and belongs to you".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_is_private_and_cannot_be_printed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.key");
        let key = SigningKey::open(&path).expect("made");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left beside it");
        let again = SigningKey::open(&path).expect("read");
        assert_eq!(again.public(), key.public());
        assert!(key.public().signed(b"x", &again.sign(b"x")));
        assert_eq!(format!("{key:?}"), "[secret]");
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_damaged_is_not_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.key");
        SigningKey::open(&path).expect("made");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("set");
        let error = SigningKey::open(&path).expect_err("refused").to_string();
        assert!(error.contains("others may read it (mode 640)") && error.contains("chmod 600"), "{error}");
        for length in [0, 31, 33] {
            let path = folder.path().join(length.to_string());
            std::fs::write(&path, vec![7; length]).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
            let error = SigningKey::open(&path).expect_err("refused").to_string();
            assert!(error.contains("not 32 bytes"), "{error}");
        }
    }

    #[test]
    fn many_that_make_it_at_once_have_the_same_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.key");
        let keys: Vec<PublicKey> = std::thread::scope(|scope| {
            let made: Vec<_> = (0..8).map(|_| scope.spawn(|| SigningKey::open(&path))).collect();
            made.into_iter().map(|key| key.join().expect("ran").expect("made").public()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }
}

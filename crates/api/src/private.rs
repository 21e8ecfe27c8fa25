//! Files and folders that only their owner may look into, whatever the umask and whoever made the folder around them: they
//! hold log lines, digests of tokens, and what is healed how.
//!
//! Invariant: everything that Selfheal makes in a home is made here, or with the same modes. The umask itself stays what
//! it was, because what Selfheal starts inherits it: a service makes its own files as its owner has set it up.

use std::fs::{DirBuilder, File};
use std::io::{Result, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What others may do with it.
const OTHERS: u32 = 0o077;
/// Entries of a home that are looked at.
const MANY: usize = 2_000;

/// Makes a file anew, or empties one that is there.
pub fn create(path: &Path) -> Result<File> {
    File::options().write(true).create(true).truncate(true).mode(0o600).open(path)
}

pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    create(path)?.write_all(content.as_ref())
}

/// Makes a folder and those that lead to it. One that is there already is left as it is.
pub fn create_dir_all(folder: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// What others than its owner may reach and look into, of a folder and everything in it.
pub fn open_to_others(root: &Path) -> Vec<PathBuf> {
    let (mut folders, mut found, mut seen) = (vec![root.to_owned()], Vec::new(), 0);
    while let Some(folder) = folders.pop() {
        // Whoever may not pass through a folder reaches nothing in it.
        let Ok(about) = std::fs::symlink_metadata(&folder) else { continue };
        if about.mode() & 0o011 == 0 && about.mode() & OTHERS == 0 {
            continue;
        }
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            seen += 1;
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() && seen < MANY {
                folders.push(entry.path());
            } else if !about.is_dir() && !about.is_symlink() && about.mode() & OTHERS != 0 {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
    }

    #[test]
    fn what_others_can_reach_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let (data, file) = (folder.path().join("data"), folder.path().join("data/icdev.db"));
        create_dir_all(&data).expect("made");
        write(&file, "x").expect("written");
        set(folder.path(), 0o755);
        assert!(open_to_others(folder.path()).is_empty(), "made private");
        set(&file, 0o644);
        assert!(open_to_others(folder.path()).is_empty(), "nobody else gets into its folder");
        set(&data, 0o755);
        assert_eq!(open_to_others(folder.path()), [file]);
        set(folder.path(), 0o700);
        assert!(open_to_others(folder.path()).is_empty(), "nor into the home");
    }
}

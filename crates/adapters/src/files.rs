//! Files that belong to others, and files that others could put something else in the place of.
//!
//! Opening must never wait: a pipe waits for its other end, a device does what it likes. So only regular files are opened,
//! looked at before and after. What is written, or decides which process is signalled, is never reached through a link at
//! its last step; a log or a configuration may be one. What replaces a file is made under a name that nobody can guess, as
//! a file that was not there. Slow disks remain: call these from a thread that may wait.

use std::fmt::Write as _;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// Whether the last part of a path may be a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    Follow,
    Refuse,
}

/// Opens a regular file for reading; anything else is `InvalidInput` (a folder `IsADirectory`), at once.
pub fn open(path: &Path, links: Links) -> io::Result<File> {
    opened(OpenOptions::new().read(true), path, links)
}

/// The whole of a regular file of at most `limit` bytes; a longer one is `FileTooLarge`.
pub fn read(path: &Path, links: Links, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path, links)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

/// The same as text; what is no UTF-8 is `InvalidData`.
pub fn read_text(path: &Path, links: Links, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, links, limit)?)
        .map_err(|error| io::Error::new(ErrorKind::InvalidData, format!("it is no UTF-8: {}", error.utf8_error())))
}

/// A regular file that this very user made, and that nobody else may write: what it says is our own word.
pub fn read_own(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(path, Links::Refuse)?;
    let about = file.metadata()?;
    if about.uid() != nix::unistd::geteuid().as_raw() || about.mode() & 0o022 != 0 {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "others may have written it"));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a regular file for appending (and reading), and makes it with `mode` where there is none. Never through a link.
pub fn append(path: &Path, mode: u32) -> io::Result<File> {
    let file = opened(OpenOptions::new().read(true).append(true).create(true).mode(mode), path, Links::Refuse)?;
    // Handed to a program as its output, it has to be a file like any other.
    fcntl(&file, FcntlArg::F_SETFL(OFlag::O_APPEND))?;
    Ok(file)
}

/// Replaces a file so that a crash at any moment leaves the old one or the new one, on the disk. A link in its place is
/// replaced itself.
pub fn replace(path: &Path, mode: u32, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut new = Beside::create(path, mode)?;
    write(&mut new.file)?;
    new.finish()
}

/// A new file beside the one that it takes the place of when it is finished. Dropped before, it leaves nothing behind.
#[derive(Debug)]
pub struct Beside {
    to: PathBuf,
    beside: PathBuf,
    pub file: File,
}

impl Beside {
    pub fn create(to: &Path, mode: u32) -> io::Result<Self> {
        let mut name = to.file_name().ok_or_else(|| unusable("it names no file"))?.to_owned();
        name.push(format!(".{}.part", unguessable()?));
        let beside = to.with_file_name(name);
        // Nothing that is there is opened, whatever it is: `create_new` follows no link.
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&beside)?;
        Ok(Self { to: to.to_owned(), beside, file })
    }

    /// Where it is until it is finished, for whoever reads it back before.
    pub fn path(&self) -> &Path {
        &self.beside
    }

    pub fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.beside, &self.to)?;
        let folder = self.to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Moved away already, where all went well.
        let _ = fs::remove_file(&self.beside);
    }
}

/// 64 random bits as 16 hexadecimal digits.
pub fn unguessable() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn opened(options: &mut OpenOptions, path: &Path, links: Links) -> io::Result<File> {
    let (found, follow) = match links {
        Links::Follow => (fs::metadata(path), OFlag::empty()),
        Links::Refuse => (fs::symlink_metadata(path), OFlag::O_NOFOLLOW),
    };
    match found {
        Ok(found) => regular(&found)?,
        // There may be one a moment later, or it is made.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY | follow;
    let file = options.custom_flags(flags.bits()).open(path).map_err(|error| {
        if error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32) { unusable(LINK) } else { error }
    })?;
    // Something else may have taken its place meanwhile.
    regular(&file.metadata()?)?;
    Ok(file)
}

const LINK: &str = "it is a link, and is not followed";

fn regular(found: &Metadata) -> io::Result<()> {
    let kind = found.file_type();
    if kind.is_dir() {
        Err(ErrorKind::IsADirectory.into())
    } else if kind.is_symlink() {
        Err(unusable(LINK))
    } else if kind.is_file() {
        Ok(())
    } else {
        Err(unusable("it is not a regular file"))
    }
}

fn unusable(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use nix::sys::stat::Mode;

    /// Each would hang, fill the memory or do harm if it were opened for real.
    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        nix::unistd::mkfifo(&at("pipe"), Mode::S_IRWXU).expect("a pipe");
        let _socket = UnixListener::bind(at("socket")).expect("a socket");
        symlink(at("pipe"), at("link to a pipe")).expect("a link");
        for path in [at("pipe"), at("socket"), at("link to a pipe"), "/dev/zero".into(), "/dev/tty".into()] {
            for links in [Links::Follow, Links::Refuse] {
                let error = open(&path, links).expect_err("refused");
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{}: {error}", path.display());
            }
            assert!(append(&path, 0o600).is_err() && read_own(&path, 10).is_err(), "{}", path.display());
        }
        assert_eq!(open(folder.path(), Links::Follow).expect_err("refused").kind(), ErrorKind::IsADirectory);
        assert_eq!(open(&at("nothing"), Links::Refuse).expect_err("refused").kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_link_is_followed_only_where_it_may_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "of another").expect("written");
        symlink(at("file"), at("link")).expect("a link");
        symlink(at("nowhere"), at("dangling")).expect("a link");
        assert_eq!(read_text(&at("link"), Links::Follow, 100).expect("read"), "of another");
        assert!(read(&at("link"), Links::Refuse, 100).expect_err("refused").to_string().contains("link"));
        for name in ["link", "dangling"] {
            assert!(append(&at(name), 0o600).expect_err("refused").to_string().contains("link"), "{name}");
            replace(&at(name), 0o600, |file| file.write_all(b"new")).expect("the link itself is replaced");
            assert!(fs::symlink_metadata(at(name)).expect("there").is_file());
        }
        assert_eq!(fs::read_to_string(at("file")).expect("there"), "of another");
        assert!(!at("nowhere").exists());
    }

    #[test]
    fn a_file_is_read_up_to_its_limit_and_replaced_as_a_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        replace(&path, 0o600, |file| file.write_all(b"12345")).expect("written");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path, Links::Refuse, 5).expect("read"), b"12345");
        assert_eq!(read(&path, Links::Refuse, 4).expect_err("refused").kind(), ErrorKind::FileTooLarge);
        replace(&path, 0o600, |_| Err(io::Error::other("no room"))).expect_err("told");
        assert_eq!(fs::read(&path).expect("there"), b"12345", "the old one stays");
        append(&path, 0o600).and_then(|mut file| file.write_all(b"6")).expect("appended");
        assert_eq!(fs::read(&path).expect("there"), b"123456");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1, "nothing is left beside it");
        assert_eq!(read_own(&path, 100).expect("ours"), b"123456");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("set");
        assert!(read_own(&path, 100).is_err(), "anybody may have written it");
    }
}

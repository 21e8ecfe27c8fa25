//! The emergency brake: a file in the home. While it is there nothing runs, whatever the database says.

use std::path::PathBuf;

use selfheal_engine::ports::Brake;

/// Engaged while the file exists, and where that cannot be found out.
#[derive(Clone, Debug)]
pub struct PauseFile {
    path: PathBuf,
}

impl PauseFile {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Brake for PauseFile {
    fn engaged(&self) -> Option<String> {
        let path = self.path.display();
        match self.path.try_exists() {
            Ok(false) => None,
            Ok(true) => Some(format!("the file {path} is there: nothing runs until it is removed")),
            Err(error) => Some(format!("whether the file {path} is there cannot be found out: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stops_and_what_cannot_be_read_stops_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let brake = PauseFile::new(folder.path().join("pause"));
        assert_eq!(brake.engaged(), None);
        std::fs::write(folder.path().join("pause"), "").expect("written");
        assert!(brake.engaged().is_some_and(|why| why.contains("is there")));
        // A file where a folder should be: not "no such file", and so not "no".
        let odd = PauseFile::new(folder.path().join("pause").join("pause"));
        assert!(odd.engaged().is_some_and(|why| why.contains("cannot be found out")));
    }
}

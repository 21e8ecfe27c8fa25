//! The home: one folder with configuration, database and the socket of the running engine.

use std::path::{Path, PathBuf};

use selfheal_adapters::files::{self, Links};
use selfheal_core::config::{self, Config, ConfigErrors};
use selfheal_core::knowledge;

/// Bytes of a configuration: one of ten thousand services has about as many.
pub(crate) const CONFIG_BYTES: u64 = 8 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error(
        "{path} cannot be {verb}: {why}. Check that the folder exists and belongs to you, or choose another with --home"
    )]
    Io { path: String, verb: &'static str, why: std::io::Error },
    #[error("{path} does not exist. Run `selfheal init` to make a home with a commented configuration")]
    NoConfig { path: String },
    #[error(
        "{path} is the home of a demo: its services and its knowledge are made up, and it heals by itself. Choose another folder with \
         --home (or SELFHEAL_HOME), or remove this one"
    )]
    Demo { path: String },
    #[error(
        "{0}\nNothing was changed. Mend what is marked and try again; `selfheal config check` looks at the whole file"
    )]
    Config(#[from] ConfigErrors),
    #[error("this system has no data folder for programs: choose one with --home")]
    NoDataFolder,
}

impl Home {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The platform's data folder for Selfheal.
    pub fn default_place() -> Result<Self, HomeError> {
        let dirs = directories::ProjectDirs::from("", "", "selfheal").ok_or(HomeError::NoDataFolder)?;
        Ok(Self::new(dirs.data_dir()))
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn config(&self) -> PathBuf {
        self.root.join("args/monitoring_config.yaml")
    }

    pub fn knowledge(&self) -> PathBuf {
        self.root.join("args/knowledge")
    }

    pub fn database(&self) -> PathBuf {
        self.root.join("data/icdev.db")
    }

    /// The folder that only its owner may look into.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// What the home remembers of its databases.
    pub fn high_water(&self) -> PathBuf {
        self.root.join("data/high_water.json")
    }

    /// The knowledge base as the last start left it, so that the next one need not take it apart.
    pub fn knowledge_snapshot(&self) -> PathBuf {
        self.root.join("data/knowledge.snapshot")
    }

    pub fn socket(&self) -> PathBuf {
        self.root.join("data/engine.sock")
    }

    /// While this file is there nothing runs: the emergency brake, which works without a database.
    pub fn pause(&self) -> PathBuf {
        self.root.join("data/pause")
    }

    /// The key that signs checkpoints of the audit trail. Made by whoever opens the home first.
    pub fn audit_key(&self) -> PathBuf {
        self.root.join("data/audit.key")
    }

    /// The checkpoints that this home signed for a database: its own, or another one that it was opened with. The name of
    /// another one comes from its address without name and password.
    pub fn audit_checkpoints(&self, database: Option<&str>) -> PathBuf {
        let ending = database.map_or_else(String::new, |url| {
            let place = url.split('?').next().unwrap_or_default();
            let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
            format!(".{}", &selfheal_core::sha256_hex(place)[..16])
        });
        self.root.join(format!("data/audit.checkpoints{ending}"))
    }

    /// The token of the address that `serve` prints. Whoever takes it away takes it back.
    pub fn serve_token(&self) -> PathBuf {
        self.root.join("data/serve.token")
    }

    /// Marks the home of a demo, and says what runs in it.
    pub fn demo_mark(&self) -> PathBuf {
        self.root.join("demo.json")
    }

    /// Whether a demo made it. What cannot be looked at is none: opening it says why.
    pub fn is_demo(&self) -> bool {
        self.demo_mark().exists()
    }

    /// A demo's home is nobody's production: whoever would take it over is told.
    pub fn not_of_a_demo(&self) -> Result<(), HomeError> {
        if self.is_demo() { Err(HomeError::Demo { path: self.root.display().to_string() }) } else { Ok(()) }
    }

    /// Held by the engine that runs for this home.
    pub fn lock(&self) -> PathBuf {
        self.root.join("data/engine.lock")
    }

    /// Makes the folders, and the files that are not there. Returns what was made; what is there is left alone.
    pub fn init(&self) -> Result<Vec<PathBuf>, HomeError> {
        let mut made = Vec::new();
        crate::private::create_dir_all(&self.knowledge()).map_err(|why| io(&self.knowledge(), "made", why))?;
        crate::private::create_dir_all(&self.data()).map_err(|why| io(&self.data(), "made", why))?;
        let starter = knowledge::STARTER.iter().map(|(file, text)| (self.knowledge().join(file), *text));
        for (path, text) in std::iter::once((self.config(), config::SHIPPED)).chain(starter) {
            if !path.exists() {
                files::replace(&path, 0o600, |file| std::io::Write::write_all(file, text.as_bytes()))
                    .map_err(|why| io(&path, "written", why))?;
                made.push(path);
            }
        }
        Ok(made)
    }

    /// The configuration that was last accepted, for a configuration file: the home's, or another one that it is used with.
    pub fn accepted_config(&self, config: &Path) -> PathBuf {
        let ending = if config == self.config() {
            String::new()
        } else {
            format!(".{}", &selfheal_core::sha256_hex(config.as_os_str().as_encoded_bytes())[..16])
        };
        self.root.join(format!("data/accepted_config{ending}.json"))
    }

    /// Reads the configuration.
    pub fn load_config(&self, path: &Path) -> Result<Config, HomeError> {
        Ok(config::parse_bytes(&self.read_config(path)?, &path.display().to_string())?)
    }

    /// The configuration file as it is. It may wait for a disk: not for an async thread.
    pub fn read_config(&self, path: &Path) -> Result<Vec<u8>, HomeError> {
        match files::read(path, Links::Follow, CONFIG_BYTES) {
            Ok(bytes) => Ok(bytes),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                Err(HomeError::NoConfig { path: path.display().to_string() })
            }
            Err(why) => Err(io(path, "read", why)),
        }
    }
}

fn io(path: &Path, verb: &'static str, why: std::io::Error) -> HomeError {
    HomeError::Io { path: path.display().to_string(), verb, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_of_a_demo_is_known_by_its_mark() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::new(folder.path());
        assert!(!home.is_demo() && home.not_of_a_demo().is_ok());
        std::fs::write(home.demo_mark(), "{}").expect("written");
        let refused = home.not_of_a_demo().expect_err("refused").to_string();
        assert!(home.is_demo() && refused.contains("demo") && refused.contains("--home"), "{refused}");
    }
}

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

    /// Held by the engine that runs for this home.
    pub fn lock(&self) -> PathBuf {
        self.root.join("data/engine.lock")
    }

    /// Makes the folders, and the files that are not there. Returns what was made; what is there is left alone.
    pub fn init(&self) -> Result<Vec<PathBuf>, HomeError> {
        let mut made = Vec::new();
        std::fs::create_dir_all(self.knowledge()).map_err(|why| io(&self.knowledge(), "made", why))?;
        make_private(&self.root.join("data"))?;
        let starter = knowledge::STARTER.iter().map(|(file, text)| (self.knowledge().join(file), *text));
        for (path, text) in std::iter::once((self.config(), config::SHIPPED)).chain(starter) {
            if !path.exists() {
                files::replace(&path, 0o644, |file| std::io::Write::write_all(file, text.as_bytes()))
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

/// Makes a folder that only its owner may look into: it holds log lines and the engine's socket. One that is there
/// already is left as it is.
fn make_private(folder: &Path) -> Result<(), HomeError> {
    use std::os::unix::fs::DirBuilderExt;
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(why) if why.kind() != std::io::ErrorKind::AlreadyExists => Err(io(folder, "made", why)),
        _ => Ok(()),
    }
}

fn io(path: &Path, verb: &'static str, why: std::io::Error) -> HomeError {
    HomeError::Io { path: path.display().to_string(), verb, why }
}

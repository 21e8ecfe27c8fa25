//! The command line of the desktop app.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use selfheal_core::IncidentId;

/// The desktop app of Selfheal.
#[derive(Clone, Debug, Parser)]
#[command(name = "selfheal-desktop", version)]
pub struct Arguments {
    /// Open the demo: real services on loopback, broken for real and healed for real.
    #[arg(long)]
    pub demo: bool,
    /// Kill a service of the demo a few seconds after the start, so that there is something to watch.
    #[arg(long, requires = "demo")]
    pub play: bool,
    /// The home. Default: $SELFHEAL_HOME (never for the demo), then the platform's data folder.
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// sqlite:PATH or postgres://... Default: data/icdev.db in the home.
    #[arg(long, env = "SELFHEAL_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
    /// Start in the tray, without a window.
    #[arg(long)]
    pub hidden: bool,
    /// selfheal://incident/ID opens that incident.
    pub link: Option<String>,
    #[command(subcommand)]
    pub internal: Option<Internal>,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Internal {
    #[command(hide = true, name = selfheal_demo::SUBCOMMAND)]
    DemoService(DemoService),
}

#[derive(Clone, Debug, Args)]
pub struct DemoService {
    #[arg(long)]
    name: String,
    #[arg(long)]
    port: u16,
    #[arg(long)]
    log: PathBuf,
    #[arg(long)]
    owner: u32,
}

impl From<DemoService> for selfheal_demo::ServiceArguments {
    fn from(DemoService { name, port, log, owner }: DemoService) -> Self {
        Self { name, port, log, owner }
    }
}

impl Arguments {
    /// With the home that the environment names, where none was given. A demo has a home of its own.
    pub fn or_environment(mut self, home: Option<std::ffi::OsString>) -> Self {
        if self.home.is_none() && !self.demo {
            self.home = home.filter(|home| !home.is_empty()).map(PathBuf::from);
        }
        self
    }

    /// A name on the bus for the app of this home and database: whoever opens the same home again is shown the same window.
    /// A demo without a home is one of its own.
    pub fn instance(&self) -> String {
        let home = match &self.home {
            Some(home) => std::path::absolute(home).unwrap_or_else(|_| home.clone()).display().to_string(),
            None if self.demo => "demo".to_owned(),
            None => String::new(),
        };
        let what = format!("{home}|{}", self.database.as_deref().unwrap_or_default());
        format!("io.selfheal.desktop.i{}", &selfheal_core::sha256_hex(what)[..16])
    }

    /// The incident that a link names. Anything else in a link is ignored.
    pub fn incident(&self) -> Option<IncidentId> {
        incident_of(self.link.as_deref()?)
    }
}

fn incident_of(link: &str) -> Option<IncidentId> {
    link.strip_prefix("selfheal://incident/")?.trim_end_matches('/').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_incident_links_open_something() {
        for (link, incident) in [
            ("selfheal://incident/42", Some(IncidentId(42))),
            ("selfheal://incident/42/", Some(IncidentId(42))),
            ("selfheal://incident/../settings", None),
            ("https://incident/42", None),
            ("selfheal://incident/", None),
        ] {
            assert_eq!(incident_of(link), incident, "{link}");
        }
    }

    #[test]
    fn one_home_is_one_app() {
        let instance = |arguments: &[&str]| {
            let arguments = [&["selfheal-desktop"], arguments].concat();
            Arguments::try_parse_from(arguments).expect("parses").instance()
        };
        let demo = instance(&["--demo", "--home", "/a"]);
        assert_eq!(demo, instance(&["--home", "/a", "selfheal://incident/7"]));
        for other in [&["--home", "/b"][..], &["--demo"], &[], &["--home", "/a", "--database", "sqlite:x"]] {
            assert_ne!(demo, instance(other), "{other:?}");
        }
        assert_ne!(instance(&["--demo"]), instance(&[]), "the demo never brings production forward");
    }

    #[test]
    fn the_demo_never_takes_the_home_of_the_environment() {
        let home = |arguments: &[&str]| {
            let arguments = Arguments::try_parse_from([&["selfheal-desktop"], arguments].concat()).expect("parses");
            arguments.or_environment(Some("/srv/selfheal".into())).home
        };
        assert_eq!(home(&[]), Some("/srv/selfheal".into()));
        assert_eq!(home(&["--home", "/a"]), Some("/a".into()));
        assert_eq!(home(&["--demo"]), None);
        assert_eq!(home(&["--demo", "--home", "/a"]), Some("/a".into()));
    }

    #[test]
    fn a_link_is_a_positional_argument() {
        let arguments =
            Arguments::try_parse_from(["selfheal-desktop", "--demo", "selfheal://incident/7"]).expect("parses");
        assert_eq!(arguments.incident(), Some(IncidentId(7)));
        assert!(arguments.demo);
    }
}

//! The name of this host, as previews show it.

/// This host's name, or `localhost` where it has none.
pub fn hostname() -> String {
    name().filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(unix)]
fn name() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}

#[cfg(not(unix))]
fn name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_host_always_has_a_name() {
        assert!(!super::hostname().is_empty());
    }
}

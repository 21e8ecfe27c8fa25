//! File descriptors of this process: what there are, of which connections get a part ([`super::guests::Limits`]).

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What every program expects to have. More is not asked for: what Selfheal starts inherits the limit, and programs that
/// use `select` cannot cope with more.
const USUAL: u64 = 1_024;

/// Raises a limit that is below the usual one, as far as this user may. For a program's start.
pub fn raise() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = USUAL.min(hard);
    if soft < wanted
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)
    {
        tracing::warn!(%error, soft, "the limit of file descriptors stays low");
    }
}

pub fn limit() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(USUAL, |(soft, _)| soft)
}

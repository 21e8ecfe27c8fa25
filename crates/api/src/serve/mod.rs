//! Transports: HTTP on loopback with a bearer token, and the socket in the home for other processes of the same user.

mod accept;
mod descriptors;
mod guests;
mod names;
mod patience;

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use nix::fcntl::{Flock, FlockArg};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

use crate::token::Presented;
use crate::{ApiError, App, Home, Principal, Secret, router, ui};
use accept::Arrived;
pub use descriptors::raise as raise_descriptors;
use guests::{Limits, Pass};

/// A transport that is served until it is dropped.
pub struct Served {
    task: JoinHandle<()>,
    /// Removed before the home is given back.
    socket: Option<(PathBuf, Flock<File>)>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
        if let Some((path, _)) = &self.socket {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Takes an address, with an error that says what to do.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            anyhow::anyhow!(
                "{address} is in use by another program, perhaps another `selfheal serve`. \
                 Stop that one, or choose another address with --listen 127.0.0.1:0 (any free port)"
            )
        } else {
            anyhow::anyhow!("{address} cannot be listened on: {error}. Choose another address with --listen")
        }
    })
}

/// Serves the interface and the window on a TCP address.
pub fn serve_tcp(app: &Arc<App>, listener: TcpListener) -> Served {
    let api = router(Arc::clone(app)).layer(middleware::from_fn_with_state(Arc::clone(app), authenticate));
    let service = Router::new()
        .merge(api)
        .fallback(ui::asset)
        // Outermost: nothing at all is answered under another's name, the window's files included.
        .layer(middleware::from_fn_with_state(Arc::clone(app), own_name));
    let limits = Limits::tcp(descriptors::limit());
    Served { task: tokio::spawn(accept::serve(listener, limits, service)), socket: None }
}

/// Serves the interface on the socket in the home. Only the operating system's user who owns it may open it.
pub fn serve_socket(app: &Arc<App>) -> anyhow::Result<Served> {
    let lock = lock(&app.home)?;
    let path = app.home.socket();
    // Whoever holds the lock may remove what an engine without it left behind.
    let _ = std::fs::remove_file(&path);
    // A socket takes its mode from the umask, and is there for everybody until it is changed.
    let before = nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o177));
    let listener = UnixListener::bind(&path);
    nix::sys::stat::umask(before);
    let listener = listener.map_err(|error| {
        anyhow::anyhow!("the engine's socket {} cannot be made: {error}. Choose a home with a shorter path or on another disk with --home", path.display())
    })?;
    // Whoever may open the socket is this user, or root, who is not another person for that.
    let local = Principal::local();
    let service = router(Arc::clone(app)).layer(middleware::from_fn(move |mut request: Request, next: Next| {
        let local = local.clone();
        async move {
            if let Some(pass) = request.extensions().get::<Pass>() {
                pass.known();
            }
            request.extensions_mut().insert(local);
            next.run(request).await
        }
    }));
    let limits = Limits::socket(descriptors::limit());
    Ok(Served { task: tokio::spawn(accept::serve(listener, limits, service)), socket: Some((path, lock)) })
}

/// Takes the home for this process: one engine at a time, whatever starts at the same moment. A lock ends with its
/// process, so what a dead engine left behind is no obstacle.
fn lock(home: &Home) -> anyhow::Result<Flock<File>> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = home.lock();
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(|error| {
        anyhow::anyhow!("the lock {} cannot be made: {error}. Check that the folder belongs to you and that its disk may be written to", path.display())
    })?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
        anyhow::anyhow!(
            "an engine already runs for this home ({} is locked). Use it: every command finds it by itself; or stop it first",
            path.display()
        )
    })
}

/// Refuses what was sent to another name than ours, or by another one's page.
async fn own_name(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let at = request.extensions().get::<Arrived>().map(|arrived| arrived.at);
    let Some(at) = at else { return ApiError::Misdirected { name: String::new() }.into_response() };
    match names::check(&request, at, &app.engine.config().server.public_urls) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Puts the token's owner into the request.
async fn authenticate(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let presented = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(|token| Secret::new(token.trim()));
    let Some(presented) = presented else { return ApiError::Unauthenticated.into_response() };
    match app.access.identify(&presented, app.store(), app.now()).await {
        Ok(Presented::Known(principal)) => {
            if let Some(pass) = request.extensions().get::<Pass>() {
                pass.known();
            }
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Ok(Presented::Expired { name, at }) => ApiError::Expired { name, at }.into_response(),
        Ok(Presented::Unknown) => ApiError::Unauthenticated.into_response(),
        Err(error) => error.into_response(),
    }
}

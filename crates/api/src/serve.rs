//! Transports: HTTP on loopback with a bearer token, and the socket in the home for other processes of the same user.

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

use crate::token::{Accepted, identify};
use crate::{ApiError, App, Home, Principal, Role, Secret, router, ui};

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
    let service = Router::new().merge(api).fallback(ui::asset);
    Served { task: tokio::spawn(run(async move { axum::serve(listener, service).await })), socket: None }
}

/// Serves the interface on the socket in the home. Only the operating system's user who owns it may open it.
pub fn serve_socket(app: &Arc<App>) -> anyhow::Result<Served> {
    let lock = lock(&app.home)?;
    let path = app.home.socket();
    // Whoever holds the lock may remove what an engine without it left behind.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(|error| {
        anyhow::anyhow!("the engine's socket {} cannot be made: {error}. Choose a home with a shorter path or on another disk with --home", path.display())
    })?;
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    }
    let local = Principal::local();
    let service = router(Arc::clone(app)).layer(middleware::from_fn(move |mut request: Request, next: Next| {
        let local = local.clone();
        async move {
            request.extensions_mut().insert(local);
            next.run(request).await
        }
    }));
    Ok(Served {
        task: tokio::spawn(run(async move { axum::serve(listener, service).await })),
        socket: Some((path, lock)),
    })
}

/// Takes the home for this process: one engine at a time, whatever starts at the same moment. A lock ends with its
/// process, so what a dead engine left behind is no obstacle.
fn lock(home: &Home) -> anyhow::Result<Flock<File>> {
    let path = home.lock();
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(|error| {
        anyhow::anyhow!("the lock {} cannot be made: {error}. Check that the folder belongs to you and that its disk may be written to", path.display())
    })?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
        anyhow::anyhow!(
            "an engine already runs for this home ({} is locked). Use it: every command finds it by itself; or stop it first",
            path.display()
        )
    })
}

async fn run(server: impl Future<Output = std::io::Result<()>>) {
    if let Err(error) = server.await {
        tracing::error!(%error, "the server stopped");
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
    // The token that `serve` printed is known without the database: whoever looks for what is wrong with it can get in.
    let session = app.session.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let principal = match identify(&presented, &session) {
        Some(principal) => Some(principal),
        None => match stored(&app).await {
            Ok(stored) => identify(&presented, &stored),
            Err(error) => return error.into_response(),
        },
    };
    match principal {
        Some(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        None => ApiError::Unauthenticated.into_response(),
    }
}

async fn stored(app: &App) -> Result<Vec<Accepted>, ApiError> {
    let mut tx = app.store().read().await?;
    Ok(tx
        .tokens()
        .await?
        .into_iter()
        .filter_map(|token| {
            // Told apart from the operating system's users by its prefix.
            let name = format!("token:{}", token.name);
            Some(Accepted { role: Role::parse(&token.role)?, name, digest: token.digest })
        })
        .collect())
}

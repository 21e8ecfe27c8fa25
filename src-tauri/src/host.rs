//! Opens the home and runs the engine in this process.

use std::sync::Arc;
use std::time::Duration;

use selfheal_api::ports::Notifier;
use selfheal_api::{App, AppOptions, Client, DemoControl, Home, LiveEvent, Problem, Served, serve_socket};
use selfheal_demo::{Control, World};
use tauri::{AppHandle, Emitter, Manager};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::args::Arguments;
use crate::bridge::Bridge;
use crate::native::Native;
use crate::tray;

/// Pause before the events of another engine are asked for again.
const RECONNECT: Duration = Duration::from_secs(2);

/// What runs as long as the app does.
pub struct Host {
    app: Arc<App>,
    tasks: Vec<JoinHandle<()>>,
    _socket: Served,
    world: Option<Arc<World>>,
}

impl Host {
    pub fn stop(self) {
        for task in &self.tasks {
            task.abort();
        }
        tauri::async_runtime::block_on(self.app.engine.stop());
        if let Some(world) = &self.world {
            world.end();
        }
    }
}

/// Opens in the background: the window shows at once what it waits for, and why if it cannot be opened.
pub fn start(handle: &AppHandle, arguments: &Arguments) {
    let (handle, arguments) = (handle.clone(), arguments.clone());
    tauri::async_runtime::spawn(async move {
        let bridge = handle.state::<Arc<Bridge>>();
        if let Some(client) = running(&arguments) {
            tracing::info!("an engine already runs for this home: the window shows that one");
            let client = Arc::new(client);
            bridge.attached(Arc::clone(&client));
            tauri::async_runtime::spawn(follow(handle.clone(), client));
            let _ = handle.emit("live", serde_json::json!({ "kind": "engine_changed" }));
            return;
        }
        match open(&handle, &arguments).await {
            Ok(host) => {
                let client = Client::in_process(&host.app);
                tauri::async_runtime::spawn(forward(handle.clone(), Arc::clone(&host.app)));
                bridge.ready(client, host);
            }
            Err(error) => {
                tracing::error!("{error:#}");
                bridge.failed(Problem {
                    code: "home_not_opened".into(),
                    what: "Selfheal cannot start".into(),
                    why: format!("{error:#}"),
                    next: "Mend it and start Selfheal again. `selfheal doctor` says more.".into(),
                });
            }
        }
        let _ = handle.emit("live", serde_json::json!({ "kind": "engine_changed" }));
    });
}

/// The engine that already runs for this home, for example `selfheal serve`.
fn running(arguments: &Arguments) -> Option<Client> {
    if arguments.demo || arguments.database.is_some() {
        return None;
    }
    Client::running(&home(arguments).ok()?.socket())
}

fn home(arguments: &Arguments) -> anyhow::Result<Home> {
    Ok(match &arguments.home {
        Some(root) => Home::new(std::path::absolute(root)?),
        None => Home::default_place()?,
    })
}

async fn open(handle: &AppHandle, arguments: &Arguments) -> anyhow::Result<Host> {
    let world = if arguments.demo {
        Some(Arc::new(World::create(arguments.home.as_deref(), &std::env::current_exe()?)?))
    } else {
        None
    };
    let home = match &world {
        Some(world) => world.home().clone(),
        None => {
            let home = home(arguments)?;
            home.not_of_a_demo()?;
            home
        }
    };
    home.init()?;
    let control = world.as_ref().map(|world| Control::new(Arc::clone(world)));
    let mut options = AppOptions::new(home);
    options.database.clone_from(&arguments.database);
    options.demo = control.clone().map(|control| control as Arc<dyn DemoControl>);
    options.notifiers = vec![Arc::new(Native::new(handle.clone())) as Arc<dyn Notifier>];
    let app = App::open(options).await?;
    let (socket, tasks) = match (&world, &control) {
        (Some(world), Some(control)) => {
            let begun = selfheal_demo::begin(world, &app).await?;
            control.attach(&app);
            if arguments.play {
                control.play();
            }
            begun
        }
        _ => {
            app.add_knowledge().await?;
            (serve_socket(&app)?, app.start_engine())
        }
    };
    Ok(Host { app, tasks, _socket: socket, world })
}

/// Carries live events to the window and the tray.
async fn forward(handle: AppHandle, app: Arc<App>) {
    let mut events = app.engine.live().subscribe();
    let client = Client::in_process(&app);
    drop(app);
    tray::refresh(&handle, &client).await;
    loop {
        match events.recv().await {
            Ok(event) => {
                let _ = handle.emit("live", &event);
                tray::refresh(&handle, &client).await;
            }
            // Some were missed: one that makes the window ask again stands for them all.
            Err(RecvError::Lagged(_)) => {
                let _ = handle.emit("live", selfheal_api::LiveEvent::EngineChanged);
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Carries the events of an engine in another process, for as long as the app runs, and shows its notices here.
async fn follow(handle: AppHandle, client: Arc<Client>) {
    let native = Native::new(handle.clone());
    loop {
        let (events, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let listening = client.live(move |event| {
            let _ = events.send(event);
        });
        let showing = async {
            while let Some(event) = heard.recv().await {
                let _ = handle.emit("live", &event);
                tray::refresh(&handle, &client).await;
                if let LiveEvent::IncidentChanged { incident, state } = &event {
                    native.notify_of(&client, *incident, state).await;
                }
            }
        };
        let (ended, ()) = tokio::join!(listening, showing);
        if let Err(error) = ended {
            tracing::warn!(%error, "the engine's events stopped; trying again");
        }
        tokio::time::sleep(RECONNECT).await;
        let _ = handle.emit("live", LiveEvent::EngineChanged);
    }
}

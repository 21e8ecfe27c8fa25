//! The window's permissions, held against the real capability files without a display.

use serde_json::{Value, json};
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{WebviewWindow, WebviewWindowBuilder};

use crate::bridge::{self, Bridge};

fn window() -> WebviewWindow<tauri::test::MockRuntime> {
    let bridge = std::sync::Arc::new(Bridge::default());
    bridge.failed(selfheal_api::Problem {
        code: "test".into(),
        what: "What".into(),
        why: "why".into(),
        next: "next".into(),
    });
    let app = mock_builder()
        .plugin(tauri_plugin_notification::init())
        .manage(bridge)
        .invoke_handler(tauri::generate_handler![bridge::api])
        .build(tauri::generate_context!(test = true))
        .expect("builds");
    WebviewWindowBuilder::new(&app, "main", Default::default()).build().expect("a window")
}

fn invoke(window: &WebviewWindow<tauri::test::MockRuntime>, command: &str, body: Value) -> Result<Value, Value> {
    let url = if cfg!(any(windows, target_os = "android")) { "http://tauri.localhost" } else { "tauri://localhost" };
    let request = InvokeRequest {
        cmd: command.into(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: url.parse().expect("an address"),
        body: InvokeBody::Json(body),
        headers: Default::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    get_ipc_response(window, request).map(|body| body.deserialize().expect("JSON"))
}

#[test]
fn the_window_may_ask_and_nothing_else() {
    let window = window();
    let answer = invoke(&window, "api", json!({ "method": "GET", "path": "/api/v1/overview", "body": null }));
    assert_eq!(answer.expect("allowed")["status"], 503);
    for (command, body) in [
        ("plugin:notification|notify", json!({ "options": { "title": "spoofed" } })),
        ("plugin:window|close", json!({ "label": "main" })),
        ("plugin:webview|create_webview_window", json!({ "options": {} })),
        ("plugin:event|emit", json!({ "event": "live", "payload": {} })),
        ("plugin:path|resolve_directory", json!({ "directory": 1 })),
    ] {
        let refused = invoke(&window, command, body).expect_err("must be refused").to_string();
        assert!(refused.contains("not allowed") || refused.contains("not found"), "{command}: {refused}");
    }
}

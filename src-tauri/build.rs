//! Lists the app's one command, so that the window gets a permission for it and for nothing else.
fn main() {
    let manifest = tauri_build::AppManifest::new().commands(&["api"]);
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)) {
        panic!("{error:#}");
    }
}

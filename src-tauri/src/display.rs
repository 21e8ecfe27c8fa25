//! Whether there is a display to open a window on.

/// On Linux GTK would abort without one; say what to do instead.
pub fn check() -> anyhow::Result<()> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !set("DISPLAY") && !set("WAYLAND_DISPLAY") {
        anyhow::bail!(
            "there is no display to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set). \
             `selfheal serve` serves the same window to a browser, and `selfheal demo` does so for the demo"
        );
    }
    Ok(())
}

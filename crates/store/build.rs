//! Migrations are compiled in: a new file must trigger a build.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}

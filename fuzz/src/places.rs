//! Where the files that are kept go.

use std::path::PathBuf;

/// Where findings and built modules go.
pub fn target_folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/fuzz"))
}

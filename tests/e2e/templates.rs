//! Changed copies of the core template.

use std::path::PathBuf;

use patgate_harness::repository_root;

/// Writes a copy of the core template in which `passage` is replaced once, and returns its
/// path. The caller removes the file.
pub(crate) fn core_template_with(passage: &str, replacement: &str) -> PathBuf {
    let template = std::fs::read_to_string(repository_root().join("infra/core.yaml")).unwrap();
    assert!(template.contains(passage), "the template contains `{passage}`");

    let file = std::env::temp_dir().join(format!("patgate-core-{}.yaml", uuid::Uuid::now_v7()));
    std::fs::write(&file, template.replacen(passage, replacement, 1)).unwrap();
    file
}

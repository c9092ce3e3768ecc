//! Changed copies of the core template.

use std::path::PathBuf;

use patgate_harness::repository_root;

/// Writes a copy of the core template in which each passage is replaced once, and returns its
/// path. The caller removes the file.
pub(crate) fn core_template_with(replacements: &[(&str, &str)]) -> PathBuf {
    let mut template = std::fs::read_to_string(repository_root().join("infra/core.yaml")).unwrap();
    for (passage, replacement) in replacements {
        assert!(template.contains(passage), "the template contains `{passage}`");
        template = template.replacen(passage, replacement, 1);
    }

    let file = std::env::temp_dir().join(format!("patgate-core-{}.yaml", uuid::Uuid::now_v7()));
    std::fs::write(&file, template).unwrap();
    file
}

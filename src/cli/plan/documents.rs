//! The operations that clients will send: in files of GraphQL, or in a manifest that a build wrote.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use crate::graphql::{Manifest, OperationSource, operation_sources};

/// The operations in the files that these patterns match, and in these manifests.
pub(super) fn find(patterns: &[String], manifests: &[std::path::PathBuf]) -> Result<Vec<OperationSource>> {
    let mut files = Vec::new();
    for pattern in patterns {
        let paths = glob::glob(pattern).with_context(|| format!("--documents {pattern}"))?;
        let before = files.len();
        for path in paths {
            let path = path.with_context(|| format!("--documents {pattern}"))?;
            if path.is_file() {
                files.push((path.display().to_string(), read(&path)?));
            }
        }
        if files.len() == before {
            bail!("--documents {pattern}: no file matches");
        }
    }
    if let Some((file, _)) = files.iter().find(|(file, _)| !file.ends_with(".graphql") && !file.ends_with(".gql")) {
        bail!(
            "{file}: not a .graphql or .gql file; for operations in source code, have a manifest written and give it with --manifest"
        );
    }
    // Each document of a manifest is whole: its fragments are its own.
    let mut operations = sources(&files)?;
    for manifest in manifests {
        let name = manifest.display().to_string();
        let manifest = Manifest::read(&read(manifest)?).with_context(|| name.clone())?;
        for text in manifest.documents() {
            for operation in sources(&[(name.clone(), text.to_owned())])? {
                if !operations.iter().any(|known| known.name == operation.name && known.text == operation.text) {
                    operations.push(operation);
                }
            }
        }
    }
    operations.sort_by(|a, b| (&a.name, &a.file).cmp(&(&b.name, &b.file)));
    if operations.is_empty() {
        bail!("there is no operation: give files with --documents, or a manifest with --manifest");
    }
    Ok(operations)
}

fn sources(files: &[(String, String)]) -> Result<Vec<OperationSource>> {
    operation_sources(files).map_err(|problems| anyhow!("{}", problems.join("\n  ")))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

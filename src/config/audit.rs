//! The section `audit`: the target of the audit log, the form of accounts in it, and its queue.

use std::path::PathBuf;

use super::Size;
use super::value::SettingValue;

section! {
    /// The audit log: who read which team. One line of JSON for each GraphQL request, and for each subscription's begin and end.
    pub struct AuditConfig in "audit" {
        /// Where it is written; unset = there is none. A file is appended to, made with access for its owner alone, and opened anew
        /// when another one, or none, is in its place.
        pub target: Option<AuditTarget> = None,
        /// Whether a record has the accounts whose teams were read as keyed hashes, or in the clear.
        pub accounts: AuditAccounts = AuditAccounts::Hash,
        /// The file whose content is the key of these hashes, and of those of documents, so that they are the same after a restart and
        /// on all replicas; unset = the hashes of the request log, whose key is random.
        pub key_file: Option<PathBuf> = None,
        /// The memory for records that are not written yet. What finds no room is dropped and counted; requests never wait.
        pub queue_limit: Size = Size::mib(8),
    }
}

names! {
    /// How accounts are named.
    pub enum AuditAccounts {
        /// By a keyed hash.
        Hash = "hash",
        /// By type and e-mail address.
        Clear = "clear",
    }
}

/// Where the audit log is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    /// Standard output.
    Stdout,
    /// Standard error, where the log is, too.
    Stderr,
    /// A file.
    File(PathBuf),
}

impl SettingValue for AuditTarget {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err(format!("expected {}", Self::shape())),
            "stdout" => Ok(Self::Stdout),
            "stderr" => Ok(Self::Stderr),
            path => Ok(Self::File(path.into())),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Stdout => "stdout".to_owned(),
            Self::Stderr => "stderr".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    fn shape() -> String {
        "`stdout`, `stderr`, or a file's path".to_owned()
    }
}

use std::path::PathBuf;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another daemon works in this data directory.
    #[error("another callpost{} already uses {} — stop it, or give this one its own --data-dir", of_process(*.pid), .dir.display())]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The other daemon's process, when it left its number.
        pid: Option<u32>,
    },
    /// A file or directory could not be used.
    #[error("{}: {cause}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        cause: std::io::Error,
    },
    /// SQLite refused.
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The tables could not be brought to this version's shape.
    #[error("database migration: {0}")]
    Migration(#[from] rusqlite_migration::Error),
    /// A stored record is not what this version expects.
    #[error("a stored record cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    /// The writer could not commit. Nothing was changed.
    #[error("the database cannot be written: {0}")]
    NotWritten(String),
    /// The store is shutting down, or its writer has died.
    #[error("the store is closed")]
    Closed,
}

fn of_process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

/// Whether the file itself is damaged, so that only setting it aside helps.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}

/// Whether there is no room on the disk.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull))
}

/// Whether the entry itself is at fault, so that the entries beside it can still be committed.
pub(super) fn is_the_entrys_own(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{
        ApiMisuse, ConstraintViolation, ParameterOutOfRange, TooBig, TypeMismatch, Unknown,
    };
    match error.sqlite_error_code() {
        Some(code) => {
            matches!(
                code,
                ConstraintViolation | TooBig | TypeMismatch | ParameterOutOfRange | ApiMisuse | Unknown
            )
        }
        // Not SQLite's word but a conversion of ours.
        None => true,
    }
}

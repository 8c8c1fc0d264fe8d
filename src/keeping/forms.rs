use crate::model::RecordingRow;
use crate::recording::Roots;
use std::path::{Path, PathBuf};

/// The ending of a file that is encrypted, behind its own.
const SEALED: &str = "sealed";

/// Where the file of a recording may lie: as it was recorded or compressed since, encrypted or not. Empty when its name
/// would lead out of the root.
pub(super) fn forms(roots: &Roots, row: &RecordingRow) -> Vec<PathBuf> {
    let Some(path) = roots.locate(row.kind, &row.path) else {
        return Vec::new();
    };
    let compressed = path.with_extension("ogg");
    let sealed = |path: &Path| {
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        path.with_extension(format!("{ending}.{SEALED}"))
    };
    vec![sealed(&path), sealed(&compressed), path, compressed]
}

/// What all forms of one recording have in common.
pub(super) fn stem(path: &Path) -> PathBuf {
    let is_sealed = path.extension().is_some_and(|ending| ending == SEALED);
    let path = if is_sealed {
        path.with_extension("")
    } else {
        path.to_owned()
    };
    path.with_extension("")
}

/// Whether a file is one of audio.
pub(super) fn is_audio(path: &Path) -> bool {
    let is = |path: &Path, known: &str| path.extension().is_some_and(|ending| ending == known);
    let plain = if is(path, SEALED) {
        path.with_extension("")
    } else {
        path.to_owned()
    };
    is(&plain, "wav") || is(&plain, "ogg")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeping::tests::kept;

    #[test]
    fn every_form_of_a_recording_is_known_as_the_same() {
        let roots = Roots {
            recordings: "/r".into(),
            voicemail: "/v".into(),
        };
        let row = kept(1).row;
        let forms = forms(&roots, &row);
        assert_eq!(forms.len(), 4);
        for form in &forms {
            assert_eq!(
                stem(form),
                PathBuf::from(format!("/r/2026/11/20/{}", row.id)),
                "{}",
                form.display()
            );
            assert!(is_audio(form));
        }
        assert!(!is_audio(Path::new("/r/README.md")));
    }
}

//! A recording that has left this box by a rule is played from its copy, through the box: nobody else needs a way, or a key,
//! to the place it lies at.

use super::evidence;
use crate::http::faces::Faces;
use crate::http::problem::Problem;
use crate::http::shelf::{DistantSound, Playing};
use crate::store::StoredRecording;
use axum::http::StatusCode;
use std::sync::Arc;

/// What a person who deleted a recording left in place of a rule.
const BY_A_PERSON: &str = "deleted by ";

/// Opens a verified copy. Nothing when there is none, or when a person wanted the recording gone.
pub(super) async fn open(
    faces: &Faces,
    stored: &StoredRecording,
    rule: &str,
) -> Result<Option<Playing>, Problem> {
    if rule.starts_with(BY_A_PERSON) {
        return Ok(None);
    }
    let (desk, shelf, id) = (faces.keeping.clone(), Arc::clone(&faces.shelf), stored.row.id);
    let opened = tokio::task::spawn_blocking(move || match desk.listen(id) {
        Err(reason) => Err(out_of_reach(&reason)),
        Ok(None) => Ok(None),
        Ok(Some(copy)) => {
            let sound = DistantSound {
                name: copy.key.clone(),
                length: copy.length,
                sound: Box::new(copy),
            };
            shelf.open_distant(sound).map(Some).map_err(evidence::problem)
        }
    });
    let broken = |_| Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR);
    opened.await.map_err(broken)?
}

fn out_of_reach(reason: &str) -> Problem {
    let why = format!("The recording has left this box, and its copy cannot be read now: {reason}.");
    Problem::new(StatusCode::BAD_GATEWAY, "copy_out_of_reach", why)
}

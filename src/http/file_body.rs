use super::shelf::Sound;
use axum::body::HttpBody;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::task::JoinHandle;

/// How much of a file is in memory at a time, for each listener.
const CHUNK_BYTES: u64 = 64 * 1024;

/// A part of a file as a response body. The next chunk is read only when the last one has been taken, so a slow
/// client costs one chunk of memory however long the recording is.
pub(super) struct FileBody {
    left: u64,
    step: Step,
}

enum Step {
    Resting(Box<dyn Sound>),
    Reading(JoinHandle<io::Result<(Box<dyn Sound>, Bytes)>>),
    Done,
}

impl FileBody {
    /// The next `length` bytes of `file`, from where it stands.
    pub(super) fn new(file: Box<dyn Sound>, length: u64) -> Self {
        Self {
            left: length,
            step: Step::Resting(file),
        }
    }
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            match std::mem::replace(&mut self.step, Step::Done) {
                Step::Done => return Poll::Ready(None),
                Step::Resting(_) if self.left == 0 => return Poll::Ready(None),
                Step::Resting(file) => {
                    let length = self.left.min(CHUNK_BYTES);
                    self.step = Step::Reading(tokio::task::spawn_blocking(move || read(file, length)));
                }
                Step::Reading(mut reading) => {
                    let Poll::Ready(outcome) = Pin::new(&mut reading).poll(context) else {
                        self.step = Step::Reading(reading);
                        return Poll::Pending;
                    };
                    let (file, chunk) = match outcome.map_err(io::Error::other).flatten() {
                        Ok(read) => read,
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    };
                    self.left -= chunk.len() as u64;
                    self.step = Step::Resting(file);
                    return Poll::Ready(Some(Ok(Frame::data(chunk))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Exactly `length` bytes; a file that became shorter meanwhile is an error, and the client sees the body break
/// off instead of taking a cut recording for the whole.
fn read(mut file: Box<dyn Sound>, length: u64) -> io::Result<(Box<dyn Sound>, Bytes)> {
    let mut chunk = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact(&mut chunk)?;
    Ok((file, chunk.into()))
}

use axum::body::HttpBody;
use bytes::Bytes;
use http_body::Frame;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::task::JoinHandle;

/// Writes the next piece of a body on a thread that may block; nothing at the end.
type Writer<E> = Box<dyn FnMut() -> Result<Option<Bytes>, E> + Send>;

/// The writer back, and what it made.
type Written<E> = (Writer<E>, Result<Option<Bytes>, E>);

/// A body that is written piece by piece. The next piece is made only when the last one has been taken, so a slow
/// client costs one piece of memory however long the answer is.
pub(super) struct PagedBody<E> {
    step: Step<E>,
}

enum Step<E> {
    Resting(Writer<E>),
    Writing(JoinHandle<Written<E>>),
    Done,
}

impl<E> PagedBody<E> {
    /// A body of the pieces that `writer` makes.
    pub(super) fn new(writer: impl FnMut() -> Result<Option<Bytes>, E> + Send + 'static) -> Self {
        Self {
            step: Step::Resting(Box::new(writer)),
        }
    }
}

impl<E: std::error::Error + Send + Sync + 'static> HttpBody for PagedBody<E> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            match std::mem::replace(&mut self.step, Step::Done) {
                Step::Done => return Poll::Ready(None),
                Step::Resting(mut writer) => {
                    self.step = Step::Writing(tokio::task::spawn_blocking(move || {
                        let piece = writer();
                        (writer, piece)
                    }));
                }
                Step::Writing(mut writing) => {
                    let Poll::Ready(outcome) = Pin::new(&mut writing).poll(context) else {
                        self.step = Step::Writing(writing);
                        return Poll::Pending;
                    };
                    match outcome {
                        Ok((_, Ok(None))) => return Poll::Ready(None),
                        Ok((writer, Ok(Some(piece)))) => {
                            self.step = Step::Resting(writer);
                            // An empty piece is none: the next one is asked for at once.
                            if !piece.is_empty() {
                                return Poll::Ready(Some(Ok(Frame::data(piece))));
                            }
                        }
                        // The client sees the body break off instead of taking a cut file for the whole.
                        Ok((_, Err(error))) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                        Err(error) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                    }
                }
            }
        }
    }
}

//! What callers recorded, brought from their files while the one who hears them waits a moment.

use super::decode::decode;
use super::resample::to_telephone;
use crate::media::{Found, Sound};
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Reads the file of a message, whose path is the one below the voicemail directory.
pub type ReadMessage = Arc<dyn Fn(&str) -> io::Result<Vec<u8>> + Send + Sync>;

/// Messages that wait to be read. Full: the caller hears nothing in its place and goes on.
const MOST_ORDERS: usize = 64;
/// Messages kept in memory; whoever plays one holds it.
const KEPT: usize = 8;

/// Messages at hand, and the way to those that are not.
#[derive(Debug)]
pub(super) struct Recorded {
    sounds: Arc<Sounds>,
    orders: SyncSender<Arc<str>>,
}

/// Messages and how far they are, the one asked for last at the end.
#[derive(Debug, Default)]
struct Sounds(Mutex<VecDeque<(Arc<str>, State)>>);

#[derive(Debug, Clone)]
enum State {
    Ordered,
    Ready(Arc<Sound>),
    Failed,
}

/// Reads messages one after the other: [`MessageReader::run`] returns when its library is gone.
pub struct MessageReader {
    read: ReadMessage,
    orders: Receiver<Arc<str>>,
    sounds: Arc<Sounds>,
}

impl Recorded {
    pub(super) fn new(read: ReadMessage) -> (Self, MessageReader) {
        let sounds = Arc::<Sounds>::default();
        let (sender, orders) = sync_channel(MOST_ORDERS);
        let reader = MessageReader {
            read,
            orders,
            sounds: Arc::clone(&sounds),
        };
        let recorded = Self {
            sounds,
            orders: sender,
        };
        (recorded, reader)
    }

    pub(super) fn find(&self, path: &Arc<str>) -> Found {
        match self.sounds.state(path) {
            Some(State::Ready(sound)) => Found::Ready(sound),
            Some(State::Ordered) => Found::Later,
            // The file may have been completed since: the next one who asks has it read again.
            Some(State::Failed) => {
                self.sounds.forget(path);
                Found::Missing
            }
            None => {
                self.sounds.put(path, State::Ordered);
                if self.orders.try_send(Arc::clone(path)).is_ok() {
                    return Found::Later;
                }
                self.sounds.forget(path);
                Found::Missing
            }
        }
    }
}

impl Sounds {
    fn state(&self, path: &Arc<str>) -> Option<State> {
        let sounds = self.lock();
        let found = sounds.iter().find(|(own, _)| own == path);
        found.map(|(_, state)| state.clone())
    }

    fn put(&self, path: &Arc<str>, state: State) {
        let mut sounds = self.lock();
        sounds.retain(|(own, _)| own != path);
        sounds.push_back((Arc::clone(path), state));
        let oldest = |sounds: &VecDeque<(Arc<str>, State)>| {
            sounds
                .iter()
                .position(|(_, state)| !matches!(state, State::Ordered))
        };
        while sounds.len() > KEPT {
            let Some(place) = oldest(&sounds) else { return };
            sounds.remove(place);
        }
    }

    fn forget(&self, path: &Arc<str>) {
        self.lock().retain(|(own, _)| own != path);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Arc<str>, State)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MessageReader {
    /// Works until the library is dropped. To be called on a thread of its own.
    pub fn run(self) {
        while let Ok(path) = self.orders.recv() {
            let state = match self.bring(&path) {
                Ok(sound) => State::Ready(Arc::new(sound)),
                Err(problem) => {
                    tracing::warn!(%path, %problem, "Message {path} cannot be played: {problem}.");
                    State::Failed
                }
            };
            self.sounds.put(&path, state);
        }
    }

    fn bring(&self, path: &str) -> Result<Sound, String> {
        let bytes = (self.read)(path).map_err(|error| error.to_string())?;
        let samples = to_telephone(&decode(bytes)?)?;
        Ok(Sound::from_pcm_8k(&samples))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MESSAGE: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/prompts/en/goodbye.wav"
    ));

    #[test]
    fn a_message_is_read_once_and_a_missing_one_is_told_and_asked_for_again() {
        let read: ReadMessage = Arc::new(|path| match path {
            "there.wav" => Ok(MESSAGE.to_vec()),
            _ => Err(io::ErrorKind::NotFound.into()),
        });
        let (recorded, reader) = Recorded::new(read);
        let (there, gone): (Arc<str>, Arc<str>) = ("there.wav".into(), "gone.wav".into());
        assert!(matches!(recorded.find(&there), Found::Later));
        assert!(matches!(recorded.find(&gone), Found::Later));
        let sounds = Arc::clone(&recorded.sounds);
        drop(recorded); // The reader does what is ordered and goes home.
        reader.run();
        let Some(State::Ready(sound)) = sounds.state(&there) else {
            panic!("{:?}", sounds.state(&there))
        };
        assert!(sound.duration() > Duration::from_millis(500));
        assert!(matches!(sounds.state(&gone), Some(State::Failed)));
    }

    #[test]
    fn many_messages_fill_no_memory() {
        let (recorded, _reader) = Recorded::new(Arc::new(|_| Err(io::ErrorKind::NotFound.into())));
        for number in 0..500 {
            let path: Arc<str> = format!("{number}.wav").into();
            recorded.find(&path);
            recorded.sounds.put(&path, State::Failed);
        }
        assert!(recorded.sounds.lock().len() <= KEPT + MOST_ORDERS);
    }
}

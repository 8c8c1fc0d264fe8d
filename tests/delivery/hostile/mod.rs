//! An upstream that does everything an upstream should not do, and keeps books of what it was given.
//!
//! It takes webhooks, checks their signatures as Standard Webhooks has it, and behaves as its [`Mode`] says. Afterwards
//! [`Hostile::report`] tells which records never arrived, which came twice, and whether any came under another id or
//! out of order.

mod books;
mod wire;

pub(crate) use books::{Given, Report};

use books::Books;
use callpost::model::Dice;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wire::{Request, read_body, read_head};

/// How it answers one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// Takes it: 204.
    Ok,
    /// 500, and nothing is taken.
    ServerError,
    /// Takes it, but the answer needs a while.
    Slow,
    /// Never answers.
    Hang,
    /// Resets the connection before it has read the body.
    Reset,
    /// Takes it, and closes without an answer.
    AckLost,
    /// 429 with Retry-After.
    TooMany,
    /// 503.
    Unavailable,
    /// 302 to another place, where nobody may follow.
    Redirect,
    /// Takes it, and the answer breaks off in its first line.
    HalfAnswer,
    /// Takes it, and answers something that is no HTTP.
    Junk,
    /// Takes it, and claims an answer of a gigabyte.
    Huge,
}

impl Mode {
    /// Every one.
    pub(crate) const ALL: [Self; 12] = [
        Self::Ok,
        Self::ServerError,
        Self::Slow,
        Self::Hang,
        Self::Reset,
        Self::AckLost,
        Self::TooMany,
        Self::Unavailable,
        Self::Redirect,
        Self::HalfAnswer,
        Self::Junk,
        Self::Huge,
    ];

    /// Whether a delivery that meets this mode has arrived, whatever its sender comes to know.
    fn takes(self) -> bool {
        match self {
            Self::Ok | Self::Slow | Self::AckLost | Self::HalfAnswer | Self::Junk | Self::Huge => true,
            Self::ServerError
            | Self::Hang
            | Self::Reset
            | Self::TooMany
            | Self::Unavailable
            | Self::Redirect => false,
        }
    }
}

/// Which mode comes next.
#[derive(Debug)]
pub(crate) enum Plan {
    /// The same for every delivery.
    Always(Mode),
    /// These in turn, then [`Mode::Ok`] for ever.
    InTurn(VecDeque<Mode>),
    /// Every mode mixed by these dice: of a thousand deliveries so many go wrong in some way.
    Mixed(Box<Dice>, u64),
}

impl Plan {
    fn next(&mut self) -> Mode {
        match self {
            Self::Always(mode) => *mode,
            Self::InTurn(modes) => modes.pop_front().unwrap_or(Mode::Ok),
            Self::Mixed(dice, of_a_thousand) => {
                if dice.roll(1000) >= *of_a_thousand {
                    return Mode::Ok;
                }
                // Those that cost their sender seconds are rare; a hang comes only when it is asked for.
                match dice.roll(100) {
                    0 => Mode::TooMany,
                    1..4 => Mode::Slow,
                    4..20 => Mode::ServerError,
                    20..35 => Mode::Reset,
                    35..55 => Mode::AckLost,
                    55..65 => Mode::Unavailable,
                    65..75 => Mode::Redirect,
                    75..86 => Mode::HalfAnswer,
                    86..95 => Mode::Junk,
                    _ => Mode::Huge,
                }
            }
        }
    }
}

/// The running upstream; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Hostile {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    plan: Mutex<Plan>,
    books: Mutex<Books>,
    keys: Vec<Vec<u8>>,
    elsewhere: SocketAddr,
    hang_next: AtomicBool,
    hanging: AtomicUsize,
    is_closing: AtomicBool,
}

/// The secret it verifies with, and the one before.
pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// The secret before the change.
pub(crate) const OLD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

impl Hostile {
    /// Listens on loopback.
    pub(crate) fn start(plan: Plan) -> Self {
        let listen = || TcpListener::bind("127.0.0.1:0").expect("a port of loopback is free");
        let (listener, elsewhere) = (listen(), listen());
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            plan: Mutex::new(plan),
            books: Mutex::default(),
            keys: vec![key(SECRET)],
            elsewhere: elsewhere.local_addr().expect("a listener has an address"),
            hang_next: AtomicBool::new(false),
            hanging: AtomicUsize::new(0),
            is_closing: AtomicBool::new(false),
        });
        serve(&shared, listener, |shared, stream| drop(talk(shared, stream)));
        serve(&shared, elsewhere, |shared, _stream| shared.books().followed += 1);
        Self { address, shared }
    }

    /// Where webhooks are to be posted.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/cdrs", self.address)
    }

    /// The keys of an `[[upstream]]` section that fit.
    pub(crate) fn keys() -> String {
        format!("secret = \"{SECRET}\"\nprevious_secret = \"{OLD_SECRET}\"\n")
    }

    /// Behaves otherwise from now on.
    pub(crate) fn plan(&self, plan: Plan) {
        *self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    /// The next delivery hangs.
    pub(crate) fn hang_next(&self) {
        self.shared.hang_next.store(true, Ordering::SeqCst);
    }

    /// Whether a delivery hangs now.
    pub(crate) fn is_hanging(&self) -> bool {
        self.shared.hanging.load(Ordering::SeqCst) > 0
    }

    /// How many different records have arrived.
    pub(crate) fn taken(&self) -> usize {
        self.shared.books().taken()
    }

    /// The books, held against what had to arrive: identity and version of each record.
    pub(crate) fn report(&self, wanted: &[Given]) -> Report {
        self.shared.books().report(wanted)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Ordering::SeqCst);
        // Each listener wakes once more and sees that it is over.
        for address in [self.address, self.shared.elsewhere] {
            drop(TcpStream::connect(address));
        }
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, mode: Mode, request: Option<&Request>) {
        let mut books = self.books();
        *books.met.entry(mode).or_default() += 1;
        if let Some(request) = request {
            books.write_down(request, is_signed(&self.keys, request), mode.takes());
        }
    }

    fn next_mode(&self) -> Mode {
        if self.hang_next.swap(false, Ordering::SeqCst) {
            return Mode::Hang;
        }
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}

fn serve(shared: &Arc<Shared>, listener: TcpListener, each: fn(&Shared, TcpStream)) {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if shared.is_closing.load(Ordering::SeqCst) {
                return;
            }
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || each(&shared, stream));
        }
    });
}

/// One connection, until either side has enough.
fn talk(shared: &Shared, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut left_over = Vec::new();
    while let Some(mut request) = read_head(&mut stream, &mut left_over)? {
        let mode = shared.next_mode();
        let is_read = mode != Mode::Reset;
        if is_read && !read_body(&mut stream, &mut left_over, &mut request)? {
            return Ok(());
        }
        shared.take(mode, is_read.then_some(&request));
        if !carry_out(shared, mode, &mut stream)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether the connection stays open.
fn carry_out(shared: &Shared, mode: Mode, stream: &mut TcpStream) -> std::io::Result<bool> {
    use std::io::Write;
    let status = |line: &str| format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n");
    let answer = match mode {
        Mode::Ok => status("204 No Content"),
        Mode::ServerError => status("500 Internal Server Error"),
        Mode::Slow => {
            std::thread::sleep(Duration::from_millis(300));
            status("200 OK")
        }
        Mode::Hang => {
            shared.hanging.fetch_add(1, Ordering::SeqCst);
            wire::until_closed(stream);
            shared.hanging.fetch_sub(1, Ordering::SeqCst);
            return Ok(false);
        }
        Mode::Reset => {
            socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO))?;
            return Ok(false);
        }
        Mode::AckLost => return Ok(false),
        Mode::TooMany => {
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
        Mode::Unavailable => status("503 Service Unavailable"),
        Mode::Redirect => status(&format!(
            "302 Found\r\nlocation: http://{}/cdrs",
            shared.elsewhere
        )),
        Mode::HalfAnswer => "HTTP/1.1 20".to_owned(),
        Mode::Junk => "\u{16}\u{3}\u{1} 220 mail.example ESMTP\r\n\r\n".to_owned(),
        Mode::Huge => "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_owned(),
    };
    stream.write_all(answer.as_bytes())?;
    if mode == Mode::Huge {
        while stream.write_all(&[b'x'; 65_536]).is_ok() {}
    }
    Ok(!matches!(mode, Mode::HalfAnswer | Mode::Junk | Mode::Huge))
}

fn key(secret: &str) -> Vec<u8> {
    use base64::Engine;
    let text = secret.strip_prefix("whsec_").unwrap_or(secret);
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("the secret is base64")
}

/// Standard Webhooks, "Verifying webhook authenticity": any signature of the list, by any of our keys, over the raw body.
fn is_signed(keys: &[Vec<u8>], request: &Request) -> bool {
    use base64::Engine;
    let (id, time) = (request.header("webhook-id"), request.header("webhook-timestamp"));
    keys.iter().any(|key| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
            return false;
        };
        for part in [id.as_bytes(), b".", time.as_bytes(), b".", &request.body] {
            mac.update(part);
        }
        let ours = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        let theirs = request.header("webhook-signature");
        theirs
            .split(' ')
            .any(|one| one.strip_prefix("v1,") == Some(ours.as_str()))
    })
}

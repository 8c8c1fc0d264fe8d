//! The same relay with `io_uring`: each socket has one receive that stands for ever and takes its memory from a common
//! ring; what came is sent from where it lies; one call of the system submits all of that and waits for more.

use io_uring::types::{BufRingEntry, Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::net::SocketAddr;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

/// Buffers that packets are received into: a tenth of a second of two hundred calls. A power of two.
const BUFFERS: u16 = 2048;
/// Bytes of each.
const ROOM: usize = 256;
/// The group the sockets take them from.
const GROUP: u16 = 1;
/// Orders given to the system at most in one call.
const ORDERS: u32 = 1024;
/// Marks the answer to a send; otherwise the number is that of a socket.
const SENT: u64 = 1 << 32;

/// Relays until it is told to stop; gives how often it woke and found something.
pub(super) fn relay(sockets: &[i32], remote: &[SocketAddr], stop: &AtomicBool) -> u64 {
    let mut ring: IoUring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_cqsize(4 * ORDERS)
        .build(ORDERS)
        .expect("a ring");
    let mut pool = Pool::new(&ring, remote);
    for place in 0..sockets.len() {
        order(&mut ring, &listen(sockets, place));
    }
    let wait = Timespec::new().nsec(100_000_000);
    let (mut wakes, mut done) = (0, Vec::with_capacity(4 * ORDERS as usize));
    while !stop.load(Ordering::Relaxed) {
        // Fails when the time is up, and that is all it can fail with here.
        let _ = ring
            .submitter()
            .submit_with_args(1, &SubmitArgs::new().timespec(&wait));
        done.extend(
            ring.completion()
                .map(|entry| (entry.user_data(), entry.result(), entry.flags())),
        );
        wakes += u64::from(!done.is_empty());
        for (whose, result, flags) in done.drain(..) {
            if whose & SENT != 0 {
                pool.give_back((whose & 0xffff) as u16);
                continue;
            }
            let place = whose as usize;
            if let (Ok(length), Some(buffer)) = (usize::try_from(result), cqueue::buffer_select(flags)) {
                let message = pool.message(buffer, length, place ^ 1);
                let send = opcode::SendMsg::new(Fd(sockets[place ^ 1]), message);
                order(&mut ring, &send.build().user_data(SENT | u64::from(buffer)));
            }
            if !cqueue::more(flags) {
                order(&mut ring, &listen(sockets, place));
            }
        }
    }
    // Before the memory it writes to.
    drop(ring);
    wakes
}

/// A receive that stands until something goes wrong, such as that no buffer is left.
fn listen(sockets: &[i32], place: usize) -> squeue::Entry {
    opcode::RecvMulti::new(Fd(sockets[place]), GROUP)
        .build()
        .user_data(place as u64)
}

fn order(ring: &mut IoUring, entry: &squeue::Entry) {
    // SAFETY: what the entry points to is the pool's, which lives until the ring is gone.
    while unsafe { ring.submission().push(entry) }.is_err() {
        ring.submit().expect("orders are taken");
    }
}

/// The buffers, the ring in which the system finds the free ones, and a message for each to be sent with.
struct Pool {
    free: *mut BufRingEntry,
    tail: u16,
    bytes: Vec<[u8; ROOM]>,
    pieces: Vec<libc::iovec>,
    messages: Vec<libc::msghdr>,
    remote: Vec<libc::sockaddr_in>,
}

impl Pool {
    fn new(ring: &IoUring, remote: &[SocketAddr]) -> Self {
        // SAFETY: the size is not zero.
        let free = unsafe { alloc_zeroed(Self::layout()) }.cast::<BufRingEntry>();
        assert!(!free.is_null(), "no memory");
        let none = libc::iovec {
            iov_base: ptr::null_mut(),
            iov_len: 0,
        };
        let count = usize::from(BUFFERS);
        let mut pool = Self {
            free,
            tail: 0,
            bytes: vec![[0; ROOM]; count],
            pieces: vec![none; count],
            // SAFETY: a header of zeros names nothing.
            messages: vec![unsafe { std::mem::zeroed() }; count],
            remote: remote.iter().map(super::name).collect(),
        };
        // SAFETY: whole pages that live until `drop`, which comes after the end of the ring.
        unsafe {
            ring.submitter()
                .register_buf_ring_with_flags(free as u64, BUFFERS, GROUP, 0)
        }
        .expect("the ring of buffers");
        for buffer in 0..BUFFERS {
            pool.give_back(buffer);
        }
        pool
    }

    fn layout() -> Layout {
        let size = usize::from(BUFFERS) * std::mem::size_of::<BufRingEntry>();
        Layout::from_size_align(size, 4096).expect("a layout")
    }

    /// A buffer may be received into again.
    fn give_back(&mut self, buffer: u16) {
        let place = usize::from(self.tail & (BUFFERS - 1));
        // SAFETY: the place is within the ring. The system reads an entry only once the tail, an aligned number beside
        // the first entry, has gone past it.
        unsafe {
            let entry = &mut *self.free.add(place);
            entry.set_addr(self.bytes[usize::from(buffer)].as_mut_ptr() as u64);
            entry.set_len(ROOM as u32);
            entry.set_bid(buffer);
            self.tail = self.tail.wrapping_add(1);
            let tail = BufRingEntry::tail(self.free).cast_mut();
            AtomicU16::from_ptr(tail).store(self.tail, Ordering::Release);
        }
    }

    /// The message that sends a buffer to a phone.
    fn message(&mut self, buffer: u16, length: usize, phone: usize) -> *const libc::msghdr {
        let place = usize::from(buffer);
        self.pieces[place] = libc::iovec {
            iov_base: self.bytes[place].as_mut_ptr().cast(),
            iov_len: length,
        };
        let message = &mut self.messages[place];
        message.msg_iov = &raw mut self.pieces[place];
        message.msg_iovlen = 1;
        message.msg_name = (&raw mut self.remote[phone]).cast();
        message.msg_namelen = std::mem::size_of::<libc::sockaddr_in>() as u32;
        message
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and the ring that knew of it is gone.
        unsafe { dealloc(self.free.cast(), Self::layout()) };
    }
}

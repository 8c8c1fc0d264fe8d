use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Programs that pull from a hosted PBX paste times into the address as they are, `from=2025-09-01 00:00:00`: no
/// request line by RFC 9112 §3, yet what that PBX takes. In such a line the blanks become `+`, which means the same in
/// a query; every other byte of every connection stays what it is, and none is added or taken away.
pub(super) struct RawBlanks(pub(super) Wire);

/// What a connection goes over.
#[derive(Debug)]
pub(super) enum Wire {
    /// The network.
    Tcp(TcpStream),
    /// The box's own door, for its command line.
    Door(UnixStream),
}

/// How such a line begins.
const BEGIN: &[u8] = b"GET /api/v2/cdrs?";

impl AsyncRead for RawBlanks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let known = buffer.filled().len();
        let outcome = match &mut self.0 {
            Wire::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Wire::Door(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        if let Poll::Ready(Ok(())) = outcome
            && let Some(news) = buffer.filled_mut().get_mut(known..)
        {
            mend(news);
        }
        outcome
    }
}

/// A client sends a request at once and waits for its answer, so a request line stands at the beginning of what
/// arrives.
fn mend(news: &mut [u8]) {
    if !news.starts_with(BEGIN) {
        return;
    }
    let Some(end) = news.windows(2).position(|two| two == b"\r\n") else {
        return;
    };
    let Some(line) = news.get_mut(..end) else { return };
    let version = line.len().saturating_sub(b" HTTP/1.1".len());
    if !line
        .get(version..)
        .is_some_and(|rest| rest.starts_with(b" HTTP/1."))
    {
        return;
    }
    if let Some(query) = line.get_mut(BEGIN.len()..version) {
        query
            .iter_mut()
            .filter(|byte| **byte == b' ')
            .for_each(|byte| *byte = b'+');
    }
}

impl AsyncWrite for RawBlanks {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Wire::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Wire::Door(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Wire::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Wire::Door(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Wire::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Wire::Door(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Wire::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
            Wire::Door(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Wire::Tcp(stream) => stream.is_write_vectored(),
            Wire::Door(stream) => stream.is_write_vectored(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mended(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        mend(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn only_the_blanks_of_such_a_query_are_mended() {
        assert_eq!(
            mended("GET /api/v2/cdrs?from=2025-09-01 00:00:00&to=x HTTP/1.1\r\nHost: a b\r\n\r\n"),
            "GET /api/v2/cdrs?from=2025-09-01+00:00:00&to=x HTTP/1.1\r\nHost: a b\r\n\r\n"
        );
        for same in [
            "GET /api/v2/cdrs?from=2025-09-01+00:00:00 HTTP/1.1\r\n\r\n",
            "GET /api/v1/cdrs?from=a b HTTP/1.1\r\n\r\n",
            "POST /api/v2/cdrs?a b HTTP/1.1\r\n\r\n",
            "GET /api/v2/cdrs?a b\r\n\r\n",
            "GET /api/v2/cdrs?a b HTTP/1.1",
            "GET /api/v2/cdrs?\r\n",
        ] {
            assert_eq!(mended(same), same);
        }
    }

    proptest! {
        #[test]
        fn nothing_becomes_longer_or_shorter(rest in ".{0,80}") {
            let text = format!("GET /api/v2/cdrs?{rest}");
            prop_assert_eq!(mended(&text).len(), text.len());
        }
    }
}

//! A stream of bytes to a server, whatever carries it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio_rustls::client::TlsStream;

use super::tcp::Tcp;

/// Bytes to and from a server.
pub(super) enum Stream {
    Tcp(Tcp),
    Unix(UnixStream),
    Tls(Box<TlsStream<Stream>>),
}

trait Bytes: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Bytes for S {}

impl Stream {
    fn bytes(&mut self) -> Pin<&mut dyn Bytes> {
        Pin::new(match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
            Self::Tls(stream) => &mut **stream,
        })
    }

    /// Times the reads until [`Stream::delay`] is asked for, where that is possible.
    pub(super) fn time(&mut self) {
        match self {
            Self::Tcp(stream) => stream.time(),
            Self::Unix(_) => {}
            Self::Tls(stream) => stream.get_mut().0.time(),
        }
    }

    /// How long what was read last had waited in the kernel, if that was asked for and is known.
    pub(super) fn delay(&mut self) -> Option<Duration> {
        match self {
            Self::Tcp(stream) => stream.delay(),
            Self::Unix(_) => None,
            Self::Tls(stream) => stream.get_mut().0.delay(),
        }
    }

    /// Whether nothing has come that nobody has read, not even the stream's end, as far as is known without asking the
    /// system.
    pub(super) fn is_silent(&mut self) -> bool {
        let mut byte = [0];
        match self {
            Self::Tcp(stream) => is_nothing(&stream.try_read(&mut byte)),
            Self::Unix(stream) => is_nothing(&stream.try_read(&mut byte)),
            // What is not data is read on the way, tickets of sessions among it.
            Self::Tls(stream) => {
                let mut context = Context::from_waker(Waker::noop());
                Pin::new(&mut **stream).poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending()
            }
        }
    }
}

fn is_nothing(read: &io::Result<usize>) -> bool {
    matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.bytes().poll_read(context, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.bytes().poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.bytes().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.bytes().poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.bytes().poll_write_vectored(context, from)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

//! A TCP stream that can ask the kernel when what it reads had come.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP stream whose reads are timed, if that is asked for.
pub(super) struct Tcp {
    stream: TcpStream,
    timing: Timing,
}

/// Whether reads are timed, and what came of it.
#[derive(Clone, Copy)]
enum Timing {
    /// The kernel gives no times.
    Unknown,
    Off,
    On,
    /// What was read last had come so long before.
    Delay(Duration),
}

impl Tcp {
    /// Over a connected stream.
    pub(super) fn new(stream: TcpStream) -> Self {
        let timing = if stamps::ask_for(&stream).is_ok() { Timing::Off } else { Timing::Unknown };
        Self { stream, timing }
    }

    /// Times the reads until [`Tcp::delay`] is asked for.
    pub(super) fn time(&mut self) {
        if !matches!(self.timing, Timing::Unknown) {
            self.timing = Timing::On;
        }
    }

    /// How long what was read last had waited in the kernel, if that was asked for and is known.
    pub(super) fn delay(&mut self) -> Option<Duration> {
        match self.timing {
            Timing::Unknown | Timing::Off => None,
            Timing::On => {
                self.timing = Timing::Off;
                None
            }
            Timing::Delay(delay) => {
                self.timing = Timing::Off;
                Some(delay)
            }
        }
    }

    /// As [`TcpStream::try_read`].
    pub(super) fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.try_read(into)
    }

    fn poll_timed(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            std::task::ready!(self.stream.poll_read_ready(context))?;
            match stamps::read(&self.stream, into.initialize_unfilled()) {
                Ok((count, delay)) => {
                    into.advance(count);
                    self.timing = delay.map_or(Timing::On, Timing::Delay);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.timing {
            Timing::Unknown | Timing::Off => Pin::new(&mut self.stream).poll_read(context, into),
            Timing::On | Timing::Delay(_) => self.poll_timed(context, into),
        }
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(target_os = "linux")]
mod stamps {
    //! The kernel's receive times (`SO_TIMESTAMPNS`, socket(7)): of a TCP stream, when the last segment of what is read
    //! was taken from the network's device, by the wall clock.

    use std::io::{self, IoSliceMut};
    use std::os::fd::AsRawFd;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use nix::cmsg_space;
    use nix::sys::socket::sockopt::ReceiveTimestampns;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
    use nix::sys::time::TimeSpec;
    use tokio::io::Interest;
    use tokio::net::TcpStream;

    pub(super) fn ask_for(stream: &TcpStream) -> io::Result<()> {
        Ok(setsockopt(stream, ReceiveTimestampns, &true)?)
    }

    /// Reads what has come, and how long ago that was; unknown if the kernel does not say, or the clock was set meanwhile.
    pub(super) fn read(stream: &TcpStream, into: &mut [u8]) -> io::Result<(usize, Option<Duration>)> {
        stream.try_io(Interest::READABLE, || {
            let mut control = cmsg_space!(TimeSpec);
            let mut parts = [IoSliceMut::new(into)];
            let flags = MsgFlags::empty();
            let message = recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
            let stamp = message.cmsgs()?.find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
                _ => None,
            });
            let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
            let delay = now.zip(stamp).and_then(|(now, stamp)| now.checked_sub(stamp));
            Ok((message.bytes, delay))
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod stamps {
    //! No times: what is read then is read without.

    use std::io;
    use std::time::Duration;

    use tokio::net::TcpStream;

    pub(super) fn ask_for(_: &TcpStream) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn read(stream: &TcpStream, into: &mut [u8]) -> io::Result<(usize, Option<Duration>)> {
        Ok((stream.try_read(into)?, None))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Tcp, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Tcp::new(stream), listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn what_is_read_is_the_same_whether_it_is_timed_or_not() {
        let (mut near, mut far) = pair().await;
        let mut into = [0; 5];
        for is_timed in [false, true, true, false] {
            if is_timed {
                near.time();
            }
            far.write_all(b"hello").await.unwrap();
            near.read_exact(&mut into).await.unwrap();
            assert_eq!(&into, b"hello");
            let delay = near.delay();
            assert!(is_timed || delay.is_none(), "nobody asked");
            assert_eq!(near.delay(), None, "it is told once");
        }
        near.time();
        drop(far);
        assert_eq!(near.read(&mut into).await.unwrap(), 0, "the end is the end");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_has_waited_says_how_long() {
        let (mut near, mut far) = pair().await;
        // The kernel begins to note times a moment after somebody has asked for the first.
        let delay = loop {
            let before = std::time::Instant::now();
            near.time();
            far.write_all(b"hello").await.unwrap();
            near.read_exact(&mut [0; 5]).await.unwrap();
            if let Some(delay) = near.delay() {
                break (delay, before.elapsed());
            }
        };
        assert!(delay.0 <= delay.1, "no longer than since it was sent: {delay:?}");
    }
}

//! A socket that can be cut from outside and that does not wait for ever for its reader.
//!
//! Invariants: after a cut every read and write fails at once, whoever holds the stream; nothing is read
//! while a write is stalled, so that a caller that sends requests and reads no answers cannot fill this
//! peer's memory; a write stalled for longer than the limit ends the connection.

use crate::base::PeerId;
use std::collections::BTreeSet;
use std::io::{Error, ErrorKind, Result};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::Sleep;

/// Whether connections are wanted, and how often all were cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cuts {
    /// How often all connections were cut.
    pub(super) count: u64,
    /// No connections at all for now (a fault drill).
    pub(super) silent: bool,
    /// How often that began: each time cuts everything but the connections of the peer's own key.
    pub(super) silences: u64,
    /// No connections to or from these peers for now (a fault drill).
    pub(super) peers: Arc<BTreeSet<PeerId>>,
}

impl Cuts {
    /// Whether no connection with this peer is wanted.
    pub(super) fn keeps_out(&self, peer: PeerId) -> bool {
        self.silent || self.peers.contains(&peer)
    }
}

/// Cuts everything that was made under this switch so far.
pub(super) fn cut(switch: &watch::Sender<Cuts>) {
    switch.send_modify(|cuts| cuts.count = cuts.count.wrapping_add(1));
}

/// Turns silence on (cutting everything but what belongs to the own key) or off.
pub(super) fn set_silent(switch: &watch::Sender<Cuts>, silent: bool) {
    switch.send_modify(|cuts| {
        cuts.silent = silent;
        cuts.silences = cuts.silences.wrapping_add(u64::from(silent));
    });
}

/// Cuts the link to one peer (with everything on it), or mends it.
pub(super) fn set_cut(switch: &watch::Sender<Cuts>, peer: PeerId, cut: bool) {
    switch.send_if_modified(|cuts| {
        let peers = Arc::make_mut(&mut cuts.peers);
        if cut { peers.insert(peer) } else { peers.remove(&peer) }
    });
}

type CutFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How often there were cuts when a connection began.
#[derive(Clone, Copy)]
struct Begun {
    count: u64,
    /// `None`: silence does not cut it.
    silences: Option<u64>,
}

fn cut_future(mut cuts: watch::Receiver<Cuts>, begun: Begun, peer: Option<PeerId>) -> CutFuture {
    Box::pin(async move {
        let is_cut = |now: &Cuts| {
            now.count != begun.count
                || begun.silences.is_some_and(|silences| now.silences != silences)
                || peer.is_some_and(|peer| now.peers.contains(&peer))
        };
        // The end of the switch is a cut too.
        drop(cuts.wait_for(is_cut).await);
    })
}

/// See the module.
pub(super) struct Guarded<T> {
    inner: T,
    // Reading and writing may happen in two tasks; each has to be woken by a cut.
    read_cut: CutFuture,
    write_cut: CutFuture,
    is_cut: bool,
    begun: Begun,
    write_timeout: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    reader: Option<Waker>,
    held: Vec<Arc<dyn Send + Sync>>,
    /// What was read from the socket at once and is not asked for yet.
    ahead: Ahead,
}

/// A buffer between the socket and whoever reads in small parts. Without memory it does nothing.
#[derive(Default)]
struct Ahead {
    memory: Box<[u8]>,
    /// The part of it that is not given out yet.
    full: Range<usize>,
}

impl Ahead {
    fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let part = buf.remaining().min(self.full.len());
        buf.put_slice(&self.memory[self.full.start..self.full.start + part]);
        self.full.start += part;
    }
}

impl<T> Guarded<T> {
    /// `inner` until a cut.
    pub(super) fn new(inner: T, cuts: &watch::Receiver<Cuts>, write_timeout: Duration) -> Self {
        let now = cuts.borrow();
        let begun = Begun { count: now.count, silences: Some(now.silences) };
        drop(now);
        Self {
            inner,
            read_cut: cut_future(cuts.clone(), begun, None),
            write_cut: cut_future(cuts.clone(), begun, None),
            is_cut: false,
            begun,
            write_timeout,
            stalled: None,
            reader: None,
            held: Vec::new(),
            ahead: Ahead::default(),
        }
    }

    /// From now on reads so many bytes from the socket at once, however few are asked for.
    pub(super) fn read_ahead(&mut self, bytes: usize) {
        self.ahead.memory = vec![0; bytes].into_boxed_slice();
    }

    /// Says who is at the other end: a cut of the link to that peer is a cut from now on.
    pub(super) fn belongs_to(&mut self, peer: PeerId, cuts: &watch::Receiver<Cuts>) {
        self.read_cut = cut_future(cuts.clone(), self.begun, Some(peer));
        self.write_cut = cut_future(cuts.clone(), self.begun, Some(peer));
    }

    /// Says that the peer's own key is at the other end: a person, whom no fault drill keeps out.
    pub(super) fn belongs_to_the_own_key(&mut self, cuts: &watch::Receiver<Cuts>) {
        self.begun.silences = None;
        self.read_cut = cut_future(cuts.clone(), self.begun, None);
        self.write_cut = cut_future(cuts.clone(), self.begun, None);
    }

    /// Keeps `what` (a permit) for as long as the socket is open.
    pub(super) fn hold(&mut self, what: Arc<dyn Send + Sync>) {
        self.held.push(what);
    }

    fn after_write<R>(&mut self, cx: &mut Context<'_>, result: Poll<Result<R>>) -> Poll<Result<R>> {
        if result.is_ready() {
            self.stalled = None;
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
            return result;
        }
        let timeout = self.write_timeout;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        // Whoever waits to read has to learn that it is over.
        self.is_cut = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the other end reads nothing")))
    }

    fn check_write_cut(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if !self.is_cut && self.write_cut.as_mut().poll(cx).is_ready() {
            self.is_cut = true;
        }
        if self.is_cut { Err(was_cut()) } else { Ok(()) }
    }
}

fn was_cut() -> Error {
    Error::new(ErrorKind::ConnectionAborted, "the connection was cut")
}

impl<T: AsyncRead + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if !self.is_cut && self.read_cut.as_mut().poll(cx).is_ready() {
            self.is_cut = true;
        }
        if self.is_cut {
            return Poll::Ready(Err(was_cut()));
        }
        if self.stalled.is_some() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let Self { inner, ahead, .. } = &mut *self;
        if ahead.full.is_empty() {
            if buf.remaining() >= ahead.memory.len() {
                return Pin::new(inner).poll_read(cx, buf);
            }
            let mut fresh = ReadBuf::new(&mut ahead.memory);
            ready!(Pin::new(inner).poll_read(cx, &mut fresh))?;
            ahead.full = 0..fresh.filled().len();
        }
        ahead.give(buf);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.check_write_cut(cx)?;
        let result = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.after_write(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.check_write_cut(cx)?;
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.after_write(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.check_write_cut(cx)?;
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        self.after_write(cx, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.check_write_cut(cx)?;
        let result = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.after_write(cx, result)
    }
}

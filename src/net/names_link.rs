//! A peer's link to the name service: one task that keeps a connection, registers the peer, and renews.
//!
//! Invariants: after every new connection the peer registers itself, so that a name service that lost
//! everything knows it again within a second of its return; nothing here ever waits for the name service
//! without a time-out. Absent on purpose: repeating a tracker's registration - the election decides when.

use super::caller::{CallError, CallerLimits, Client, call, connect_cuttable};
use super::identity::Identity;
use super::stream::{self, Cuts};
use crate::base::{Epoch, PeerName, PeerUri, tracker_name};
use crate::engine::election::{RegistrationOutcome, Roster};
use crate::wire::codes::Code;
use crate::wire::convert::roster_to_wire;
use crate::wire::group;
use crate::wire::names::{Entry, Metadata, NamesClient, Pong, Registered};
use jsonrpsee::core::client::Error;
use jsonrpsee::types::ErrorObjectOwned;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long an answer may take that needs no call-back.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a registration may take: the service calls two addresses back, a second each.
const REGISTER_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between attempts to connect: it doubles from the first to the last, so that a service that
/// is back has its peers within a second.
const RECONNECT_PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(800));
/// How long after its return a service with one address is tried at the latest, even if its computer was down:
/// the attempt that was under way is given up, or the longest pause ends, whichever takes longer.
pub const LONGEST_ABSENCE: Duration = CONNECT_TIMEOUT;
/// The pause after a refused registration: a person has to do something about it.
const REFUSED_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));
/// How often a peer without a group asks whether it is founded.
const FOUNDING_PAUSE: Duration = Duration::from_millis(100);
/// How often a peer outside of a group that is founded asks who is tracker.
const JOINING_PAUSE: Duration = Duration::from_millis(250);
/// The shortest pause between renewals, whatever the service answers.
const MIN_RENEW_PAUSE: Duration = Duration::from_millis(100);
/// How many events wait at most; the task waits for the receiver then.
const MAX_EVENTS: usize = 64;

/// What this peer registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MyRegistration {
    /// What a person calls it.
    pub name: PeerName,
    /// Its general listener.
    pub uri: PeerUri,
    /// Its election listener.
    pub election_uri: PeerUri,
    /// Names and values for others to see.
    pub metadata: Metadata,
}

/// What the link tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamesEvent {
    /// Whether the name service answers; at every change.
    Reachable(bool),
    /// A registration or renewal was accepted.
    Registered(Registered),
    /// The peer is registered under this name (again).
    Named(PeerName),
    /// The registration was refused. It is tried again.
    NameRefused {
        /// The error's code.
        code: i32,
        /// Why, and what to do.
        message: String,
    },
}

/// Why a question to the name service has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NamesError {
    /// It does not answer.
    #[error("the name service does not answer")]
    Unreachable,
    /// It refuses.
    #[error("{}", .0.message())]
    Refused(ErrorObjectOwned),
}

/// The handle of the link; cheap to clone. The task ends with the last handle.
#[derive(Clone, Debug)]
pub struct NamesLink {
    client: watch::Receiver<Option<Arc<Client>>>,
    reachable: watch::Receiver<bool>,
    switch: Arc<watch::Sender<Cuts>>,
    me: watch::Receiver<MyRegistration>,
    /// The last refusal of a registration as tracker, while none was accepted since.
    refused: Arc<watch::Sender<Option<(Epoch, i32)>>>,
    _task: Arc<AbortOnDropHandle<()>>,
}

impl NamesLink {
    /// Starts the link within a tokio runtime. `addresses` are tried in their order; changes of `me` are
    /// registered at once; `roster` is this peer's newest one, if it belongs to a group.
    #[must_use]
    pub fn start(
        identity: Identity,
        addresses: Vec<SocketAddr>,
        me: watch::Receiver<MyRegistration>,
        roster: watch::Receiver<Option<group::Roster>>,
    ) -> (Self, mpsc::Receiver<NamesEvent>) {
        let (events, received) = mpsc::channel(MAX_EVENTS);
        let (client, current) = watch::channel(None);
        let (reachable, is_reachable) = watch::channel(false);
        let (switch, cuts) = watch::channel(Cuts::default());
        let link = Link { identity, addresses, me: me.clone(), roster, cuts, client, reachable, events };
        let task = Arc::new(AbortOnDropHandle::new(tokio::spawn(link_task(link))));
        let (switch, refused) = (Arc::new(switch), Arc::default());
        (Self { client: current, reachable: is_reachable, switch, me, refused, _task: task }, received)
    }

    /// Registers this peer as `Tracker_Epoca_x` (R6), once. Failures that may pass (the service is away,
    /// busy, or its disk is full) are `Unreachable`: try again.
    pub async fn register_tracker(
        &self,
        epoch: Epoch,
        uri: PeerUri,
        election_uri: PeerUri,
        roster: &Roster,
    ) -> RegistrationOutcome {
        let Some(client) = self.client() else {
            return RegistrationOutcome::Unreachable;
        };
        let metadata = self.me.borrow().metadata.clone();
        let calling = client.register(
            tracker_name(epoch),
            uri.to_string(),
            Some(election_uri.to_string()),
            Some(metadata),
            None,
            Some(roster_to_wire(roster)),
        );
        match call(REGISTER_TIMEOUT, calling).await {
            Ok(_) => {
                self.refused.send_replace(None);
                RegistrationOutcome::Accepted
            }
            Err(CallError::Refused(error)) => {
                let (code, message) = (error.code(), error.message());
                if is_news(&self.refused, epoch, code) {
                    tracing::warn!(%epoch, code, "registration as tracker refused: {message}");
                } else {
                    tracing::debug!(%epoch, code, "registration as tracker refused again: {message}");
                }
                outcome(&error)
            }
            Err(_) => RegistrationOutcome::Unreachable,
        }
    }

    /// Everything whose name begins with `prefix`.
    ///
    /// # Errors
    /// If the name service does not answer or refuses.
    pub async fn list(&self, prefix: &str) -> Result<BTreeMap<String, Entry>, NamesError> {
        let client = self.client().ok_or(NamesError::Unreachable)?;
        answer(client.list(Some(prefix.to_owned()), None, None)).await
    }

    /// What is registered under a name.
    ///
    /// # Errors
    /// If the name service does not answer, or does not know the name.
    pub async fn lookup(&self, name: &str) -> Result<Entry, NamesError> {
        let client = self.client().ok_or(NamesError::Unreachable)?;
        answer(client.lookup(name.to_owned())).await
    }

    /// Says that the service is there.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn ping(&self) -> Result<Pong, NamesError> {
        let client = self.client().ok_or(NamesError::Unreachable)?;
        answer(client.ping()).await
    }

    /// Removes a name of this peer's that it does not use any more.
    ///
    /// # Errors
    /// If the name service does not answer, or the name is another's.
    pub async fn remove(&self, name: &PeerName) -> Result<bool, NamesError> {
        let client = self.client().ok_or(NamesError::Unreachable)?;
        answer(client.remove(name.as_str().to_owned())).await
    }

    /// Whether the name service answered last time.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        *self.reachable.borrow()
    }

    /// A fault drill: drops the connection and makes none while `silent`.
    pub fn set_silent(&self, silent: bool) {
        stream::set_silent(&self.switch, silent);
    }

    fn client(&self) -> Option<Arc<Client>> {
        self.client.borrow().clone()
    }
}

/// An answer within the time that it may take.
async fn answer<T>(calling: impl Future<Output = Result<T, Error>>) -> Result<T, NamesError> {
    call(CALL_TIMEOUT, calling).await.map_err(|error| match error {
        CallError::Refused(error) => NamesError::Refused(error),
        CallError::TimedOut(_) | CallError::Broken(_) => NamesError::Unreachable,
    })
}

fn is(error: &ErrorObjectOwned, codes: &[Code]) -> bool {
    codes.iter().any(|code| *code as i32 == error.code())
}

/// Whether a refusal is another one than the last: the election asks again twice a second, and the log would
/// say nothing else.
fn is_news(last: &watch::Sender<Option<(Epoch, i32)>>, epoch: Epoch, code: i32) -> bool {
    last.send_if_modified(|last| last.replace((epoch, code)) != Some((epoch, code)))
}

/// What a refusal means for the election.
fn outcome(error: &ErrorObjectOwned) -> RegistrationOutcome {
    if is(error, &[Code::EpochSuperseded]) {
        return highest(error)
            .map_or(RegistrationOutcome::Refused, |highest| RegistrationOutcome::Superseded { highest });
    }
    if is(error, &[Code::TwoGroups]) {
        return RegistrationOutcome::TwoGroups;
    }
    if is(error, &[Code::Busy, Code::StorageFailed, Code::CallBackFailed, Code::Internal]) {
        return RegistrationOutcome::Unreachable;
    }
    RegistrationOutcome::Refused
}

fn highest(error: &ErrorObjectOwned) -> Option<Epoch> {
    let data: serde_json::Value = serde_json::from_str(error.data()?.get()).ok()?;
    data.get("highest")?.as_u64().and_then(Epoch::new)
}

/// What the task owns.
struct Link {
    identity: Identity,
    addresses: Vec<SocketAddr>,
    me: watch::Receiver<MyRegistration>,
    roster: watch::Receiver<Option<group::Roster>>,
    cuts: watch::Receiver<Cuts>,
    client: watch::Sender<Option<Arc<Client>>>,
    reachable: watch::Sender<bool>,
    events: mpsc::Sender<NamesEvent>,
}

/// Nobody listens to the events any more.
struct Closed;

async fn link_task(mut link: Link) {
    let Closed = link.run().await;
    tracing::debug!("the link to the name service ends");
}

/// A pause that doubles up to a limit.
struct Pause {
    range: (Duration, Duration),
    next: Duration,
}

impl Pause {
    const fn new(range: (Duration, Duration)) -> Self {
        Self { range, next: range.0 }
    }

    fn take(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.range.1);
        pause
    }

    const fn reset(&mut self) {
        self.next = self.range.0;
    }
}

impl Link {
    async fn run(&mut self) -> Closed {
        let mut pause = Pause::new(RECONNECT_PAUSE);
        loop {
            if self.cuts.wait_for(|cuts| !cuts.silent).await.is_err() {
                return Closed;
            }
            let begun = Instant::now();
            let (served, spent) = match self.connect().await {
                Some(client) => {
                    pause.reset();
                    (self.serve(&Arc::new(client)).await, Duration::ZERO)
                }
                // A computer that is down answers nothing: waiting for that was the pause.
                None => (Ok(()), begun.elapsed()),
            };
            if let Err(closed) = served.and(self.set_reachable(false).await) {
                return closed;
            }
            sleep(pause.take().saturating_sub(spent)).await;
        }
    }

    async fn connect(&self) -> Option<Client> {
        for address in &self.addresses {
            let limits = CallerLimits::GENERAL;
            let connecting = connect_cuttable(&self.identity, *address, None, limits, &self.cuts, None);
            match timeout(CONNECT_TIMEOUT, connecting).await {
                Ok(Ok((client, _))) => return Some(client),
                Ok(Err(error)) => tracing::debug!("no name service: {error}"),
                Err(_) => tracing::debug!(%address, "no name service: no answer in time"),
            }
        }
        None
    }

    /// Uses a connection until it breaks.
    async fn serve(&mut self, client: &Arc<Client>) -> Result<(), Closed> {
        self.client.send_replace(Some(client.clone()));
        let outcome = tokio::select! {
            outcome = self.keep_registered(client) => outcome,
            error = client.on_disconnect() => {
                tracing::debug!("the connection to the name service ended: {error}");
                Ok(())
            }
        };
        self.client.send_replace(None);
        outcome
    }

    /// Registers, then renews, until a call is not answered.
    async fn keep_registered(&mut self, client: &Client) -> Result<(), Closed> {
        let mut refused = Pause::new(REFUSED_PAUSE);
        loop {
            match self.register(client).await {
                Ok((name, registered)) => {
                    refused.reset();
                    self.tell(NamesEvent::Named(name)).await?;
                    if !self.renew_until_changed(client, registered).await? {
                        return Ok(());
                    }
                }
                Err(CallError::Refused(error)) => {
                    self.tell_refused(&error).await?;
                    self.changed_within(refused.take()).await?;
                }
                Err(error) => {
                    tracing::debug!("registration was not answered: {error}");
                    return Ok(());
                }
            }
        }
    }

    async fn register(&mut self, client: &Client) -> Result<(PeerName, Registered), CallError> {
        let me = self.me.borrow_and_update().clone();
        let roster = self.roster.borrow_and_update().clone();
        let (uri, election_uri) = (me.uri.to_string(), Some(me.election_uri.to_string()));
        let name = me.name.as_str().to_owned();
        let calling = client.register(name, uri, election_uri, Some(me.metadata), None, roster);
        Ok((me.name, call(REGISTER_TIMEOUT, calling).await?))
    }

    /// Whether to register again (`true`), or the connection is useless.
    async fn renew_until_changed(
        &mut self,
        client: &Client,
        mut registered: Registered,
    ) -> Result<bool, Closed> {
        loop {
            self.set_reachable(true).await?;
            // Until it belongs to a group a peer waits for the founding, or for a tracker to join at.
            let is_outside = self.roster.borrow().is_none();
            let founded = registered.founding.is_some();
            let lease = Duration::from_millis(registered.lease_millis);
            self.tell(NamesEvent::Registered(registered)).await?;
            let pause = match (is_outside, founded) {
                (true, false) => FOUNDING_PAUSE,
                (true, true) => JOINING_PAUSE,
                (false, _) => lease / 3,
            };
            if self.changed_within(pause.max(MIN_RENEW_PAUSE)).await? {
                return Ok(true);
            }
            let name = self.me.borrow().name.as_str().to_owned();
            match call(CALL_TIMEOUT, client.renew(name, None)).await {
                Ok(renewed) => registered = renewed,
                // Whatever the reason: a registration says more about it.
                Err(CallError::Refused(_)) => return Ok(true),
                Err(error) => {
                    tracing::debug!("a renewal was not answered: {error}");
                    return Ok(false);
                }
            }
        }
    }

    /// Waits for `pause`, or until there is something new to register: whether that was so.
    async fn changed_within(&mut self, pause: Duration) -> Result<bool, Closed> {
        let founding = |roster: &Option<group::Roster>| roster.as_ref().map(|roster| roster.founding.clone());
        let known = founding(&self.roster.borrow());
        tokio::select! {
            () = sleep(pause) => Ok(false),
            () = self.events.closed() => Err(Closed),
            // Whoever drops the other end has nothing new to say.
            Ok(()) = self.me.changed() => Ok(true),
            Ok(_) = self.roster.wait_for(|roster| founding(roster) != known) => Ok(true),
        }
    }

    async fn tell_refused(&mut self, error: &ErrorObjectOwned) -> Result<(), Closed> {
        tracing::warn!(code = error.code(), "registration refused: {}", error.message());
        self.set_reachable(true).await?;
        self.tell(NamesEvent::NameRefused { code: error.code(), message: error.message().to_owned() }).await
    }

    async fn set_reachable(&self, reachable: bool) -> Result<(), Closed> {
        if self.reachable.send_if_modified(|now| std::mem::replace(now, reachable) != reachable) {
            self.tell(NamesEvent::Reachable(reachable)).await?;
        }
        if self.events.is_closed() { Err(Closed) } else { Ok(()) }
    }

    async fn tell(&self, event: NamesEvent) -> Result<(), Closed> {
        self.events.send(event).await.map_err(|_| Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_is_repeated_is_no_news() {
        let [seven, eight] = [7, 8].map(|epoch| Epoch::new(epoch).expect("an epoch"));
        let last = watch::Sender::new(None);
        let mut said = vec![is_news(&last, seven, 1503), is_news(&last, seven, 1503)];
        said.extend([is_news(&last, seven, 1201), is_news(&last, eight, 1201), is_news(&last, eight, 1201)]);
        last.send_replace(None);
        said.push(is_news(&last, eight, 1201));
        assert_eq!(said, [true, false, true, true, false, true]);
    }
}

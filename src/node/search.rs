//! Asking whoever is tracker, across a change of trackers: a question waits for a tracker, is asked again
//! when it changes, and an answer of an epoch that is over is not taken.

use super::GroupState;
use crate::base::{ContentId, Epoch, PeerId};
use crate::engine::index::Page;
use crate::net::{CallError, IndexCalls};
use crate::wire::codes::Code;
use crate::wire::index::{SearchAnswer, SourcesAnswer};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long a question waits for an answer unless said otherwise: some elections long.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);
/// How long one call may take. A tracker that lives answers in milliseconds; a hanging connection is given
/// up and the question asked again.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause before a question is asked again (sooner, when the group changes).
const RETRY: Duration = Duration::from_millis(25);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// There was no tracker until the deadline.
    #[error("there is no tracker at the moment; the search can be repeated when one is elected")]
    NoTracker,
    /// The tracker refused the question.
    #[error("{message}")]
    Refused {
        /// One of [`Code`].
        code: i32,
        /// The tracker's reason.
        message: String,
    },
    /// The tracker did not answer until the deadline.
    #[error("the tracker did not answer in time ({0}); try again")]
    TimedOut(String),
}

impl AskError {
    /// The number for programs.
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Self::NoTracker => Code::NoTracker as i32,
            Self::Refused { code, .. } => *code,
            Self::TimedOut(_) => Code::Busy as i32,
        }
    }
}

/// Asks the tracker. Cheap to clone if `C` is.
#[derive(Clone, Debug)]
pub struct Searcher<C> {
    calls: C,
    group: watch::Receiver<Arc<GroupState>>,
    deadline: Duration,
}

impl<C: IndexCalls> Searcher<C> {
    /// Questions go through `calls` to the tracker of `group`, and wait for an answer at most `deadline`.
    pub fn new(calls: C, group: watch::Receiver<Arc<GroupState>>, deadline: Duration) -> Self {
        Self { calls, group, deadline }
    }

    /// The same with another deadline.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Files that fit the query; a page of the results, or the best so many. Cancel-safe.
    ///
    /// # Errors
    /// If the tracker refuses the words, or nobody answers until the deadline.
    pub async fn search(&self, words: &str, page: impl Into<Page>) -> Result<SearchAnswer, AskError> {
        let page = page.into();
        let ask = |tracker| self.calls.search(tracker, words, page);
        self.ask(ask, |answer| answer.epoch).await
    }

    /// Who has a content. Cancel-safe.
    ///
    /// # Errors
    /// If nobody answers until the deadline.
    pub async fn sources(&self, content: ContentId) -> Result<SourcesAnswer, AskError> {
        let ask = |tracker| self.calls.sources(tracker, content);
        self.ask(ask, |answer| answer.epoch).await
    }

    async fn ask<T, F>(&self, call: impl Fn(PeerId) -> F, epoch_of: impl Fn(&T) -> u64) -> Result<T, AskError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let deadline = Instant::now() + self.deadline;
        let mut group = self.group.clone();
        let mut reason = None;
        loop {
            let target = group.borrow_and_update().target();
            let Some((epoch, tracker)) = target else {
                let changed = timeout_at(deadline, group.changed()).await;
                if !matches!(changed, Ok(Ok(()))) {
                    return Err(reason.map_or(AskError::NoTracker, AskError::TimedOut));
                }
                continue;
            };
            let answered = tokio::select! {
                answered = timeout_at(deadline.min(Instant::now() + CALL_TIMEOUT), call(tracker)) => answered.ok(),
                () = other_target(&mut group, (epoch, tracker)) => None,
            };
            match answered {
                Some(Ok(answer)) if epoch_of(&answer) >= known_epoch(&group).number() => return Ok(answer),
                Some(Ok(_)) => reason = Some("it answered for an epoch that is over".to_owned()),
                Some(Err(CallError::Refused(refused))) if is_final(refused.code()) => {
                    return Err(AskError::Refused {
                        code: refused.code(),
                        message: refused.message().to_owned(),
                    });
                }
                Some(Err(error)) => reason = Some(error.to_string()),
                None => drop(reason.get_or_insert_with(|| "it fell silent".to_owned())),
            }
            if Instant::now() >= deadline {
                return Err(AskError::TimedOut(reason.unwrap_or_default()));
            }
            if let Ok(Err(_)) = timeout(RETRY, group.changed()).await {
                sleep(RETRY).await;
            }
        }
    }
}

/// Waits until the tracker or the epoch is another one.
pub(super) async fn other_target(group: &mut watch::Receiver<Arc<GroupState>>, target: (Epoch, PeerId)) {
    while group.borrow_and_update().target() == Some(target) {
        if group.changed().await.is_err() {
            // Nobody publishes any more: it stays as it is.
            std::future::pending::<()>().await;
        }
    }
}

fn known_epoch(group: &watch::Receiver<Arc<GroupState>>) -> Epoch {
    group.borrow().epoch
}

/// Whether the same question would be refused by every tracker.
fn is_final(code: i32) -> bool {
    let passing = [Code::NotTracker, Code::OldEpoch, Code::Busy, Code::Internal, Code::NotAllowed];
    !passing.iter().any(|passing| *passing as i32 == code)
}

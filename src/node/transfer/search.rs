//! Asks the tracker for sources again and again: soon while there is nobody to ask, seldom while a download
//! runs, with growing pauses while the tracker does not answer.

use super::limits::{FIRST_PAUSE, MAX_PAUSE, SEARCH_DEADLINE, SOURCES_EVERY};
use super::network::{FoundSources, SourceFinder};
use crate::base::ContentId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// The repeated question for the sources of one content.
pub(super) struct Search {
    finder: Arc<dyn SourceFinder>,
    content: ContentId,
    asked: Option<AbortOnDropHandle<Result<FoundSources, String>>>,
    next_at: Instant,
    pause: Duration,
    /// When the last good answer came.
    pub(super) answered_at: Option<Instant>,
    /// Why there was none the last time, and whether because there is no tracker.
    pub(super) problem: Option<String>,
}

impl Search {
    pub(super) fn new(finder: Arc<dyn SourceFinder>, content: ContentId) -> Self {
        Self {
            finder,
            content,
            asked: None,
            next_at: Instant::now(),
            pause: FIRST_PAUSE,
            answered_at: None,
            problem: None,
        }
    }

    /// The next good answer. Cancel-safe: a question that is under way goes on.
    pub(super) async fn next(&mut self) -> FoundSources {
        loop {
            if self.asked.is_none() {
                tokio::time::sleep_until(self.next_at).await;
            }
            let (finder, content) = (self.finder.clone(), self.content);
            let begin = || AbortOnDropHandle::new(tokio::spawn(ask(finder, content)));
            let answer =
                self.asked.get_or_insert_with(begin).await.unwrap_or_else(|error| Err(error.to_string()));
            self.asked = None;
            let now = Instant::now();
            match answer {
                Ok(found) => {
                    self.pause = FIRST_PAUSE;
                    self.next_at = now + SOURCES_EVERY;
                    self.answered_at = Some(now);
                    self.problem = None;
                    return found;
                }
                Err(problem) => {
                    tracing::debug!(content = %self.content.short(), %problem, "no sources for now");
                    self.next_at = now + self.pause;
                    self.pause = (self.pause * 2).min(MAX_PAUSE);
                    self.problem = Some(problem);
                }
            }
        }
    }

    /// There is nobody to ask: the next question comes soon.
    pub(super) fn hurry(&mut self) {
        self.next_at = self.next_at.min(Instant::now() + FIRST_PAUSE);
    }
}

async fn ask(finder: Arc<dyn SourceFinder>, content: ContentId) -> Result<FoundSources, String> {
    let answer = tokio::time::timeout(SEARCH_DEADLINE, finder.sources(content)).await;
    answer.map_err(|_| "the tracker does not answer".to_owned())?.map_err(|error| error.message)
}

//! Asks the tracker for sources again and again: soon while there is nobody to ask, seldom while a download
//! runs, and then with growing pauses while the tracker does not answer.

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
            if let Some(found) = self.heard(answer, Instant::now()) {
                return found;
            }
        }
    }

    /// What came of a question, and when the next one is due.
    fn heard(&mut self, answer: Result<FoundSources, String>, now: Instant) -> Option<FoundSources> {
        match answer {
            Ok(found) => {
                self.pause = FIRST_PAUSE;
                self.next_at = now + SOURCES_EVERY;
                self.answered_at = Some(now);
                self.problem = None;
                Some(found)
            }
            Err(problem) => {
                tracing::debug!(content = %self.content.short(), %problem, "no sources for now");
                self.next_at = now + self.pause;
                self.pause = (self.pause * 2).min(MAX_PAUSE);
                self.problem = Some(problem);
                None
            }
        }
    }

    /// There is nobody to ask, or a person does not want to wait: the next question comes soon. It waits for a tracker
    /// by itself, so that whoever is elected is asked at once, and a pause would only be one after that.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.next_at = self.next_at.min(now + FIRST_PAUSE);
    }
}

async fn ask(finder: Arc<dyn SourceFinder>, content: ContentId) -> Result<FoundSources, String> {
    let answer = tokio::time::timeout(SEARCH_DEADLINE, finder.sources(content)).await;
    answer.map_err(|_| "the tracker does not answer".to_owned())?.map_err(|error| error.message)
}

#[cfg(test)]
mod tests {
    use super::super::limits::TICK;
    use super::*;
    use futures_util::future::{BoxFuture, FutureExt as _};

    struct Nobody;

    impl SourceFinder for Nobody {
        fn sources(
            &self,
            _: ContentId,
        ) -> BoxFuture<'_, Result<FoundSources, crate::node::handle::CommandError>> {
            std::future::pending().boxed()
        }
    }

    fn search() -> Search {
        Search::new(Arc::new(Nobody), ContentId::from_bytes([1; 32]))
    }

    fn away() -> Result<FoundSources, String> {
        Err("away".to_owned())
    }

    /// After how long the next question comes.
    fn pause_after(search: &mut Search, answer: Result<FoundSources, String>, now: &mut Instant) -> Duration {
        search.heard(answer, *now);
        let began = std::mem::replace(now, search.next_at);
        *now - began
    }

    #[test]
    fn a_tracker_that_does_not_answer_is_asked_less_and_less() {
        let (mut search, mut now) = (search(), Instant::now());
        let doubled = [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000].map(Duration::from_millis);
        assert_eq!(doubled.map(|_| pause_after(&mut search, away(), &mut now)), doubled);
        assert_eq!((search.problem.as_deref(), search.answered_at), (Some("away"), None));
        let answered_at = now;
        assert_eq!(pause_after(&mut search, Ok(FoundSources::default()), &mut now), SOURCES_EVERY);
        assert_eq!((search.problem.as_deref(), search.answered_at), (None, Some(answered_at)));
        assert_eq!(doubled.map(|_| pause_after(&mut search, away(), &mut now)), doubled);
    }

    #[test]
    fn a_download_that_has_nobody_to_ask_asks_soon_however_long_the_tracker_was_away() {
        let (mut search, mut now) = (search(), Instant::now());
        for answer in [away(), away(), away(), Ok(FoundSources::default()), away(), away()] {
            let began = now;
            search.heard(answer, now);
            while search.next_at > now {
                // As it is called, again and again.
                search.hurry(now);
                now = (now + TICK).min(search.next_at);
            }
            assert_eq!(now - began, FIRST_PAUSE);
        }
    }
}

//! Asks the tracker for sources again and again: soon while there is nobody to ask, seldom while a download
//! runs, with growing pauses while the tracker does not answer, whether the download runs or waits.

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

    /// There is nobody to ask: the next question comes soon, if the tracker answers.
    pub(super) fn soon(&mut self, now: Instant) {
        if self.problem.is_none() {
            self.next_at = self.next_at.min(now + FIRST_PAUSE);
        }
    }

    /// A person does not want to wait any longer.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.pause = FIRST_PAUSE;
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

    /// When the next question comes after this answer, if there is nobody to ask meanwhile.
    fn pause_after(search: &mut Search, answer: Result<FoundSources, String>, now: &mut Instant) -> Duration {
        let began = *now;
        search.heard(answer, began);
        while search.next_at > *now {
            search.soon(*now);
            *now = (*now + TICK).min(search.next_at);
        }
        *now - began
    }

    #[tokio::test]
    async fn a_tracker_that_does_not_answer_is_asked_less_and_less() {
        let mut search = Search::new(Arc::new(Nobody), ContentId::from_bytes([1; 32]));
        let mut now = Instant::now();
        let away = || Err("away".to_owned());
        let doubled = [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000].map(Duration::from_millis);
        assert_eq!(doubled.map(|_| pause_after(&mut search, away(), &mut now)), doubled);
        assert_eq!(search.problem.as_deref(), Some("away"));
        // It answers, and nobody has the content: it is asked soon, whatever was before.
        let answered = pause_after(&mut search, Ok(FoundSources::default()), &mut now);
        assert_eq!((answered, search.problem.as_ref()), (FIRST_PAUSE, None));
        assert_eq!(doubled.map(|_| pause_after(&mut search, away(), &mut now)), doubled);
        // A person does not want to wait.
        search.heard(away(), now);
        search.hurry(now);
        assert_eq!(search.next_at, now + FIRST_PAUSE);
        assert_eq!(pause_after(&mut search, away(), &mut now), FIRST_PAUSE);
    }
}

//! The log as the window shows it: what the program's parts tell, kept until the window takes it.
//!
//! Invariant: whoever tells something never waits: the ring is tried, and a line that finds it taken is
//! counted as lost. The ring is bounded; the oldest lines go first. Deliberately absent: any wake-up of the
//! window from here; it looks by itself while the log is on screen.

use std::collections::VecDeque;
use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;

/// How many lines wait for the window, and how many it keeps: what a person scrolls through.
pub(crate) const MAX_LINES: usize = 5_000;
/// The longest line: a message with a path in it fits.
const MAX_LINE: usize = 1_000;
/// How often a taken ring is tried.
const TRIES: usize = 16;

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Something failed.
    Error,
    /// Something should be looked at.
    Warning,
    /// Good to know.
    Info,
    /// For whoever looks for a fault.
    Debug,
}

impl Level {
    /// All of them, the gravest first.
    pub(crate) const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Info, Self::Debug];

    fn of(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::INFO => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// Its number, growing by one.
    pub number: u64,
    /// Milliseconds since 1970 (UTC).
    pub unix_millis: u64,
    /// How grave it is.
    pub level: Level,
    /// Which part of the program told it.
    pub part: String,
    /// What it told.
    pub text: String,
}

/// Where lines wait for the window.
#[derive(Debug)]
pub(crate) struct Feed {
    lines: Mutex<VecDeque<LogLine>>,
    made: AtomicU64,
    lost: AtomicU64,
    watched: AtomicBool,
}

/// The one log of this process.
static FEED: Feed = Feed::new();

/// The one log of this process.
pub(crate) fn feed() -> &'static Feed {
    &FEED
}

impl Feed {
    const fn new() -> Self {
        Self {
            lines: Mutex::new(VecDeque::new()),
            made: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            watched: AtomicBool::new(false),
        }
    }

    fn tell(&self, level: Level, part: &str, text: String) {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let line = LogLine { number, unix_millis, level, part: part.to_owned(), text };
        for _ in 0..TRIES {
            if let Ok(mut lines) = self.lines.try_lock() {
                if lines.len() >= MAX_LINES {
                    lines.pop_front();
                }
                lines.push_back(line);
                return;
            }
            std::hint::spin_loop();
        }
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// The lines since the last call.
    pub(crate) fn take(&self) -> Vec<LogLine> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }

    /// How many lines there ever were: a change means that there is something to take.
    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Says whether somebody looks at the log right now.
    pub(crate) fn watch(&self, watched: bool) {
        self.watched.store(watched, Ordering::Relaxed);
    }

    /// Whether somebody does.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }
}

/// The layer that fills the feed: all that this program tells, and warnings of its libraries.
pub(crate) fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let filter = Targets::new()
        .with_default(tracing_subscriber::filter::LevelFilter::WARN)
        .with_target("cardume", tracing_subscriber::filter::LevelFilter::DEBUG);
    ToFeed(&FEED).with_filter(filter)
}

struct ToFeed(&'static Feed);

impl<S: Subscriber> Layer<S> for ToFeed {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let part = event.metadata().target();
        let part = part.strip_prefix("cardume::").unwrap_or(part);
        self.0.tell(Level::of(*event.metadata().level()), part, words.line());
    }
}

/// The message and the fields of an event as one line.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Words {
    fn line(self) -> String {
        let separator = if self.message.is_empty() || self.fields.is_empty() { "" } else { " · " };
        let mut line = format!("{}{separator}{}", self.message, self.fields.trim_start());
        if let Some((end, _)) = line.char_indices().nth(MAX_LINE) {
            line.truncate(end);
            line.push('…');
        }
        line.replace(['\n', '\r', '\t'], " ")
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let written = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}: {value:?}", field.name())
        };
        // Writing to a text does not fail; a value that says it did shows what it wrote until then.
        written.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[test]
    fn lines_come_with_level_part_and_fields_and_have_a_limit() {
        static OWN: Feed = Feed::new();
        let subscriber = tracing_subscriber::registry().with(ToFeed(&OWN));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "cardume::node::check", path = "a b", count = 3, "two\nlines");
            tracing::debug!(target: "elsewhere", "{}", "x".repeat(2_000));
        });
        let lines = OWN.take();
        assert_eq!(
            (lines[0].number, lines[0].level, lines[0].part.as_str()),
            (1, Level::Warning, "node::check")
        );
        assert_eq!(lines[0].text, "two lines · path: a b count: 3");
        assert_eq!((lines[1].level, lines[1].text.chars().count()), (Level::Debug, MAX_LINE + 1));
        assert_eq!(OWN.take(), []);
        for _ in 0..MAX_LINES + 7 {
            OWN.tell(Level::Info, "x", String::new());
        }
        let lines = OWN.take();
        assert_eq!((lines.len(), lines[0].number), (MAX_LINES, 10), "the oldest go");
    }

    #[test]
    fn whoever_tells_never_waits_for_whoever_reads() {
        static OWN: Feed = Feed::new();
        let held = OWN.lines.lock().expect("free");
        OWN.tell(Level::Info, "x", String::new());
        drop(held);
        assert_eq!((OWN.take().len(), OWN.lost.load(Ordering::Relaxed), OWN.made()), (0, 1, 1));
    }
}

//! What is searched for, the clock, and the tables that are printed.

use crate::files;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Queries of one sort.
pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) queries: Vec<String>,
    /// Whether it counts as what people type all day.
    pub(crate) is_usual: bool,
}

/// All sorts of queries.
pub(crate) fn classes() -> Vec<Class> {
    let some = |number: u8| {
        let name = files::name(1 + number % 5, 1_000 + 37 * u64::from(number));
        // A part of a name, as it comes.
        name.chars().skip(8).take(16).collect::<String>().replace(['"', '-', '[', ']'], " ").trim().to_owned()
    };
    let hits = (0..60).map(some).collect();
    let own = |queries: &[&str]| queries.iter().map(|query| (*query).to_owned()).collect();
    let class = |name, queries, is_usual| Class { name, queries, is_usual };
    vec![
        class("hits", hits, true),
        class(
            "misses",
            own(&[
                "zzz",
                "qwerty",
                "xylophone",
                "relatorios",
                "wq",
                "nothing like this",
                "#",
                "reefs harbor",
            ]),
            true,
        ),
        class(
            "five words",
            own(&[
                "relatorio da secao norte 12",
                "holiday by the sea 77",
                "2001 concert in the mountains",
                "tese de biologia marinha copia",
                "img 12 sunset spare copy",
            ]),
            true,
        ),
        class("accents", own(&["ÇÃO", "coração", "índice são", "Zé Inês", "edifício cópia"]), true),
        class(
            "operators",
            own(&[
                "sea size:>1G",
                "reef type:video",
                "ext:flac 12",
                "concert -sea type:audio",
                "mapa ext:rs size:<1M",
            ]),
            true,
        ),
        class("operators alone", own(&["type:video", "size:>1G", "ext:flac"]), false),
        class("one letter", own(&["e", "a", "o"]), false),
        class("rare letter", own(&["k", "q", "w"]), false),
        class("everything", own(&[""]), false),
    ]
}

/// How long a call takes.
#[expect(clippy::disallowed_methods, reason = "a measurement is what reads the clock")]
pub(crate) fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = call();
    (result, start.elapsed())
}

/// Times of one sort.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that so many of a hundred stay below.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let at = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).copied().unwrap_or_default()
    }

    /// As cells: the middle, p99 and the longest.
    pub(crate) fn cells(&self) -> String {
        let millis = |percent| format!("{:.2}", self.percentile(percent).as_secs_f64() * 1e3);
        format!("{} | {} | {} | {}", self.0.len(), millis(50), millis(99), millis(100))
    }
}

/// Searches for all classes so often and prints a table. `search` gives the number of matches.
pub(crate) fn searches(rounds: usize, mut search: impl FnMut(&str) -> u64) {
    say("| queries | number | median, ms | p99, ms | longest, ms | matches, mean |");
    say("| --- | ---: | ---: | ---: | ---: | ---: |");
    let mut usual = Vec::new();
    for class in classes() {
        let mut times = Vec::new();
        let mut matches = 0;
        for _ in 0..rounds {
            for query in &class.queries {
                let (total, took) = timed(|| search(query));
                matches += total;
                times.push(took);
            }
        }
        if class.is_usual {
            usual.extend(&times);
        }
        let mean = matches / times.len() as u64;
        say(&format!("| {} | {} | {mean} |", class.name, Times::new(times).cells()));
    }
    say(&format!("| **the first five sorts** | {} | |", Times::new(usual).cells()));
}

/// Prints a line.
pub(crate) fn say(line: &str) {
    // Nobody reads: nothing is left to do.
    drop(writeln!(std::io::stdout(), "{line}"));
}

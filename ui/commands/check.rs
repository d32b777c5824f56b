//! `cardume check`: tests the links and says which one fails and what to do. `cardume name`.

use super::asking::with_peer;
use super::output::{json, line, plain, plural};
use super::{Failure, Outcome};
use crate::args::Global;
use cardume::wire::check::{CheckReport, CheckTest, Verdict};

/// Makes a connection check at the running peer; fails if a test fails.
pub(crate) fn run(global: &Global) -> Outcome {
    with_peer(global, async |peer| {
        let report = peer.check().await?;
        if global.json {
            json(&report)?;
        } else {
            line(&text(&report))?;
        }
        let failed = report.count(Verdict::Failed) as u64;
        if failed == 0 {
            return Ok(());
        }
        Err(Failure::failed(format!("{} of {} failed", failed, plural(report.tests.len() as u64, "test"))))
    })
}

/// Calls the running peer so from now on.
pub(crate) fn rename(global: &Global, name: &str) -> Outcome {
    with_peer(global, async |peer| {
        peer.rename(name.to_owned()).await?;
        if global.json {
            json(&serde_json::json!({ "name": name }))
        } else {
            line(&format!("This peer is called {name} now"))
        }
    })
}

fn text(report: &CheckReport) -> String {
    report.tests.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(test: &CheckTest) -> String {
    let mark = match test.verdict {
        Verdict::Passed => "ok    ",
        Verdict::Warning => "look  ",
        Verdict::Failed => "FAILED",
        Verdict::Skipped => "-     ",
    };
    let advice =
        if test.advice.is_empty() { String::new() } else { format!("\n        {}", plain(&test.advice)) };
    format!("{mark}  {}{advice}", plain(&test.message))
}

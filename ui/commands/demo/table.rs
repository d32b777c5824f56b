//! The live table of a demonstration: rewritten in place on a terminal, else a line per change.

use super::children::Children;
use crate::commands::Outcome;
use crate::commands::output::{json, line, plain, table};
use cardume::node::Remote;
use cardume::node::config::Home;
use cardume::wire::control::{Status, Transfer};
use serde::Serialize;
use std::io::IsTerminal as _;
use std::time::Duration;

/// How long a peer may take to answer before it is shown as silent.
const ANSWER_LIMIT: Duration = Duration::from_millis(1_500);

/// A peer's row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Row {
    name: String,
    role: String,
    epoch: u64,
    tracker: String,
    files: u64,
    transfers: String,
    notice: String,
}

/// The table of all peers.
pub(crate) struct Table {
    home: Home,
    peers: Vec<(String, Option<Remote>)>,
    rows: Vec<Row>,
    shown: Vec<Row>,
    json: bool,
    rewrite: bool,
    lines_shown: usize,
}

impl Table {
    pub(crate) fn new(home: &Home, names: &[String], json: bool) -> Self {
        let peers = names.iter().map(|name| (name.clone(), None)).collect();
        let rewrite = !json && std::io::stdout().is_terminal();
        Self { home: home.clone(), peers, rows: Vec::new(), shown: Vec::new(), json, rewrite, lines_shown: 0 }
    }

    /// Asks all peers at once.
    pub(crate) async fn refresh(&mut self, children: &mut Children) {
        let home = &self.home;
        let asked = self.peers.iter_mut().map(|(name, remote)| ask(home, name, remote));
        self.rows = futures_util::future::join_all(asked).await;
        for row in self.rows.iter_mut().filter(|row| row.role == "silent") {
            if let Some(end) = children.end_of(&row.name) {
                "ended".clone_into(&mut row.role);
                row.notice = end;
            }
        }
    }

    /// Shows what changed.
    pub(crate) fn show(&mut self) -> Outcome {
        if self.rows == self.shown {
            return Ok(());
        }
        if self.rewrite {
            self.show_whole()?;
        } else {
            self.show_changes()?;
        }
        self.shown.clone_from(&self.rows);
        Ok(())
    }

    fn show_whole(&mut self) -> Outcome {
        let rows: Vec<_> = self.rows.iter().map(Row::cells).collect();
        let text = table(["name", "role", "epoch", "tracker", "files", "transfers", ""], &rows);
        // Back to the first line of the last table, then clear what is below.
        let back = if self.lines_shown == 0 {
            String::new()
        } else {
            format!("\u{1b}[{}A\u{1b}[J", self.lines_shown)
        };
        self.lines_shown = text.lines().count();
        line(&format!("{back}{text}"))
    }

    fn show_changes(&self) -> Outcome {
        for (number, row) in self.rows.iter().enumerate() {
            // Progress alone is no news for a log.
            let quiet = |row: &Row| Row { transfers: String::new(), ..row.clone() };
            if self.shown.get(number).map(quiet) == Some(quiet(row)) {
                continue;
            }
            if self.json {
                json(row)?;
            } else {
                line(row.cells().join("  ").trim_end())?;
            }
        }
        Ok(())
    }
}

impl Row {
    fn cells(&self) -> [String; 7] {
        [
            self.name.clone(),
            self.role.clone(),
            self.epoch.to_string(),
            self.tracker.clone(),
            self.files.to_string(),
            self.transfers.clone(),
            self.notice.clone(),
        ]
    }
}

async fn ask(home: &Home, name: &str, remote: &mut Option<Remote>) -> Row {
    let answered = tokio::time::timeout(ANSWER_LIMIT, answers(home, name, remote)).await;
    if let Ok(Some((status, transfers))) = answered {
        return row(name, &status, &transfers);
    }
    *remote = None;
    Row { name: name.to_owned(), role: "silent".to_owned(), ..Row::default() }
}

async fn answers(home: &Home, name: &str, remote: &mut Option<Remote>) -> Option<(Status, Vec<Transfer>)> {
    if remote.is_none() {
        *remote = Some(Remote::connect(home, Some(name)).await.ok()?);
    }
    let peer = remote.as_ref()?;
    Some((peer.status().await.ok()?, peer.transfers().await.ok()?))
}

fn row(profile: &str, status: &Status, transfers: &[Transfer]) -> Row {
    let running: Vec<_> = transfers.iter().filter(|transfer| transfer.state == "running").collect();
    let finished = transfers.iter().filter(|transfer| transfer.state == "finished").count();
    let progress = running.iter().map(|transfer| {
        let percent = transfer.done * 100 / transfer.size.max(1);
        format!("{} {percent} %", plain(&transfer.name))
    });
    let mut parts: Vec<String> = progress.collect();
    if finished > 0 {
        parts.push(format!("{finished} finished"));
    }
    Row {
        name: if status.name == profile {
            profile.to_owned()
        } else {
            format!("{profile} ({})", plain(&status.name))
        },
        role: status.role.clone(),
        epoch: status.epoch,
        tracker: status.tracker.as_ref().map_or_else(|| "none".to_owned(), |tracker| plain(&tracker.name)),
        files: status.library.files,
        transfers: parts.join(", "),
        notice: plain(&status.notice),
    }
}

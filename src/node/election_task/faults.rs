//! Fault drills as the election task plays them: silent as after a crash, standing still as a stopped
//! process, and links that are cut.

use super::super::clock::JumpDetector;
use super::super::election_calls::PendingAnswers;
use super::super::group_state::GroupState;
use super::ElectionTask;
use crate::engine::election::Input;
use crate::engine::trace::FaultKind;
use std::sync::Arc;

impl ElectionTask {
    /// Takes over which drills there are now. During a pause it takes nothing and sends nothing; what came
    /// in meanwhile waits, as it does for a stopped process.
    pub(super) async fn faults_changed(&mut self) {
        let now = self.wiring.faults.borrow_and_update().clone();
        let known = std::mem::replace(&mut self.faults, now.clone());
        for (from, to, cut) in [(&now, &known, true), (&known, &now, false)] {
            for peer in from.cut.difference(&to.cut) {
                self.recorder.fault(FaultKind::Cut(*peer), cut);
                self.wiring.calls.cut_peer(*peer, cut);
                let kind = if cut { "link_cut" } else { "link_mended" };
                self.wiring.sink.tell(kind, None, Some(*peer), None);
            }
        }
        if now.paused && !self.silent {
            self.pause().await;
        }
        self.publish();
    }

    async fn pause(&mut self) {
        self.recorder.fault(FaultKind::Pause, true);
        self.wiring.sink.tell("pause_started", None, None, None);
        // A peer that stands still answers no searches.
        self.wiring.group.send_modify(|known| {
            *known = Arc::new(GroupState { active: false, ..GroupState::clone(known) });
        });
        // Without a sender the drill is over too.
        drop(self.wiring.faults.wait_for(|faults| !faults.paused).await);
        self.faults.paused = false;
        self.recorder.fault(FaultKind::Pause, false);
        self.wiring.sink.tell("pause_ended", None, None, None);
    }

    pub(super) fn silence(&mut self, silent: bool) {
        if silent == self.silent {
            return;
        }
        self.silent = silent;
        self.timers.clear();
        self.pending = PendingAnswers::default();
        self.wiring.calls.set_silent(silent);
        self.recorder.fault(FaultKind::Crash, silent);
        let (kind, epoch) = if silent { ("drill_started", None) } else { ("drill_ended", None) };
        self.wiring.sink.tell(kind, epoch, None, None);
        if silent {
            self.publish();
            return;
        }
        self.begin_anew();
    }

    /// Back as a process is after a crash: with what the disk holds, and nothing else.
    pub(super) fn begin_anew(&mut self) {
        self.timers.clear();
        self.pending = PendingAnswers::default();
        self.election = self.election.anew(self.durable.clone());
        self.last_heartbeat = None;
        self.jumps = JumpDetector::new();
        self.input(Input::Started);
    }
}

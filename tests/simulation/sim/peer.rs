//! One simulated process: its election, its disk, its timers.

use super::world::Micros;
use cardume::engine::election::{Election, ElectionConfig, Input, SaveTicket, SavedState, Timer};
use std::collections::BTreeMap;

/// A process, running or not.
#[derive(Debug)]
pub(crate) struct Peer {
    /// `None` while the process does not run.
    pub(crate) election: Option<Election>,
    /// What the disk holds.
    pub(crate) durable: SavedState,
    /// What the disk is writing.
    pub(crate) saving: Option<(SaveTicket, SavedState)>,
    /// Grows with every start, so that what belongs to an earlier life does nothing.
    pub(crate) life: u32,
    /// The number of each timer's latest setting.
    pub(crate) timers: BTreeMap<Timer, u64>,
    pub(crate) disk_stalled_until: Micros,
    pub(crate) disk_fails: bool,
    /// SIGSTOP until then: what comes in is held.
    pub(crate) paused_until: Option<Micros>,
    pub(crate) paused_at: Micros,
    pub(crate) held: Vec<Input>,
    /// Asks to become a voter whenever it is none.
    pub(crate) wants_seat: bool,
    /// Asks to give its seat up.
    pub(crate) wants_to_leave: bool,
    /// How much longer than drawn its timers take: a busy machine.
    pub(crate) timer_lag: Micros,
}

impl Peer {
    pub(crate) fn with(durable: SavedState) -> Self {
        Self {
            election: None,
            durable,
            saving: None,
            life: 0,
            timers: BTreeMap::new(),
            disk_stalled_until: 0,
            disk_fails: false,
            paused_until: None,
            paused_at: 0,
            held: Vec::new(),
            wants_seat: true,
            wants_to_leave: false,
            timer_lag: 0,
        }
    }

    pub(crate) fn start(&mut self, id: cardume::base::PeerId) {
        self.life += 1;
        self.timers.clear();
        self.disk_fails = false;
        self.election = Some(Election::new(id, ElectionConfig::default(), self.durable.clone()));
    }

    /// SIGKILL: everything that is not durable is gone. A write under way may have reached the disk.
    pub(crate) fn kill(&mut self, write_survives: bool) {
        self.election = None;
        self.paused_until = None;
        self.held.clear();
        if let Some((_, state)) = self.saving.take().filter(|_| write_survives && !self.disk_fails) {
            self.durable = state;
        }
    }
}

//! The name service, as far as an election sees it.

use cardume::base::{Epoch, PeerId};
use cardume::engine::election::RegistrationOutcome;

/// Who holds the highest `Tracker_Epoca_x`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) highest: Epoch,
    pub(crate) holder: Option<PeerId>,
    pub(crate) is_down: bool,
}

impl Names {
    pub(crate) fn register(&mut self, peer: PeerId, epoch: Epoch) -> RegistrationOutcome {
        let is_repeated = epoch == self.highest && self.holder == Some(peer);
        if self.is_down {
            return RegistrationOutcome::Unreachable;
        }
        if epoch <= self.highest && !is_repeated {
            return RegistrationOutcome::Superseded { highest: self.highest };
        }
        self.highest = epoch;
        self.holder = Some(peer);
        RegistrationOutcome::Accepted
    }
}

//! The registry against a slow one that keeps the whole past and looks through it for every answer.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Register {
        name: u8,
        holder: u8,
        lease: u64,
    },
    Renew {
        name: u8,
        holder: u8,
        lease: Option<u64>,
    },
    Remove {
        name: u8,
        holder: u8,
    },
    Tracker {
        epoch: u64,
        holder: u8,
    },
    Furnish {
        name: u8,
        holder: u8,
        room: u8,
    },
    FurnishTracker {
        epoch: u64,
        holder: u8,
        room: u8,
    },
    Expire,
    Restart,
    /// The write of all since the last step failed.
    Failed,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (name, holder, lease, room) = (0_u8..4, 1_u8..5, 1_u64..60, 0_u8..4);
    let step = prop_oneof![
        3 => prop_oneof![0_u64..90, 550_u64..700].prop_map(Step::Wait),
        4 => (name.clone(), holder.clone(), lease.clone())
            .prop_map(|(name, holder, lease)| Step::Register { name, holder, lease }),
        2 => (name.clone(), holder.clone(), proptest::option::of(lease))
            .prop_map(|(name, holder, lease)| Step::Renew { name, holder, lease }),
        1 => (name.clone(), holder.clone()).prop_map(|(name, holder)| Step::Remove { name, holder }),
        2 => (1_u64..8, holder.clone()).prop_map(|(epoch, holder)| Step::Tracker { epoch, holder }),
        2 => (name, holder.clone(), room.clone())
            .prop_map(|(name, holder, room)| Step::Furnish { name, holder, room }),
        1 => (1_u64..8, holder, room)
            .prop_map(|(epoch, holder, room)| Step::FurnishTracker { epoch, holder, room }),
        1 => Just(Step::Expire),
        1 => Just(Step::Restart),
        1 => Just(Step::Failed),
    ];
    proptest::collection::vec(step, 0..60)
}

/// Something that was accepted, and when.
#[derive(Clone, Debug)]
enum Past {
    Held { name: u8, holder: u8, lease: u64, at: u64 },
    Removed { name: u8 },
    Tracker { epoch: u64, holder: u8 },
    Furnished { name: u8, room: u8 },
    TrackerFurnished { epoch: u64, room: u8 },
}

#[derive(Clone, Debug, Default)]
struct Slow {
    past: Vec<Past>,
}

impl Slow {
    /// Holder, lease and end of the lease of whoever has the name now, living or not.
    fn owner(&self, name: u8, now: u64) -> Option<(u8, u64, u64)> {
        let latest = self.past.iter().rev().find_map(|past| match *past {
            Past::Held { name: held, holder, lease, at } if held == name => {
                Some(Some((holder, lease, at + lease)))
            }
            Past::Removed { name: removed } if removed == name => Some(None),
            _ => None,
        });
        latest.flatten().filter(|(_, _, until)| now < until + 600)
    }

    fn living(&self, name: u8, now: u64) -> Option<u8> {
        self.owner(name, now).filter(|(_, _, until)| now < *until).map(|(holder, ..)| holder)
    }

    /// What a name carries; 0 for nothing.
    fn room(&self, name: u8) -> u8 {
        let latest = self.past.iter().rev().find_map(|past| match *past {
            Past::Furnished { name: furnished, room } if furnished == name => Some(room),
            _ => None,
        });
        latest.unwrap_or(0)
    }

    fn tracker_room(&self, epoch: u64) -> u8 {
        let latest = self.past.iter().rev().find_map(|past| match *past {
            Past::TrackerFurnished { epoch: furnished, room } if furnished == epoch => Some(room),
            _ => None,
        });
        latest.unwrap_or(0)
    }

    fn trackers(&self) -> BTreeMap<u64, u8> {
        let trackers = self.past.iter().filter_map(|past| match *past {
            Past::Tracker { epoch, holder } => Some((epoch, holder)),
            _ => None,
        });
        trackers.collect()
    }

    fn accepts(&mut self, step: &Step, now: u64) -> Option<bool> {
        match *step {
            Step::Register { name, holder, lease } => {
                let free = self.owner(name, now).is_none_or(|(owner, ..)| owner == holder);
                if free {
                    self.past.push(Past::Held { name, holder, lease, at: now });
                    self.past.push(Past::Furnished { name, room: 0 });
                }
                Some(free)
            }
            Step::Renew { name, holder, lease } => {
                let owner =
                    self.owner(name, now).filter(|(owner, _, until)| *owner == holder && now < *until);
                if let Some((_, old, _)) = owner {
                    let lease = lease.unwrap_or(old);
                    self.past.push(Past::Held { name, holder, lease, at: now });
                }
                Some(owner.is_some())
            }
            Step::Remove { name, holder } => {
                let owner = self.owner(name, now).map(|(owner, ..)| owner);
                if owner == Some(holder) {
                    self.past.push(Past::Removed { name });
                }
                Some(owner == Some(holder))
            }
            Step::Tracker { epoch, holder } => {
                let trackers = self.trackers();
                let highest = trackers.last_key_value();
                let accepted = highest
                    .is_none_or(|(highest, by)| epoch > *highest || (epoch == *highest && holder == *by));
                if accepted {
                    self.past.push(Past::Tracker { epoch, holder });
                    self.past.push(Past::TrackerFurnished { epoch, room: 0 });
                }
                Some(accepted)
            }
            Step::Furnish { name, holder, room } => {
                let own = self.living(name, now) == Some(holder);
                if own {
                    self.past.push(Past::Furnished { name, room });
                }
                Some(own)
            }
            Step::FurnishTracker { epoch, holder, room } => {
                let own = self.trackers().last_key_value() == Some((&epoch, &holder));
                if own {
                    self.past.push(Past::TrackerFurnished { epoch, room });
                }
                Some(own)
            }
            Step::Wait(_) | Step::Expire | Step::Restart | Step::Failed => None,
        }
    }
}

fn in_room(room: u8) -> Metadata {
    if room == 0 { Metadata::default() } else { metadata(&[("room", &room.to_string())]) }
}

fn fast(registry: &mut Registry, step: &Step, now: u64) -> Option<bool> {
    let at = Duration::from_secs(now);
    let named = |number: u8| name(&format!("n{number}"));
    match *step {
        Step::Register { name, holder, lease: seconds } => {
            Some(registry.register(named(name), entry(holder), lease(seconds), None, at).is_ok())
        }
        Step::Renew { name, holder, lease: seconds } => {
            let name = Name::Peer(named(name));
            Some(registry.renew(&name, peer(holder), seconds.map(lease), at).is_ok())
        }
        Step::Remove { name, holder } => {
            Some(registry.remove(&Name::Peer(named(name)), peer(holder), at) == Ok(true))
        }
        Step::Tracker { epoch: number, holder } => {
            let ours = roster(1, &[1, 2, 3, 4]);
            Some(registry.register_tracker(epoch(number), entry(holder), &ours).is_ok())
        }
        Step::Furnish { name, holder, room } => {
            let name = Name::Peer(named(name));
            Some(registry.set_metadata(&name, peer(holder), in_room(room), at).is_ok())
        }
        Step::FurnishTracker { epoch: number, holder, room } => {
            let name = Name::Tracker(epoch(number));
            Some(registry.set_metadata(&name, peer(holder), in_room(room), at).is_ok())
        }
        Step::Wait(_) | Step::Expire | Step::Restart | Step::Failed => None,
    }
}

/// Leases of living names begin anew, reservations of others too; both at `now`.
fn restarted(slow: &Slow, now: u64) -> Slow {
    let mut after = Slow { past: slow.past.clone() };
    for name in 0..4 {
        let Some((holder, lease, until)) = slow.owner(name, now) else {
            after.past.push(Past::Removed { name });
            continue;
        };
        let at = if now < until { now } else { now - lease };
        after.past.push(Past::Held { name, holder, lease, at });
    }
    after
}

fn same(registry: &Registry, slow: &Slow, now: u64) -> Result<(), TestCaseError> {
    let at = Duration::from_secs(now);
    for number in 0..4 {
        let found = registry.lookup(&Name::Peer(name(&format!("n{number}"))), at);
        let expected = slow
            .living(number, now)
            .map(|holder| Entry { metadata: in_room(slow.room(number)), ..entry(holder) });
        prop_assert_eq!(found.cloned(), expected);
    }
    let trackers = slow.trackers();
    let listed: BTreeMap<_, _> = registry
        .list(&beginning("Tracker_"), at)
        .into_iter()
        .map(|(name, entry)| (name, entry.clone()))
        .collect();
    let expected = trackers.iter().map(|(number, holder)| {
        let metadata = in_room(slow.tracker_room(*number));
        (tracker_name(epoch(*number)), Entry { metadata, ..entry(*holder) })
    });
    prop_assert_eq!(listed, expected.collect::<BTreeMap<_, _>>());
    prop_assert_eq!(registry.overview(at).highest.number(), trackers.keys().last().copied().unwrap_or(0));
    Ok(())
}

fn all(registry: &Registry, now: u64) -> BTreeMap<Name, Entry> {
    let listed = registry.list(&Filter::default(), Duration::from_secs(now)).into_iter();
    listed.map(|(name, entry)| (Name::parse(&name).expect("a name"), entry.clone())).collect()
}

proptest! {
    #[test]
    fn the_registry_agrees_with_a_slow_one(steps in steps()) {
        // Both begin at a time that leaves room for a lease before it.
        let mut now = 1_000;
        let mut registry = registry(NEVER);
        let mut slow = Slow::default();
        let mut disk = Vec::new();
        let mut watched = BTreeMap::new();
        for step in steps {
            match step {
                Step::Wait(seconds) => now += seconds,
                Step::Expire => registry.expire(Duration::from_secs(now)),
                Step::Restart => {
                    // The service notes ended leases every second.
                    registry.expire(Duration::from_secs(now));
                    disk.extend_from_slice(registry.changes());
                    registry = Registry::new(NEVER, replay(&disk), Duration::from_secs(now));
                    slow = restarted(&slow, now);
                }
                Step::Failed => {
                    let before = registry.clone();
                    let taken = registry.register(name("failed"), entry(1), lease(60), None, Duration::from_secs(now));
                    prop_assert_eq!(taken, Ok(()));
                    registry.roll_back();
                    prop_assert_eq!(&registry, &before);
                }
                ref step => prop_assert_eq!(fast(&mut registry, step, now), slow.accepts(step, now), "{:?}", step),
            }
            disk.extend_from_slice(registry.changes());
            for seen in registry.commit() {
                match seen.what {
                    What::Registered(entry) | What::Metadata(entry) => drop(watched.insert(seen.name, entry)),
                    What::Removed | What::Expired => drop(watched.remove(&seen.name)),
                }
            }
            same(&registry, &slow, now)?;
            // Leases that ended are told when they are noted; who watches lists anew after a restart.
            match step {
                Step::Expire => prop_assert_eq!(&watched, &all(&registry, now), "who watches knows what a list says"),
                Step::Restart => watched = all(&registry, now),
                _ => {}
            }
        }
    }
}

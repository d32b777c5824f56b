//! The election of whole groups in a simulated world: see `sim`.
//!
//! `CARDUME_SEEDS=n` runs n seeds in place of 20,000; `CARDUME_SEED=n` runs one and prints its trace.

mod scenarios;
mod sim;

use std::sync::atomic::{AtomicU64, Ordering};

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn failure(seed: u64, why: &str) -> String {
    format!(
        "seed {seed}: {why}\nreproduce: CARDUME_SEED={seed} cargo test --test simulation seeds -- --nocapture"
    )
}

/// Seeds on every core, each twice as long as it needs to find trouble and short enough for 20,000.
#[test]
fn seeds_keep_every_invariant_and_settle() {
    if let Some(seed) = variable("CARDUME_SEED") {
        let (world, result) = sim::faults::run(seed, true);
        println!("{}", world.trace.unwrap_or_default().join("\n"));
        return result.unwrap_or_else(|why| panic!("{}", failure(seed, &why)));
    }
    let seeds = variable("CARDUME_SEEDS").unwrap_or(20_000);
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.min(failed.load(Ordering::Relaxed)) {
                return;
            }
            if sim::faults::run(seed, false).1.is_err() {
                failed.fetch_min(seed, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for core in 0..cores {
            let thread = std::thread::Builder::new().name(format!("seeds-{core}"));
            thread.spawn_scoped(scope, work).expect("a thread");
        }
    });
    let seed = failed.load(Ordering::Relaxed);
    if seed != u64::MAX {
        let why = sim::faults::run(seed, false).1.expect_err("the same seed fails again");
        panic!("{}", failure(seed, &why));
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 7, 77] {
        let run = |seed| sim::faults::run(seed, true).0.trace.expect("it was asked for");
        let trace = run(seed);
        assert!(trace.len() > 100, "a run of {} lines", trace.len());
        assert_eq!(trace, run(seed));
        assert_ne!(trace, run(seed + 1));
    }
}

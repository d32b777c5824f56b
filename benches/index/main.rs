//! The index's figures: memory and time to announce a million files and five, what searches take in the
//! engine and as a call from another peer, and plocate beside it over the same names.
//!
//! `cargo bench --bench index`, optionally with `-- engine`, `-- five`, `-- call` or `-- plocate` for one part.
//! Memory is the process's own resident memory, which nothing can hide from; so it is said on Linux only.

mod call;
mod engine;
mod files;
mod plocate;
mod table;

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --benches` only wants to see that it builds.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let parts = ["engine", "five", "call", "plocate"];
    let named = |part: &str| arguments.iter().any(|argument| argument == part);
    let is_wanted = |part: &str| named(part) || !parts.iter().any(|part| named(part));
    if is_wanted("engine") {
        engine::run(200_000);
    }
    if is_wanted("five") {
        engine::run(1_000_000);
    }
    if is_wanted("call") {
        call::run(200_000)?;
    }
    if is_wanted("plocate") {
        plocate::run(200_000)?;
    }
    Ok(())
}

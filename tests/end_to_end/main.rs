//! Real processes, as a person starts them: a name service and peers that elect, search, download, die
//! and come back.

#[path = "../support/mod.rs"]
mod support;

mod browsing;
mod checking;
mod demo;
mod failures;
mod foreign;
mod full_disk;
mod growing;
mod sharing;
mod transfers;
mod votes;

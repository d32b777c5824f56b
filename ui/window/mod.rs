//! A peer's window.
//!
//! A picture goes in, actions come out: views draw the [`model`] and name [`action`]s, [`reduce`] changes
//! the model and names effects, [`bridge`] carries them to the running peer. Invariants: the window talks
//! to the peer through its handle only, never blocks on it, and draws only when something changed.
//! Absent on purpose: what the group is; that is in the peer's view.

mod action;
mod autostart;
mod bridge;
mod desk;
mod diagnostics;
#[cfg(test)]
mod fixtures;
mod icon;
mod invite;
mod keys;
mod log;
mod logo;
mod menu;
mod model;
mod motion;
mod orders;
mod pace;
mod portal;
mod reduce;
mod shell;
mod system_fonts;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod theme_choice;
mod views;
mod widgets;

pub(crate) use desk::Desk;
pub(crate) use invite::{Question, ask as ask_to_join};
pub(crate) use log::layer as log_layer;
pub(crate) use text::Language;
pub(crate) use theme_choice::ThemeChoice;

pub(crate) use bridge::Peer;
use eframe::egui;
use shell::Shell;
use std::cell::OnceCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The window's size where none is given.
const DEFAULT_SIZE: [f32; 2] = [1_080.0, 720.0];
/// The smallest window in which every page can be used.
const MIN_SIZE: [f32; 2] = [560.0, 420.0];

/// How a window opens.
#[derive(Clone, Debug, Default)]
pub(crate) struct WindowOptions {
    /// In the title bar.
    pub title: String,
    /// The left upper corner on the screen, in points.
    pub position: Option<[f32; 2]>,
    /// Width and height, in points.
    pub size: Option<[f32; 2]>,
    /// The language; `None`: as chosen before, or as the system has it.
    pub language: Option<Language>,
    /// The theme; `None`: as chosen before, or as the system has it.
    pub theme: Option<ThemeChoice>,
    /// A link that the person opened: the search begins with it.
    pub link: Option<String>,
    /// Where language, theme, page and the window's place are kept (one file per profile); `None`: they
    /// are not.
    pub settings_file: Option<PathBuf>,
    /// What the window does beside its peer; `None`: nothing.
    pub desk: Option<Desk>,
    /// Whether a person who starts for the first time is welcomed.
    pub welcomes: bool,
}

/// Opens a peer's window and returns when it is closed and the peer has stopped (or took longer than a few
/// seconds to). Must be called on the main thread.
///
/// `start` gives the peer, or nothing if it did not start. It is called when the window has its place on the
/// screen and nothing is drawn yet: what a peer and a window need for their start is done at the same time.
/// Gives whether there was a peer.
///
/// # Errors
/// There is no display, or it gives no window; `start` was not called then.
pub(crate) fn run<P: Peer>(
    start: impl FnOnce() -> Option<P>,
    runtime: tokio::runtime::Handle,
    options: &WindowOptions,
) -> anyhow::Result<bool> {
    let native = native_options(options);
    let title = options.title.clone();
    let (started, last_runtime) = (OnceCell::new(), runtime.clone());
    let stopped = Arc::new(AtomicBool::new(false));
    let tells = Arc::clone(&stopped);
    let run = eframe::run_native(
        &title,
        native,
        Box::new(|creation| {
            let peer = start().ok_or("the peer did not start")?;
            let peer = started.get_or_init(|| peer).clone();
            Ok(Box::new(Shell::from_creation(creation, peer, runtime, options, tells)))
        }),
    );
    match run {
        Ok(()) => {}
        Err(eframe::Error::AppCreation(_)) => return Ok(false),
        Err(error) => anyhow::bail!("cannot open a window: {error}. Use `peer --headless` without a display"),
    }
    // The window may have been taken away without asking; the peer stops gracefully all the same.
    let runs_still = |peer: &&P| !stopped.load(Ordering::Relaxed) && peer.views().has_changed().is_ok();
    if let Some(peer) = started.get().filter(runs_still) {
        last_runtime.block_on(bridge::stop(peer));
    }
    Ok(true)
}

fn native_options(options: &WindowOptions) -> eframe::NativeOptions {
    let mut viewport = egui::ViewportBuilder::default()
        .with_title(&options.title)
        .with_app_id("cardume")
        .with_icon(logo::icon())
        .with_inner_size(options.size.unwrap_or(DEFAULT_SIZE))
        .with_min_inner_size(MIN_SIZE)
        .with_drag_and_drop(true);
    if let Some(position) = options.position {
        viewport = viewport.with_position(position);
    }
    eframe::NativeOptions {
        viewport,
        // Ours look for fonts only when one is missing.
        system_font_fallback: false,
        persist_window: options.settings_file.is_some() && options.position.is_none(),
        persistence_path: options.settings_file.clone(),
        ..Default::default()
    }
}

//! Scripts that our own fonts do not have (Chinese, Arabic, Devanagari, emoji, …) through the system's fonts.
//!
//! Invariant: the first frame waits for nothing. The system's fonts are looked for when a character is
//! missing and not before, on a thread of their own; until they are found, its place stays empty. Their
//! files are mapped, not read: a font of 50 MB costs what is drawn of it. Absent on purpose: our own
//! fonts, which are the theme's.

use eframe::egui;
use egui::epaint::text::{FallbackRequest, FontData, FontInsert, FontProvider};
use egui_system_font_provider::SystemFontProvider;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

/// Emoji in one colour, for systems that have none. In the style of the text, and a part of the program.
static EMOJI: &[u8] = include_bytes!("../../fonts/NotoEmoji-Regular.ttf");
/// Emoji are drawn larger than letters in it.
const EMOJI_SCALE: f32 = 0.81;
/// Where emoji are: symbols from the technical ones on, and the planes made for them.
const EMOJI_RANGES: [RangeInclusive<char>; 2] = ['\u{2300}'..='\u{2bff}', '\u{1f000}'..='\u{1faff}'];

/// How the system's fonts are found.
type Find = fn() -> Arc<dyn FontProvider>;

/// Finds fonts when they are needed.
pub(crate) struct SystemFonts {
    ctx: egui::Context,
    find: Find,
    state: Arc<Mutex<State>>,
}

enum State {
    /// Nothing was missing yet.
    Asleep,
    /// A thread looks for the fonts.
    Looking,
    /// They are found.
    Found(Arc<dyn FontProvider>),
}

/// Lets the window write what its own fonts cannot.
pub(crate) fn install(ctx: &egui::Context) {
    install_with(ctx, || Arc::new(SystemFontProvider::new()));
}

fn install_with(ctx: &egui::Context, find: Find) {
    let state = Arc::new(Mutex::new(State::Asleep));
    ctx.set_font_providers(vec![Arc::new(SystemFonts { ctx: ctx.clone(), find, state })]);
}

impl SystemFonts {
    /// Looks for the fonts on a thread of their own; then the window is drawn again.
    fn look(&self, cluster: &str, family: &egui::FontFamily) {
        let (ctx, find, state) = (self.ctx.clone(), self.find, Arc::clone(&self.state));
        let (cluster, family) = (cluster.to_owned(), family.clone());
        let thread = std::thread::Builder::new().name("cardume-fonts".to_owned()).spawn(move || {
            let fonts = find();
            // The first question waits until all fonts are known; here nobody waits for it.
            let first = fonts.font_for(&FallbackRequest { cluster: &cluster, family: &family });
            drop(first);
            *state.lock().unwrap_or_else(PoisonError::into_inner) = State::Found(fonts);
            // Which characters are missing is remembered; with new providers egui asks again.
            let this = Self { ctx: ctx.clone(), find, state };
            ctx.set_font_providers(vec![Arc::new(this)]);
            ctx.request_repaint_of(egui::ViewportId::ROOT);
        });
        if let Err(error) = thread {
            tracing::warn!(%error, "the system's fonts cannot be looked for");
        }
    }
}

impl FontProvider for SystemFonts {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let found = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            match &*state {
                State::Asleep => {
                    *state = State::Looking;
                    self.look(request.cluster, request.family);
                    return None;
                }
                State::Looking => return None,
                State::Found(fonts) => Arc::clone(fonts),
            }
        };
        found.font_for(request).or_else(|| own_emoji(request.cluster))
    }
}

/// Our own emoji, for a cluster that begins with one.
fn own_emoji(cluster: &str) -> Option<FontInsert> {
    let first = cluster.chars().next()?;
    EMOJI_RANGES.iter().any(|range| range.contains(&first)).then(|| {
        let tweak = egui::FontTweak { scale: EMOJI_SCALE, ..egui::FontTweak::default() };
        FontInsert::new("Noto Emoji", FontData::from_static(EMOJI).tweak(tweak), Vec::new())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::theme;
    use egui::FontFamily;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Longer than the system's fonts take to be found on a busy machine.
    const MOST_LOOKS: usize = 1_000;
    const PAUSE: Duration = Duration::from_millis(20);

    /// Names of files in scripts that Inter does not have, with the language as fontconfig calls it.
    const NAMES: [(&str, &str); 6] = [
        ("zh-cn", "暑假照片.jpg"),
        ("ar", "صور العطلة.zip"),
        ("hi", "छुट्टी की तस्वीरें.pdf"),
        ("ja", "夏休みのしゃしん.mp4"),
        ("th", "วันหยุด.txt"),
        ("he", "תמונות.png"),
    ];

    fn draws(ctx: &egui::Context, text: &str) -> bool {
        let mut all = false;
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            all = ui.fonts_mut(|fonts| fonts.has_glyphs(&theme::body(), text));
        });
        output.textures_delta.clear();
        all
    }

    fn drawn_in_time(ctx: &egui::Context, text: &str) -> bool {
        (0..MOST_LOOKS).any(|_| {
            let drawn = draws(ctx, text);
            if !drawn {
                std::thread::sleep(PAUSE);
            }
            drawn
        })
    }

    fn context(find: Find) -> egui::Context {
        let ctx = egui::Context::default();
        theme::install(&ctx);
        install_with(&ctx, find);
        ctx
    }

    static LOOKED: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn fonts_are_looked_for_once_and_only_when_a_character_is_missing() {
        fn find() -> Arc<dyn FontProvider> {
            LOOKED.fetch_add(1, Ordering::Relaxed);
            Arc::new(|_: &FallbackRequest<'_>| None)
        }
        let ctx = context(find);
        assert!(draws(&ctx, "férias – Übung – Привет – Καλημέρα"), "our own fonts have these");
        assert_eq!(LOOKED.load(Ordering::Relaxed), 0);
        // The system has none; then our own emoji are there.
        assert!(!draws(&ctx, "🐟"), "the frame does not wait for fonts");
        assert!(drawn_in_time(&ctx, "🐟 🎵 📷 ☀ ✔"));
        assert!(!draws(&ctx, "\u{10330}"), "Gothic is in no font here");
        assert_eq!(LOOKED.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_the_system_has_comes_before_our_own_emoji() {
        fn find() -> Arc<dyn FontProvider> {
            Arc::new(|request: &FallbackRequest<'_>| {
                assert_eq!(*request.family, FontFamily::Proportional);
                Some(FontInsert::new("of the system", FontData::from_static(EMOJI), Vec::new()))
            })
        }
        let ctx = context(find);
        assert!(drawn_in_time(&ctx, "🐟"));
        let names: Vec<String> =
            ctx.fonts(|fonts| fonts.discovered_fonts().iter().map(|font| font.name.clone()).collect());
        assert_eq!(names, ["of the system"]);
    }

    #[test]
    fn names_in_the_scripts_of_the_system_are_drawn() {
        let ctx = context(|| Arc::new(SystemFontProvider::new()));
        for (language, name) in NAMES {
            let listed =
                std::process::Command::new("fc-list").args([&format!(":lang={language}"), "file"]).output();
            let there = listed.is_ok_and(|listed| !listed.stdout.is_empty());
            if there {
                assert!(drawn_in_time(&ctx, name), "{language}: {name}");
            } else {
                println!("skipped: this system has no font for {language}");
            }
        }
        assert!(drawn_in_time(&ctx, "🐟 férias"), "emoji are always there");
    }
}

//! How the window looks: the only place with colours, sizes and fonts.
//!
//! Invariant: every text token has a contrast of at least 4.5:1 on every surface that it is written on,
//! in both themes (a test holds it). Absent on purpose: anything that decides what is shown.

use eframe::egui;
use egui::epaint::text::{FontData, FontDefinitions};
use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, Style, TextStyle, Theme, vec2};
use std::sync::Arc;

/// The grid: distances are multiples (or halves) of it.
pub(crate) const GRID: f32 = 8.0;
/// Height of an ordinary row.
pub(crate) const ROW: f32 = 30.0;
/// Height of a row with a sentence and a bar.
pub(crate) const TALL_ROW: f32 = 64.0;
/// Height of the status bar.
pub(crate) const STATUS_BAR: f32 = 30.0;
/// Width of the rail with words, and without.
pub(crate) const RAIL: [f32; 2] = [176.0, 56.0];
/// Windows narrower than this have the rail without words.
pub(crate) const NARROW: f32 = 900.0;
/// Side of an icon.
pub(crate) const ICON: f32 = 16.0;
/// Side of an icon that stands alone.
pub(crate) const LARGE_ICON: f32 = 24.0;
/// Side of the program's icon in the rail.
pub(crate) const LOGO: f32 = 32.0;
/// Height of buttons and fields.
pub(crate) const CONTROL: f32 = 28.0;
/// Height of the one big button.
pub(crate) const BIG_CONTROL: f32 = 40.0;
/// Height of a line with a name and a value.
pub(crate) const FACT: f32 = 24.0;
/// Height of the details below a list.
pub(crate) const DETAILS: f32 = 252.0;
/// Thickness of the bar of pieces in the details.
pub(crate) const WIDE_BAR: f32 = 14.0;
/// Thickness of a progress bar.
pub(crate) const BAR: f32 = 4.0;
/// Corners of buttons, fields and rows.
pub(crate) const RADIUS: u8 = 5;
/// Corners of cards.
pub(crate) const CARD_RADIUS: u8 = 8;
/// Pages wider than this have room for two columns.
pub(crate) const WIDE: f32 = 860.0;
/// Width of a column with a time of day.
pub(crate) const TIME: f32 = 92.0;
/// Radius of a peer on the ring.
pub(crate) const NODE: f32 = 20.0;
/// Radius of the arc of a peer's timer.
pub(crate) const TIMER: f32 = 26.0;
/// Width of a dialog.
pub(crate) const DIALOG: f32 = 420.0;
/// How long what opens and closes moves, in seconds.
const ANIMATION: f32 = 0.1;

/// Body text, in points.
const BODY: f32 = 13.0;
/// Secondary text, in points.
const SMALL: f32 = 12.0;
/// A page's title, in points.
const TITLE: f32 = 18.0;
/// The figure of the stopwatch, in points.
const FIGURE: f32 = 24.0;

/// The colours of a theme, by what they mean.
#[derive(Debug)]
pub(crate) struct Tokens {
    /// Where pages are drawn.
    pub canvas: Color32,
    /// Rail and status bar.
    pub rail: Color32,
    /// Cards, fields and quiet buttons.
    pub raised: Color32,
    /// A row or button under the pointer.
    pub hover: Color32,
    /// The selected row.
    pub selected: Color32,
    /// What is dragged: the handle of a scroll bar.
    pub handle: Color32,
    /// Hairlines and empty bars.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Secondary text.
    pub weak: Color32,
    /// The one accent: links, the selected page, bars.
    pub accent: Color32,
    /// Fill of the main button.
    pub accent_fill: Color32,
    /// Text on it.
    pub on_accent: Color32,
    /// All is well.
    pub ok: Color32,
    /// Take a look.
    pub warning: Color32,
    /// Something failed.
    pub error: Color32,
    /// Good to know.
    pub info: Color32,
    /// A peer's hue, always beside its name. After Okabe and Ito's palette, which stays apart for
    /// colour-blind eyes.
    pub peers: [Color32; 5],
}

const LIGHT: Tokens = Tokens {
    canvas: Color32::from_rgb(255, 255, 255),
    rail: Color32::from_rgb(243, 245, 247),
    raised: Color32::from_rgb(241, 243, 246),
    hover: Color32::from_rgb(233, 237, 242),
    selected: Color32::from_rgb(219, 233, 250),
    handle: Color32::from_rgb(196, 202, 210),
    line: Color32::from_rgb(222, 226, 232),
    text: Color32::from_rgb(27, 31, 36),
    weak: Color32::from_rgb(84, 93, 104),
    accent: Color32::from_rgb(10, 85, 168),
    accent_fill: Color32::from_rgb(16, 98, 190),
    on_accent: Color32::from_rgb(255, 255, 255),
    ok: Color32::from_rgb(18, 103, 52),
    warning: Color32::from_rgb(128, 77, 0),
    error: Color32::from_rgb(170, 30, 30),
    info: Color32::from_rgb(10, 85, 150),
    peers: [
        Color32::from_rgb(0, 114, 178),
        Color32::from_rgb(194, 84, 0),
        Color32::from_rgb(0, 138, 101),
        Color32::from_rgb(176, 82, 138),
        Color32::from_rgb(150, 118, 0),
    ],
};

const DARK: Tokens = Tokens {
    canvas: Color32::from_rgb(24, 27, 31),
    rail: Color32::from_rgb(18, 20, 24),
    raised: Color32::from_rgb(36, 40, 46),
    hover: Color32::from_rgb(43, 48, 55),
    selected: Color32::from_rgb(32, 56, 86),
    handle: Color32::from_rgb(72, 80, 90),
    line: Color32::from_rgb(50, 56, 64),
    text: Color32::from_rgb(230, 233, 237),
    weak: Color32::from_rgb(164, 173, 184),
    accent: Color32::from_rgb(128, 186, 255),
    accent_fill: Color32::from_rgb(28, 100, 184),
    on_accent: Color32::from_rgb(255, 255, 255),
    ok: Color32::from_rgb(104, 207, 146),
    warning: Color32::from_rgb(232, 186, 92),
    error: Color32::from_rgb(255, 150, 142),
    info: Color32::from_rgb(132, 200, 246),
    peers: [
        Color32::from_rgb(86, 180, 233),
        Color32::from_rgb(236, 126, 52),
        Color32::from_rgb(38, 190, 146),
        Color32::from_rgb(214, 140, 184),
        Color32::from_rgb(230, 202, 60),
    ],
};

/// The colours in use.
pub(crate) fn tokens(ui: &egui::Ui) -> &'static Tokens {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

/// A picture of four bytes a pixel, as files have it.
pub(crate) fn picture(size: [usize; 2], rgba: &[u8]) -> egui::ColorImage {
    egui::ColorImage::from_rgba_unmultiplied(size, rgba)
}

/// Body text.
pub(crate) fn body() -> FontId {
    FontId::new(BODY, FontFamily::Proportional)
}

/// Secondary text.
pub(crate) fn small() -> FontId {
    FontId::new(SMALL, FontFamily::Proportional)
}

/// Text that stands out from the body.
pub(crate) fn strong() -> FontId {
    FontId::new(BODY, medium_family())
}

/// A page's title.
pub(crate) fn title() -> FontId {
    FontId::new(TITLE, semibold_family())
}

/// The stopwatch's figure.
pub(crate) fn figure() -> FontId {
    FontId::new(FIGURE, semibold_family())
}

/// An icon so large, in outlines.
pub(crate) fn icon(size: f32) -> FontId {
    FontId::new(size, icon_family())
}

/// An icon so large, filled.
pub(crate) fn filled_icon(size: f32) -> FontId {
    FontId::new(size, filled_icon_family())
}

fn icon_family() -> FontFamily {
    FontFamily::Name("icons".into())
}

fn filled_icon_family() -> FontFamily {
    FontFamily::Name("filled icons".into())
}

fn medium_family() -> FontFamily {
    FontFamily::Name("medium".into())
}

fn semibold_family() -> FontFamily {
    FontFamily::Name("semibold".into())
}

/// The side of the ring in a page of this width.
pub(crate) fn ring_size(width: f32) -> f32 {
    (width * 0.3 + 150.0).clamp(260.0, 420.0)
}

/// The same colour, so much of it.
pub(crate) fn faded(color: Color32, much: f32) -> Color32 {
    color.gamma_multiply(much.clamp(0.0, 1.0))
}

/// The inner space of a page.
pub(crate) fn page_frame(tokens: &Tokens) -> egui::Frame {
    egui::Frame::new().fill(tokens.canvas).inner_margin(Margin { left: 24, right: 24, top: 20, bottom: 0 })
}

/// A card.
pub(crate) fn card_frame(tokens: &Tokens) -> egui::Frame {
    egui::Frame::new()
        .fill(tokens.canvas)
        .stroke(Stroke::new(1.0, tokens.line))
        .corner_radius(CornerRadius::same(CARD_RADIUS))
        .inner_margin(Margin::symmetric(16, 12))
}

/// Rail and status bar.
pub(crate) fn rail_frame(tokens: &Tokens) -> egui::Frame {
    egui::Frame::new().fill(tokens.rail).inner_margin(Margin::symmetric(8, 8))
}

/// The status bar.
pub(crate) fn status_frame(tokens: &Tokens) -> egui::Frame {
    egui::Frame::new().fill(tokens.rail).inner_margin(Margin::symmetric(12, 0))
}

/// A toast or a dialog.
pub(crate) fn floating_frame(tokens: &Tokens) -> egui::Frame {
    egui::Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.line))
        .corner_radius(CornerRadius::same(CARD_RADIUS))
        .inner_margin(Margin::symmetric(16, 12))
        .shadow(egui::Shadow { offset: [0, 4], blur: 16, spread: 0, color: Color32::from_black_alpha(60) })
}

/// Has what opens and closes do so at once, or move.
pub(crate) fn set_still(ctx: &egui::Context, still: bool) {
    ctx.all_styles_mut(|style| style.animation_time = if still { 0.0 } else { ANIMATION });
}

/// Gives egui our fonts and both themes.
pub(crate) fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.set_style_of(Theme::Dark, style(Theme::Dark, &DARK));
    ctx.set_style_of(Theme::Light, style(Theme::Light, &LIGHT));
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let inter: [(&str, FontFamily, &'static [u8]); 3] = [
        ("Inter", FontFamily::Proportional, include_bytes!("../../fonts/Inter-Regular.otf")),
        ("Inter Medium", medium_family(), include_bytes!("../../fonts/Inter-Medium.otf")),
        ("Inter SemiBold", semibold_family(), include_bytes!("../../fonts/Inter-SemiBold.otf")),
    ];
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    for (name, family, data) in inter {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(data)));
        let faces = std::iter::once(name.to_owned()).chain(fallback.iter().cloned()).collect();
        fonts.families.insert(family, faces);
    }
    let icons: [(&str, FontFamily, &'static [u8]); 2] = [
        ("Phosphor", icon_family(), include_bytes!("../../fonts/Phosphor.ttf")),
        ("Phosphor Fill", filled_icon_family(), include_bytes!("../../fonts/Phosphor-Fill.ttf")),
    ];
    for (name, family, data) in icons {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(data)));
        fonts.families.insert(family, vec![name.to_owned()]);
    }
    fonts
}

fn style(theme: Theme, tokens: &Tokens) -> Style {
    let mut style = Style {
        text_styles: [
            (TextStyle::Small, small()),
            (TextStyle::Body, body()),
            (TextStyle::Button, body()),
            (TextStyle::Heading, title()),
            (TextStyle::Monospace, FontId::new(SMALL, FontFamily::Monospace)),
        ]
        .into(),
        visuals: theme.default_visuals(),
        animation_time: ANIMATION,
        ..Style::default()
    };
    style.spacing.item_spacing = vec2(GRID, GRID);
    style.spacing.button_padding = vec2(10.0, 4.0);
    style.spacing.interact_size = vec2(CONTROL, CONTROL);
    style.spacing.scroll = egui::style::ScrollStyle::solid();
    style.spacing.scroll.bar_width = GRID;
    style.spacing.scroll.foreground_color = false;
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    visuals(&mut style.visuals, tokens);
    style
}

fn visuals(visuals: &mut egui::Visuals, tokens: &Tokens) {
    visuals.panel_fill = tokens.canvas;
    visuals.window_fill = tokens.raised;
    visuals.window_stroke = Stroke::new(1.0, tokens.line);
    visuals.extreme_bg_color = tokens.canvas;
    visuals.text_edit_bg_color = Some(tokens.raised);
    visuals.faint_bg_color = tokens.raised;
    visuals.hyperlink_color = tokens.accent;
    visuals.weak_text_color = Some(tokens.weak);
    visuals.warn_fg_color = tokens.warning;
    visuals.error_fg_color = tokens.error;
    visuals.selection.bg_fill = tokens.selected;
    visuals.selection.stroke = Stroke::new(1.0, tokens.accent);
    visuals.text_cursor.stroke = Stroke::new(1.5, tokens.accent);
    // A blinking cursor would repaint the window twice a second for nothing.
    visuals.text_cursor.blink = false;
    visuals.striped = false;
    visuals.widgets.noninteractive.fg_stroke = Stroke::new(1.0, tokens.text);
    visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, tokens.line);
    visuals.widgets.noninteractive.corner_radius = CornerRadius::same(RADIUS);
    let states = [
        (&mut visuals.widgets.inactive, tokens.raised),
        (&mut visuals.widgets.hovered, tokens.hover),
        (&mut visuals.widgets.active, tokens.selected),
        (&mut visuals.widgets.open, tokens.hover),
    ];
    for (state, fill) in states {
        state.bg_fill = tokens.handle;
        state.weak_bg_fill = fill;
        state.bg_stroke = Stroke::NONE;
        state.fg_stroke = Stroke::new(1.0, tokens.text);
        state.corner_radius = CornerRadius::same(RADIUS);
        state.expansion = 0.0;
    }
    // The keyboard's focus is seen by this line (buttons at rest have none).
    visuals.widgets.active.bg_stroke = Stroke::new(1.0, tokens.accent);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2, relative luminance.
    fn luminance(color: Color32) -> f32 {
        let linear = |channel: u8| {
            let channel = f32::from(channel) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
    }

    fn contrast(one: Color32, other: Color32) -> f32 {
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    /// Whatever is written or drawn on: pages, the rail, cards and toasts, and rows in all their states.
    fn surfaces(tokens: &Tokens) -> [(&'static str, Color32); 5] {
        [
            ("canvas", tokens.canvas),
            ("rail", tokens.rail),
            ("raised", tokens.raised),
            ("hover", tokens.hover),
            ("selected", tokens.selected),
        ]
    }

    #[test]
    fn text_is_readable_on_every_surface() {
        for (theme, tokens) in [("light", &LIGHT), ("dark", &DARK)] {
            let texts = [
                ("text", tokens.text),
                ("weak", tokens.weak),
                ("accent", tokens.accent),
                ("ok", tokens.ok),
                ("warning", tokens.warning),
                ("error", tokens.error),
                ("info", tokens.info),
            ];
            for (text, text_color) in texts {
                for (surface, surface_color) in surfaces(tokens) {
                    let ratio = contrast(text_color, surface_color);
                    assert!(ratio >= 4.5, "{theme}: {text} on {surface} has {ratio:.2}:1");
                }
            }
            let button = contrast(tokens.on_accent, tokens.accent_fill);
            assert!(button >= 4.5, "{theme}: the main button has {button:.2}:1");
        }
    }

    #[test]
    fn hues_of_peers_are_seen_and_differ() {
        for (theme, tokens) in [("light", &LIGHT), ("dark", &DARK)] {
            for (index, hue) in tokens.peers.iter().enumerate() {
                // WCAG 2.2, 1.4.11: 3:1 for what is not text.
                for (surface, color) in surfaces(tokens) {
                    let ratio = contrast(*hue, color);
                    assert!(ratio >= 3.0, "{theme}: hue {index} on {surface} has {ratio:.2}:1");
                }
                let twins = tokens.peers.iter().filter(|other| *other == hue).count();
                assert_eq!(twins, 1, "{theme}: hue {index} is there more than once");
            }
        }
    }
}

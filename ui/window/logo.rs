//! The program's own icon: in the title bar, and where the window says what it is.

use super::theme;
use eframe::egui;
use egui::{Rect, TextureHandle, Ui};

/// Large enough for a task bar, and for a logo on a screen with two pixels per point.
static PNG: &[u8] = include_bytes!("../icon/cardume-128.png");

/// The icon as window systems want it.
pub(crate) fn icon() -> egui::IconData {
    match eframe::icon_data::from_png_bytes(PNG) {
        Ok(icon) => icon,
        Err(error) => {
            tracing::warn!(%error, "the program's icon cannot be read");
            egui::IconData::default()
        }
    }
}

/// Draws the icon into `rect`. Nothing for those who cannot see: the name stands beside it.
pub(crate) fn paint(ui: &Ui, rect: Rect) {
    let texture = texture(ui.ctx());
    egui::Image::from_texture(&texture).paint_at(ui, rect);
}

/// Uploaded at its first use and kept for as long as the window is there.
fn texture(ctx: &egui::Context) -> TextureHandle {
    let id = egui::Id::unique("logo");
    if let Some(texture) = ctx.data(|data| data.get_temp::<TextureHandle>(id)) {
        return texture;
    }
    let icon = icon();
    let size = [icon.width, icon.height].map(|side| usize::try_from(side).unwrap_or(0));
    let image = theme::picture(size, &icon.rgba);
    // Drawn smaller than it is: in steps of halves, or it flickers into dots.
    let options = egui::TextureOptions::LINEAR.with_mipmap_mode(Some(egui::TextureFilter::Linear));
    let texture = ctx.load_texture("logo", image, options);
    ctx.data_mut(|data| data.insert_temp(id, texture.clone()));
    texture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_is_read() {
        let icon = icon();
        assert_eq!((icon.width, icon.height), (128, 128));
        assert_eq!(icon.rgba.len(), 128 * 128 * 4);
        let leader = icon.rgba.chunks_exact(4).filter(|pixel| pixel[0] > 240 && pixel[2] < 90).count();
        assert!(leader > 500, "the leading fish is there in its own colour: {leader} pixels");
    }
}

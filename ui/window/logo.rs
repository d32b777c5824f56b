//! The program's own icon: in the title bar, and where the window says what it is.

use super::theme;
use eframe::egui;
use egui::{Rect, TextureHandle, Ui};

/// Drawn in these sizes, in pixels, the smallest first.
static PNGS: [(f32, &[u8]); 4] = [
    (32.0, include_bytes!("../icon/cardume-32.png")),
    (48.0, include_bytes!("../icon/cardume-48.png")),
    (64.0, include_bytes!("../icon/cardume-64.png")),
    (128.0, LARGEST),
];
/// Large enough for a task bar, and for a logo on a screen with two pixels per point.
static LARGEST: &[u8] = include_bytes!("../icon/cardume-128.png");

/// The icon as window systems want it.
pub(crate) fn icon() -> egui::IconData {
    read(LARGEST)
}

fn read(png: &[u8]) -> egui::IconData {
    match eframe::icon_data::from_png_bytes(png) {
        Ok(icon) => icon,
        Err(error) => {
            tracing::warn!(%error, "the program's icon cannot be read");
            egui::IconData::default()
        }
    }
}

/// Draws the icon into `rect`. Nothing for those who cannot see: the name stands beside it.
pub(crate) fn paint(ui: &Ui, rect: Rect) {
    let texture = texture(ui.ctx(), rect.width() * ui.pixels_per_point());
    egui::Image::from_texture(&texture).paint_at(ui, rect);
}

/// The picture for so many pixels, uploaded at its first use and kept for as long as the window is there.
///
/// It is never drawn at less than about half its size, so that it needs no smaller copies of itself
/// (mipmaps): where a processor draws, as under a remote desktop, their sampling is compiled for the
/// first frame and doubled the time to it.
fn texture(ctx: &egui::Context, pixels: f32) -> TextureHandle {
    let fits = PNGS.iter().find(|(size, _)| pixels <= *size + 0.5);
    let (size, png) = fits.copied().unwrap_or(PNGS[PNGS.len() - 1]);
    let id = egui::Id::unique("logo").with(size.to_bits());
    if let Some(texture) = ctx.data(|data| data.get_temp::<TextureHandle>(id)) {
        return texture;
    }
    let icon = read(png);
    let size = [icon.width, icon.height].map(|side| usize::try_from(side).unwrap_or(0));
    let image = theme::picture(size, &icon.rgba);
    let texture = ctx.load_texture("logo", image, egui::TextureOptions::LINEAR);
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

    #[test]
    fn it_is_drawn_from_the_picture_of_its_size() {
        let ctx = egui::Context::default();
        let size = |pixels| texture(&ctx, pixels).size()[0];
        let expected =
            [(16.0, 32), (32.0, 32), (32.4, 32), (33.0, 48), (56.0, 64), (84.0, 128), (300.0, 128)];
        for (pixels, side) in expected {
            assert_eq!(size(pixels), side, "{pixels}");
        }
        assert_eq!(texture(&ctx, 32.0).id(), texture(&ctx, 20.0).id(), "uploaded once");
    }
}

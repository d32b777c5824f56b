//! An eframe window with nothing in it: what `cargo bench --bench window` holds Cardume's window against.
//! The same renderer and the same size, and no more code than a window needs.

#[cfg(feature = "window")]
fn main() -> eframe::Result {
    use eframe::egui;

    struct Empty;

    impl eframe::App for Empty {
        fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
            egui::CentralPanel::default().show(ui, |_| {});
        }
    }

    let viewport = egui::ViewportBuilder::default().with_inner_size([1_080.0, 720.0]);
    let options = eframe::NativeOptions { viewport, system_font_fallback: false, ..Default::default() };
    eframe::run_native("An empty window", options, Box::new(|_| Ok(Box::new(Empty))))
}

#[cfg(not(feature = "window"))]
fn main() {}

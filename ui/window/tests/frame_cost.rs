//! What a frame costs: layout and paint lists of the whole window, without a graphics card.

use super::super::fixtures::{FakePeer, many_results, transfer, typical_view};
use super::super::shell::Shell;
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use super::{MOST_LOOKS, PAUSE};
use cardume::node::View;
use eframe::egui;
use egui::{Event, Key, Modifiers, pos2, vec2};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is measured, after as many to warm up.
const FRAMES: usize = 600;
const WARM_UP: usize = 100;
/// The target of the issue, for 95 of 100 frames of a release build.
const MOST: Duration = Duration::from_millis(8);

/// The window without a window system.
struct Bare {
    ctx: egui::Context,
    shell: Shell<FakePeer>,
    _runtime: tokio::runtime::Runtime,
    now: f64,
}

impl Bare {
    fn open(peer: FakePeer) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .expect("a runtime");
        let ctx = egui::Context::default();
        let handle = runtime.handle().clone();
        let shell = Shell::new(&ctx, peer, handle, Language::English, ThemeChoice::Dark, Arc::default());
        Self { ctx, shell, _runtime: runtime, now: 0.0 }
    }

    /// One frame with these events; gives how long it is until the next one is wanted.
    fn frame(&mut self, events: Vec<Event>) -> Duration {
        self.now += 1.0 / 60.0;
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(pos2(0.0, 0.0), vec2(1_280.0, 800.0))),
            time: Some(self.now),
            events,
            focused: true,
            ..egui::RawInput::default()
        };
        let shell = &mut self.shell;
        let mut output = self.ctx.run_ui(input, |ui| {
            let ctx = ui.ctx().clone();
            shell.logic(&ctx);
            shell.ui(ui);
        });
        output.textures_delta.clear();
        let shapes = std::mem::take(&mut output.shapes);
        let painted = self.ctx.tessellate(shapes, output.pixels_per_point);
        assert!(!painted.is_empty(), "something is drawn");
        output.viewport_output.values().map(|viewport| viewport.repaint_delay).min().unwrap_or(Duration::MAX)
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        let event = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
        self.frame(vec![event(true)]);
        self.frame(vec![event(false)]);
    }

    /// Until the answers that come from other threads are there and nothing moves any more.
    fn settle(&mut self) -> bool {
        (0..MOST_LOOKS).any(|_| {
            std::thread::sleep(PAUSE / 4);
            let wanted = self.frame(Vec::new());
            self.now > 6.0 && wanted >= Duration::from_secs(1)
        })
    }
}

fn at_work(results: u64, transfers: u64) -> FakePeer {
    let state = |id: u64| ["finished", "running", "failed", "waiting"][usize::try_from(id % 4).unwrap_or(0)];
    let one = |id: u64| Arc::new(transfer(id, &format!("download {id:05}.mp4"), state(id)));
    let many = (0..transfers).map(one).collect();
    FakePeer::new(View { transfers: Arc::new(many), ..typical_view() }, many_results(results))
}

const PAGES: [(&str, Key); 5] = [
    ("search", Key::Num1),
    ("transfers", Key::Num2),
    ("library", Key::Num3),
    ("group", Key::Num4),
    ("activity", Key::Num5),
];

#[test]
fn a_window_in_which_nothing_happens_asks_for_no_frame() {
    for (page, key) in PAGES {
        let mut window = Bare::open(at_work(20, 0));
        window.press(Modifiers::COMMAND, key);
        assert!(window.settle(), "{page}: a frame is wanted though nothing happens");
    }
}

#[test]
fn a_search_that_is_due_is_not_forgotten_by_a_frame_in_between() {
    let mut window = Bare::open(at_work(20, 0));
    window.settle();
    window.frame(vec![Event::Text("s".to_owned())]);
    let mut frames = 0;
    while let Some(due) = window.shell.model.search.due {
        let wanted = window.frame(Vec::new());
        frames += 1;
        assert!(frames < 100, "it was never sent");
        let left = due.saturating_sub(window.shell.model.now);
        let is_wanted = window.shell.model.search.due.is_none() || wanted <= left;
        assert!(is_wanted, "frame {frames}: the next one comes after {wanted:?}");
    }
    assert!(frames > 1, "it waited for more to be typed");
}

#[test]
#[ignore = "a measurement of minutes: cargo bench --bench window"]
#[expect(clippy::disallowed_methods, reason = "it measures real time")]
fn frame_cost() {
    let mut worst = Duration::ZERO;
    for (page, key) in PAGES {
        let mut window = Bare::open(at_work(100_000, 10_000));
        window.press(Modifiers::COMMAND, key);
        window.settle();
        window.frame(vec![Event::PointerMoved(pos2(700.0, 400.0))]);
        let mut times = Vec::with_capacity(FRAMES);
        for number in 0..WARM_UP + FRAMES {
            // Scrolled all the time, a screen's height and more: what was laid out before is of little use.
            let down = if number % 200 < 100 { -937.0 } else { 937.0 };
            let wheel = Event::MouseWheel {
                unit: egui::MouseWheelUnit::Point,
                source: egui::MouseWheelSource::Unknown,
                delta: vec2(0.0, down),
                phase: egui::TouchPhase::Move,
                modifiers: Modifiers::NONE,
            };
            let begun = Instant::now();
            window.frame(vec![wheel]);
            if number >= WARM_UP {
                times.push(begun.elapsed());
            }
        }
        times.sort_unstable();
        let at = |percent: usize| times[times.len() * percent / 100];
        println!("frame of {page}: p50 {:?}, p95 {:?}, p99 {:?}", at(50), at(95), at(99));
        worst = worst.max(at(95));
    }
    assert!(cfg!(debug_assertions) || worst <= MOST, "p95 is {worst:?}, and at most {MOST:?} is wanted");
}

//! The peers on a ring, as they recorded themselves: who leads, in which epoch, whose timer runs how long,
//! which messages are on their way.
//!
//! Invariant: everything that moves here is a record of a peer (see `engine::trace`). What is drawn is
//! [`Moment`]; nothing is remembered between frames. Absent on purpose: made-up motion.

use super::super::model::Model;
use super::super::text::{OnRing, Text};
use super::super::theme::{self, Tokens};
use super::super::widgets::{self, Icon};
use super::group_playback::moment;
use cardume::base::PeerId;
use cardume::engine::election::Role;
use cardume::engine::trace::{Condition, Dot, MailKind, Moment, PeerMoment};
use cardume::wire::control::MemberState;
use cardume::wire::convert::trace::role_text;
use eframe::egui;
use egui::{
    Align2, Color32, FontId, Painter, Pos2, Rect, Role as Accessible, Sense, Stroke, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};
use std::f32::consts::TAU;

/// How many of the steps of a whole circle an arc is drawn with.
const STEPS: u16 = 64;

/// A peer and where it stands.
struct Node<'a> {
    member: &'a MemberState,
    peer: PeerId,
    at: Pos2,
    /// Away from the middle.
    outward: Vec2,
    hue: Color32,
}

/// Draws the ring into a square.
pub(crate) fn ring_ui(ui: &mut Ui, size: f32, model: &Model, text: &Text) {
    let tokens = theme::tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(size, size), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Accessible::Figure, true, text.of_group.ring));
    let circle = Rect::from_min_max(rect.min, rect.max - vec2(0.0, LEGEND));
    let nodes = nodes(model, tokens, circle);
    let shown = model.group.history.at(moment(model), model.group.travel());
    let painter = ui.painter().clone();
    let (center, radius) = place(circle, model.view.members.len());
    painter.circle_stroke(center, radius, Stroke::new(1.0, tokens.line));
    for node in &nodes {
        cut_links(&painter, tokens, &nodes, node, peer_of(&shown, node.peer));
    }
    for dot in &shown.dots {
        dot_ui(&painter, tokens, &nodes, dot, model.reduced_motion);
    }
    middle(&painter, center, model, text, tokens, &shown);
    for node in &nodes {
        node_ui(ui, &painter, model, text, node, peer_of(&shown, node.peer));
    }
    legend(&painter, tokens, text, Rect::from_min_max(pos2(rect.left(), circle.bottom()), rect.max));
}

/// The height of the legend.
const LEGEND: f32 = 22.0;

/// What a peer takes above or below its middle, with its name and role.
const LABELLED: f32 = theme::TIMER + 40.0;
/// What it takes to its sides.
const BESIDE: f32 = theme::TIMER + 24.0;

/// The ring's middle and radius: as large as names and roles leave room for.
fn place(area: Rect, count: usize) -> (Pos2, f32) {
    let lowest = (0..count).map(|index| outward(index, count).y).fold(0.0, f32::max);
    let high = (area.height() - 2.0 * LABELLED) / (1.0 + lowest);
    let radius = high.min(area.width() / 2.0 - BESIDE).max(0.0);
    let spare = (area.height() - 2.0 * LABELLED - radius * (1.0 + lowest)).max(0.0);
    (pos2(area.center().x, area.top() + LABELLED + radius + spare / 2.0), radius)
}

/// The way from the middle to a peer; the first one is at the top.
fn outward(index: usize, count: usize) -> Vec2 {
    let number = |number: usize| f32::from(u16::try_from(number).unwrap_or(u16::MAX));
    Vec2::angled(number(index) / number(count).max(1.0) * TAU - TAU / 4.0)
}

fn nodes<'a>(model: &'a Model, tokens: &Tokens, circle: Rect) -> Vec<Node<'a>> {
    let members = &model.view.members;
    let (center, radius) = place(circle, members.len());
    let node = |(index, member): (usize, &'a MemberState)| {
        let outward = outward(index, members.len());
        Some(Node {
            member,
            peer: member.peer.peer_id.parse().ok()?,
            at: center + radius * outward,
            outward,
            hue: widgets::hue_color(tokens, Some(index)),
        })
    };
    members.iter().enumerate().filter_map(node).collect()
}

fn peer_of(shown: &Moment, peer: PeerId) -> Option<&PeerMoment> {
    shown.peers.iter().find(|known| known.peer == peer)
}

/// In the middle: the epoch and who leads.
fn middle(painter: &Painter, center: Pos2, model: &Model, text: &Text, tokens: &Tokens, shown: &Moment) {
    let leads = |peer: &&PeerMoment| peer.role == Some(Role::Tracker) && peer.condition == Condition::Present;
    // While an old tracker does not know it yet, there are two; the later one counts.
    let leader = shown.peers.iter().filter(leads).max_by_key(|peer| peer.epoch);
    let epoch = shown.peers.iter().filter_map(|peer| peer.epoch).max();
    let words = text.of_group;
    if model.group.history.span().is_none() {
        label(painter, tokens, center, words.no_records, theme::small(), tokens.weak);
        return;
    }
    let epoch = epoch.map(|epoch| (text.epoch)(epoch.number())).unwrap_or_default();
    let above = center - vec2(0.0, theme::GRID * 1.5);
    label(painter, tokens, above, &epoch, theme::title(), tokens.text);
    let (sentence, color) = match leader {
        Some(leader) => ((words.leads)(&model.name_of(leader.peer)), tokens.weak),
        None => (words.nobody_leads.to_owned(), tokens.warning),
    };
    let below = center + vec2(0.0, theme::GRID);
    label(painter, tokens, below, &sentence, theme::body(), color);
}

fn node_ui(
    ui: &mut Ui,
    painter: &Painter,
    model: &Model,
    text: &Text,
    node: &Node<'_>,
    shown: Option<&PeerMoment>,
) {
    let tokens = theme::tokens(ui);
    let condition = shown.map_or(Condition::Unheard, |peer| peer.condition);
    let role = shown.and_then(|peer| peer.role);
    let leads = role == Some(Role::Tracker) && condition == Condition::Present;
    disc(painter, tokens, node, condition, leads);
    if leads {
        // The crown stands inside of the ring, where no name is.
        let at = node.at - node.outward * (theme::TIMER + theme::GRID);
        let place = Rect::from_center_size(at, Vec2::splat(theme::ICON));
        Icon::Tracker.paint_filled(ui, place, tokens.accent);
    }
    if let Some(peer) = shown {
        timer_arc(painter, tokens, node, peer, model.reduced_motion);
    }
    let inside = if leads { tokens.canvas } else { tokens.text };
    let epoch = shown.and_then(|peer| peer.epoch).filter(|_| condition == Condition::Present);
    if let Some(epoch) = epoch {
        painter.text(node.at, Align2::CENTER_CENTER, epoch.to_string(), theme::strong(), inside);
    }
    let (words, color) = state_of(model, text, tokens, shown);
    let name = &node.member.peer.name;
    let below = if node.outward.y < -0.9 { -1.0 } else { 1.0 };
    let at = node.at + vec2(0.0, below * (theme::TIMER + 1.5 * theme::GRID));
    let (name_at, role_at) =
        if below < 0.0 { (at - vec2(0.0, 15.0), at) } else { (at, at + vec2(0.0, 15.0)) };
    for (at, words, font, color) in
        [(name_at, name.as_str(), theme::strong(), tokens.text), (role_at, &words, theme::small(), color)]
    {
        label(painter, tokens, at, words, font, color);
    }
    let place = Rect::from_center_size(node.at, Vec2::splat(2.0 * theme::TIMER));
    let response =
        ui.interact(place, ui.scope_id().with(("on_ring", &node.member.peer.peer_id)), Sense::hover());
    let epoch = shown.and_then(|peer| peer.epoch).map(cardume::base::Epoch::number);
    let label = (text.of_group.on_ring)(&OnRing { name, role: &words, epoch });
    response.widget_info(|| WidgetInfo::labeled(Accessible::Image, true, &label));
    response.on_hover_text(label);
}

/// A word that messages pass behind.
fn label(painter: &Painter, tokens: &Tokens, at: Pos2, words: &str, font: FontId, color: Color32) {
    let galley = painter.layout_no_wrap(words.to_owned(), font, color);
    let place = Align2::CENTER_CENTER.anchor_size(at, galley.size());
    painter.rect_filled(place.expand2(vec2(2.0, 0.0)), 2.0, theme::faded(tokens.canvas, 0.85));
    painter.galley(place.min, galley, color);
}

/// What is written below a peer.
fn state_of(model: &Model, text: &Text, tokens: &Tokens, shown: Option<&PeerMoment>) -> (String, Color32) {
    let words = text.of_group;
    let Some(peer) = shown else { return (words.unheard.to_owned(), tokens.error) };
    match (peer.condition, peer.role, peer.votes) {
        (Condition::Unheard, ..) => (words.unheard.to_owned(), tokens.error),
        (Condition::Crashed, ..) => (words.crashed.to_owned(), tokens.error),
        (Condition::Paused, ..) => (words.paused.to_owned(), tokens.warning),
        (Condition::Present, Some(Role::PreCandidate | Role::Candidate), Some(votes)) => {
            let role = peer.role.map_or("", role_text);
            let counted = (words.votes)(votes, model.view.status.quorum.needed);
            (format!("{} · {counted}", text.role(role)), tokens.warning)
        }
        (Condition::Present, Some(Role::Tracker), _) => (text.role_tracker.to_owned(), tokens.accent),
        (Condition::Present, Some(role), _) => (text.role(role_text(role)).to_owned(), tokens.weak),
        (Condition::Present, None, _) => (String::new(), tokens.weak),
    }
}

/// The peer itself: filled if it leads, empty if it is not there.
fn disc(painter: &Painter, tokens: &Tokens, node: &Node<'_>, condition: Condition, leads: bool) {
    let edge = Stroke::new(2.5, node.hue);
    match condition {
        Condition::Present if leads => {
            painter.circle_filled(node.at, theme::NODE, node.hue);
            painter.circle_stroke(node.at, theme::NODE + 3.0, Stroke::new(1.5, node.hue));
        }
        Condition::Present => {
            painter.circle(node.at, theme::NODE, tokens.canvas, edge);
        }
        Condition::Paused => {
            painter.circle(node.at, theme::NODE, tokens.raised, edge);
            for x in [-4.0, 4.0] {
                let bar = Rect::from_center_size(node.at + vec2(x, 0.0), vec2(4.0, 16.0));
                painter.rect_filled(bar, 1.0, tokens.warning);
            }
        }
        Condition::Crashed | Condition::Unheard => {
            painter.circle_filled(node.at, theme::NODE, tokens.raised);
            dashed_circle(painter, node.at, theme::NODE, Stroke::new(1.5, tokens.error));
            if condition == Condition::Crashed {
                cross(painter, node.at, 7.0, Stroke::new(2.0, tokens.error));
            }
        }
    }
}

/// What is left of the random timer, from the top, shrinking.
fn timer_arc(painter: &Painter, tokens: &Tokens, node: &Node<'_>, peer: &PeerMoment, still: bool) {
    let Some(timer) = peer.timer else { return };
    painter.circle_stroke(node.at, theme::TIMER, Stroke::new(3.0, tokens.line));
    let left = if still { 1.0 } else { widgets::fraction(timer.left_micros, timer.length_micros) };
    let color = if left < 0.25 { tokens.warning } else { node.hue };
    arc(painter, node.at, theme::TIMER, left, Stroke::new(3.0, color));
}

fn arc(painter: &Painter, center: Pos2, radius: f32, part: f32, stroke: Stroke) {
    let points: Vec<Pos2> = (0..=STEPS)
        .map(|step| f32::from(step) / f32::from(STEPS) * part)
        .map(|turn| center + radius * Vec2::angled(turn * TAU - TAU / 4.0))
        .collect();
    painter.line(points, stroke);
}

fn dashed_circle(painter: &Painter, center: Pos2, radius: f32, stroke: Stroke) {
    let point = |step: f32| center + radius * Vec2::angled(step / 24.0 * TAU);
    for step in (0..24_u8).step_by(2).map(f32::from) {
        painter.line_segment([point(step), point(step + 1.0)], stroke);
    }
}

fn cross(painter: &Painter, at: Pos2, size: f32, stroke: Stroke) {
    painter.line_segment([at - vec2(size, size), at + vec2(size, size)], stroke);
    painter.line_segment([at + vec2(-size, size), at + vec2(size, -size)], stroke);
}

/// A message on its way. Without motion it is a line between the two.
fn dot_ui(painter: &Painter, tokens: &Tokens, nodes: &[Node<'_>], dot: &Dot, still: bool) {
    let find = |peer: PeerId| nodes.iter().find(|node| node.peer == peer);
    let (Some(from), Some(to)) = (find(dot.letter.from), find(dot.letter.to)) else { return };
    let way = (to.at - from.at).normalized();
    // Questions and answers keep to their side of the way, so that they do not hide each other.
    let aside = vec2(-way.y, way.x) * 4.0;
    let (start, end) = (from.at + way * theme::NODE + aside, to.at - way * theme::NODE + aside);
    let kind = dot.letter.mail.kind;
    if still {
        if !kind.is_beat() {
            let line = Stroke::new(1.5, mark_color(tokens, from, dot));
            painter.line_segment([start, end], line);
        }
        return;
    }
    // What nobody received fades on its way.
    let seen = if dot.arrives { 1.0 } else { 1.0 - dot.progress };
    let at = start + (end - start) * dot.progress;
    mark(
        painter,
        tokens,
        at,
        kind,
        dot.letter.mail.refusal.is_some(),
        theme::faded(mark_color(tokens, from, dot), seen),
    );
}

fn mark_color(tokens: &Tokens, from: &Node<'_>, dot: &Dot) -> Color32 {
    match dot.letter.mail.kind {
        MailKind::HeartbeatReply => tokens.weak,
        MailKind::PreVoteAnswer | MailKind::VoteAnswer if dot.letter.mail.refusal.is_some() => tokens.error,
        MailKind::PreVoteAnswer | MailKind::VoteAnswer => tokens.ok,
        _ => from.hue,
    }
}

/// The mark of a message: heartbeats are small, questions are open, grants are full, refusals are crosses.
fn mark(painter: &Painter, tokens: &Tokens, at: Pos2, kind: MailKind, refused: bool, color: Color32) {
    match kind {
        MailKind::Heartbeat => {
            painter.circle_filled(at, 3.5, color);
        }
        MailKind::HeartbeatReply => {
            painter.circle_filled(at, 2.0, color);
        }
        MailKind::PreVote => {
            painter.circle(at, 4.5, tokens.canvas, Stroke::new(1.5, color));
        }
        MailKind::Vote | MailKind::Handover => {
            painter.circle(at, 6.0, tokens.canvas, Stroke::new(2.5, color));
        }
        MailKind::PreVoteAnswer | MailKind::VoteAnswer | MailKind::HandoverAnswer => {
            let size = if kind == MailKind::PreVoteAnswer { 4.5 } else { 6.0 };
            if refused {
                cross(painter, at, size * 0.7, Stroke::new(2.0, color));
            } else {
                painter.circle_filled(at, size, color);
            }
        }
    }
}

/// The links that a drill has cut, crossed out.
fn cut_links(
    painter: &Painter,
    tokens: &Tokens,
    nodes: &[Node<'_>],
    node: &Node<'_>,
    shown: Option<&PeerMoment>,
) {
    for other in shown.iter().flat_map(|peer| &peer.cut) {
        let Some(other) = nodes.iter().find(|known| known.peer == *other) else { continue };
        let (way, half) = ((other.at - node.at).normalized(), (other.at - node.at) / 2.0);
        let stroke = Stroke::new(1.5, tokens.error);
        let ends = [node.at + way * theme::TIMER, other.at - way * theme::TIMER];
        painter.extend(egui::Shape::dashed_line(&ends, stroke, 5.0, 5.0));
        cross(painter, node.at + half, 6.0, Stroke::new(2.5, tokens.error));
    }
}

/// What the marks mean, in one line.
fn legend(painter: &Painter, tokens: &Tokens, text: &Text, rect: Rect) {
    let words = text.of_group;
    let entries = [
        (MailKind::Heartbeat, false, tokens.text, words.legend_heartbeat),
        (MailKind::Vote, false, tokens.text, words.legend_asks),
        (MailKind::VoteAnswer, false, tokens.ok, words.legend_grants),
        (MailKind::VoteAnswer, true, tokens.error, words.legend_refuses),
    ];
    let galleys: Vec<_> = entries
        .iter()
        .map(|(.., words)| painter.layout_no_wrap((*words).to_owned(), theme::small(), tokens.weak))
        .collect();
    let width: f32 = galleys.iter().map(|galley| galley.size().x + 18.0).sum::<f32>() + 3.0 * 14.0;
    // Half of it would say less than none.
    if width > rect.width() {
        return;
    }
    let mut x = rect.center().x - width / 2.0;
    let y = rect.center().y;
    for ((kind, refused, color, _), galley) in entries.iter().zip(galleys) {
        mark(painter, tokens, pos2(x + 6.0, y), *kind, *refused, *color);
        let size = galley.size();
        painter.galley(pos2(x + 18.0, y - size.y / 2.0), galley, tokens.weak);
        x += size.x + 32.0;
    }
}

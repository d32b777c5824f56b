//! Downloads and links of what is selected. Never without the person: a link only shows what it means.

use super::super::super::action::Subject;
use super::super::super::model::search::{Target, Wanted};
use super::super::super::model::{Model, NoteKind};
use super::super::{Effect, Field, note};
use super::{stop_picking_target, target_closed};
use cardume::base::{ContentId, ContentLink, FileName, FolderPath, PeerId};
use cardume::node::Command;
use cardume::wire::index::{Found, Source};
use std::path::{Path, PathBuf};

/// How many peers are asked to hash one file: each of them is enough.
const MAX_HURRIED: usize = 3;
/// How many files are hashed before others at once: whoever selects many waits for all of them anyway.
const MAX_HURRIED_FILES: usize = 8;

fn content_of(found: &Found) -> Option<ContentId> {
    found.content.as_deref().and_then(|content| content.parse().ok())
}

/// From all sources, from one (which is never replaced by another), or `None` if there is no such source.
fn command(found: &Found, source: Option<usize>, to: Option<&Path>) -> Option<Command> {
    let from: Vec<PeerId> = match source {
        None => Vec::new(),
        Some(source) => vec![found.sources.get(source)?.peer.parse().ok()?],
    };
    Some(Command::Download {
        content: content_of(found)?,
        name: Some(found.name.clone()),
        to: to.map(Path::to_owned),
        from,
        via_rpc: false,
    })
}

/// Says that these are not hashed, and has those who have them hash the first ones before others.
fn not_hashed_yet(model: &mut Model, waiting: &[&Found]) -> Vec<Effect> {
    let what = match waiting {
        [] => return Vec::new(),
        [found] => NoteKind::NotHashedYet(found.name.clone()),
        several => NoteKind::SeveralNotHashedYet(u64::try_from(several.len()).unwrap_or(u64::MAX)),
    };
    let mut effects = note(model, what);
    let hurry = |source: &Source| {
        let folder = FolderPath::new(&source.folder).ok()?;
        let (peer, name) = (source.peer.parse().ok()?, FileName::new(&source.name).ok()?);
        Some(Effect::Command(Subject::Hurry, Command::Hurry { peer, folder, name }))
    };
    let first = waiting.iter().take(MAX_HURRIED_FILES);
    effects.extend(first.flat_map(|found| found.sources.iter().take(MAX_HURRIED)).filter_map(hurry));
    effects
}

/// Those that are not hashed yet.
fn without_content(wanted: &[Wanted]) -> Vec<&Found> {
    wanted.iter().map(|wanted| &wanted.found).filter(|found| content_of(found).is_none()).collect()
}

fn download_all(model: &mut Model, wanted: &[Wanted], to: Option<&Path>) -> Vec<Effect> {
    let mut effects = not_hashed_yet(model, &without_content(wanted));
    let commands = wanted
        .iter()
        .filter_map(|Wanted { found, source }| Some((found.name.clone(), command(found, *source, to)?)));
    let mut commands: Vec<(String, Command)> = commands.collect();
    if commands.len() > 1 {
        let count = u64::try_from(commands.len()).unwrap_or(u64::MAX);
        effects.extend(note(model, NoteKind::DownloadsStarted(count)));
        let each = commands.into_iter().map(|(name, command)| (Subject::DownloadOfMany(name), command));
        effects.push(Effect::Commands(each.collect()));
        return effects;
    }
    effects.extend(commands.pop().map(|(name, command)| Effect::Command(Subject::Download(name), command)));
    effects
}

pub(super) fn download(model: &mut Model, result: usize, source: Option<usize>) -> Vec<Effect> {
    let Some(found) = model.search.results.get(result).cloned() else { return Vec::new() };
    download_all(model, &[Wanted { found, source }], None)
}

pub(super) fn download_wanted(model: &mut Model) -> Vec<Effect> {
    let wanted = model.search.wanted();
    download_all(model, &wanted, None)
}

/// Downloads what is selected from one peer; what that peer does not have is left out.
pub(super) fn download_from(model: &mut Model, peer: &str) -> Vec<Effect> {
    let of_peer = |mut wanted: Wanted| {
        wanted.source = Some(wanted.found.sources.iter().position(|source| source.peer == peer)?);
        Some(wanted)
    };
    let wanted: Vec<_> = model.search.wanted().into_iter().filter_map(of_peer).collect();
    download_all(model, &wanted, None)
}

/// Asks for the folder.
pub(super) fn ask_where(model: &mut Model) -> Vec<Effect> {
    let files = model.search.wanted();
    let waiting = without_content(&files);
    if waiting.len() == files.len() {
        return not_hashed_yet(model, &waiting);
    }
    if !files.is_empty() {
        let mut effects = stop_picking_target(model);
        model.search.target = Some(Target { files, folder: model.view.download_folder.to_string() });
        effects.push(Effect::Focus(Field::Target));
        return effects;
    }
    Vec::new()
}

/// This folder was chosen in the dialog.
pub(in super::super) fn take_folder(model: &mut Model, path: &Path) -> Vec<Effect> {
    if let Some(target) = &mut model.search.target {
        target.folder = path.display().to_string();
    }
    Vec::new()
}

pub(super) fn download_there(model: &mut Model) -> Vec<Effect> {
    let Some(target) = model.search.target.take() else { return Vec::new() };
    let typed = target.folder.trim();
    if typed.is_empty() {
        model.search.target = Some(target);
        return Vec::new();
    }
    let to = match (typed.strip_prefix("~/"), &model.home) {
        (Some(rest), Some(home)) => home.join(rest),
        (None, Some(home)) if typed == "~" => home.clone(),
        _ => PathBuf::from(typed),
    };
    let mut effects = download_all(model, &target.files, Some(&to));
    effects.extend(target_closed(model));
    effects
}

/// Links to what is selected, one a line.
pub(super) fn copy_links(model: &mut Model) -> Vec<Effect> {
    let wanted = model.search.wanted();
    let links: Vec<String> = wanted
        .iter()
        .filter_map(|Wanted { found, .. }| {
            let name = FileName::new(&found.name).ok();
            let link = ContentLink { content: content_of(found)?, name, size: Some(found.size) };
            Some(link.to_string())
        })
        .collect();
    let mut effects = not_hashed_yet(model, &without_content(&wanted));
    if !links.is_empty() {
        effects.push(Effect::Copy(links.join("\n")));
        let count = u64::try_from(links.len()).unwrap_or(u64::MAX);
        effects.extend(note(model, NoteKind::LinksCopied(count)));
    }
    effects
}

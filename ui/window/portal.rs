//! What the desktop's settings say of motion and colours, through their portal: GNOME, KDE and others answer it, also
//! to sandboxed programs. The windowing library asks nobody on Linux.
//!
//! Invariant: the window does not wait for it; no answer in time is no answer.

use eframe::egui::Theme;
use futures_util::StreamExt as _;
use std::time::Duration;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, MatchRule, MessageStream, message};

/// A desktop that is still starting may take longer; then the settings files stand.
const PATIENCE: Duration = Duration::from_secs(3);
const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const SETTINGS: &str = "org.freedesktop.portal.Settings";

/// What a desktop says; `None` where nobody says anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Desktop {
    /// Whether nothing shall move by itself.
    pub reduced_motion: Option<bool>,
    /// The colours of the desktop.
    pub theme: Option<Theme>,
}

/// Tells what the desktop says, and again when it says something else.
pub(crate) async fn watch(tell: impl Fn(Desktop)) {
    // Without this a bus would be started.
    if std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_none() {
        return;
    }
    let Some((session, mut changes)) = within(connect()).await else { return };
    let mut told = None;
    loop {
        let desktop = within(async { Some(ask(&session).await) }).await.unwrap_or_default();
        if told.replace(desktop) != Some(desktop) {
            tell(desktop);
        }
        if changes.next().await.is_none() {
            return;
        }
    }
}

async fn within<T>(answer: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::time::timeout(PATIENCE, answer).await.ok().flatten()
}

/// The session's bus, and a message for each setting that changes from now on.
async fn connect() -> Option<(Connection, MessageStream)> {
    let session = Connection::session().await.ok()?;
    let rule = MatchRule::builder().msg_type(message::Type::Signal).path(PATH).ok()?;
    let rule = rule.interface(SETTINGS).ok()?.member("SettingChanged").ok()?.build();
    let changes = MessageStream::for_match_rule(rule, &session, None).await.ok()?;
    Some((session, changes))
}

async fn ask(session: &Connection) -> Desktop {
    let reduced = read(session, "org.freedesktop.appearance", "reduced-motion").await;
    let animations = read(session, "org.gnome.desktop.interface", "enable-animations").await;
    let scheme = read(session, "org.freedesktop.appearance", "color-scheme").await;
    Desktop {
        reduced_motion: decide(reduced.as_deref(), animations.as_deref()),
        theme: scheme.as_deref().and_then(theme),
    }
}

async fn read(session: &Connection, namespace: &str, key: &str) -> Option<OwnedValue> {
    let answer = session.call_method(Some(PORTAL), PATH, Some(SETTINGS), "Read", &(namespace, key)).await;
    answer.ok()?.body().deserialize::<OwnedValue>().ok()
}

/// The portal's own key comes first: 1 is less motion, 0 says nothing.
fn decide(reduced: Option<&Value<'_>>, animations: Option<&Value<'_>>) -> Option<bool> {
    match (reduced.map(plain), animations.map(plain)) {
        (Some(Value::U32(1)), _) => Some(true),
        (_, Some(Value::Bool(animations))) => Some(!animations),
        (Some(Value::U32(_)), _) => Some(false),
        _ => None,
    }
}

/// Who prefers nothing (0) has light windows: 1 is dark, 2 light.
fn theme(scheme: &Value<'_>) -> Option<Theme> {
    match plain(scheme) {
        Value::U32(1) => Some(Theme::Dark),
        Value::U32(0 | 2) => Some(Theme::Light),
        _ => None,
    }
}

/// `Read` wraps its answer once more than it says.
fn plain<'a>(value: &'a Value<'a>) -> &'a Value<'a> {
    match value {
        Value::Value(inner) => plain(inner),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_key_can_ask_for_less_motion() {
        let wrapped = Value::Value(Box::new(Value::U32(1)));
        let (zero, on, off) = (Value::U32(0), Value::Bool(true), Value::Bool(false));
        let odd = Value::from("of the future");
        let cases = [
            (None, None, None),
            (Some(&wrapped), None, Some(true)),
            (Some(&wrapped), Some(&on), Some(true)),
            (Some(&zero), None, Some(false)),
            (Some(&zero), Some(&off), Some(true)),
            (None, Some(&off), Some(true)),
            (None, Some(&on), Some(false)),
            (Some(&odd), Some(&odd), None),
        ];
        for (reduced, animations, expected) in cases {
            assert_eq!(decide(reduced, animations), expected, "{reduced:?}, {animations:?}");
        }
    }

    #[test]
    fn the_colours_are_those_of_the_desktop() {
        let wrapped = Value::Value(Box::new(Value::U32(1)));
        let odd = Value::from("of the future");
        let cases = [
            (&wrapped, Some(Theme::Dark)),
            (&Value::U32(2), Some(Theme::Light)),
            (&Value::U32(0), Some(Theme::Light)),
            (&Value::U32(7), None),
            (&odd, None),
        ];
        for (scheme, expected) in cases {
            assert_eq!(theme(scheme), expected, "{scheme:?}");
        }
    }
}

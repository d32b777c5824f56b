//! What the desktop's settings say of motion, through their portal: GNOME, KDE and others answer it, also to
//! sandboxed programs.
//!
//! Invariant: the window does not wait for it; no answer in time is no answer.

use std::time::Duration;
use zbus::zvariant::{OwnedValue, Value};

/// A desktop that is still starting may take longer; then the settings files stand.
const PATIENCE: Duration = Duration::from_secs(3);
const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const SETTINGS: &str = "org.freedesktop.portal.Settings";

/// Whether nothing shall move by itself; `None` if nobody says so or the opposite.
pub(crate) async fn is_unwanted() -> Option<bool> {
    // Without this a bus would be started.
    std::env::var_os("DBUS_SESSION_BUS_ADDRESS")?;
    tokio::time::timeout(PATIENCE, ask()).await.ok().flatten()
}

async fn ask() -> Option<bool> {
    let session = zbus::Connection::session().await.ok()?;
    let reduced = read(&session, "org.freedesktop.appearance", "reduced-motion").await;
    let animations = read(&session, "org.gnome.desktop.interface", "enable-animations").await;
    decide(reduced.as_deref(), animations.as_deref())
}

async fn read(session: &zbus::Connection, namespace: &str, key: &str) -> Option<OwnedValue> {
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
}

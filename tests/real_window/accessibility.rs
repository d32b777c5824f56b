//! What the windows tell assistive technology (AT-SPI), and where on the screen it is: tests click on what a
//! person sees, wherever the layout puts it. A bus of their own, so that nothing else is heard or seen.

use crate::support::{LONG, now, wait_for, wait_for_or_say};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use zbus::zvariant::{OwnedObjectPath, OwnedValue};

/// The most parts of a window that are looked at.
const MOST_PARTS: usize = 5_000;
/// What there is of a part.
const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
/// Where the windows register.
const REGISTRY: (&str, &str) = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root");
/// Where Debian, Fedora and Arch have the launcher.
const LAUNCHERS: [&str; 3] = [
    "/usr/libexec/at-spi-bus-launcher",
    "/usr/lib/at-spi2-core/at-spi-bus-launcher",
    "/usr/lib/at-spi-bus-launcher",
];

/// Roles by their numbers in AT-SPI.
pub(crate) const LIST_ITEM: u32 = 32;
pub(crate) const TAB: u32 = 37;
pub(crate) const BUTTON: u32 = 43;
pub(crate) const ENTRY: u32 = 79;

/// A session bus with accessibility switched on, for as long as it is kept.
pub(crate) struct Bus {
    daemon: Child,
    launcher: Child,
    address: String,
    runtime: tokio::runtime::Runtime,
    connection: zbus::Connection,
}

impl Drop for Bus {
    fn drop(&mut self) {
        let end = |child: &mut Child| child.kill().and_then(|()| child.wait()).map(drop);
        if end(&mut self.daemon).is_err() {
            eprintln!("the bus of the test cannot be stopped");
        }
        // Without its bus the launcher ends by itself, and ends its own bus, which is left if it is killed.
        let begun = now();
        while self.launcher.try_wait().is_ok_and(|ended| ended.is_none()) && begun.elapsed() < LONG {
            std::thread::sleep(Duration::from_millis(10));
        }
        if end(&mut self.launcher).is_err() {
            eprintln!("the launcher of the test's bus cannot be stopped");
        }
    }
}

/// A part of a window: its name, its role, and where its middle is on the screen.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) role: u32,
    path: OwnedObjectPath,
}

impl Bus {
    /// Starts one, with its sockets in `folder`; `None` where its programs are not installed.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let launcher = LAUNCHERS.iter().find(|path| Path::new(path).exists())?;
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        let mut daemon = daemon.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut address = String::new();
        let said = daemon.stdout.take().expect("a pipe");
        BufReader::new(said).read_line(&mut address).expect("the bus says where it is");
        let address = address.trim().to_owned();
        let launcher = Command::new(launcher)
            .args(["--launch-immediately", "--a11y=1"])
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .env("XDG_RUNTIME_DIR", folder)
            .env("XDG_CACHE_HOME", folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the launcher starts");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let session = runtime.block_on(connect(&address)).expect("the session's bus answers");
        // Not asked for anything before: the bus would start another launcher, with accessibility switched off.
        wait_for("the launcher of accessibility", LONG, || {
            let bus = "org.freedesktop.DBus";
            let asked = session.call_method(
                Some(bus),
                "/org/freedesktop/DBus",
                Some(bus),
                "NameHasOwner",
                &"org.a11y.Bus",
            );
            let is_there = runtime.block_on(asked).ok()?.body().deserialize::<bool>().ok()?;
            is_there.then_some(())
        });
        let second = wait_for("the bus of accessibility", LONG, || {
            let path = ("org.a11y.Bus", "/org/a11y/bus");
            let asked = session.call_method(Some(path.0), path.1, Some("org.a11y.Bus"), "GetAddress", &());
            runtime.block_on(asked).ok()?.body().deserialize::<String>().ok()
        });
        let connection = runtime.block_on(connect(&second)).expect("the bus of accessibility answers");
        let bus = Self { daemon, launcher, address, runtime, connection };
        // A window that comes while the registry is still being started may never be in it.
        wait_for("the registry of accessibility", LONG, || {
            let (name, path) = REGISTRY;
            let children: Option<Vec<(String, OwnedObjectPath)>> =
                bus.ask(name, path, ACCESSIBLE, "GetChildren", &Arguments::None);
            children
        });
        Some(bus)
    }

    /// For the environment of the windows.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn ask<T>(&self, to: &str, path: &str, interface: &str, method: &str, with: &Arguments<'_>) -> Option<T>
    where
        T: for<'de> serde::Deserialize<'de> + zbus::zvariant::Type,
    {
        let call = async {
            let connection = &self.connection;
            let answer = match with {
                Arguments::None => connection.call_method(Some(to), path, Some(interface), method, &()).await,
                Arguments::Number(number) => {
                    connection.call_method(Some(to), path, Some(interface), method, &(*number,)).await
                }
                Arguments::Words(words) => match words.as_slice() {
                    [one] => connection.call_method(Some(to), path, Some(interface), method, &(*one,)).await,
                    [one, two] => {
                        connection.call_method(Some(to), path, Some(interface), method, &(*one, *two)).await
                    }
                    _ => panic!("one or two words"),
                },
            };
            answer.ok()?.body().deserialize::<T>().ok()
        };
        let limited = async { tokio::time::timeout(LONG, call).await.ok().flatten() };
        self.runtime.block_on(limited)
    }

    /// The names on the bus of all windows, and their processes.
    fn windows(&self) -> impl Iterator<Item = (String, Option<u32>)> {
        let windows: Option<Vec<(String, OwnedObjectPath)>> =
            self.ask(REGISTRY.0, REGISTRY.1, ACCESSIBLE, "GetChildren", &Arguments::None);
        let bus = "org.freedesktop.DBus";
        windows.into_iter().flatten().map(move |(window, _)| {
            let asked = Arguments::Words(vec![window.as_str()]);
            let pid = self.ask(bus, "/org/freedesktop/DBus", bus, "GetConnectionUnixProcessID", &asked);
            (window, pid)
        })
    }

    /// The name on the bus of the window of this process.
    fn window_of(&self, pid: u32) -> Option<String> {
        self.windows().find(|(_, process)| *process == Some(pid)).map(|(window, _)| window)
    }

    /// The first part of the window of this process that is this.
    pub(crate) fn part(&self, pid: u32, role: u32, name: &str) -> Option<Part> {
        self.parts(pid).into_iter().find(|part| part.role == role && part.name.contains(name))
    }

    /// Where the middle of this is on the screen, if it is there.
    pub(crate) fn seen_at(&self, pid: u32, role: u32, name: &str) -> Option<(i32, i32)> {
        self.middle_of(pid, &self.part(pid, role, name)?)
    }

    /// The same, once it is there.
    pub(crate) fn place(&self, pid: u32, role: u32, name: &str, patience: Duration) -> (i32, i32) {
        let what = format!("{name:?} in the window of process {pid}");
        wait_for_or_say(
            &what,
            patience,
            || self.seen_at(pid, role, name),
            || {
                let windows: Vec<_> = self.windows().collect();
                let parts: Vec<_> = self.parts(pid).into_iter().map(|part| (part.role, part.name)).collect();
                format!("there are the windows {windows:?}, and its parts are {parts:?}")
            },
        )
    }

    /// All named parts of the window of this process, in the order of the window.
    pub(crate) fn parts(&self, pid: u32) -> Vec<Part> {
        let Some(window) = self.window_of(pid) else { return Vec::new() };
        let root = OwnedObjectPath::try_from(REGISTRY.1).expect("a path");
        let (mut found, mut to_do, mut seen) = (Vec::new(), vec![root], 0);
        while let Some(path) = to_do.pop() {
            seen += 1;
            assert!(seen < MOST_PARTS, "a window with more than {MOST_PARTS} parts");
            let children: Option<Vec<(String, OwnedObjectPath)>> =
                self.ask(&window, &path, ACCESSIBLE, "GetChildren", &Arguments::None);
            to_do.extend(children.unwrap_or_default().into_iter().rev().map(|(_, child)| child));
            let asked = Arguments::Words(vec![ACCESSIBLE, "Name"]);
            let name: Option<OwnedValue> =
                self.ask(&window, &path, "org.freedesktop.DBus.Properties", "Get", &asked);
            let name = name.and_then(|name| String::try_from(name).ok()).unwrap_or_default();
            if !name.is_empty() {
                let role = self.ask(&window, &path, ACCESSIBLE, "GetRole", &Arguments::None);
                found.push(Part { name, role: role.unwrap_or(0), path });
            }
        }
        found
    }

    /// The middle of a part on the screen; `None` while it cannot be seen.
    fn middle_of(&self, pid: u32, part: &Part) -> Option<(i32, i32)> {
        let window = self.window_of(pid)?;
        // 0: on the screen.
        let extents: (i32, i32, i32, i32) =
            self.ask(&window, &part.path, "org.a11y.atspi.Component", "GetExtents", &Arguments::Number(0))?;
        let (left, top, width, height) = extents;
        (width > 0 && height > 0).then_some((left + width / 2, top + height / 2))
    }
}

/// What a call is given.
enum Arguments<'a> {
    None,
    Number(u32),
    Words(Vec<&'a str>),
}

async fn connect(address: &str) -> zbus::Result<zbus::Connection> {
    zbus::connection::Builder::address(address)?.build().await
}

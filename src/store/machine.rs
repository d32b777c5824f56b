//! Which machine this is, so that a cloned image does not vote under its original's identity.
//!
//! Taken from `/etc/machine-id`, hashed with an application context: the raw id is confidential
//! (machine-id(5)). Where there is none, as in many containers, a random id is kept in `home`; such a
//! copy of a whole home is then not noticed, and this is the limit of the promise.

use crate::base::MachineId;
use std::io;
use std::path::Path;

/// Where systemd and its likes keep it.
const SYSTEM_FILE: &str = "/etc/machine-id";
/// The fallback's file in the home.
const HOME_FILE: &str = "machine-id";
/// Never change this: every machine would be another one.
const CONTEXT: &str = "cardume 2026 machine id";

/// This machine's id. `home` holds the fallback and exists.
///
/// # Errors
/// If there is no machine id and the fallback can neither be read nor made.
pub fn machine_id(home: &Path) -> io::Result<MachineId> {
    machine_id_from(Path::new(SYSTEM_FILE), home)
}

fn machine_id_from(system: &Path, home: &Path) -> io::Result<MachineId> {
    // An unreadable or unset file ("uninitialized", empty) is the same as none: machine-id(5).
    if let Some(id) = std::fs::read_to_string(system).ok().and_then(|text| parse(&text)) {
        return Ok(derived(&id));
    }
    let path = home.join(HOME_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            if let Some(id) = parse(&text) {
                return Ok(derived(&id));
            }
            tracing::warn!(path = %path.display(), "the machine id is unreadable, a new one is made");
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let id: [u8; 16] = rand::random();
    let mut disk = super::fault::RealDisk;
    super::state::replace(&mut disk, &path, data_encoding::HEXLOWER.encode(&id).as_bytes())?;
    Ok(derived(&id))
}

fn parse(text: &str) -> Option<[u8; 16]> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok()?.try_into().ok()
}

fn derived(id: &[u8; 16]) -> MachineId {
    let hash = blake3::derive_key(CONTEXT, id);
    MachineId::from_bytes(hash[..16].try_into().expect("half of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_id_is_hashed_and_the_fallback_stays() {
        let home = tempfile::tempdir().expect("temp dir");
        let system = home.path().join("etc-machine-id");
        std::fs::write(&system, "0123456789abcdef0123456789abcdef\n").expect("write");
        let with_system = machine_id_from(&system, home.path()).expect("id");
        assert_eq!(with_system, machine_id_from(&system, home.path()).expect("id"));
        assert_ne!(with_system.to_string(), "0123456789abcdef0123456789abcdef");
        assert!(!home.path().join(HOME_FILE).exists());

        for unset in ["", "uninitialized\n", "123"] {
            std::fs::write(&system, unset).expect("write");
            let first = machine_id_from(&system, home.path()).expect("id");
            assert_ne!(first, with_system);
            assert_eq!(first, machine_id_from(&system, home.path()).expect("id"), "it stays");
        }
    }

    #[test]
    fn two_homes_without_a_system_id_are_two_machines() {
        let homes = [tempfile::tempdir().expect("temp dir"), tempfile::tempdir().expect("temp dir")];
        let [one, two] =
            homes.each_ref().map(|home| machine_id_from(&home.path().join("none"), home.path()).expect("id"));
        assert_ne!(one, two);
    }
}

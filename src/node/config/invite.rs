//! The link that makes a machine a member: the group's key and where its name services are.
//!
//! `cardume:join?key=<base64url of 32 bytes>&names=<ip:port>,<ip:port>`. Who has the link is a member;
//! it is shown only to be handed over.

use super::{Home, Secret};
use data_encoding::BASE64URL_NOPAD;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// An invite to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// The group's key.
    pub group_key: Secret,
    /// Where its name services are: 1 to [`Home::MAX_NAMES`].
    pub names: Vec<SocketAddr>,
}

/// Why a text is no invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// Does not begin as an invite, is too long or has unknown parts.
    #[error("an invite has the form cardume:join?key=…&names=…; copy the whole link")]
    Form,
    /// The key is damaged.
    #[error("the key in the invite is damaged; copy the whole link")]
    Key,
    /// The addresses are damaged.
    #[error("the name service's addresses in the invite are damaged; copy the whole link")]
    Names,
}

const PREFIX: &str = "cardume:join?";

impl Invite {
    /// The longest link: the key and eight IPv6 addresses fit well.
    const MAX_BYTES: usize = 1024;

    /// Whether it works on this machine only: all its name services are at loopback addresses.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.names.iter().all(|address| address.ip().is_loopback())
    }
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.names.iter().map(SocketAddr::to_string).collect();
        let key = BASE64URL_NOPAD.encode(self.group_key.as_bytes());
        write!(f, "{PREFIX}key={key}&names={}", names.join(","))
    }
}

impl FromStr for Invite {
    type Err = InviteError;

    fn from_str(text: &str) -> Result<Self, InviteError> {
        let text = text.trim();
        let query = text.strip_prefix(PREFIX).filter(|_| text.len() <= Self::MAX_BYTES);
        let (mut key, mut names) = (None, None);
        for part in query.ok_or(InviteError::Form)?.split('&') {
            let (field, value) = part.split_once('=').ok_or(InviteError::Form)?;
            let slot = match field {
                "key" => &mut key,
                "names" => &mut names,
                _ => return Err(InviteError::Form),
            };
            if slot.replace(value).is_some() {
                return Err(InviteError::Form);
            }
        }
        let key = BASE64URL_NOPAD.decode(key.ok_or(InviteError::Key)?.as_bytes());
        let key = key.ok().and_then(|bytes| bytes.try_into().ok()).ok_or(InviteError::Key)?;
        let names =
            names.ok_or(InviteError::Names)?.split(',').map(address).collect::<Result<Vec<_>, _>>()?;
        if names.len() > Home::MAX_NAMES {
            return Err(InviteError::Names);
        }
        Ok(Self { group_key: Secret::from_bytes(key), names })
    }
}

fn address(text: &str) -> Result<SocketAddr, InviteError> {
    let address: SocketAddr = text.parse().map_err(|_| InviteError::Names)?;
    let usable = address.port() != 0 && !address.ip().is_unspecified();
    usable.then_some(address).ok_or(InviteError::Names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite() -> Invite {
        let names = ["192.168.1.20:7734", "[fe80::1]:7734"].map(|text| text.parse().expect("an address"));
        Invite { group_key: Secret::from_bytes([7; 32]), names: names.to_vec() }
    }

    #[test]
    fn an_invite_survives_being_written_and_read() {
        let link = invite().to_string();
        assert_eq!(
            link,
            "cardume:join?key=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc&names=192.168.1.20:7734,[fe80::1]:7734"
        );
        assert_eq!(link.parse(), Ok(invite()));
        assert_eq!(format!(" {link}\n").parse(), Ok(invite()));
    }

    #[test]
    fn damaged_invites_are_refused_with_the_part_that_is_damaged() {
        let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
        let cases = [
            (String::new(), InviteError::Form),
            ("https://example.org/".to_owned(), InviteError::Form),
            (format!("cardume:join?key={key}&names=10.0.0.1:1&more=1"), InviteError::Form),
            (format!("cardume:join?key={key}&key={key}&names=10.0.0.1:1"), InviteError::Form),
            (format!("cardume:join?names=10.0.0.1:1&key={}", &key[1..]), InviteError::Key),
            ("cardume:join?names=10.0.0.1:1".to_owned(), InviteError::Key),
            (format!("cardume:join?key={key}"), InviteError::Names),
            (format!("cardume:join?key={key}&names="), InviteError::Names),
            (format!("cardume:join?key={key}&names=host:1"), InviteError::Names),
            (format!("cardume:join?key={key}&names=10.0.0.1:0"), InviteError::Names),
            (format!("cardume:join?key={key}&names=0.0.0.0:1"), InviteError::Names),
            (format!("cardume:join?key={key}&names={}", ["10.0.0.1:1"; 9].join(",")), InviteError::Names),
            (format!("cardume:join?key={key}&names={}", "1".repeat(2000)), InviteError::Form),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Invite>(), Err(error), "{text}");
        }
    }
}

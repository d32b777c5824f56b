//! The link to a content, to be handed from person to person.
//!
//! `cardume:?h=<64 hexadecimal digits>&n=<name>&s=<bytes>`: the hash says what is meant, name and size only
//! what to expect. Name and size may be missing; keys of later versions are ignored; a key that is there
//! twice is refused, since two readers could take different ones. Values are percent-encoded (RFC 3986).

use super::{ContentId, FileName, FileNameError, PieceLayout};
use std::fmt;
use std::str::FromStr;

/// A link to a content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentLink {
    /// The content.
    pub content: ContentId,
    /// What whoever made the link calls it.
    pub name: Option<FileName>,
    /// Its bytes, as whoever made the link says.
    pub size: Option<u64>,
}

/// Why a text is not a link to a content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentLinkError {
    /// It does not begin as one.
    #[error("a link to a file has the form cardume:?h=…&n=…&s=…")]
    Form,
    /// It is an invite to a group.
    #[error("this link is an invite to a group; use it with `cardume join`")]
    Invite,
    /// It is longer than [`ContentLink::MAX_BYTES`].
    #[error("the link is longer than {} bytes; copy the link alone", ContentLink::MAX_BYTES)]
    Long,
    /// There is no hash, or not one of 64 hexadecimal digits.
    #[error("the hash in the link is damaged; copy the whole link")]
    Hash,
    /// The name is not one of a file.
    #[error("the name in the link is refused: {0}")]
    Name(FileNameError),
    /// The size is not a number of bytes.
    #[error("the size in the link is not a number of bytes; copy the whole link")]
    Size,
    /// A value is not percent-encoded UTF-8.
    #[error("the link is damaged at `{0}`; copy the whole link")]
    Encoding(char),
    /// A part is there twice.
    #[error("the link has `{0}` twice; copy the link alone")]
    Twice(char),
}

const SCHEME: &str = "cardume:";
const HEXADECIMAL: &[u8; 16] = b"0123456789ABCDEF";

impl ContentLink {
    /// The most bytes of a link: a name of 255 bytes, all of them encoded, and the rest fit.
    pub const MAX_BYTES: usize = 1024;

    /// Whether a text means to be a link of this program, whatever may be wrong with it.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.trim_start().get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
    }

    /// What it is called: the name, or the beginning of the hash.
    #[must_use]
    pub fn label(&self) -> String {
        self.name.as_ref().map_or_else(|| format!("{}…", self.content.short()), FileName::to_string)
    }
}

/// A content that was typed or pasted as its hash alone; capitals are taken too.
#[must_use]
pub fn bare_hash(text: &str) -> Option<ContentId> {
    text.trim().to_ascii_lowercase().parse().ok()
}

impl fmt::Display for ContentLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}?h={}", self.content)?;
        if let Some(name) = &self.name {
            write!(f, "&n={}", encode(name.as_str()))?;
        }
        if let Some(size) = self.size {
            write!(f, "&s={size}")?;
        }
        Ok(())
    }
}

impl FromStr for ContentLink {
    type Err = ContentLinkError;

    fn from_str(text: &str) -> Result<Self, ContentLinkError> {
        let text = text.trim();
        if !Self::is_meant(text) {
            return Err(ContentLinkError::Form);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(ContentLinkError::Long);
        }
        let rest = &text[SCHEME.len()..];
        if rest.starts_with("join?") {
            return Err(ContentLinkError::Invite);
        }
        let (mut hash, mut name, mut size) = (None, None, None);
        for part in rest.strip_prefix('?').ok_or(ContentLinkError::Form)?.split('&') {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let (slot, key) = match key {
                "h" => (&mut hash, 'h'),
                "n" => (&mut name, 'n'),
                "s" => (&mut size, 's'),
                _ => continue,
            };
            if slot.replace(decode(value).ok_or(ContentLinkError::Encoding(key))?).is_some() {
                return Err(ContentLinkError::Twice(key));
            }
        }
        let name = name.map(|name| FileName::new(&name)).transpose().map_err(ContentLinkError::Name)?;
        Ok(Self {
            content: hash.and_then(|hash| bare_hash(&hash)).ok_or(ContentLinkError::Hash)?,
            name,
            size: size.map(|size| parse_size(&size)).transpose()?,
        })
    }
}

fn parse_size(digits: &str) -> Result<u64, ContentLinkError> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let size = digits.parse().ok().filter(|size| plain && *size <= PieceLayout::MAX_BYTES);
    size.ok_or(ContentLinkError::Size)
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let digit = |number: u8| char::from(HEXADECIMAL[usize::from(number)]);
            encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    encoded
}

/// `None` if a `%` has not two hexadecimal digits behind it, or the bytes are not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit()?, digit()?);
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HASH: &str = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";

    fn content() -> ContentId {
        HASH.parse().expect("a hash")
    }

    #[test]
    fn a_link_is_read_as_it_is_written() {
        let name = FileName::new("São Paulo & 100% (a+b).txt").expect("a plain name");
        let link = ContentLink { content: content(), name: Some(name), size: Some(21) };
        let text = format!("cardume:?h={HASH}&n=S%C3%A3o%20Paulo%20%26%20100%25%20%28a%2Bb%29.txt&s=21");
        assert_eq!(link.to_string(), text);
        assert_eq!(text.parse(), Ok(link.clone()));
        assert_eq!(link.label(), "São Paulo & 100% (a+b).txt");
        let short = ContentLink { content: content(), name: None, size: None };
        assert_eq!(short.to_string(), format!("cardume:?h={HASH}"));
        assert_eq!(short.label(), "6437b3ac…");
        let loose = format!(" CARDUME:?x=later&s=0&h={}\n", HASH.to_uppercase());
        assert_eq!(loose.parse(), Ok(ContentLink { size: Some(0), ..short }));
    }

    #[test]
    fn damaged_links_are_refused_with_the_part_that_is_damaged() {
        use ContentLinkError::{Encoding, Form, Hash, Invite, Long, Name, Size, Twice};
        let cases = [
            (String::new(), Form),
            (HASH.to_owned(), Form),
            (format!("magnet:?h={HASH}"), Form),
            (format!("cardume:h={HASH}"), Form),
            ("cardume:join?key=x&names=y".to_owned(), Invite),
            ("cardume:?".to_owned(), Hash),
            (format!("cardume:?h={}", &HASH[1..]), Hash),
            (format!("cardume:?h={HASH}0"), Hash),
            (format!("cardume:?h={HASH}&h={HASH}"), Twice('h')),
            (format!("cardume:?h={HASH}&n=a&n=b"), Twice('n')),
            (format!("cardume:?h={HASH}&n=..%2Fetc"), Name(FileNameError::Character('/'))),
            (format!("cardume:?h={HASH}&n=a%2Fb"), Name(FileNameError::Character('/'))),
            (format!("cardume:?h={HASH}&n=a%00b"), Name(FileNameError::Character('\0'))),
            (format!("cardume:?h={HASH}&n="), Name(FileNameError::Empty)),
            (format!("cardume:?h={HASH}&n={}", "a".repeat(256)), Name(FileNameError::Long)),
            (format!("cardume:?h={HASH}&n=%e"), Encoding('n')),
            (format!("cardume:?h={HASH}&n=%zz"), Encoding('n')),
            (format!("cardume:?h={HASH}&n=%ff"), Encoding('n')),
            (format!("cardume:?h={HASH}&s="), Size),
            (format!("cardume:?h={HASH}&s=-1"), Size),
            (format!("cardume:?h={HASH}&s=+1"), Size),
            (format!("cardume:?h={HASH}&s=9007199254740992"), Size),
            (format!("cardume:?h={HASH}&s=99999999999999999999999"), Size),
            (format!("cardume:?h={HASH}&x={}", "a".repeat(1024)), Long),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<ContentLink>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_hash_alone_is_a_content_too() {
        assert_eq!(bare_hash(&format!(" {}\n", HASH.to_uppercase())), Some(content()));
        assert_eq!(bare_hash(&HASH[1..]), None);
    }

    proptest! {
        #[test]
        fn every_link_survives(bytes in any::<[u8; 32]>(), name in "\\PC{0,60}", size in any::<u64>()) {
            let link = ContentLink {
                content: ContentId::from_bytes(bytes),
                name: FileName::new(&name).ok(),
                size: Some(size).filter(|size| *size <= PieceLayout::MAX_BYTES),
            };
            let text = link.to_string();
            prop_assert!(text.is_ascii() && text.len() <= ContentLink::MAX_BYTES);
            prop_assert_eq!(text.parse(), Ok(link));
        }

        #[test]
        fn nothing_that_is_pasted_panics(text in "(cardume:\\??)?[hns=&%0-9a-fé]{0,90}") {
            if let Ok(link) = text.parse::<ContentLink>() {
                prop_assert_eq!(link.to_string().parse(), Ok(link));
            }
        }
    }
}

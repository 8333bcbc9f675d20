//! The types of setting values: how each is parsed, checked and printed.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axum::http::Uri;
use bytesize::ByteSize;
use ipnet::IpNet;

use crate::model::UserType;

/// Bounds of what the runtime takes. Far past them additions of times overflow, and pools cannot be made.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
const LARGEST: u64 = 1 << 40;
const MOST: usize = 1_000_000_000;

/// The type of a setting's value.
pub(super) trait SettingValue: Sized {
    /// Whether it is a list.
    const LIST: bool = false;

    /// Parses the value. The error says what is expected, and does not quote the text.
    fn parse(text: &str) -> Result<Self, String>;
    /// Prints the value in the form that `parse` accepts.
    fn show(&self) -> String;
    /// The accepted values, in words.
    fn shape() -> String;
}

macro_rules! numbers {
    ($($type:ty = $shape:literal),+) => {
        $(impl SettingValue for $type {
            fn parse(text: &str) -> Result<Self, String> {
                text.replace('_', "").parse().map_err(|_| format!("expected {}", $shape))
            }

            fn show(&self) -> String {
                self.to_string()
            }

            fn shape() -> String {
                $shape.to_owned()
            }
        })+
    };
}

numbers!(u32 = "a whole number", u64 = "a whole number", f64 = "a number", bool = "`true` or `false`");

impl SettingValue for usize {
    fn parse(text: &str) -> Result<Self, String> {
        let number = text.replace('_', "").parse().map_err(|_| format!("expected {}", Self::shape()))?;
        if number > MOST { Err(format!("expected at most {MOST}")) } else { Ok(number) }
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn shape() -> String {
        "a whole number".to_owned()
    }
}

impl SettingValue for String {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("expected some text".to_owned()) } else { Ok(text.to_owned()) }
    }

    fn show(&self) -> String {
        self.clone()
    }

    fn shape() -> String {
        "text".to_owned()
    }
}

impl SettingValue for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        String::parse(text).map(Self::from)
    }

    fn show(&self) -> String {
        self.display().to_string()
    }

    fn shape() -> String {
        "a path".to_owned()
    }
}

impl SettingValue for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("expected {}", Self::shape()))
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn shape() -> String {
        "an address and port such as `127.0.0.1:8080` or `[::1]:8080`".to_owned()
    }
}

impl SettingValue for IpNet {
    fn parse(text: &str) -> Result<Self, String> {
        let address = text.parse::<IpAddr>().map(Self::from);
        address.or_else(|_| text.parse()).map_err(|_| format!("expected {}", Self::shape()))
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn shape() -> String {
        "an address, or a network such as `10.0.0.0/8`".to_owned()
    }
}

impl SettingValue for Duration {
    fn parse(text: &str) -> Result<Self, String> {
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Err("needs a unit, for example `60s`".to_owned());
        }
        let duration = humantime::parse_duration(text).map_err(|_| format!("expected {}", Self::shape()))?;
        if duration > LONGEST { Err("expected at most 366days".to_owned()) } else { Ok(duration) }
    }

    fn show(&self) -> String {
        humantime::format_duration(*self).to_string()
    }

    fn shape() -> String {
        "a duration with its unit, such as `250ms`, `60s` or `1h`".to_owned()
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

impl Size {
    /// A size in KiB.
    #[must_use]
    pub const fn kib(n: u64) -> Self {
        Self(n << 10)
    }

    /// A size in MiB.
    #[must_use]
    pub const fn mib(n: u64) -> Self {
        Self(n << 20)
    }

    /// The size in bytes.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl SettingValue for Size {
    fn parse(text: &str) -> Result<Self, String> {
        let size = text.parse::<ByteSize>().map_err(|_| format!("expected {}", Self::shape()))?.0;
        if size > LARGEST { Err("expected at most 1TiB".to_owned()) } else { Ok(Self(size)) }
    }

    fn show(&self) -> String {
        let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
        let exact = |&(shift, _): &(u32, &str)| self.0 != 0 && self.0.is_multiple_of(1 << shift);
        match units.iter().find(|unit| exact(unit)) {
            Some((shift, unit)) => format!("{}{unit}", self.0 >> shift),
            None => format!("{}B", self.0),
        }
    }

    fn shape() -> String {
        "a size with its unit, such as `32KiB` or `1MiB`".to_owned()
    }
}

/// The URL of an HTTP server: scheme, host, port, and a path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// The URL as written, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, without the port.
    #[must_use]
    pub fn host(&self) -> String {
        self.0.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default()
    }

    /// Whether the host is this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let host = self.host();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    }

    /// Whether the scheme is http.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.starts_with("http:")
    }
}

impl SettingValue for HttpUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|_| format!("expected {}", Self::shape()))?;
        let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if scheme && host && uri.query().is_none() && !text.contains('#') {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err(format!("expected {}", Self::shape()))
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }

    fn shape() -> String {
        "an http or https URL without user name and query".to_owned()
    }
}

impl SettingValue for UserType {
    fn parse(text: &str) -> Result<Self, String> {
        Self::from_name(text).ok_or_else(|| format!("expected {}", Self::shape()))
    }

    fn show(&self) -> String {
        self.name().to_owned()
    }

    fn shape() -> String {
        Self::ALL.iter().map(|value| format!("`{}`", value.name())).collect::<Vec<_>>().join(" or ")
    }
}

impl<T: SettingValue> SettingValue for Option<T> {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }

    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }

    fn shape() -> String {
        T::shape()
    }
}

impl<T: SettingValue> SettingValue for Vec<T> {
    const LIST: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(T::parse).collect()
    }

    fn show(&self) -> String {
        self.iter().map(T::show).collect::<Vec<_>>().join(",")
    }

    fn shape() -> String {
        format!("a list of {}", T::shape())
    }
}

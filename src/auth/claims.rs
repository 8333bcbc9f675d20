//! A JWT's header and claims, read strictly. A duplicate name is refused, because two parsers may read
//! two different values.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The token's header, before the signature is verified. `jku`, `x5u` and `jwk` are ignored.
pub(super) struct JwtHeader {
    pub(super) algorithm: String,
    pub(super) key: Option<String>,
}

impl JwtHeader {
    /// Reads the header of a signed token in compact form.
    pub(super) fn of(token: &str) -> Result<Self, &'static str> {
        let mut parts = token.split('.');
        let header = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(header), Some(_), Some(_), None) => header,
            (Some(_), Some(_), Some(_), Some(_)) if parts.count() == 1 => {
                return Err("the token is encrypted; send a signed one");
            }
            _ => return Err("the token is not a JWT"),
        };
        let bytes = URL_SAFE_NO_PAD.decode(header).map_err(|_| "the token is not a JWT")?;
        let Ok(Unambiguous(Value::Object(names))) = serde_json::from_slice(&bytes) else {
            return Err("the token's header cannot be read");
        };
        if names.contains_key("crit") {
            return Err("the token has critical extensions, and none are known here");
        }
        let text = |name| -> Result<Option<String>, &'static str> {
            read(&names, name).map_err(|()| "the token's header cannot be read")
        };
        // An issuer signs tokens for other purposes with the same keys.
        let for_access = |kind: &str| {
            let kind = kind.to_ascii_lowercase();
            matches!(kind.strip_prefix("application/").unwrap_or(&kind), "jwt" | "at+jwt")
        };
        if text("typ")?.is_some_and(|kind| !for_access(&kind)) {
            return Err("the token is not one for access");
        }
        let algorithm = text("alg")?.ok_or("the token's header cannot be read")?;
        Ok(Self { algorithm, key: text("kid")? })
    }
}

/// The claims of a token, by name.
pub(super) struct Claims(Map<String, Value>);

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Unambiguous::deserialize(deserializer)?.0 {
            Value::Object(names) => Ok(Self(names)),
            _ => Err(D::Error::custom("not an object")),
        }
    }
}

impl Claims {
    /// The claims of a token whose signature is good: `message` is what was signed, header and claims.
    pub(super) fn of(message: &str) -> Result<Self, &'static str> {
        let cannot = "the token's claims cannot be read";
        let claims = message.split_once('.').ok_or(cannot)?.1;
        let bytes = URL_SAFE_NO_PAD.decode(claims).map_err(|_| cannot)?;
        serde_json::from_slice(&bytes).map_err(|_| cannot)
    }

    /// The claim; `None` when there is none of this name.
    ///
    /// # Errors
    /// When it has an unexpected type.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ()> {
        read(&self.0, name)
    }

    /// A claim that lists names: a space-separated string, or an array.
    pub(super) fn names(&self, name: &str) -> Result<Vec<String>, ()> {
        Ok(match self.get(name)? {
            None => Vec::new(),
            Some(OneOrMany::One(text)) => {
                String::as_str(&text).split_ascii_whitespace().map(str::to_owned).collect::<Vec<String>>()
            }
            Some(OneOrMany::Many(list)) => list,
        })
    }
}

/// One value, or an array of values.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

fn read<T: DeserializeOwned>(names: &Map<String, Value>, name: &str) -> Result<Option<T>, ()> {
    names.get(name).map(|value| T::deserialize(value).map_err(|_| ())).transpose()
}

/// A JSON value without duplicate names in any object.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Unambiguous;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Unambiguous, E> {
                Ok(Unambiguous(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Unambiguous, E> {
                Ok(Unambiguous(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Unambiguous, E> {
                Ok(Unambiguous(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Unambiguous, E> {
                Ok(Unambiguous(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Unambiguous, E> {
                Ok(Unambiguous(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Unambiguous, E> {
                Ok(Unambiguous(Value::Null))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unambiguous, A::Error> {
                let mut list = Vec::new();
                while let Some(Unambiguous(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Unambiguous(list.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unambiguous, A::Error> {
                let mut map = Map::new();
                while let Some((name, Unambiguous(value))) = members.next_entry::<String, _>()? {
                    if map.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name stands twice"));
                    }
                }
                Ok(Unambiguous(map.into()))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

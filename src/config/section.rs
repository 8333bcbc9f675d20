//! A section of settings, each defined once. From the definition follow the field, its default, its name in
//! files and in the environment, and its line in the reference.

/// A setting and the value it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in files and flags, such as `upstream.timeout`.
    pub path: String,
    /// Its description for users.
    pub help: String,
    /// The accepted values, in words.
    pub shape: String,
    /// Whether it is a list.
    pub list: bool,
    /// Its value as text; empty when it has none.
    pub value: String,
}

impl Setting {
    /// Its name in the environment, such as `FLOWMATIX_UPSTREAM_TIMEOUT`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("FLOWMATIX_{}", self.path.replace('.', "_").to_uppercase())
    }

    /// The section that it belongs to.
    #[must_use]
    pub fn section(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }
}

/// The interface of a section.
pub(super) trait Section {
    fn name(&self) -> &'static str;
    fn help(&self) -> String;
    fn settings(&self) -> Vec<Setting>;
    /// Sets one setting; `None` when the name is unknown.
    fn set(&mut self, key: &str, text: &str) -> Option<Result<(), String>>;
}

/// Defines a section. `as` names a setting whose name is a Rust keyword.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident in $section:literal {
            $(
                $(#[doc = $help:literal])+
                pub $field:ident $(as $key:literal)? : $type:ty = $default:expr,
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $help])+ pub $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $crate::config::section::Section for $name {
            fn name(&self) -> &'static str {
                $section
            }

            fn help(&self) -> String {
                concat!($($about),+).trim().to_owned()
            }

            fn settings(&self) -> Vec<$crate::config::Setting> {
                use $crate::config::value::SettingValue;
                vec![$($crate::config::Setting {
                    path: format!("{}.{}", $section, section!(@key $field $($key)?)),
                    help: concat!($($help),+).trim().to_owned(),
                    shape: <$type as SettingValue>::shape(),
                    list: <$type as SettingValue>::LIST,
                    value: self.$field.show(),
                },)+]
            }

            fn set(&mut self, key: &str, text: &str) -> Option<Result<(), String>> {
                use $crate::config::value::SettingValue;
                $(if key == section!(@key $field $($key)?) {
                    return Some(SettingValue::parse(text).map(|value| self.$field = value));
                })+
                None
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
}

/// Defines an enum whose values are written by name.
macro_rules! names {
    ($(#[doc = $about:literal])+ pub enum $name:ident { $($(#[doc = $help:literal])+ $value:ident = $text:literal,)+ }) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $help])+ $value,)+ }

        impl $name {
            /// The value as it is written.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }
        }

        impl $crate::config::value::SettingValue for $name {
            fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$value),)+
                    _ => Err(format!("expected {}", Self::shape())),
                }
            }

            fn show(&self) -> String {
                self.name().to_owned()
            }

            fn shape() -> String {
                [$(concat!("`", $text, "`")),+].join(" or ")
            }
        }
    };
}

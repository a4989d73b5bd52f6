//! Types that stand for one word on the wire: written as that word, and read from nothing else.
//!
//! A member with such a type can't hold anything wrong, so a message whose kind is told by one of its members
//! is told apart by its Rust type alone.

/// Declares one type for each word: `Name = "word"`, with the documentation that stands before it.
macro_rules! literals {
    ($( $(#[$documentation:meta])* $name:ident = $word:literal; )+) => { $(
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $name;

        impl $name {
            /// The word on the wire.
            pub const WORD: &'static str = $word;
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(Self::WORD)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::literal::expect(deserializer, Self::WORD).map(|()| Self)
            }
        }
    )+ };
}

pub(crate) use literals;

/// Reads a text that must be `word`.
pub(crate) fn expect<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
    word: &'static str,
) -> Result<(), D::Error> {
    deserializer.deserialize_str(Expected(word))
}

struct Expected(&'static str);

impl serde::de::Visitor<'_> for Expected {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the text `{}`", self.0)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        if text == self.0 { Ok(()) } else { Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)) }
    }
}

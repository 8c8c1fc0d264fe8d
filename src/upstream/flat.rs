use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// The keys that every kind of destination shares; each takes its own value.
pub(super) trait Shared {
    /// Their names.
    const KEYS: &'static [&'static str];

    /// Reads the value of one of [`Shared::KEYS`].
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// A table whose shared keys go to `shared` and whose other keys are what a section is read from.
///
/// serde's own `flatten` forgets the lines that values stand on and cannot report unknown keys, and both are what
/// makes a mistake easy to find.
pub(super) struct Beside<'s, D, S> {
    pub(super) table: D,
    pub(super) shared: &'s mut S,
}

impl<'de, D: Deserializer<'de>, S: Shared> Deserializer<'de> for Beside<'_, D, S> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.table.deserialize_map(Split {
            visitor,
            shared: self.shared,
            own: None,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.table.deserialize_map(Split {
            visitor,
            shared: self.shared,
            own: Some(fields),
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Hands a map on without the shared keys.
struct Split<'s, V, S> {
    visitor: V,
    shared: &'s mut S,
    /// The keys of the section; `None`: any.
    own: Option<&'static [&'static str]>,
}

impl<'de, V: Visitor<'de>, S: Shared> Visitor<'de> for Split<'_, V, S> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Rest {
            map,
            shared: self.shared,
            own: self.own,
        })
    }
}

struct Rest<'s, A, S> {
    map: A,
    shared: &'s mut S,
    own: Option<&'static [&'static str]>,
}

impl<'de, A: MapAccess<'de>, S: Shared> MapAccess<'de> for Rest<'_, A, S> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        loop {
            let name = Name::<S>(self.own, PhantomData);
            match self.map.next_key_seed(name)? {
                None => return Ok(None),
                Some(key) if S::KEYS.contains(&key.as_str()) => self.shared.take(&key, &mut self.map)?,
                Some(key) if self.own.is_some() => {
                    return seed.deserialize(key.into_deserializer()).map(Some);
                }
                Some(_any) => drop(self.map.next_value::<IgnoredAny>()?),
            }
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// A key; an error where the key stands when nobody knows it.
struct Name<S>(Option<&'static [&'static str]>, PhantomData<S>);

impl<'de, S: Shared> DeserializeSeed<'de> for Name<S> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<String, D::Error> {
        key.deserialize_identifier(self)
    }
}

impl<S: Shared> Visitor<'_> for Name<S> {
    type Value = String;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        let Some(own) = self.0 else {
            return Ok(key.to_owned());
        };
        if S::KEYS.contains(&key) || own.contains(&key) {
            return Ok(key.to_owned());
        }
        let known: Vec<String> = S::KEYS
            .iter()
            .chain(own)
            .map(|known| format!("`{known}`"))
            .collect();
        Err(E::custom(format_args!(
            "unknown field `{key}`, expected one of {}",
            known.join(", ")
        )))
    }
}

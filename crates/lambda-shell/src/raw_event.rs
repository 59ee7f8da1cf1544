//! The event as Lambda hands it over.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// An event as Lambda hands it over. Reading it cannot fail: the runtime's own error would have a type's path for a
/// name and would quote the event, and a token may stand in that.
pub struct RawEvent(Option<Box<RawValue>>);

impl RawEvent {
    /// The event's text; empty where there is no JSON.
    pub fn text(&self) -> &str {
        self.0.as_ref().map_or("", |raw| raw.get())
    }

    /// The event's bytes; none where there is no JSON.
    pub fn bytes(&self) -> &[u8] {
        self.text().as_bytes()
    }
}

impl<'de> Deserialize<'de> for RawEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(deserializer).ok()))
    }
}

//! JSON objects as text, so that they may hold what a JSON library would not write.

use serde_json::Value;

use crate::random::Random;

/// Members in order, names unescaped, values as JSON text. A name may be there twice.
#[derive(Clone)]
pub struct Object(pub Vec<(String, String)>);

/// How an object is written where JSON leaves a choice.
#[derive(Clone, Copy)]
pub enum Style {
    Compact,
    /// White space of every kind around every token.
    Spaced,
    /// The first letter of each name as an escape.
    Escaped,
}

impl Object {
    pub fn of(value: &Value) -> Self {
        let members = value.as_object().unwrap().iter();
        Self(members.map(|(name, value)| (name.clone(), value.to_string())).collect())
    }

    /// Replaces the member, or adds it behind the others.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => *own = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(own, _)| own != name);
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub fn shuffle(&mut self, random: &mut Random) {
        random.shuffle(&mut self.0);
    }

    pub fn text(&self, style: Style) -> String {
        let members = self.0.iter().map(|(name, value)| {
            let name = written(name, style);
            match style {
                Style::Compact | Style::Escaped => format!("{name}:{value}"),
                Style::Spaced => format!("\r\n {name}\t: {value} "),
            }
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

fn written(name: &str, style: Style) -> String {
    match (style, name.chars().next()) {
        (Style::Escaped, Some(first)) if first.is_ascii() => {
            let rest = Value::from(&name[1..]).to_string();
            format!("\"\\u{:04x}{}", u32::from(first), &rest[1..])
        }
        _ => Value::from(name).to_string(),
    }
}

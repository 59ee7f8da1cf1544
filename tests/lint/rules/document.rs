//! A template or state machine, what is said against it, and how its functions are read.

use std::fmt;

use serde_json::Value;

/// A template or state machine, parsed, under the name that findings give.
pub struct Document {
    pub file: String,
    pub value: Value,
}

/// One breach of a rule: where it is and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    file: String,
    path: String,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.path, self.message)
    }
}

impl Document {
    pub fn finding(&self, path: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding { file: self.file.clone(), path: path.into(), message: message.into() }
    }

    /// The resources of a type: logical id and the whole resource.
    pub fn resources<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        members(&self.value["Resources"]).filter(move |(_, resource)| resource["Type"] == kind)
    }

    /// All functions, written the SAM way or CloudFormation's.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.resources("AWS::Serverless::Function").chain(self.resources("AWS::Lambda::Function"))
    }

    /// The resource that a `Ref` or `Fn::GetAtt` names.
    pub fn named<'a>(&'a self, reference: &'a Value) -> Option<(&'a str, &'a Value)> {
        let id = logical_id(reference)?;
        self.value["Resources"].get(id).map(|resource| (id, resource))
    }
}

/// The members of an object; nothing for everything else.
pub fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}

/// The items of a list, or the one value that stands in its place; `Fn::If` stands for both of its outcomes.
pub fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(all) => all.iter().flat_map(items).collect(),
        Value::Object(object) => match object.get("Fn::If").and_then(Value::as_array) {
            Some(parts) => parts.iter().skip(1).flat_map(items).collect(),
            None if value["Ref"] == "AWS::NoValue" => Vec::new(),
            None => vec![value],
        },
        Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![value],
    }
}

/// The id that a `Ref` or `Fn::GetAtt` names. SAM has a `Ref` name what it makes of a resource, too, as in `StepFunction.Alias`.
pub fn logical_id(reference: &Value) -> Option<&str> {
    let named = reference["Ref"].as_str().or_else(|| reference["Fn::GetAtt"].get(0).and_then(Value::as_str))?;
    Some(named.split_once('.').map_or(named, |(id, _)| id))
}

/// A text with its placeholders, whether it is one or the argument of `Fn::Sub`; any other function as JSON.
pub fn text(value: &Value) -> String {
    let sub = &value["Fn::Sub"];
    if let Some(text) = value.as_str().or_else(|| sub.as_str()) {
        return text.to_owned();
    }
    let Some(Value::String(pattern)) = sub.get(0) else { return value.to_string() };
    // A variable of `Fn::Sub` may be a text, and hide a wildcard.
    let texts = sub.get(1).into_iter().flat_map(members).filter_map(|(name, value)| Some((name, value.as_str()?)));
    texts.fold(pattern.clone(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

/// The parts of an ARN. Colons of `${AWS::Region}` and the like separate nothing.
pub fn arn_parts(arn: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    for letter in arn.chars() {
        match letter {
            '{' => inside = true,
            '}' => inside = false,
            _ => {}
        }
        if letter == ':' && !inside && parts.len() < 7 {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts
}

//! Paths. AWS takes more spellings than RFC 9535 does (`$.a-b`, `$.[0]`), so a path is read into segments first.

use serde_json::{Map, Value};
use serde_json_path::JsonPath;

/// A step of a path that leads to one value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
}

/// A path behind its `$`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Path {
    /// Leads to one value, or to none.
    One(Vec<Step>),
    /// Leads to a list of values: RFC 9535's text.
    Many(String),
}

/// The value at the path behind a `$`; a list where the path may lead to several. None if there is none.
///
/// # Errors
/// The text is no path.
pub(crate) fn find(path: &str, root: &Value) -> Result<Option<Value>, String> {
    match read(path)? {
        Path::One(steps) => {
            let mut value = Some(root);
            for step in &steps {
                value = value.and_then(|value| match step {
                    Step::Member(name) => value.get(name),
                    Step::Item(number) => value.get(number),
                });
            }
            Ok(value.cloned())
        }
        Path::Many(text) => {
            let query = JsonPath::parse(&text).map_err(|error| format!("`${path}` is no path: {error}"))?;
            Ok(Some(query.query(root).all().into_iter().cloned().collect()))
        }
    }
}

/// Puts a value at the path behind a `$`, with the objects that lead there; none if something else is in the way.
///
/// # Errors
/// The text is no path to one place.
pub(crate) fn place(path: &str, mut root: Value, value: Value) -> Result<Option<Value>, String> {
    let Path::One(steps) = read(path)? else { return Err(format!("`${path}` may lead to several places")) };
    let mut at = &mut root;
    for step in &steps {
        let next = match (step, at) {
            (Step::Member(name), Value::Object(members)) => {
                members.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()))
            }
            (Step::Item(number), Value::Array(items)) => match items.get_mut(*number) {
                Some(item) => item,
                None => return Ok(None),
            },
            (Step::Member(_) | Step::Item(_), _) => return Ok(None),
        };
        at = next;
    }
    *at = value;
    Ok(Some(root))
}

fn read(path: &str) -> Result<Path, String> {
    let mut steps = Some(Vec::new());
    let mut text = "$".to_owned();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix("..") {
            steps = None;
            text.push_str("..");
            rest = behind;
            if !rest.starts_with('[') {
                rest = member(rest, path, &mut None, &mut text)?;
            }
        } else if let Some(behind) = rest.strip_prefix(".[") {
            rest = bracket(behind, path, &mut steps, &mut text)?;
        } else if let Some(behind) = rest.strip_prefix('[') {
            rest = bracket(behind, path, &mut steps, &mut text)?;
        } else if let Some(behind) = rest.strip_prefix('.') {
            rest = member(behind, path, &mut steps, &mut text)?;
        } else {
            return Err(format!("`${path}` is no path"));
        }
    }
    Ok(steps.map_or(Path::Many(text), Path::One))
}

/// A name up to the next dot or bracket. What is behind it.
fn member<'a>(rest: &'a str, path: &str, steps: &mut Option<Vec<Step>>, text: &mut String) -> Result<&'a str, String> {
    let (name, behind) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(format!("`${path}` has a step without a name"));
    }
    if name == "*" {
        *steps = None;
        text.push_str("[*]");
    } else {
        if let Some(steps) = steps {
            steps.push(Step::Member(name.to_owned()));
        }
        text.push_str(&format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")));
    }
    Ok(behind)
}

/// What is inside of a bracket. What is behind it.
fn bracket<'a>(rest: &'a str, path: &str, steps: &mut Option<Vec<Step>>, text: &mut String) -> Result<&'a str, String> {
    let (mut depth, mut quote, mut is_escaped) = (1_u32, None, false);
    let end = rest.char_indices().find(|(_, letter)| {
        match (quote, letter) {
            _ if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), letter) if open == *letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(*letter),
            (None, '[') => depth += 1,
            (None, ']') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        depth == 0
    });
    let Some((inside, behind)) = end.and_then(|(end, _)| rest.split_at_checked(end)) else {
        return Err(format!("`${path}` has an open bracket"));
    };
    text.push_str(&format!("[{inside}]"));
    match (steps.as_mut(), one(inside.trim())) {
        (Some(steps), Some(step)) => steps.push(step),
        (Some(_), None) | (None, _) => *steps = None,
    }
    Ok(behind.strip_prefix(']').unwrap_or(behind))
}

/// The one step that a bracket holds.
fn one(inside: &str) -> Option<Step> {
    for quote in ['\'', '"'] {
        if let Some(name) = inside.strip_prefix(quote).and_then(|name| name.strip_suffix(quote)) {
            return (!name.contains([quote, '\\'])).then(|| Step::Member(name.to_owned()));
        }
    }
    inside.parse().ok().map(Step::Item)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(path: &str, found: Option<Value>) {
        let root = json!({ "a-b": { "list": [{ "x": 1 }, { "x": 2 }] }, "it's": 3 });
        assert_eq!(find(path, &root), Ok(found));
    }

    #[test]
    fn paths_lead_where_aws_leads_them() {
        check(".a-b.list[1].x", Some(json!(2)));
        check(".a-b.list.[0].x", Some(json!(1)));
        check("['a-b']['list'][0]", Some(json!({ "x": 1 })));
        check(".a-b.list[*].x", Some(json!([1, 2])));
        check("..x", Some(json!([1, 2])));
        check(".a-b.list[1:]", Some(json!([{ "x": 2 }])));
        check(".a-b.list[?(@.x > 1)]", Some(json!([{ "x": 2 }])));
        check(".a-b.list[?(@.x > 9)]", Some(json!([])));
        check(".it's", Some(json!(3)));
        check(".none", None);
        check(".a-b.list[7].x", None);
    }

    #[test]
    fn result_goes_where_its_path_says() {
        let placed = |path: &str, root: Value| place(path, root, json!(1));
        assert_eq!(placed(".a.b", json!({ "c": 2 })), Ok(Some(json!({ "a": { "b": 1 }, "c": 2 }))));
        assert_eq!(placed("", json!({ "c": 2 })), Ok(Some(json!(1))));
        assert_eq!(placed(".a", json!([])), Ok(None));
        assert_eq!(placed("..a", json!({})), Err("`$..a` may lead to several places".to_owned()));
    }
}

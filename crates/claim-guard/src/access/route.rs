//! A route: a method and a path template, as API Gateway has them.

use std::collections::BTreeSet;
use std::fmt;

use crate::access::one_line::one_line;
use crate::access::requirement::Requirement;

/// The most segments that a path template may have.
const MAX_SEGMENTS: usize = 8;

/// The HTTP methods that a route may have. `OPTIONS` is not among them: a preflight carries no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `HEAD`
    Head,
}

impl Method {
    /// Every method, in the order in which messages list them.
    pub const ALL: [Self; 6] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Head];

    /// The method of that name, in upper case; none for any other text, also for API Gateway's `ANY`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// The method's name, in upper case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One to eight segments: `/workflows/{workflow}/executions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    segments: Vec<PathSegment>,
}

/// A part of a path template between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathSegment {
    /// Matches itself: letters, digits and `.` `_` `:` `-`.
    Literal(String),
    /// `{name}`: matches any one segment that is not empty.
    Parameter(String),
}

/// Why a text is not a path template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathTemplateError {
    /// It does not begin with a slash.
    NoLeadingSlash,
    /// Nothing stands between two slashes or behind the last one.
    EmptySegment,
    /// More than eight segments.
    TooManySegments {
        /// How many there are.
        presented: usize,
    },
    /// `{name+}`: a greedy parameter has no pattern that stops at the routes beside it.
    GreedyParameter {
        /// The segment.
        segment: String,
    },
    /// A character that means something in an IAM pattern, or cannot stand in an API Gateway path.
    ForbiddenCharacter {
        /// The segment.
        segment: String,
        /// The first such character.
        character: char,
    },
    /// `.` or `..`, which clients resolve before they send.
    DotSegment,
    /// Two parameters have one name.
    RepeatedParameter {
        /// The name.
        name: String,
    },
}

impl PathTemplate {
    /// Parses a path template.
    ///
    /// # Errors
    /// [`PathTemplateError`] says what is wrong with the first segment that is wrong.
    pub fn parse(text: &str) -> Result<Self, PathTemplateError> {
        let path = text.strip_prefix('/').ok_or(PathTemplateError::NoLeadingSlash)?;
        let segments = path.split('/').map(PathSegment::parse).collect::<Result<Vec<_>, _>>()?;
        if segments.len() > MAX_SEGMENTS {
            return Err(PathTemplateError::TooManySegments { presented: segments.len() });
        }
        let mut names = BTreeSet::new();
        for segment in &segments {
            if let PathSegment::Parameter(name) = segment
                && !names.insert(name)
            {
                return Err(PathTemplateError::RepeatedParameter { name: name.clone() });
            }
        }
        Ok(Self { segments })
    }

    /// The segments, at least one.
    pub fn segments(&self) -> &[PathSegment] {
        &self.segments
    }

    /// The path as a pattern of an IAM resource: every parameter is `*`.
    ///
    /// IAM's `*` crosses slashes, so the pattern covers longer paths than the template matches.
    pub fn iam_pattern(&self) -> String {
        let segment = |segment: &PathSegment| match segment {
            PathSegment::Literal(text) => format!("/{text}"),
            PathSegment::Parameter(_) => "/*".to_owned(),
        };
        self.segments.iter().map(segment).collect()
    }
}

impl PathSegment {
    fn parse(text: &str) -> Result<Self, PathTemplateError> {
        let segment = || text.to_owned();
        let parameter = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let name = parameter.unwrap_or(text);
        if name.is_empty() {
            return Err(PathTemplateError::EmptySegment);
        }
        if parameter.is_some() && name.ends_with('+') {
            return Err(PathTemplateError::GreedyParameter { segment: segment() });
        }
        if let Some(character) = name.chars().find(|c| !is_allowed(*c)) {
            return Err(PathTemplateError::ForbiddenCharacter { segment: segment(), character });
        }
        match parameter {
            Some(name) => Ok(Self::Parameter(name.to_owned())),
            None if name == "." || name == ".." => Err(PathTemplateError::DotSegment),
            None => Ok(Self::Literal(name.to_owned())),
        }
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-')
}

/// What is asked of a caller of one method on one path.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    pub(super) method: Method,
    pub(super) path: PathTemplate,
    pub(super) requirement: Requirement,
}

impl Route {
    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The path template.
    pub fn path(&self) -> &PathTemplate {
        &self.path
    }

    /// What it asks.
    pub fn requirement(&self) -> &Requirement {
        &self.requirement
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                PathSegment::Literal(text) => write!(f, "/{text}")?,
                PathSegment::Parameter(name) => write!(f, "/{{{name}}}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for PathTemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLeadingSlash => f.write_str("a path begins with `/`"),
            Self::EmptySegment => f.write_str("a path has no empty segment and no trailing `/`"),
            Self::TooManySegments { presented } => {
                write!(f, "a path has at most `{MAX_SEGMENTS}` segments, this one `{presented}`")
            }
            Self::GreedyParameter { segment } => {
                write!(f, "`{}` is a greedy parameter, write one route for each path", one_line(segment))
            }
            Self::ForbiddenCharacter { segment, character } => write!(
                f,
                "segment `{}` holds the forbidden character `{}`, expected letters, digits and `.` `_` `:` `-`",
                one_line(segment),
                character.escape_debug()
            ),
            Self::DotSegment => f.write_str("a path has no segment `.` or `..`"),
            Self::RepeatedParameter { name } => write!(f, "two parameters are named `{name}`"),
        }
    }
}

impl std::error::Error for PathTemplateError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_prints_as_it_is_written_and_its_pattern_has_a_star_for_each_parameter() {
        let check = |text: &str, pattern: &str| {
            let template = PathTemplate::parse(text).expect("a template");
            assert_eq!((template.to_string().as_str(), template.iam_pattern().as_str()), (text, pattern));
        };
        check("/workflows/{workflow}/executions/{execution}", "/workflows/*/executions/*");
        check("/v1.0/a_b:c-d", "/v1.0/a_b:c-d");
        check("/{a}", "/*");
        check("/1/2/3/4/5/6/7/8", "/1/2/3/4/5/6/7/8");
    }

    #[track_caller]
    fn check_error(text: &str, message: &str) {
        assert_eq!(PathTemplate::parse(text).map_err(|error| error.to_string()), Err(message.to_owned()), "{text}");
    }

    #[test]
    fn a_template_that_iam_or_api_gateway_would_read_otherwise_is_refused() {
        let forbidden = |segment: &str, character: &str| {
            format!(
                "segment `{segment}` holds the forbidden character `{character}`, \
                 expected letters, digits and `.` `_` `:` `-`"
            )
        };
        for text in ["", "workflows", "{a}", "*"] {
            check_error(text, "a path begins with `/`");
        }
        for text in ["/", "//", "/a/", "/a//b", "/{}"] {
            check_error(text, "a path has no empty segment and no trailing `/`");
        }
        check_error("/a/*", &forbidden("*", "*"));
        check_error("/a?", &forbidden("a?", "?"));
        check_error("/${a}", &forbidden("${a}", "$"));
        check_error("/a{b}", &forbidden("a{b}", "{"));
        check_error("/{a}b", &forbidden("{a}b", "{"));
        check_error("/{a/b}", &forbidden("{a", "{"));
        check_error("/{{a}}", &forbidden("{{a}}", "{"));
        check_error("/{a*}", &forbidden("{a*}", "*"));
        check_error("/a+", &forbidden("a+", "+"));
        check_error("/a%2Fb", &forbidden("a%2Fb", "%"));
        check_error("/a b", &forbidden("a b", " "));
        check_error("/caf\u{e9}", &forbidden("caf\u{e9}", "\u{e9}"));
        check_error("/{proxy+}", "`{proxy+}` is a greedy parameter, write one route for each path");
        check_error("/{\n+}", "`{\\n+}` is a greedy parameter, write one route for each path");
        check_error("/a\n", &forbidden("a\\n", "\\n"));
        check_error("/a/./b", "a path has no segment `.` or `..`");
        check_error("/a/..", "a path has no segment `.` or `..`");
        check_error("/{a}/b/{a}", "two parameters are named `a`");
        check_error("/1/2/3/4/5/6/7/8/9", "a path has at most `8` segments, this one `9`");
    }

    #[test]
    fn methods_are_the_six_of_http_in_upper_case() {
        for method in Method::ALL {
            assert_eq!(Method::parse(method.as_str()), Some(method));
        }
        for text in ["ANY", "OPTIONS", "get", "Get", "", "*", "TRACE", "GET "] {
            assert_eq!(Method::parse(text), None, "{text}");
        }
    }
}

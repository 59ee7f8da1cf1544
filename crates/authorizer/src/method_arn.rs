//! Which method of which API is called.

use std::fmt;

use claim_guard::Excerpt;

/// The most bytes that a method ARN may have. API Gateway's own limit on a request line with all headers is 10 KiB.
const MAX_BYTES: usize = 2048;

/// `arn:PARTITION:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`, as API Gateway names the method that is called.
///
/// All of it but the path is made of characters that stand for themselves in an IAM pattern. The path is what the client
/// wrote, with colons, slashes and wildcards: it serves to find the route, and never stands in an Allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodArn {
    stage: String,
    method: String,
    path: String,
}

/// A part of a method ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArnPart {
    /// `arn`
    Scheme,
    /// `aws`, `aws-cn`, `aws-us-gov`
    Partition,
    /// `execute-api`
    Service,
    /// The region.
    Region,
    /// Twelve digits.
    Account,
    /// The API's id.
    Api,
    /// The stage's name.
    Stage,
    /// The HTTP method, in upper case.
    Method,
    /// Everything behind the method, without its first slash; it may be empty.
    Path,
}

/// Why a text is no method ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodArnError {
    /// Longer than is read at all.
    #[error("the method ARN has `{presented}` bytes, expected at most `{MAX_BYTES}`")]
    TooLong {
        /// The bytes presented.
        presented: usize,
    },
    /// The text ends before this part.
    #[error("the method ARN has no {part}")]
    Absent {
        /// Which part.
        part: ArnPart,
    },
    /// A part is empty, too long, or holds another character than it may, a wildcard for example.
    #[error("the method ARN has the malformed {part} `{presented}`")]
    Malformed {
        /// Which part.
        part: ArnPart,
        /// The part presented.
        presented: Excerpt,
    },
}

impl MethodArn {
    /// Parses a method ARN.
    ///
    /// # Errors
    /// [`MethodArnError`] says which part is wrong, the first from the left.
    pub fn parse(text: &str) -> Result<Self, MethodArnError> {
        if text.len() > MAX_BYTES {
            return Err(MethodArnError::TooLong { presented: text.len() });
        }
        // The path may hold colons and slashes, so it is what the other separators leave.
        let mut fields = text.splitn(6, ':');
        let scheme = part(fields.next(), ArnPart::Scheme)?;
        let partition = part(fields.next(), ArnPart::Partition)?;
        let service = part(fields.next(), ArnPart::Service)?;
        let region = part(fields.next(), ArnPart::Region)?;
        let account = part(fields.next(), ArnPart::Account)?;
        let mut rest = fields.next().map(|rest| rest.splitn(4, '/')).into_iter().flatten();
        let api = part(rest.next(), ArnPart::Api)?;
        let stage = part(rest.next(), ArnPart::Stage)?;
        let method = part(rest.next(), ArnPart::Method)?;
        let path = part(rest.next(), ArnPart::Path)?;
        Ok(Self {
            stage: format!("{scheme}:{partition}:{service}:{region}:{account}:{api}/{stage}"),
            method: method.to_owned(),
            path: format!("/{path}"),
        })
    }

    /// The stage of the API, as an ARN: everything up to the method.
    pub fn stage(&self) -> &str {
        &self.stage
    }

    /// The HTTP method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path without the stage, beginning with a slash: what the client wrote.
    pub fn path(&self) -> &str {
        &self.path
    }
}

fn part(presented: Option<&str>, part: ArnPart) -> Result<&str, MethodArnError> {
    let presented = presented.ok_or(MethodArnError::Absent { part })?;
    if part.admits(presented) {
        Ok(presented)
    } else {
        Err(MethodArnError::Malformed { part, presented: Excerpt::of(presented) })
    }
}

impl ArnPart {
    fn admits(self, text: &str) -> bool {
        let made_of =
            |most: usize, admitted: fn(u8) -> bool| (1..=most).contains(&text.len()) && text.bytes().all(admitted);
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        match self {
            Self::Scheme => text == "arn",
            Self::Partition | Self::Region => made_of(32, lower),
            Self::Service => text == "execute-api",
            Self::Account => text.len() == 12 && made_of(12, |byte| byte.is_ascii_digit()),
            Self::Api => made_of(64, |byte| byte.is_ascii_alphanumeric()),
            Self::Stage => made_of(128, |byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'),
            Self::Method => made_of(16, |byte| byte.is_ascii_uppercase()),
            Self::Path => true,
        }
    }
}

impl fmt::Display for ArnPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "scheme",
            Self::Partition => "partition",
            Self::Service => "service",
            Self::Region => "region",
            Self::Account => "account",
            Self::Api => "API",
            Self::Stage => "stage",
            Self::Method => "method",
            Self::Path => "path",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAGE: &str = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live";

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, &str, &str), MethodArnError>) {
        let parsed = MethodArn::parse(text);
        let parsed = parsed.as_ref().map(|arn| (arn.stage(), arn.method(), arn.path())).map_err(Clone::clone);
        assert_eq!(parsed, expected, "{text}");
    }

    #[test]
    fn the_path_is_everything_behind_the_method() {
        for path in ["", "/", "a", "a/b", "a:b/c:d", "//a/", "*", "?", "arn:aws:execute-api:x", "caf\u{e9}", "%2F"] {
            check(&format!("{STAGE}/GET/{path}"), Ok((STAGE, "GET", &format!("/{path}"))));
        }
    }

    #[test]
    fn other_partitions_stages_and_methods_are_read() {
        for stage in [
            "arn:aws-cn:execute-api:cn-north-1:123456789012:abc/test-invoke-stage",
            "arn:aws-us-gov:execute-api:us-gov-west-1:000000000000:ABC/v1_2",
        ] {
            check(&format!("{stage}/DELETE/a"), Ok((stage, "DELETE", "/a")));
        }
    }

    #[test]
    fn i9_a_part_that_could_mean_more_than_itself_is_malformed() {
        let check = |from: &str, to: &str, part: ArnPart, presented: &str| {
            let text = format!("{STAGE}/GET/a").replacen(from, to, 1);
            super::tests::check(&text, Err(MethodArnError::Malformed { part, presented: Excerpt::of(presented) }));
        };
        check("arn:", "ARN:", ArnPart::Scheme, "ARN");
        check(":aws:", ":*:", ArnPart::Partition, "*");
        check(":aws:", "::", ArnPart::Partition, "");
        check("execute-api", "execute-apis", ArnPart::Service, "execute-apis");
        check("eu-central-1", "eu-*", ArnPart::Region, "eu-*");
        check("123456789012", "12345678901", ArnPart::Account, "12345678901");
        check("123456789012", "12345678901x", ArnPart::Account, "12345678901x");
        check("a1b2c3d4e5", "*", ArnPart::Api, "*");
        check("a1b2c3d4e5", "a?", ArnPart::Api, "a?");
        check("a1b2c3d4e5", "", ArnPart::Api, "");
        check("/live/", "/*/", ArnPart::Stage, "*");
        check("/live/", "/$default/", ArnPart::Stage, "$default");
        check("/live/", "//", ArnPart::Stage, "");
        check("/GET/", "/*/", ArnPart::Method, "*");
        check("/GET/", "/get/", ArnPart::Method, "get");
        check("/GET/", "//", ArnPart::Method, "");
        check("/GET/", "/G\u{395}T/", ArnPart::Method, "G\u{395}T");
    }

    #[test]
    fn i9_a_text_that_ends_too_soon_lacks_a_part() {
        let parts = [ArnPart::Partition, ArnPart::Service, ArnPart::Region, ArnPart::Account, ArnPart::Api];
        let texts =
            ["arn", "arn:aws", "arn:aws:execute-api", "arn:aws:execute-api:r", "arn:aws:execute-api:r:000000000000"];
        for (text, part) in texts.into_iter().zip(parts) {
            check(text, Err(MethodArnError::Absent { part }));
        }
        let short = "arn:aws:execute-api:r:000000000000:a";
        check(short, Err(MethodArnError::Absent { part: ArnPart::Stage }));
        check(&format!("{short}/s"), Err(MethodArnError::Absent { part: ArnPart::Method }));
        check(&format!("{short}/s/GET"), Err(MethodArnError::Absent { part: ArnPart::Path }));
    }

    #[test]
    fn a_long_text_is_not_read() {
        let text = format!("{STAGE}/GET/{}", "x".repeat(MAX_BYTES - STAGE.len() - 5));
        assert_eq!(MethodArn::parse(&text).map(|arn| arn.path().len()), Ok(MAX_BYTES - STAGE.len() - 4));
        check(&format!("{text}x"), Err(MethodArnError::TooLong { presented: MAX_BYTES + 1 }));
    }

    proptest! {
        #[test]
        fn i9_arbitrary_texts_never_panic(text in "\\PC{0,300}") {
            let _ = MethodArn::parse(&text);
        }

        #[test]
        fn what_is_parsed_says_the_same_as_the_text(text in "arn:aws:execute-api:[a-z]{1,3}:[0-9]{12}:[a-z*]{1,3}/[a-z]{1,3}/[A-Z*]{1,3}/[a:/*]{0,6}") {
            if let Ok(arn) = MethodArn::parse(&text) {
                prop_assert_eq!(format!("{}/{}{}", arn.stage(), arn.method(), arn.path()), text);
                let prefix = format!("{}{}", arn.stage(), arn.method());
                prop_assert!(!prefix.contains(['*', '?', '$']));
            }
        }
    }
}

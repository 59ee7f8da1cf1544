//! The ARN of a Lambda function.

use claim_guard::Excerpt;

/// `arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME`, or with a version or an alias behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionArn(String);

impl FunctionArn {
    /// Reads the ARN.
    ///
    /// # Errors
    /// An excerpt of what is no ARN of a function.
    pub fn parse(text: &str) -> Result<Self, Excerpt> {
        if is_function_arn(text) { Ok(Self(text.to_owned())) } else { Err(Excerpt::of(text)) }
    }

    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_function_arn(text: &str) -> bool {
    let fields: Vec<&str> = text.split(':').collect();
    match fields.as_slice() {
        ["arn", partition, "lambda", region, account, "function", name]
        | ["arn", partition, "lambda", region, account, "function", name, "$LATEST"] => {
            [partition, region, account, name].into_iter().all(|part| is_plain(part))
        }
        ["arn", partition, "lambda", region, account, "function", name, qualifier] => {
            [partition, region, account, name, qualifier].into_iter().all(|part| is_plain(part))
        }
        _ => false,
    }
}

fn is_plain(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

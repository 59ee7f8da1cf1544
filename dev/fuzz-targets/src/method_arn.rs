use authorizer::{MethodArn, MethodArnError};

use crate::line;
use crate::reached::reached;

/// Method ARNs: one that is parsed can be put together again, and only its path holds what a client wrote.
pub fn method_arn(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match MethodArn::parse(&text) {
        Ok(arn) => {
            reached("a method ARN");
            assert_eq!(format!("{}/{}{}", arn.stage(), arn.method(), arn.path()), text);
            assert!(text.len() <= 2048 && arn.path().starts_with('/'));
            assert!(arn.stage().starts_with("arn:") && arn.stage().bytes().all(stands_for_itself), "{}", arn.stage());
            assert!(!arn.method().is_empty() && arn.method().bytes().all(|byte| byte.is_ascii_uppercase()));
            assert_eq!(arn.stage().matches('/').count(), 1, "{}", arn.stage());
        }
        Err(error) => {
            line::is_message(&error.to_string());
            assert_eq!(matches!(error, MethodArnError::TooLong { .. }), text.len() > 2048);
        }
    }
}

fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'/' | b'-' | b'_')
}

//! Sample events in the type that AWS's own library has for them.

use std::fs;
use std::path::Path;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use serde_json::Value;

use super::world::lab;
use super::*;

#[test]
fn every_sample_event_is_answered_the_same_when_the_library_has_written_it() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/executions");
    let files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let sent = event(name, &token_of(&payload()));
        let read: ApiGatewayProxyRequest = serde_json::from_value(sent.clone()).unwrap();
        let written = serde_json::to_value(read).unwrap();
        let [sent, written]: [(Value, Value); 2] = [sent, written].map(|event| {
            let answer = ask(&lab(), &event);
            (heard(&answer), logged(&answer))
        });
        assert_eq!(written, sent, "{name}");
    }
}

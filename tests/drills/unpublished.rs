//! A change of `$LATEST`, which is what an administrator's hand reaches first, changes nothing that runs.

use serde_json::{Map, Value, json};
use xtask::lab::Lab;

use crate::support::{payment, turn};

/// A change of what a function has of its environment, not published, until this is dropped.
struct Unpublished<'a> {
    lab: &'a Lab,
    function: &'static str,
    before: Map<String, Value>,
}

impl<'a> Unpublished<'a> {
    fn new(lab: &'a Lab, function: &'static str, variable: &str, value: &str) -> Unpublished<'a> {
        let configuration = lab.configuration(function).unwrap();
        let before = configuration["Environment"]["Variables"].as_object().unwrap().clone();
        let mut changed = before.clone();
        assert!(changed.insert(variable.to_owned(), json!(value)).is_some(), "{function} has no {variable}");
        lab.change_latest(function, &json!({"Environment": {"Variables": changed}})).unwrap();
        assert_eq!(lab.configuration(function).unwrap(), configuration, "what runs of {function}");
        Unpublished { lab, function, before }
    }

    fn publish(&self) {
        self.lab.publish(self.function).unwrap();
    }
}

impl Drop for Unpublished<'_> {
    fn drop(&mut self) {
        let restored = json!({"Environment": {"Variables": self.before}});
        let restored = self.lab.change_latest(self.function, &restored).and_then(|()| self.lab.publish(self.function));
        if let Err(failure) = restored {
            assert!(std::thread::panicking(), "{failure}");
        }
    }
}

#[test]
fn the_door_is_the_published_one_until_the_alias_is_moved() {
    let _whole = super::whole();
    let lab = turn();
    // A token for each, so that none is one that API Gateway has an answer for.
    let status = || lab.start(&lab.token("alice").unwrap(), &[], &payment().to_string()).status;
    let changed = Unpublished::new(&lab, "Authorizer", "REALM_AUDIENCE", "somebody-else");
    assert_eq!(status(), 202);
    changed.publish();
    assert_eq!(status(), 401);
    drop(changed);
    assert_eq!(status(), 202);
}

#[test]
fn a_step_is_the_published_one_until_the_alias_is_moved() {
    let _whole = super::whole();
    let lab = turn();
    let ends = || lab.ended(&lab.started(&lab.token("alice").unwrap()).arn);
    let changed = Unpublished::new(&lab, "ExecutePayment", "TRUST_DOMAIN", "another.111122223333.us-east-1");
    assert_eq!(ends(), "SUCCEEDED");
    changed.publish();
    assert_eq!(ends(), "FAILED ClaimGuard.Rejected");
    drop(changed);
    assert_eq!(ends(), "SUCCEEDED");
}

//! A Step Functions in memory: every execution that it is asked about runs, as it is stated, unless a test says otherwise.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use claim_guard::UnixTime;
use claim_guard::identifier::{ExecutionArn, MapRunArn};
use claim_guard::revalidation::{ExecutionSeen, ExecutionStatus, InputSeen, MapRunSeen, MapRunStatus};
use minting::ServiceError;
use serde_json::{Value, json};
use test_realm::NOW;

use super::start::{Start, execution, time};

/// What it says of executions, by their ARNs where it is not the same of all.
pub(super) struct Executions {
    pub(super) statuses: BTreeMap<String, ExecutionStatus>,
    pub(super) redrives: BTreeMap<String, u32>,
    pub(super) absent: bool,
    pub(super) started_at: i64,
    pub(super) input: Value,
    /// The start whose token the input holds; none for one as it is stated.
    pub(super) start: Option<Start>,
    pub(super) parent: String,
    pub(super) map_run: MapRunStatus,
    pub(super) stopped_at: Option<i64>,
    /// Why nothing is answered at all.
    pub(super) outage: Option<ServiceError>,
    asked: [AtomicU32; 3],
}

impl Executions {
    pub(super) fn new() -> Self {
        Self {
            statuses: BTreeMap::new(),
            redrives: BTreeMap::new(),
            absent: false,
            started_at: NOW,
            input: json!({}),
            start: None,
            parent: execution("payment", "run-1"),
            map_run: MapRunStatus::Running,
            stopped_at: None,
            outage: None,
            asked: [const { AtomicU32::new(0) }; 3],
        }
    }

    /// How often it was asked about executions, Map runs and histories.
    pub(super) fn calls(&self) -> [u32; 3] {
        self.asked.each_ref().map(|calls| calls.load(Ordering::Relaxed))
    }

    fn answers(&self, operation: usize) -> Result<(), ServiceError> {
        self.asked[operation].fetch_add(1, Ordering::Relaxed);
        self.outage.clone().map_or(Ok(()), Err)
    }

    pub(super) fn execution(&self, arn: &ExecutionArn) -> Result<Option<ExecutionSeen>, ServiceError> {
        self.answers(0)?;
        let machine = arn.state_machine();
        let (workflow, label) = match machine.as_str().rsplit_once("payments-").unwrap().1.split_once('/') {
            Some((workflow, label)) => (workflow, Some(label)),
            None => (machine.as_str().rsplit_once("payments-").unwrap().1, None),
        };
        let workflows = ["payment", "settlement", "supervised"];
        let workflow = workflows.into_iter().find(|name| *name == workflow).unwrap();
        let start = || Start { workflow, execution: arn.to_string(), ..Start::usual() };
        let token = self.start.clone().unwrap_or_else(start).token();
        let map_run = label.map(|label| {
            let text = format!("arn:aws:states:eu-central-1:111122223333:mapRun:payments-{workflow}/{label}:1");
            MapRunArn::parse(&text).unwrap()
        });
        Ok((!self.absent).then(|| ExecutionSeen {
            execution: arn.clone(),
            state_machine: arn.state_machine(),
            status: self.statuses.get(arn.as_str()).copied().unwrap_or(ExecutionStatus::Running),
            redrive_count: self.redrives.get(arn.as_str()).copied().unwrap_or(0),
            started_at: time(self.started_at),
            input: Some(InputSeen(json!({ "transactionToken": token, "input": self.input }).to_string())),
            map_run,
        }))
    }

    pub(super) fn map_run(&self) -> Result<Option<MapRunSeen>, ServiceError> {
        self.answers(1)?;
        let parent = ExecutionArn::parse(&self.parent).unwrap();
        Ok(Some(MapRunSeen { parent, status: self.map_run }))
    }

    pub(super) fn stopped_at(&self) -> Result<Option<UnixTime>, ServiceError> {
        self.answers(2)?;
        Ok(self.stopped_at.map(time))
    }
}

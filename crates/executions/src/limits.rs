//! How much one party may start: the limits that the stack was deployed with, if any.

use std::num::NonZeroU16;

use claim_guard::Excerpt;

const TABLE: &str = "START_LIMITS_TABLE";
const STARTS: &str = "STARTS_PER_MINUTE";
const RUNNING: &str = "RUNNING_EXECUTIONS";

/// The most that a limit on starts in a minute may be.
const MOST_STARTS: u16 = 999;
/// The most that a limit on running executions may be: each of them may have to be looked at before one more is started.
const MOST_RUNNING: u16 = 25;

/// One fault of the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitFault {
    /// A limit is no number, or not from 1 to the most that it may be.
    #[error("{variable}: expected a number from 1 to {most}, presented `{presented}`")]
    NotALimit {
        /// The environment's variable.
        variable: &'static str,
        /// The most that this limit may be.
        most: u16,
        /// What was presented.
        presented: Excerpt,
    },
    /// `START_LIMITS_TABLE` is not the name of a table.
    #[error("{TABLE}: expected the name of a DynamoDB table, presented `{presented}`")]
    NotATable {
        /// What was presented.
        presented: Excerpt,
    },
    /// There is a limit, and no table to count in.
    #[error("{TABLE} is absent, and {STARTS} or {RUNNING} is not")]
    NoTable,
    /// There is a table, and nothing to count.
    #[error("{STARTS} and {RUNNING} are absent, and {TABLE} is not")]
    NoLimit,
}

/// The name of the DynamoDB table in which starts are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName(String);

impl TableName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Result<Self, LimitFault> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if plain && (3..=255).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(LimitFault::NotATable { presented: Excerpt::of(text) })
        }
    }
}

/// What one party may start in a minute, what it may have running at once, or both; and the table in which that is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartLimits {
    table: TableName,
    starts_per_minute: Option<NonZeroU16>,
    running: Option<NonZeroU16>,
}

impl StartLimits {
    /// Reads the limits; there are none where every variable is absent or empty.
    ///
    /// | variable | value |
    /// |---|---|
    /// | `STARTS_PER_MINUTE` | optional: how many executions one party may start in a minute, 1 to 999 |
    /// | `RUNNING_EXECUTIONS` | optional: how many executions of one party may run at once, 1 to 25 |
    /// | `START_LIMITS_TABLE` | with either of them: the DynamoDB table to count in |
    ///
    /// # Errors
    /// Every [`LimitFault`] at once. A limit without its table, and a table without a limit, are faults and not "no limit".
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, Vec<LimitFault>> {
        let named = |variable: &str| lookup(variable).filter(|text| !text.is_empty());
        let starts = named(STARTS).map(|text| limit(STARTS, MOST_STARTS, &text)).transpose();
        let running = named(RUNNING).map(|text| limit(RUNNING, MOST_RUNNING, &text)).transpose();
        let table = named(TABLE).map(|text| TableName::parse(&text)).transpose();
        match (starts, running, table) {
            (Ok(None), Ok(None), Ok(None)) => Ok(None),
            (Ok(None), Ok(None), Ok(Some(_))) => Err(vec![LimitFault::NoLimit]),
            (Ok(_), Ok(_), Ok(None)) => Err(vec![LimitFault::NoTable]),
            (Ok(starts_per_minute), Ok(running), Ok(Some(table))) => {
                Ok(Some(Self { table, starts_per_minute, running }))
            }
            (starts, running, table) => Err(starts.err().into_iter().chain(running.err()).chain(table.err()).collect()),
        }
    }

    pub(crate) fn table(&self) -> &TableName {
        &self.table
    }

    /// How many executions one party may start in a minute.
    pub(crate) fn starts_per_minute(&self) -> Option<NonZeroU16> {
        self.starts_per_minute
    }

    /// How many executions of one party may run at once.
    pub(crate) fn running(&self) -> Option<NonZeroU16> {
        self.running
    }
}

fn limit(variable: &'static str, most: u16, text: &str) -> Result<NonZeroU16, LimitFault> {
    let fault = || LimitFault::NotALimit { variable, most, presented: Excerpt::of(text) };
    let canonical = !text.starts_with(['0', '+']);
    let number = text.parse::<NonZeroU16>().ok().filter(|number| canonical && number.get() <= most);
    number.ok_or_else(fault)
}

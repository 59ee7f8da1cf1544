//! Runs an execution from state to state.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::context::context;
use crate::engine::{Engine, Execution};
use crate::stop::{DATA_LIMIT, ExecutionFailure, Stop, refused};
use crate::world::{Place, World};

/// The most bytes of a state's input or output, of a call and of a variable
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>).
const MOST_BYTES: usize = 262_144;

/// How a state's expressions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    JsonPath,
    Jsonata,
}

impl Language {
    fn named(object: &Value, otherwise: Self) -> Option<Self> {
        match object.get("QueryLanguage").map(Value::as_str) {
            None => Some(otherwise),
            Some(Some("JSONPath")) => Some(Self::JsonPath),
            Some(Some("JSONata")) => Some(Self::Jsonata),
            Some(_) => None,
        }
    }
}

/// What a state's expressions can see.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight<'a> {
    pub(crate) name: &'a str,
    pub(crate) state: &'a Value,
    pub(crate) language: Language,
    pub(crate) context: &'a Value,
    /// `$states.input`
    pub(crate) input: &'a Value,
    /// `$` in JSONPath
    pub(crate) data: &'a Value,
    pub(crate) result: Option<&'a Value>,
    pub(crate) error: Option<&'a Value>,
    pub(crate) retries: u64,
}

impl<'a> Sight<'a> {
    /// What is seen on entering a state, after so many retries of it.
    pub(crate) fn on_entry(
        (name, state, language): (&'a str, &'a Value, Language),
        input: &'a Value,
        context: &'a Value,
        retries: u64,
    ) -> Self {
        Self { name, state, language, context, input, data: input, result: None, error: None, retries }
    }
}

/// An execution at work.
pub(crate) struct Run<'w> {
    pub(crate) world: &'w mut dyn World,
    pub(crate) engine: &'w Engine,
    pub(crate) execution: &'w Execution,
    pub(crate) language: Language,
    /// Variables, of the outermost scope first.
    pub(crate) scopes: Vec<BTreeMap<String, Value>>,
    /// The items of the inline Maps around, the innermost last.
    pub(crate) items: Vec<Value>,
    /// The stretch of states that runs.
    pub(crate) stretch: u64,
}

/// Runs an execution of a machine to its end. It begins with `execution.input`.
///
/// # Errors
/// [`Stop`] says why it did not succeed.
pub fn execute(machine: &Value, execution: Execution, world: &mut dyn World, engine: &Engine) -> Result<Value, Stop> {
    let language =
        Language::named(machine, Language::JsonPath).ok_or_else(|| refused("", "`QueryLanguage` is unknown"))?;
    engine.takes_id(&execution.id);
    run_execution(machine, execution, language, world, engine)
}

pub(crate) fn run_execution(
    machine: &Value,
    execution: Execution,
    language: Language,
    world: &mut dyn World,
    engine: &Engine,
) -> Result<Value, Stop> {
    world.started(&execution);
    let input = execution.input.clone();
    let mut run = Run {
        world,
        engine,
        execution: &execution,
        language,
        scopes: vec![BTreeMap::new()],
        items: Vec::new(),
        stretch: engine.next_stretch(),
    };
    let end = run.states(machine, input);
    let told = match &end {
        Ok(output) => Ok(output.clone()),
        Err(Stop::Failed(failure)) => Err(failure.clone()),
        Err(Stop::Refused { .. } | Stop::OutOfSteps) => return end,
    };
    run.world.ended(run.execution, &told);
    end
}

impl<'w> Run<'w> {
    /// The states of a machine, or of one inside of a state, from its first to an end.
    pub(crate) fn states(&mut self, machine: &Value, input: Value) -> Result<Value, Stop> {
        let mut name = machine["StartAt"].as_str().ok_or_else(|| refused("", "`StartAt` is no text"))?;
        let mut input = input;
        loop {
            let state = machine["States"].get(name).ok_or_else(|| refused(name, "there is no such state"))?;
            self.engine.step()?;
            let (output, next) = self.state(name, state, &input)?;
            match next {
                Some(next) => (name, input) = (next, output),
                None => return Ok(output),
            }
        }
    }

    /// A branch or an item has variables of its own, and sees those around it.
    pub(crate) fn inside(
        &mut self,
        machine: &Value,
        input: Value,
        number: usize,
        sight: &Sight<'_>,
    ) -> Result<Value, Stop> {
        let stretch = self.engine.next_stretch();
        let place = self.place(sight);
        self.world.began(&place, number, stretch);
        self.scopes.push(BTreeMap::new());
        let around = std::mem::replace(&mut self.stretch, stretch);
        let end = self.states(machine, input);
        self.stretch = around;
        self.scopes.pop();
        end
    }

    /// The context object as a state sees it.
    pub(crate) fn context(&self, name: &str, state: &Value, retries: u64) -> Value {
        context(self.execution, name, state, retries, self.items.last(), self.engine)
    }

    /// The language of a state.
    pub(crate) fn language_of(&self, name: &str, state: &Value) -> Result<Language, Stop> {
        let language =
            Language::named(state, self.language).ok_or_else(|| refused(name, "`QueryLanguage` is unknown"))?;
        if self.language == Language::Jsonata && language == Language::JsonPath {
            return Err(refused(name, "JSONPath in a machine of JSONata"));
        }
        let foreign: &[&str] = match language {
            Language::Jsonata => &[
                "InputPath",
                "OutputPath",
                "ResultPath",
                "ResultSelector",
                "Parameters",
                "ItemsPath",
                "SecondsPath",
                "TimestampPath",
                "ErrorPath",
                "CausePath",
                "TimeoutSecondsPath",
            ],
            Language::JsonPath => &["Arguments", "Output", "Items"],
        };
        match foreign.iter().find(|member| state.get(**member).is_some()) {
            Some(member) => Err(refused(name, format!("`{member}` is of the other language"))),
            None => Ok(language),
        }
    }

    /// The state, for the world to look at.
    pub(crate) fn place<'a>(&self, sight: &Sight<'a>) -> Place<'a>
    where
        'w: 'a,
    {
        Place {
            execution: self.execution,
            state: sight.name,
            definition: sight.state,
            retries: sight.retries,
            stretch: self.stretch,
        }
    }

    /// Fails what is larger than Step Functions carries.
    pub(crate) fn fits(&self, value: &Value, sight: &Sight<'_>) -> Result<(), Stop> {
        let bytes = value.to_string().len();
        if bytes > MOST_BYTES {
            let cause = format!("state `{}`: `{bytes}` bytes of at most `{MOST_BYTES}`", sight.name);
            return Err(ExecutionFailure::new(DATA_LIMIT, &cause).into());
        }
        Ok(())
    }
}

//! A state, by its type.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::json_path;
use crate::rule::rule;
use crate::run::{Language, Run, Sight};
use crate::stop::{ExecutionFailure, Stop, refused, runtime};
use crate::world::{Call, Expected};

/// What a state hands on, and to whom; to nobody at an end.
type Onward<'s> = (Value, Option<&'s str>);

impl Run<'_> {
    pub(crate) fn state<'s>(&mut self, name: &'s str, state: &'s Value, input: &Value) -> Result<Onward<'s>, Stop> {
        let language = self.language_of(name, state)?;
        let kind = state["Type"].as_str().unwrap_or_default();
        if ["Task", "Map", "Parallel"].contains(&kind) {
            return self.attempts(name, state, input, language);
        }
        let context = self.context(name, state, 0);
        let sight = Sight::on_entry((name, state, language), input, &context, 0);
        self.world.entered(&self.place(&sight), input);
        let data = self.selected(&sight)?;
        let sight = Sight { data: &data, ..sight };
        let (output, next) = match kind {
            "Pass" => (self.pass(&sight)?, onward(name, state)?),
            "Wait" => {
                self.wait(&sight)?;
                self.assign(state, &sight)?;
                (self.output(&sight, state, input)?, onward(name, state)?)
            }
            "Succeed" => (self.output(&sight, state, input)?, None),
            "Choice" => {
                let (holder, next) = self.choice(&sight, state)?;
                self.assign(holder, &sight)?;
                (self.output(&sight, holder, input)?, Some(next))
            }
            "Fail" => return Err(self.fail(&sight)?),
            _ => return Err(refused(name, format!("`{kind}` is no type"))),
        };
        self.fits(&output, &sight)?;
        self.world.left(&self.place(&sight), &output);
        Ok((output, next))
    }

    /// JSONPath's InputPath.
    fn selected(&mut self, sight: &Sight<'_>) -> Result<Value, Stop> {
        self.by_path(sight.state, "InputPath", sight.input, sight)
    }

    /// What a path of the state selects of a value: all of it without a path, nothing by null.
    fn by_path(&mut self, state: &Value, member: &str, of: &Value, sight: &Sight<'_>) -> Result<Value, Stop> {
        match state.get(member) {
            None => Ok(of.clone()),
            Some(Value::Null) => Ok(json!({})),
            Some(Value::String(path)) => {
                let of = of.clone();
                self.path(path, &Sight { data: &of, ..*sight }, Expected::Anything)
            }
            Some(_) => Err(refused(sight.name, format!("`{member}` is no path"))),
        }
    }

    /// What a state without a result hands on.
    fn output(&mut self, sight: &Sight<'_>, holder: &Value, input: &Value) -> Result<Value, Stop> {
        match (sight.language, holder.get("Output")) {
            (Language::Jsonata, Some(output)) => self.value(output, sight, Expected::Anything),
            (Language::Jsonata, None) => Ok(input.clone()),
            (Language::JsonPath, _) => self.by_path(sight.state, "OutputPath", &sight.data.clone(), sight),
        }
    }

    fn pass(&mut self, sight: &Sight<'_>) -> Result<Value, Stop> {
        if sight.language == Language::Jsonata {
            let output = self.output(sight, sight.state, sight.input)?;
            self.assign(sight.state, sight)?;
            return Ok(output);
        }
        let result = match (sight.state.get("Result"), sight.state.get("Parameters")) {
            (Some(result), _) => result.clone(),
            (None, Some(parameters)) => self.value(parameters, sight, Expected::Anything)?,
            (None, None) => sight.data.clone(),
        };
        self.assign(sight.state, &Sight { data: &result, ..*sight })?;
        let placed = self.placed(sight.state, result, sight)?;
        self.by_path(sight.state, "OutputPath", &placed, sight)
    }

    /// JSONPath's ResultPath, of a state or of a rule of Catch: where a result goes in the input.
    fn placed(&mut self, holder: &Value, result: Value, sight: &Sight<'_>) -> Result<Value, Stop> {
        let path = match holder.get("ResultPath") {
            None => return Ok(result),
            Some(Value::Null) => return Ok(sight.input.clone()),
            Some(path) => path.as_str().and_then(|path| path.strip_prefix('$')),
        };
        let path = path.ok_or_else(|| refused(sight.name, "`ResultPath` is no path"))?;
        let placed =
            json_path::place(path, sight.input.clone(), result).map_err(|reason| refused(sight.name, reason))?;
        placed.ok_or_else(|| {
            let cause = format!("state `{}`: the input has no place `${path}`", sight.name);
            ExecutionFailure::new("States.ResultPathMatchFailure", &cause).into()
        })
    }

    /// Nobody waits, but what says how long has to be there.
    fn wait(&mut self, sight: &Sight<'_>) -> Result<(), Stop> {
        let mut given = 0;
        for (member, expected) in [("Seconds", Expected::Number), ("Timestamp", Expected::Text)] {
            if let Some(value) = self.given(sight, member, expected)? {
                given += 1;
                let fits = if expected == Expected::Number { value.is_number() } else { value.is_string() };
                if !fits && self.world.made_up(&self.place(sight), member, expected).is_none() {
                    return Err(runtime(format!("state `{}`: `{member}` is `{value}`", sight.name)));
                }
            }
        }
        if given == 1 { Ok(()) } else { Err(refused(sight.name, "a Wait has one of `Seconds` and `Timestamp`")) }
    }

    /// A member that is there as it is, or as `…Path`.
    fn given(&mut self, sight: &Sight<'_>, member: &str, expected: Expected) -> Result<Option<Value>, Stop> {
        if let Some(value) = sight.state.get(member) {
            return self.value(value, sight, expected).map(Some);
        }
        match sight.state.get(format!("{member}Path")).map(Value::as_str) {
            None => Ok(None),
            Some(Some(path)) => self.text(path, sight, expected).map(Some),
            Some(None) => Err(refused(sight.name, format!("`{member}Path` is no path"))),
        }
    }

    fn fail(&mut self, sight: &Sight<'_>) -> Result<Stop, Stop> {
        let [error, cause] = ["Error", "Cause"].map(|member| self.given(sight, member, Expected::Text));
        let (error, cause) = (error?, cause?);
        let text = |value: Value| match value {
            Value::String(text) => Ok(text),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(runtime(format!("state `{}`: `{other}` is no text", sight.name)))
            }
        };
        let error = error.map(text).transpose()?.unwrap_or_default();
        Ok(ExecutionFailure { error, cause: cause.map(text).transpose()? }.into())
    }

    /// Retry and Catch, around a Task, Map or Parallel.
    fn attempts<'s>(
        &mut self,
        name: &'s str,
        state: &'s Value,
        input: &Value,
        language: Language,
    ) -> Result<Onward<'s>, Stop> {
        let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
        loop {
            let retries = counts.values().sum();
            let context = self.context(name, state, retries);
            let sight = Sight::on_entry((name, state, language), input, &context, retries);
            self.world.entered(&self.place(&sight), input);
            let failure = match self.attempt(&sight) {
                Ok(output) => {
                    self.world.left(&self.place(&sight), &output);
                    return Ok((output, onward(name, state)?));
                }
                Err(Stop::Failed(failure)) => failure,
                Err(stop @ (Stop::Refused { .. } | Stop::OutOfSteps)) => return Err(stop),
            };
            let habits = self.engine.habits();
            if let Some((number, rule)) = rule(state, "Retry", &failure.error, habits) {
                let count = counts.entry(number).or_insert(0);
                if *count < rule["MaxAttempts"].as_u64().unwrap_or(3) {
                    *count += 1;
                    self.engine.step()?;
                    continue;
                }
            }
            let Some((_, rule)) = rule(state, "Catch", &failure.error, habits) else { return Err(failure.into()) };
            let error = failure.output();
            let sight = Sight { error: Some(&error), data: &error, ..sight };
            let output = match (language, rule.get("Output")) {
                (Language::Jsonata, Some(output)) => self.value(output, &sight, Expected::Anything)?,
                (Language::Jsonata, None) => error.clone(),
                (Language::JsonPath, _) => self.placed(rule, error.clone(), &sight)?,
            };
            self.assign(rule, &sight)?;
            self.fits(&output, &sight)?;
            self.world.left(&self.place(&sight), &output);
            let next = rule["Next"].as_str().ok_or_else(|| refused(name, "a Catch has no `Next`"))?;
            return Ok((output, Some(next)));
        }
    }

    /// One attempt, to what the state hands on.
    fn attempt(&mut self, sight: &Sight<'_>) -> Result<Value, Stop> {
        let data = self.selected(sight)?;
        let sight = &Sight { data: &data, ..*sight };
        let result = match sight.state["Type"].as_str().unwrap_or_default() {
            "Task" => self.task(sight)?,
            "Parallel" => self.parallel(sight)?,
            _ => self.map(sight)?,
        };
        self.fits(&result, sight)?;
        self.world.came_to(&self.place(sight), &result);
        let sight = &Sight { result: Some(&result), data: &result, ..*sight };
        let output = if sight.language == Language::Jsonata {
            let output = match sight.state.get("Output") {
                Some(output) => self.value(output, sight, Expected::Anything)?,
                None => result.clone(),
            };
            self.assign(sight.state, sight)?;
            output
        } else {
            let selected = match sight.state.get("ResultSelector") {
                Some(selector) => self.value(selector, sight, Expected::Anything)?,
                None => result.clone(),
            };
            self.assign(sight.state, sight)?;
            let placed = self.placed(sight.state, selected, sight)?;
            self.by_path(sight.state, "OutputPath", &placed, sight)?
        };
        self.fits(&output, sight)?;
        Ok(output)
    }

    /// What a Task, or a Parallel's branches, are handed.
    fn arguments(&mut self, sight: &Sight<'_>) -> Result<Value, Stop> {
        let member = match sight.language {
            Language::JsonPath => "Parameters",
            Language::Jsonata => "Arguments",
        };
        let arguments = match sight.state.get(member) {
            Some(template) => self.value(template, sight, Expected::Anything)?,
            None => sight.data.clone(),
        };
        self.fits(&arguments, sight)?;
        Ok(arguments)
    }

    fn task(&mut self, sight: &Sight<'_>) -> Result<Value, Stop> {
        for member in ["TimeoutSeconds", "HeartbeatSeconds"] {
            self.given(sight, member, Expected::Number)?;
        }
        let arguments = self.arguments(sight)?;
        let resource = sight.state["Resource"].as_str().ok_or_else(|| refused(sight.name, "`Resource` is no text"))?;
        let call = Call { place: self.place(sight), resource, arguments: &arguments, engine: self.engine };
        Ok(self.world.call(&call)?)
    }

    fn parallel(&mut self, sight: &Sight<'_>) -> Result<Value, Stop> {
        let arguments = self.arguments(sight)?;
        let branches =
            sight.state["Branches"].as_array().ok_or_else(|| refused(sight.name, "`Branches` is no list"))?;
        let branches = branches.iter().enumerate();
        branches.map(|(number, branch)| self.inside(branch, arguments.clone(), number, sight)).collect()
    }
}

/// Where a state goes on.
fn onward<'s>(name: &str, state: &'s Value) -> Result<Option<&'s str>, Stop> {
    match (state["Next"].as_str(), state["End"].as_bool()) {
        (Some(next), None | Some(false)) => Ok(Some(next)),
        (None, Some(true)) => Ok(None),
        (Some(_), Some(true)) | (None, None | Some(false)) => Err(refused(name, "it has one of `Next` and `End`")),
    }
}

//! Map: items inline, or each in an execution of its own.

use serde_json::{Map, Value, json};

use crate::engine::Execution;
use crate::run::{Language, Run, Sight, run_execution};
use crate::stop::{ExecutionFailure, Stop, refused, runtime};
use crate::world::Expected;

impl Run<'_> {
    /// The results of a Map's items, in their order.
    pub(crate) fn map(&mut self, sight: &Sight<'_>) -> Result<Value, Stop> {
        let state = sight.state;
        let processor = ["ItemProcessor", "Iterator"].into_iter().find_map(|member| state.get(member));
        let machine = processor.ok_or_else(|| refused(sight.name, "a Map has no `ItemProcessor`"))?;
        if machine.get("QueryLanguage").is_some() {
            return Err(refused(sight.name, "`QueryLanguage` inside of an `ItemProcessor`"));
        }
        let items = self.items(sight)?;
        let is_distributed = machine.pointer("/ProcessorConfig/Mode").is_some_and(|mode| mode == "DISTRIBUTED");
        let inputs = self.inputs(items, sight)?;
        if is_distributed { self.children(machine, inputs, sight) } else { self.inline(machine, inputs, sight) }
    }

    /// The items as the context object has them: of a list their places and values, of an object its members.
    fn items(&mut self, sight: &Sight<'_>) -> Result<Vec<Value>, Stop> {
        if let Some(reader) = sight.state.get("ItemReader") {
            let member = if sight.language == Language::Jsonata { "Arguments" } else { "Parameters" };
            let mut reader = reader.clone();
            if let Some(template) = reader.get(member).cloned() {
                let value = self.value(&template, sight, Expected::Anything)?;
                if let Some(members) = reader.as_object_mut() {
                    members.insert(member.to_owned(), value);
                }
            }
            let place = self.place(sight);
            let items = self.world.items(&place, &reader)?;
            return Ok(numbered(items));
        }
        let from = match (sight.language, sight.state.get("Items"), sight.state.get("ItemsPath")) {
            (Language::Jsonata, Some(items), _) => self.value(items, sight, Expected::List)?,
            (Language::Jsonata, None, _) => sight.input.clone(),
            (Language::JsonPath, _, Some(Value::String(path))) => self.path(path, sight, Expected::List)?,
            (Language::JsonPath, _, Some(_)) => return Err(refused(sight.name, "`ItemsPath` is no path")),
            (Language::JsonPath, _, None) => sight.data.clone(),
        };
        match from {
            Value::Array(items) => Ok(numbered(items)),
            Value::Object(members) if sight.language == Language::Jsonata => {
                let item = |(number, (key, value)): (usize, (String, Value))| json!({ "Index": number, "Key": key, "Value": value });
                Ok(members.into_iter().enumerate().map(item).collect())
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                match self.world.made_up(&self.place(sight), "the items", Expected::List) {
                    Some(Value::Array(items)) => Ok(numbered(items)),
                    Some(_) | None => Err(runtime(format!("state `{}`: `{other}` is no list of items", sight.name))),
                }
            }
        }
    }

    /// What each item's run is handed, beside the item as the context object has it.
    fn inputs(&mut self, items: Vec<Value>, sight: &Sight<'_>) -> Result<Vec<(Value, Value)>, Stop> {
        let legacy = (sight.language == Language::JsonPath).then(|| sight.state.get("Parameters")).flatten();
        let selector = sight.state.get("ItemSelector").or(legacy);
        let mut inputs = Vec::new();
        for item in items {
            let input = match selector {
                None => item.get("Value").cloned().unwrap_or_default(),
                Some(selector) => {
                    self.items.push(item.clone());
                    let context = self.context(sight.name, sight.state, sight.retries);
                    self.items.pop();
                    self.value(selector, &Sight { context: &context, ..*sight }, Expected::Anything)?
                }
            };
            self.fits(&input, sight)?;
            inputs.push((item, input));
        }
        let Some(batcher) = sight.state.get("ItemBatcher") else { return Ok(inputs) };
        let size = batcher["MaxItemsPerBatch"].as_u64().and_then(|size| usize::try_from(size).ok()).unwrap_or(1).max(1);
        let shared = match batcher.get("BatchInput") {
            Some(template) => Some(self.value(template, sight, Expected::Anything)?),
            None => None,
        };
        let batch = |batch: &[(Value, Value)]| {
            let values: Vec<&Value> = batch.iter().map(|(_, input)| input).collect();
            let mut members = Map::from_iter([("Items".to_owned(), json!(values))]);
            members.extend(shared.clone().map(|shared| ("BatchInput".to_owned(), shared)));
            (Value::Null, Value::Object(members))
        };
        Ok(inputs.chunks(size).map(batch).collect())
    }

    fn inline(&mut self, machine: &Value, inputs: Vec<(Value, Value)>, sight: &Sight<'_>) -> Result<Value, Stop> {
        let mut results = Vec::new();
        for (number, (item, input)) in inputs.into_iter().enumerate() {
            self.items.push(item);
            let end = self.inside(machine, input, number, sight);
            self.items.pop();
            results.push(end?);
        }
        Ok(Value::Array(results))
    }

    /// No variable reaches into an execution of its own, and its error does not come out by its name.
    fn children(&mut self, machine: &Value, inputs: Vec<(Value, Value)>, sight: &Sight<'_>) -> Result<Value, Stop> {
        let tolerated = self.tolerated(inputs.len(), sight)?;
        let (mut results, mut failed) = (Vec::new(), 0);
        for (number, (_, input)) in inputs.into_iter().enumerate() {
            let execution = Execution {
                id: self.engine.free_id(&format!("{}/{}:{number}", self.execution.id, sight.name)),
                machine: format!("{}/{}", self.execution.machine, sight.name),
                input,
            };
            match run_execution(machine, execution, self.language, self.world, self.engine) {
                Ok(result) => results.push(result),
                Err(Stop::Failed(failure)) => {
                    failed += 1;
                    if failed > tolerated {
                        let error = "States.ExceedToleratedFailureThreshold";
                        return Err(ExecutionFailure::new(
                            error,
                            "the specified tolerated failure threshold was exceeded",
                        )
                        .into());
                    }
                    results.push(failure.output());
                }
                Err(stop @ (Stop::Refused { .. } | Stop::OutOfSteps)) => return Err(stop),
            }
        }
        if sight.state.get("ResultWriter").is_some() {
            return Ok(
                json!({ "MapRunArn": format!("{}/{}", self.execution.id, sight.name), "ResultWriterDetails": {} }),
            );
        }
        Ok(Value::Array(results))
    }

    /// How many of so many items may fail.
    fn tolerated(&mut self, items: usize, sight: &Sight<'_>) -> Result<usize, Stop> {
        let mut tolerated: f64 = 0.0;
        for (member, share) in [("ToleratedFailureCount", 1.0), ("ToleratedFailurePercentage", items as f64 / 100.0)] {
            let value = match (sight.state.get(member), sight.state.get(format!("{member}Path"))) {
                (Some(value), _) => self.value(value, sight, Expected::Number)?,
                (None, Some(Value::String(path))) => self.path(path, sight, Expected::Number)?,
                (None, _) => continue,
            };
            let value =
                value.as_f64().ok_or_else(|| runtime(format!("state `{}`: `{member}` is `{value}`", sight.name)))?;
            tolerated = tolerated.max(value * share);
        }
        let tolerates = (0..=items).take_while(|failed| *failed as f64 <= tolerated).last();
        Ok(tolerates.unwrap_or_default())
    }
}

fn numbered(items: Vec<Value>) -> Vec<Value> {
    items.into_iter().enumerate().map(|(number, value)| json!({ "Index": number, "Value": value })).collect()
}

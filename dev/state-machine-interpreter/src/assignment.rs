//! Variables and their scopes (<https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html>).

use serde_json::Value;

use crate::run::{Run, Sight};
use crate::stop::{Stop, refused};
use crate::world::Expected;

impl Run<'_> {
    /// The value of a variable, of the innermost scope that has it.
    pub(crate) fn variable(&self, name: &str) -> Option<&Value> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    /// Assigns what a state or a rule says. All is computed before anything is assigned.
    pub(crate) fn assign(&mut self, holder: &Value, sight: &Sight<'_>) -> Result<(), Stop> {
        let Some(template) = holder.get("Assign") else { return Ok(()) };
        let values = self.value(template, sight, Expected::Anything)?;
        let Value::Object(values) = values else { return Err(refused(sight.name, "`Assign` is no object")) };
        for (name, value) in values {
            self.fits(&value, sight)?;
            self.world.assigned(&self.place(sight), &name, &value);
            let Some((own, outer)) = self.scopes.split_last_mut() else { continue };
            if outer.iter().any(|scope| scope.contains_key(&name)) {
                return Err(refused(sight.name, format!("`{name}` is an outer variable")));
            }
            own.insert(name, value);
        }
        Ok(())
    }
}

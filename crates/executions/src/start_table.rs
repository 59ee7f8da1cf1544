//! The table in which starts are counted, for real: DynamoDB, one conditional write for each question.
//!
//! | `id` | holds |
//! |---|---|
//! | `PARTY/starts/MINUTE`, `PARTY/looks/MINUTE` | `counted` |
//! | `PARTY/running` | `places`, a set of `WORKFLOW/NAME`; for each of them, under its own name, when it was taken |
//!
//! Each item `expires`.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use claim_guard::audit::Reason;
use minting::ServiceError;

use crate::limits::TableName;
use crate::services::{Counted, PlaceTaken, StartTable};
use crate::tally::{Claim, Counter, Place, Places, StartingParty};

const OPERATION: &str = "UpdateItem";

type Item = HashMap<String, AttributeValue>;

/// What came of a conditional write.
enum Written {
    Yes,
    /// The item as it is, which the condition does not hold for.
    No(Item),
}

impl StartTable for aws_sdk_dynamodb::Client {
    async fn count(&self, table: &TableName, counter: &Counter, more: u16, most: u16) -> Result<Counted, ServiceError> {
        let Some(room) = most.checked_sub(more) else { return Ok(Counted::Beyond { counted: 0 }) };
        let update = item(self, table, counter.key())
            .condition_expression("attribute_not_exists(#counted) OR #counted <= :room")
            .update_expression("ADD #counted :more SET #expires = :expires")
            .expression_attribute_names("#counted", "counted")
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":more", number(more))
            .expression_attribute_values(":room", number(room))
            .expression_attribute_values(":expires", number(counter.expires()));
        match written(update).await? {
            Written::Yes => Ok(Counted::Within),
            Written::No(item) => Ok(Counted::Beyond { counted: read_number(&item, "counted").unwrap_or(0) }),
        }
    }

    async fn take_place(&self, table: &TableName, claim: &Claim) -> Result<PlaceTaken, ServiceError> {
        let place = claim.place.as_str().to_owned();
        // Whoever asks again for an execution that has its place already has it once.
        let update = item(self, table, &claim.party.places_key())
            .condition_expression("attribute_not_exists(#places) OR contains(#places, :place) OR size(#places) < :most")
            .update_expression("ADD #places :places SET #place = :now, #expires = :expires")
            .expression_attribute_names("#places", "places")
            .expression_attribute_names("#place", &place)
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":place", AttributeValue::S(place.clone()))
            .expression_attribute_values(":places", AttributeValue::Ss(vec![place]))
            .expression_attribute_values(":most", number(claim.most))
            .expression_attribute_values(":now", number(claim.now.seconds()))
            .expression_attribute_values(":expires", number(claim.expires()));
        match written(update).await? {
            Written::Yes => Ok(PlaceTaken::Yes),
            Written::No(item) => read_places(&item).map(PlaceTaken::Full).ok_or_else(malformed),
        }
    }

    async fn give_places_back(
        &self,
        table: &TableName,
        party: &StartingParty,
        places: &Places,
    ) -> Result<(), ServiceError> {
        let names = places.keys().map(|place| place.as_str().to_owned()).collect();
        let each = |write: &dyn Fn(usize) -> String, between: &str| {
            (0..places.len()).map(write).collect::<Vec<_>>().join(between)
        };
        let unchanged = each(&|number| format!("#p{number} = :t{number}"), " AND ");
        let times = each(&|number| format!("#p{number}"), ", ");
        let mut update = item(self, table, &party.places_key())
            .condition_expression(unchanged)
            .update_expression(format!("DELETE #places :places REMOVE {times}"))
            .expression_attribute_names("#places", "places")
            .expression_attribute_values(":places", AttributeValue::Ss(names));
        for (order, (place, taken)) in places.iter().enumerate() {
            update = update
                .expression_attribute_names(format!("#p{order}"), place.as_str())
                .expression_attribute_values(format!(":t{order}"), number(taken));
        }
        written(update).await.map(|_| ())
    }
}

fn item(client: &aws_sdk_dynamodb::Client, table: &TableName, key: &str) -> UpdateItemFluentBuilder {
    let update = client.update_item().table_name(table.as_str()).key("id", AttributeValue::S(key.to_owned()));
    update.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
}

async fn written(update: UpdateItemFluentBuilder) -> Result<Written, ServiceError> {
    match update.send().await {
        Ok(_) => Ok(Written::Yes),
        Err(error) => match refused(&error) {
            Some(item) => Ok(Written::No(item)),
            None => Err(ServiceError::of(OPERATION, &error)),
        },
    }
}

/// The item that the condition does not hold for, if that is what is wrong.
fn refused<R>(error: &SdkError<UpdateItemError, R>) -> Option<Item> {
    let UpdateItemError::ConditionalCheckFailedException(failed) = error.as_service_error()? else { return None };
    Some(failed.item().cloned().unwrap_or_default())
}

fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn read_number<N: std::str::FromStr>(item: &Item, name: &str) -> Option<N> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn read_places(item: &Item) -> Option<Places> {
    let places = item.get("places")?.as_ss().ok()?;
    places.iter().map(|place| Some((Place::presented(place.clone()), read_number(item, place)?))).collect()
}

/// Nothing here writes such an item.
fn malformed() -> ServiceError {
    let message = "an item of the table for start limits has another shape";
    ServiceError::Misconfigured(Reason::new("malformed_table_item", &message))
}

//! The DynamoDB requests of a subject's calls.

use anyhow::Result;
use patgate_harness::{DynamoDbProxy, RecordedRequest};

use crate::fixture::Fixture;
use crate::lambda::{FunctionProcess, Program};

/// The costs of each kind of call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallCosts {
    /// Before the first event.
    pub(crate) start: Cost,
    /// The first call of an instance.
    pub(crate) first: Cost,
    pub(crate) repeated: Cost,
    /// A call whose use is recorded, without the cost of a repeated call.
    pub(crate) written: Cost,
    /// A call with a malformed credential.
    pub(crate) malformed: Cost,
}

/// The DynamoDB requests of one call.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cost {
    pub(crate) requests: Vec<String>,
    pub(crate) units: f64,
}

impl CallCosts {
    /// Counts the requests of calls with this event.
    pub(super) fn count(program: &Program, event: &str, fixture: &Fixture) -> Result<Self> {
        let proxy = DynamoDbProxy::start();
        proxy.forward_to(&fixture.system.local().dynamodb);
        proxy.report_units();

        let mut program = program.clone();
        for (name, value) in &mut program.environment {
            if name == "AWS_ENDPOINT_URL_DYNAMODB" {
                value.clone_from(&proxy.url);
            }
        }

        fixture.set_just_used();
        let (mut process, _, _) = FunctionProcess::start(&program, event, None)?;
        let (start, first) = proxy.take_all().into_iter().partition(RecordedRequest::opens_connection);
        let mut cost_of = |event: &str| -> Result<Cost> {
            let (_, _invocation) = process.call(event)?;
            // The response to the next event shows that all work after this response is done.
            let recorded = proxy.take_all();
            let (_, _invocation) = process.call(&fixture.malformed)?;
            Ok(Cost::of(recorded.into_iter().chain(proxy.take_all()).collect()))
        };
        let repeated = cost_of(event)?;
        let malformed = cost_of(&fixture.malformed)?;

        fixture.set_never_used();
        let mut written = cost_of(event)?;
        written.requests.retain(|request| !repeated.requests.contains(request));
        written.units -= repeated.units;

        Ok(Self { start: Cost::of(start), first: Cost::of(first), repeated, written, malformed })
    }
}

impl Cost {
    fn of(requests: Vec<RecordedRequest>) -> Self {
        Self {
            units: requests.iter().map(|request| request.units).fold(0.0, |sum, units| sum + units),
            requests: requests.into_iter().map(|request| request.operation).collect(),
        }
    }
}

//! One instance of a function, which tests give events that no gateway sends.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::local::binary;
use crate::runtime_api::RuntimeApi;

const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a test that waits for a response looks whether the process still runs.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// A process of a function's binary. It is the same process for all events: nothing starts
/// another one after it has ended.
#[derive(Debug)]
pub struct Function {
    name: String,
    child: Child,
    runtime_api: RuntimeApi,
}

impl Function {
    /// Starts the binary `name` on the tables at `dynamodb`, with the defaults of its settings.
    pub fn start(name: &str, dynamodb: &str) -> Self {
        let runtime_api = RuntimeApi::start().expect("a Runtime API");
        let child = Command::new(binary(name))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", &runtime_api.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "LOCAL-tests")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
            .env("TOKENS_TABLE", "Tokens")
            .env("USERS_TABLE", "Users")
            .env("PACKAGES_TABLE", "Packages")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("start `{name}`, which `make test` builds: {error}"));

        Self { name: name.to_owned(), child, runtime_api }
    }

    /// Sends an event, and returns the function's response. Panics if the function ends, or
    /// returns an error.
    #[track_caller]
    pub fn invoke(&mut self, event: &str) -> Value {
        self.runtime_api.send(event);

        let deadline = Instant::now() + TIMEOUT;
        let invocation = loop {
            if let Some((_, invocation)) = self.runtime_api.receive(CHECK_INTERVAL) {
                break invocation;
            }
            let ended = self.child.try_wait().expect("the state of the process");
            assert!(ended.is_none(), "`{}` ended ({ended:?}) on {event}", self.name);
            assert!(Instant::now() < deadline, "`{}` does not respond to {event}", self.name);
        };
        invocation.unwrap_or_else(|error| panic!("`{}` failed ({error}) on {event}", self.name))
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

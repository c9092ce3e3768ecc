// A minimal Lambda runtime loop, which is lighter than the managed runtime.

import { Agent, request } from "node:http";
import { handler } from "./authorizer.mjs";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new Agent({ keepAlive: true });

const call = (method, path, body) => new Promise((resolve, reject) => {
  const sent = request({ agent, host, port, method, path: `/2018-06-01/runtime/${path}` }, (response) => {
    const parts = [];
    response.on("data", (part) => parts.push(part));
    response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(parts).toString() }));
  });
  sent.on("error", reject);
  sent.end(body);
});

const run = async () => {
  for (;;) {
    const { headers, body } = await call("GET", "invocation/next");
    const id = headers["lambda-runtime-aws-request-id"];
    try {
      await call("POST", `invocation/${id}/response`, JSON.stringify(await handler(JSON.parse(body))));
    } catch (error) {
      const failure = { errorType: error.name, errorMessage: error.message };
      await call("POST", `invocation/${id}/error`, JSON.stringify(failure));
    }
  }
};

run();

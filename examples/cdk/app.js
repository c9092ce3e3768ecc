// Example: an HTTP API in the AWS CDK that uses Patgate's authorizer.

const path = require("node:path");

const { App, Duration, Fn, Stack } = require("aws-cdk-lib");
const { HttpApi, HttpMethod } = require("aws-cdk-lib/aws-apigatewayv2");
const { HttpLambdaAuthorizer, HttpLambdaResponseType } = require("aws-cdk-lib/aws-apigatewayv2-authorizers");
const { HttpLambdaIntegration } = require("aws-cdk-lib/aws-apigatewayv2-integrations");
const { Code, Function, Runtime } = require("aws-cdk-lib/aws-lambda");

class HelloApi extends Stack {
  constructor(scope, id, patgateStack = "patgate") {
    super(scope, id);
    const hello = new Function(this, "Hello", {
      runtime: Runtime.NODEJS_22_X,
      handler: "hello.handler",
      code: Code.fromAsset(path.join(__dirname, "backend")),
    });

    const patgate = Function.fromFunctionAttributes(this, "Patgate", {
      functionArn: Fn.importValue(`${patgateStack}-AuthorizerArn`),
      skipPermissions: true, // the core already permits every API of the account
    });
    const authorizer = new HttpLambdaAuthorizer("PatgateAuthorizer", patgate, {
      responseTypes: [HttpLambdaResponseType.SIMPLE],
      identitySource: ["$request.header.Authorization"],
      resultsCacheTtl: Duration.seconds(0),
    });
    const api = new HttpApi(this, "Api", { defaultAuthorizer: authorizer });

    const integration = new HttpLambdaIntegration("HelloIntegration", hello);
    api.addRoutes({ path: "/hello", methods: [HttpMethod.GET], integration });
  }
}

const app = new App();
new HelloApi(app, "hello-api");
app.synth();

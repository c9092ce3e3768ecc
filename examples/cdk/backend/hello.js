// The backend of the example: greets the caller.

exports.handler = async (event) => ({ hello: event.requestContext.authorizer.lambda.userName });

# Example: an HTTP API in Terraform that uses Patgate's authorizer.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

variable "patgate_stack" {
  description = "The name of the stack that was created from infra/core.yaml."
  default     = "patgate"
}

variable "authorizer_arn" {
  description = "The ARN of the authorizer, if the core is in another account. Its parameter TrustedAccounts names this account."
  type        = string
  default     = null
}

data "aws_cloudformation_export" "authorizer" {
  count = var.authorizer_arn == null ? 1 : 0
  name  = "${var.patgate_stack}-AuthorizerArn"
}

locals {
  authorizer_arn = coalesce(var.authorizer_arn, one(data.aws_cloudformation_export.authorizer[*].value))
}

data "aws_region" "current" {}

data "aws_partition" "current" {}

resource "aws_apigatewayv2_api" "api" {
  name          = "hello"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_authorizer" "patgate" {
  api_id                            = aws_apigatewayv2_api.api.id
  name                              = "patgate"
  authorizer_type                   = "REQUEST"
  authorizer_uri                    = "arn:${data.aws_partition.current.partition}:apigateway:${data.aws_region.current.region}:lambda:path/2015-03-31/functions/${local.authorizer_arn}/invocations"
  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = true
  identity_sources                  = ["$request.header.Authorization"]
  authorizer_result_ttl_in_seconds  = 0
}

resource "aws_apigatewayv2_route" "hello" {
  api_id             = aws_apigatewayv2_api.api.id
  route_key          = "GET /hello"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.patgate.id
  target             = "integrations/${aws_apigatewayv2_integration.hello.id}"
}

resource "aws_apigatewayv2_integration" "hello" {
  api_id           = aws_apigatewayv2_api.api.id
  integration_type = "HTTP_PROXY"
  integration_uri  = "https://backend.example.com/hello"
  # A backend outside Lambda receives the caller in headers. The word `roles` comes first so that the
  # header is never empty, because AWS does not document how API Gateway treats an empty value.
  request_parameters = {
    "overwrite:header.x-user-id" = "$context.authorizer.userId"
    "overwrite:header.x-roles"   = "roles $${context.authorizer.roles}"
  }
  integration_method     = "GET"
  payload_format_version = "1.0"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.api.id
  name        = "$default"
  auto_deploy = true
}

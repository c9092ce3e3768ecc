# Generated from infra/core.yaml by `make modules`.

output "api_url" {
  description = "The base URL of the management endpoints."
  value       = aws_cloudformation_stack.core.outputs["ApiUrl"]
}

output "authorizer_arn" {
  description = "The authorizer to attach to your own APIs; an alias, whose ARN survives updates of the function."
  value       = aws_cloudformation_stack.core.outputs["AuthorizerArn"]
}

output "api_id" {
  value = aws_cloudformation_stack.core.outputs["ApiId"]
}

output "authorizer_log_group" {
  value = aws_cloudformation_stack.core.outputs["AuthorizerLogGroup"]
}

output "authorizer_function" {
  value = aws_cloudformation_stack.core.outputs["AuthorizerFunction"]
}

output "revoke_leaked_tokens_log_group" {
  value = aws_cloudformation_stack.core.outputs["RevokeLeakedTokensLogGroup"]
}

output "tokens_table" {
  value = aws_cloudformation_stack.core.outputs["TokensTable"]
}

output "users_table" {
  value = aws_cloudformation_stack.core.outputs["UsersTable"]
}

output "revoke_leaked_tokens_function" {
  value = aws_cloudformation_stack.core.outputs["RevokeLeakedTokensFunction"]
}

output "endpoint_log_groups" {
  description = "The log groups of the endpoints."
  value       = aws_cloudformation_stack.core.outputs["EndpointLogGroups"]
}

output "audit_log_groups" {
  description = "The log groups with audit events."
  value       = aws_cloudformation_stack.core.outputs["AuditLogGroups"]
}

output "access_log_group" {
  value = aws_cloudformation_stack.core.outputs["AccessLogGroup"]
}

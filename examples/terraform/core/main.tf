# Deploys Patgate's core as a CloudFormation stack. variables.tf and outputs.tf are those of the template.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

variable "name" {
  description = "The name of the stack."
  type        = string
  default     = "patgate"
}

variable "template_url" {
  description = "The URL of the packaged template, as `make package-template` prints it."
  type        = string
}

variable "attempt" {
  description = "Increase it to deploy the same again after a deployment that was rolled back."
  type        = number
  default     = 1
}

resource "aws_cloudformation_stack" "core" {
  name         = var.name
  template_url = var.template_url
  parameters   = local.parameters
  # The template creates roles, and CloudFormation translates its SAM resources.
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
}

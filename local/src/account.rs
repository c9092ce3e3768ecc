//! The AWS account and region that this machine pretends to be.

pub(crate) const ACCOUNT_ID: &str = "000000000000";
pub(crate) const REGION: &str = "us-east-1";

/// The ARN of a Lambda function, without a version or alias.
pub(crate) fn lambda_function_arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{function}")
}

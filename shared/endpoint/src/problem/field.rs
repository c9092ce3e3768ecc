//! Errors of single fields and parameters.

use std::error::Error;

use serde_json::{Value, json};

use super::code::FieldCode;

/// What is wrong with one part of the input, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    place: Place,
    code: FieldCode,
    detail: String,
}

/// An error in a field or parameter. Its message completes a sentence that starts with the name
/// of the field, such as "is required".
pub trait FieldProblem: Error {
    fn code(&self) -> FieldCode;
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A JSON Pointer (RFC 6901, section 5) into the body.
    Pointer(String),
    /// A parameter of the path or query.
    Parameter(String),
    Header(&'static str),
}

impl FieldError {
    /// An error in a field of the body's object.
    pub fn in_field(name: &str, error: &impl FieldProblem) -> Self {
        Self::at_field(name, error.code(), error.to_string())
    }

    /// An error in a parameter of the path or query.
    pub fn in_parameter(name: &str, error: &impl FieldProblem) -> Self {
        Self::at_parameter(name, error.code(), error.to_string())
    }

    /// An error of the body as a whole, which has the empty pointer.
    pub fn at_body(code: FieldCode, detail: impl Into<String>) -> Self {
        Self { place: Place::Pointer(String::new()), code, detail: detail.into() }
    }

    /// An error in a header.
    pub fn at_header(name: &'static str, code: FieldCode, detail: impl Into<String>) -> Self {
        Self { place: Place::Header(name), code, detail: detail.into() }
    }

    /// Like [`FieldError::in_field`], for an error that has no type of its own.
    pub fn at_field(name: &str, code: FieldCode, detail: impl Into<String>) -> Self {
        Self { place: Place::Pointer(pointer(name)), code, detail: detail.into() }
    }

    /// Like [`FieldError::in_parameter`], for an error that has no type of its own.
    pub fn at_parameter(name: &str, code: FieldCode, detail: impl Into<String>) -> Self {
        Self { place: Place::Parameter(name.to_owned()), code, detail: detail.into() }
    }

    /// The pointer, or the name of the parameter or header.
    #[must_use]
    pub fn place(&self) -> &str {
        match &self.place {
            Place::Pointer(place) | Place::Parameter(place) => place,
            Place::Header(name) => name,
        }
    }

    #[must_use]
    pub fn code(&self) -> FieldCode {
        self.code
    }

    pub(crate) fn resource(&self) -> Value {
        let kind = match &self.place {
            Place::Pointer(_) => "pointer",
            Place::Parameter(_) => "parameter",
            Place::Header(_) => "header",
        };
        json!({ kind: self.place(), "code": self.code.as_str(), "detail": self.detail })
    }
}

/// The JSON Pointer of a field of the body's object.
#[must_use]
pub fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_is_named_by_its_pointer_and_parameter_by_its_name() {
        let field = FieldError::at_field("a/b~c", FieldCode::Unknown, "is not a known field");
        let expected = json!({ "pointer": "/a~1b~0c", "code": "unknown", "detail": "is not a known field" });
        assert_eq!(field.resource(), expected);
        let parameter = FieldError::at_parameter("limit", FieldCode::Repeated, "must not be repeated");
        let expected = json!({ "parameter": "limit", "code": "repeated", "detail": "must not be repeated" });
        assert_eq!(parameter.resource(), expected);
    }
}

//! When new tokens must expire.

/// The deployment's rules for the expiry of new tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpiryRules {
    /// Whether every new token must have an expiry.
    pub required: bool,
    /// The longest lifetime of a new token, in days. `None` means no limit.
    pub max_days: Option<u16>,
}

impl ExpiryRules {
    /// A maximum lifetime makes an expiry required, because a token that never expires
    /// would outlive any number of days.
    #[must_use]
    pub fn new(required: bool, max_days: Option<u16>) -> Self {
        Self { required: required || max_days.is_some(), max_days }
    }
}

#[cfg(test)]
mod tests {
    use super::ExpiryRules;

    #[test]
    fn maximum_lifetime_requires_an_expiry() {
        assert!(ExpiryRules::new(false, Some(90)).required);
        assert!(ExpiryRules::new(true, None).required);
        assert!(!ExpiryRules::new(false, None).required);
    }
}

//! Who can sign in.

/// Somebody with an account.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// The subject of their tokens.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) roles: Vec<String>,
}

/// The three people on the sign-in page: id, name, role.
pub(super) const PEOPLE: [(&str, &str, &str); 3] = [
    ("alice", "Alice Archer", "publisher"),
    ("bob", "Bob Baker", "viewer"),
    ("admin", "Ada Admin", "administrator"),
];

impl Person {
    /// One of the three, or somebody new without a role: a script may sign in as
    /// anybody whose name is of lowercase letters, digits and hyphens.
    pub(super) fn find(id: &str) -> Option<Self> {
        if let Some((id, name, role)) = PEOPLE.iter().find(|(known, _, _)| *known == id) {
            let roles = vec![(*role).to_owned()];
            return Some(Self { id: (*id).to_owned(), name: (*name).to_owned(), roles });
        }
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = (1..=40).contains(&id.len()) && id.bytes().all(allowed);
        valid.then(|| Self { id: id.to_owned(), name: id.to_owned(), roles: Vec::new() })
    }

    pub(super) fn email(&self) -> String {
        format!("{}@example.org", self.id)
    }
}

//! The users who can sign in.

#[derive(Debug, Clone)]
pub(super) struct User {
    /// The subject (`sub`) of the user's tokens.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) roles: Vec<String>,
}

/// A user on the sign-in page.
#[derive(Debug)]
pub(super) struct KnownUser {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) role: &'static str,
}

pub(super) const KNOWN_USERS: [KnownUser; 3] = [
    KnownUser { id: "alice", name: "Alice Archer", role: "publisher" },
    KnownUser { id: "bob", name: "Bob Baker", role: "viewer" },
    KnownUser { id: "admin", name: "Ada Admin", role: "administrator" },
];

const ID_MAX_BYTES: usize = 40;

impl User {
    /// One of the known users, or a new user without roles. `None` unless the ID consists
    /// of 1 to 40 lowercase letters, digits and hyphens.
    pub(super) fn find(id: &str) -> Option<Self> {
        if let Some(user) = KNOWN_USERS.iter().find(|user| user.id == id) {
            return Some(Self {
                id: user.id.to_owned(),
                name: user.name.to_owned(),
                roles: vec![user.role.to_owned()],
            });
        }

        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_valid = (1..=ID_MAX_BYTES).contains(&id.len()) && id.bytes().all(is_allowed);
        is_valid.then(|| Self { id: id.to_owned(), name: id.to_owned(), roles: Vec::new() })
    }

    pub(super) fn email(&self) -> String {
        format!("{}@example.org", self.id)
    }
}

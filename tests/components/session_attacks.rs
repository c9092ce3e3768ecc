//! Known attacks on JWTs.

mod keys;

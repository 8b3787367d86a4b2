//! Credentials that requests are sent with: `[auth.NAME]`.

use std::fmt;

/// Credentials by a name.
#[derive(Clone, Debug)]
pub struct Auth {
    /// The name that requests call it by.
    pub name: String,
    /// What it is.
    pub kind: AuthKind,
}

/// Kinds of credentials.
#[derive(Clone, Debug)]
pub enum AuthKind {
    /// A name and a password (RFC 7617).
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A name and a password that is never sent, only what answers the server's challenge (RFC 7616).
    Digest {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token that is known already (RFC 6750).
    Bearer(Secret),
    /// A token that is fetched (RFC 6749, section 4.4), and renewed before it ends.
    OAuth2(OAuth2),
}

/// Where a token comes from, and for whom.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    /// The URL that tokens are asked for at.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// What the token is for; none leaves that to the server.
    pub scope: Option<String>,
    /// Whether id and secret go in the body of the request, in place of its headers.
    pub in_body: bool,
}

/// A text that is never shown.
#[derive(Clone)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Auth {
    /// What of it is to be hidden.
    pub(super) fn secret(&self) -> &str {
        match &self.kind {
            AuthKind::Basic { password: secret, .. }
            | AuthKind::Digest { password: secret, .. }
            | AuthKind::Bearer(secret)
            | AuthKind::OAuth2(OAuth2 { client_secret: secret, .. }) => &secret.0,
        }
    }
}

//! Who may come in.

/// Users are `user-1` up to this one.
const USERS: u32 = 1000;

/// The id of the program that may ask for tokens, and its secret.
const CLIENT: (&str, &str) = ("shop-client", "shop-secret");

/// Whether it is the password of a user: `password-7` is that of `user-7`.
pub(crate) fn is_user(name: &str, password: &str) -> bool {
    let number = name.strip_prefix("user-").and_then(|number| number.parse().ok());
    number.is_some_and(|number: u32| {
        (1..=USERS).contains(&number)
            && name == format!("user-{number}")
            && password == format!("password-{number}")
    })
}

/// Whether it is a program that may ask for tokens.
pub(crate) fn is_client(id: &str, secret: &str) -> bool {
    (id, secret) == CLIENT
}

#[cfg(test)]
mod tests {
    use super::is_user;

    #[test]
    fn each_user_has_a_password() {
        assert!(is_user("user-7", "password-7") && is_user("user-1000", "password-1000"));
        for (name, password) in
            [("user-7", "password-8"), ("user-07", "password-07"), ("user-0", "password-0"), ("", "")]
        {
            assert!(!is_user(name, password), "{name}");
        }
    }
}

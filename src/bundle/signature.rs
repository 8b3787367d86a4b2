//! Detached Ed25519 signatures (RFC 8032) with keys as OpenSSL makes them (`openssl genpkey -algorithm ed25519`), so that
//! OpenSSL can check them, too.

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

use crate::checksum;

/// What stands before the 32 bytes of a public key (RFC 8410, section 4).
const PUBLIC_KEY: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a private key.
    #[error(
        "not an Ed25519 private key in PEM form; `openssl genpkey -algorithm ed25519 -out key.pem` makes one"
    )]
    Private,
    /// Not a public key.
    #[error("not an Ed25519 public key in PEM form; `openssl pkey -in key.pem -pubout` prints one")]
    Public,
}

/// A private key.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// Reads a key from PEM (PKCS #8).
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::Private)?;
        // OpenSSL leaves the public key out.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        pair.map(Self).map_err(|_| KeyError::Private)
    }

    /// The signature of a message, 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }

    /// Tells its public key from others: SHA-256 of the key's 32 bytes, in hex.
    pub fn fingerprint(&self) -> String {
        checksum::sha256(self.0.public_key())
    }
}

/// A public key.
pub struct Verifier(Vec<u8>);

impl Verifier {
    /// Reads a key from PEM (`SubjectPublicKeyInfo`).
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::Public)?;
        let key = der.strip_prefix(&PUBLIC_KEY).filter(|key| key.len() == 32).ok_or(KeyError::Public)?;
        Ok(Self(key.to_vec()))
    }

    /// Whether a signature is this key's, of this message.
    pub fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }

    /// As [`Signer::fingerprint`].
    pub fn fingerprint(&self) -> String {
        checksum::sha256(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by OpenSSL: `openssl genpkey -algorithm ed25519`, and `openssl pkey -pubout` of it.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAFTMfJ8JuZCFX2Qi9mOZZ8TLeo5ZNphcZaEUuv7eYY8\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAzph0L91H0rL/Khqbv3mCJNLI9X6RikvuAu8239dJvdk=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn a_signature_holds_for_its_message_and_no_other() {
        let (signer, verifier) = (Signer::parse(PRIVATE).unwrap(), Verifier::parse(PUBLIC).unwrap());
        assert_eq!(signer.fingerprint(), verifier.fingerprint());
        let signature = signer.sign(b"manifest");
        assert_eq!(signature.len(), 64);
        assert!(verifier.accepts(b"manifest", &signature));
        assert!(!verifier.accepts(b"manifesto", &signature));
        assert!(!verifier.accepts(b"manifest", &signature[..63]));
        // printf manifest | openssl pkeyutl -sign -inkey key.pem -rawin | xxd -p
        assert_eq!(
            crate::checksum::hex(&signature),
            "f67907d84aa2c20ef16c5d085c41a7427330114926786870faaba824c6ff9bafd2c0fa038c0e01411896c4c69e272a9818303a174d3a624fc896bcdd5a3d6a00"
        );
    }

    #[test]
    fn keys_of_another_kind_are_refused() {
        assert_eq!(Signer::parse(PUBLIC).err(), Some(KeyError::Private));
        assert_eq!(Verifier::parse(PRIVATE).err(), Some(KeyError::Public));
        assert_eq!(Verifier::parse("nonsense").err(), Some(KeyError::Public));
    }
}

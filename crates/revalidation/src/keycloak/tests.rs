//! Keycloak, asked for real over HTTPS, played by a server that answers as the real one does but for one fault.

mod answers;
mod credentials;
mod requests;
mod stage;
mod transport;

#[expect(dead_code, reason = "some of its faults are for the tests of the bounded client itself")]
#[path = "../../../realm-keys/tests/support/faulty_server.rs"]
mod faulty_server;

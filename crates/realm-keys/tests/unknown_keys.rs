//! What names of keys that no realm has cost this process: in a process of its own, whose memory is measured.

#![expect(clippy::unwrap_used, reason = "a test fails where its stage cannot be set")]

#[expect(dead_code, reason = "the faults are for the tests of the requests")]
#[path = "support/faulty_server.rs"]
mod faulty_server;

use claim_guard::identifier::{Issuer, KeyId};
use faulty_server::{FaultyServer, Reply};
use realm_keys::{RealmCa, RealmEndpoint, RealmKeys};

/// RFC 7515 appendix A.3.1: a public key that everybody may know.
const KEY_SET: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","use":"sig","alg":"ES256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

/// The bytes that this process has in memory (proc(5), `statm`).
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

async fn ask(keys: &RealmKeys, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let key_id = KeyId::parse(&format!("{number:0>64}")).unwrap();
        assert!(!keys.key_set(&key_id).await.unwrap().contains(&key_id));
    }
}

#[tokio::test]
async fn h6_a_million_unknown_keys_leave_nothing_in_memory() {
    let server = FaultyServer::start(|origin| {
        let discovery = format!(r#"{{"issuer":"{origin}/realms/w","jwks_uri":"{origin}/realms/w/keys"}}"#);
        move |path: &str| Reply::whole("200 OK", if path.ends_with("/keys") { KEY_SET } else { &discovery })
    })
    .await;
    let issuer = Issuer::parse(&format!("{}/realms/w", server.origin())).unwrap();
    let ca = RealmCa::from_der(server.authority()).unwrap();
    let keys = RealmKeys::new(RealmEndpoint::new(issuer, Some(ca), None).unwrap()).unwrap();
    ask(&keys, 0..10_000).await;
    let before = resident();
    ask(&keys, 10_000..1_010_000).await;
    // Their names alone have 64 MB. Fetches that the cool-down allows meanwhile come and go.
    let grown = resident().saturating_sub(before);
    assert!(grown < 8 << 20, "grown by `{grown}` bytes");
}

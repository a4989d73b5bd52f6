//! No secret is written down: not in a log, not in an error, not in a debug text (rmcp 66712db8, agentgateway 02ccb06b7).

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use impresario_auth::{Auth, AuthSettings, new_key};
use impresario_engine::{Authenticator, Denied, Place, Shown};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::server::{AuthorizationServer, Mode};
use crate::signer::{Signer, key_set};
use crate::stage::{Headers, Stage, claims, discovered};

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

const SECRET: &str = "c4n4ry9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b";

#[tokio::test]
async fn no_secret_or_token_is_in_any_text_of_ours() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let (signer, stranger, key) = (Signer::es256("es"), Signer::es256("es"), new_key().unwrap());
    let server = AuthorizationServer::start(key_set(&[&signer]));
    let mut settings = discovered(&server.url);
    settings["keys"] = json!([{ "id": key.id, "hash": key.hash, "name": "ci" }]);
    let shared = json!({ "issuer": "https://shared.example.com", "secret": SECRET });
    settings["issuers"].as_array_mut().unwrap().push(shared);
    let stage = Stage::open(settings.clone());
    let mut text = format!("{:?}", serde_json::from_value::<AuthSettings>(settings.clone()).unwrap());
    let good = claims(&server.url);
    let secrets = [
        signer.token(&good),
        stranger.token(&good),
        Signer::hs256(SECRET.as_bytes()).token(&claims("https://shared.example.com")),
        "c4n4ry.not.a-token".to_owned(),
        key.key.reveal().to_owned(),
        new_key().unwrap().key.reveal().to_owned(),
    ];
    server.mode(Mode::Status(500));
    let refused = stage.bearer(&secrets[0], "192.0.2.1").await;
    writeln!(text, "{refused:?}").unwrap();
    server.mode(Mode::Serve);
    stage.clock.advance(std::time::Duration::from_secs(30));
    for secret in &secrets {
        let headers = Headers::bearer(secret);
        let shown = Shown { fields: &headers, peer: None, certificate: None };
        let verdict = stage.ask(&headers, "192.0.2.1").await;
        writeln!(text, "{verdict:?} {shown:?} {:?}", stage.auth).unwrap();
        if let Err(refusal) = verdict {
            let place = Place { host: None, path: "/mcp" };
            let challenge = stage.auth.challenge(&place, &Denied::Refused(refusal));
            writeln!(text, "{refusal} {challenge:?}").unwrap();
        }
    }
    settings["issuers"][1]["secret"] = json!(format!("{SECRET}-changeme"));
    let weak = serde_json::from_value::<AuthSettings>(settings).unwrap();
    writeln!(text, "{}", Auth::open(&weak, Path::new(".")).unwrap_err()).unwrap();
    writeln!(text, "{:?}", new_key().unwrap()).unwrap();
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("can't be fetched"), "the log was not read: {logged}");
    let text = text + &logged;
    for secret in secrets.iter().map(String::as_str).chain([SECRET]) {
        assert!(!text.contains(secret), "a secret was written down");
        // A token's signature, and a key's secret part, are as good as the whole.
        let last = secret.rsplit(['.', '_']).next().unwrap();
        assert!(last.len() < 20 || !text.contains(last), "a part of a secret was written down");
    }
}

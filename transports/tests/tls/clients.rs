//! Who is let in by certificate, and which certificates a server starts with.

use std::net::SocketAddr;

use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;
use impresario_transports::tls::{ClientAuth, TlsConfig};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::house::{House, house};
use crate::secure::{Authority, Files, OURS, Signed, client, shake};
use crate::wait::within;

fn serve(house: &House, tls: TlsConfig) -> std::io::Result<SocketAddr> {
    let config = HttpConfig { tls: Some(tls), ..HttpConfig::on(SocketAddr::from(([127, 0, 0, 1], 0))) };
    Ok(house.runtime.serve_http(config)?.address())
}

/// Whether a client with that certificate gets an answer.
async fn is_let_in(
    address: SocketAddr,
    version: &'static rustls::SupportedProtocolVersion,
    shows: Option<&Signed>,
) -> bool {
    let asked = async {
        let stream = TcpStream::connect(address).await?;
        let mut stream = shake(client(&OURS, &[version], shows, &[b"http/1.1"]), stream).await?;
        let request = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = within("an answer or a refusal", asked).await;
    assert!(
        answer.as_ref().is_err() || answer.as_ref().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    );
    answer.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_let_in_by_a_certificate_of_the_right_authority() {
    let (house, files) = (house(|_| ()), Files::good());
    let (theirs, strangers) = (Authority::new("clients"), Authority::new("strangers"));
    let client_ca = Some(files.write("clients.pem", &theirs.pem()));
    let good = theirs.sign(|_| ());
    let expired = theirs.sign(|params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    let of_tomorrow = theirs.sign(|params| params.not_before = rcgen::date_time_ymd(2099, 1, 1));
    let for_servers = theirs.sign(|params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    let strange = strangers.sign(|_| ());
    for client_auth in [ClientAuth::Required, ClientAuth::Optional] {
        let address =
            serve(&house, TlsConfig { client_ca: client_ca.clone(), client_auth, ..files.config.clone() })
                .unwrap();
        for version in [&TLS12, &TLS13] {
            let may_be_without = client_auth == ClientAuth::Optional;
            assert!(is_let_in(address, version, Some(&good)).await);
            assert_eq!(is_let_in(address, version, None).await, may_be_without);
            for bad in [&expired, &of_tomorrow, &for_servers, &strange] {
                assert!(!is_let_in(address, version, Some(bad)).await);
            }
        }
    }
    // Where clients are asked for none, none is looked at.
    let address = serve(&house, files.config.clone()).unwrap();
    assert!(is_let_in(address, &TLS13, Some(&strange)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_does_not_take_a_server_of_somebody_else() {
    let house = house(|_| ());
    let strange = Files::of(&Authority::new("strangers").sign(|_| ()));
    let other_name = Files::of(&OURS.sign(|params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("example.com".try_into().unwrap())];
    }));
    for files in [strange, other_name] {
        let address = serve(&house, files.config.clone()).unwrap();
        assert!(!is_let_in(address, &TLS13, None).await);
    }
}

#[test]
fn a_certificate_that_is_no_good_is_refused_with_a_reason() {
    let house = house(|_| ());
    let refused = |files: &Files, change: &dyn Fn(&mut TlsConfig), words: &[&str]| {
        let mut tls = files.config.clone();
        change(&mut tls);
        let error = serve(&house, tls).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{error}");
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text} should say {words:?}");
    };
    let keep = |_: &mut TlsConfig| ();
    let good = OURS.sign(|_| ());

    let files = Files::of(&good);
    refused(&files, &|tls| tls.key = "/nowhere/key.pem".into(), &["can't read /nowhere/key.pem"]);
    refused(&files, &|tls| tls.certificates = "/nowhere/a.pem".into(), &["can't read /nowhere/a.pem"]);
    refused(&files, &|tls| tls.client_ca = Some("/nowhere/ca.pem".into()), &["can't read /nowhere/ca.pem"]);
    // Each in the place of the other, which people do.
    refused(
        &files,
        &|tls| std::mem::swap(&mut tls.key, &mut tls.certificates),
        &["key.pem has no certificate"],
    );
    refused(&files, &|tls| tls.key = tls.certificates.clone(), &["chain.pem has no private key"]);
    refused(&files, &|tls| tls.client_ca = Some(tls.key.clone()), &["key.pem has no certificate"]);

    files.write("key.pem", &OURS.sign(|_| ()).key.serialize_pem());
    refused(&files, &keep, &["key.pem does not belong to the first certificate in", "chain.pem"]);
    files.write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    refused(&files, &keep, &["can't use", "key.pem"]);
    files.write("chain.pem", "");
    refused(&files, &keep, &["chain.pem has no certificate"]);
    files.write("chain.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    refused(&files, &keep, &["can't use", "chain.pem"]);
    files.write("chain.pem", "-----BEGIN CERTIFICATE-----\n%%%\n");
    refused(&files, &keep, &["can't use", "chain.pem"]);

    let expired = OURS.sign(|params| params.not_after = rcgen::date_time_ymd(2020, 1, 2));
    refused(&Files::of(&expired), &keep, &["expired on Jan  2 00:00:00 2020", "renew it"]);
}

//! The HTTP client of `record` and `replay`: it follows nothing and adds nothing, so that what is played is what was
//! recorded.

use std::path::Path;

use crate::fault::Fault;

/// Makes the client. It trusts the machine's authorities, or those in a PEM file alone.
///
/// # Errors
/// When the file can't be read or the client can't be made.
pub fn build(cacert: Option<&Path>) -> Result<reqwest::Client, Fault> {
    // Another part of the program may have chosen one before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true);
    if let Some(path) = cacert {
        let wrong = |reason: String| Fault::plan(format!("{}: {reason}", path.display()));
        let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let authorities =
            reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
        builder = builder.tls_certs_only(authorities);
    }
    builder.build().map_err(|error| Fault::plan(format!("make an HTTP client: {error}")))
}

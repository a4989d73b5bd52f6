//! Whole runs, as a user starts them: against servers that misbehave, against the real one, against a child on stdio.
#![allow(clippy::unwrap_used, reason = "clippy knows only functions with #[test] as tests")]

#[path = "runs"]
mod runs {
    mod impresario;
    mod misbehaving;
    mod old_transports;
    mod support;
    mod tls;
}

//! Whole runs, as a user starts them: against servers that misbehave, against the real one, against a child on stdio.

#[path = "runs"]
mod runs {
    mod impresario;
    mod misbehaving;
    mod old_transports;
    mod support;
}

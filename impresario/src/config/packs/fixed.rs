//! Packs that have no settings and always offer the same.

use impresario_engine::Offer;
use impresario_tools::part::Part;

/// Always the same offer.
struct Fixed(Offer);

impl Part for Fixed {
    fn offer(&self) -> Offer {
        self.0.clone()
    }
}

/// A pack without settings, as one that can be configured.
macro_rules! fixed {
    ($( $(#[$doc:meta])* $pack:ident; )+) => { $(
        pub(super) mod $pack {
            use std::sync::Arc;

            use impresario_tools::$pack;
            use impresario_tools::part::{Opening, PartError, SharedPart};

            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
            #[serde(deny_unknown_fields)]
            pub(crate) struct Settings {}

            pub(crate) async fn open(_: Settings, _: &Opening) -> Result<SharedPart, PartError> {
                Ok(Arc::new(super::Fixed($pack::offer())))
            }
        }
    )+ };
}

fixed! {
    /// Arithmetic and small statistics, a greeting resource and a prompt that explains arithmetic. No settings.
    calc;
    /// Tools for tests and load: echoes, sizes, waits, failures, panics, progress, questions. No settings.
    lab;
}

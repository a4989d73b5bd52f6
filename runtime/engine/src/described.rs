//! What tools, resources, templates and prompts are described by alike: a title, a description, icons.

/// Gives specs with a `definition` the setters that all of them have.
macro_rules! described {
    ($($spec:ty),+) => { $(
        impl $spec {
            /// Its name for people.
            #[must_use]
            pub fn title(mut self, title: impl Into<String>) -> Self {
                self.definition.title = Some(title.into());
                self
            }

            /// What it is, for the model and for people.
            #[must_use]
            pub fn description(mut self, description: impl Into<String>) -> Self {
                self.definition.description = Some(description.into());
                self
            }

            /// One more picture to show beside it.
            #[must_use]
            pub fn icon(mut self, icon: impresario_protocol::Icon) -> Self {
                self.definition.icons.push(icon);
                self
            }
        }

        impl std::fmt::Debug for $spec {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($spec)).field("definition", &self.definition).finish_non_exhaustive()
            }
        }
    )+ };
}

pub(crate) use described;

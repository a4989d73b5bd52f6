//! Every pack that a config file can name: what its section holds, and how it is opened. One line for each.

use impresario_tools::part::{Opening, PartError, SharedPart};
use schemars::{Schema, SchemaGenerator};

use super::node::Node;
use super::problem::Problems;
use super::read::read;

mod fixed;
#[cfg(test)]
pub(crate) mod probe;

/// How a pack stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Once: `[packs.PACK]`.
    One,
    /// As often as wanted: `[packs.PACK.NAME]`.
    Named,
}

/// A pack that a config file can name.
pub(crate) struct Pack {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// Reads a section of it, which has that key.
    pub(crate) read: fn(&Node, &str) -> Result<PartSettings, Problems>,
    /// What a section of it may hold.
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

/// Makes of each line a pack: its variant, its name in the file, how often it stands there, and the module with its
/// `Settings` and its `open`.
macro_rules! packs {
    ($( $(#[$attribute:meta])* $variant:ident = $name:literal, $shape:ident, $($module:ident)::+; )+) => {
        /// The settings of a part, of whichever pack it is. They may hold secrets, so they are not shown.
        #[derive(Clone, PartialEq)]
        pub(crate) enum PartSettings {
            $( $(#[$attribute])* $variant(Box<$($module)::+::Settings>), )+
        }

        /// Every pack, in the order in which a schema lists them.
        pub(crate) const PACKS: &[Pack] = &[
            $( $(#[$attribute])* Pack {
                name: $name,
                shape: Shape::$shape,
                read: |section, key| read(section, key).map(|settings| PartSettings::$variant(Box::new(settings))),
                schema: SchemaGenerator::subschema_for::<$($module)::+::Settings>,
            }, )+
        ];

        impl PartSettings {
            /// Opens the part that they describe.
            pub(crate) async fn open(self, opening: &Opening) -> Result<SharedPart, PartError> {
                match self {
                    $( $(#[$attribute])* Self::$variant(settings) => $($module)::+::open(*settings, opening).await, )+
                }
            }
        }
    };
}

packs! {
    Calc = "calc", One, fixed::calc;
    Lab = "lab", One, fixed::lab;
    Skills = "skills", One, impresario_tools::skills;
    Files = "files", One, impresario_tools::files;
    Http = "http", Named, impresario_tools::http;
    Sql = "sql", Named, impresario_tools::sql;
    Command = "command", Named, impresario_tools::command;
    #[cfg(test)]
    Probe = "probe", Named, probe;
}

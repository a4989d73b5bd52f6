//! Files as resources: every one below the roots by its `file://` URI, and for each root what its project looks like.
//!
//! Files are not listed one by one. A list of thousands is stale when it arrives and costs each client its room; the
//! template says how to ask for any of them, completion helps to spell it, and the structure names what there is.

use std::sync::Arc;

use impresario_engine::{CompletionRequest, McpError, Offer, ResourceContents, ResourceSpec, TemplateSpec};

use super::ground::{Ground, Known};
use super::lines::Lines;
use super::list;
use super::problem::FileError;
use super::read;
use super::roots::Root;
use super::uri;

/// The template of every file.
const TEMPLATE: &str = "file:///{+path}";

/// Values that one completion suggests.
const SUGGESTED_MAX: usize = 100;

/// Every resource.
pub(super) fn resources(ground: &Arc<Ground>) -> Offer {
    let structures = ground.roots.iter().map(|root| structure(ground, root));
    structures.fold(Offer::default().resource(file(ground)), Offer::resource)
}

/// The URIs of everything that is different when what stands at that place is: itself, and where a name came or went
/// also its folder and the structure of its root.
pub(super) fn touched(root: &Root, relative: &str, is_name: bool) -> Vec<String> {
    let mut uris = Ground::uris(root, relative);
    if is_name {
        let folder = relative.rsplit_once('/').map_or("", |(folder, _)| folder);
        uris.extend(Ground::uris(root, folder));
        uris.push(structure_uri(root));
    }
    uris
}

/// The URI of what a root's project looks like.
fn structure_uri(root: &Root) -> String {
    let name = uri::of_path(&root.name);
    format!("project://{}/structure", name.trim_start_matches(uri::SCHEME))
}

fn file(ground: &Arc<Ground>) -> TemplateSpec {
    let (reader, suggester) = (Arc::clone(ground), Arc::clone(ground));
    TemplateSpec::new(TEMPLATE, "file", move |variables, _ctx| {
        let path = format!("/{}", variables.get("path").unwrap_or_default());
        let uri = uri::of_path(&path);
        blocking(Arc::clone(&reader), uri.clone(), move |ground| {
            let place = ground.locate(&path)?;
            let is_folder = place.root.dir.metadata(place.path()).is_ok_and(|metadata| metadata.is_dir());
            if is_folder {
                let text = list::list(ground, &place, None)?.to_text();
                return Ok(ResourceContents::text(uri, text).with_mime_type(crate::media::DIRECTORY));
            }
            Ok(read::read(ground, &place, Lines::All, &|| false)?.into_resource(&uri))
        })
    })
    .title("File")
    .description("A file below an allowed directory, by its absolute path; of a directory, the names in it.")
    .complete("path", move |request| suggest(&suggester, &request))
}

fn structure(ground: &Arc<Ground>, root: &Root) -> ResourceSpec {
    let (ground, uri, name) = (Arc::clone(ground), structure_uri(root), root.name.clone());
    let at = uri.clone();
    ResourceSpec::new(&uri, format!("project structure: {name}"), move |_ctx| {
        let (uri, name) = (at.clone(), name.clone());
        blocking(Arc::clone(&ground), uri.clone(), move |ground| {
            let root = ground.roots.iter().find(|root| root.name == name);
            let text = root
                .map_or_else(|| Ok(String::new()), |root| list::outline(ground, &root.place(), &|| false))?;
            Ok(ResourceContents::text(uri, text).with_mime_type("text/plain"))
        })
    })
    .title("Project structure")
    .description(format!("The files and directories of {}, indented.", root.path))
    .mime_type("text/plain")
}

/// Reads on a thread that may block, so many at once.
async fn blocking(
    ground: Arc<Ground>,
    uri: String,
    read: impl FnOnce(&Ground) -> Result<ResourceContents, FileError> + Send + 'static,
) -> Result<ResourceContents, McpError> {
    let worker = Arc::clone(&ground);
    let Ok(_place) = ground.reads.acquire().await else { return Err(McpError::internal()) };
    let read = tokio::task::spawn_blocking(move || read(&worker)).await;
    read.unwrap_or_else(|_panicked| {
        tracing::error!("reading a file has panicked");
        Err(FileError::cancelled())
    })
    .map_err(|error| error.into_mcp_error(&uri))
}

/// The known paths that go on with what was typed, up to the end of a name. Looks into memory only: it runs on a lane.
fn suggest(ground: &Ground, request: &CompletionRequest) -> Vec<String> {
    let typed = request.value.trim_start_matches('/');
    let mut values = Vec::new();
    for root in ground.roots.iter() {
        let path = root.path.trim_matches('/');
        if typed.len() <= path.len() && path.starts_with(typed) {
            values.push(format!("{path}/"));
            continue;
        }
        let Some(below) = typed.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')) else { continue };
        ground.with_known(root, |known| values.extend(next_names(known, below, path)));
    }
    values.truncate(SUGGESTED_MAX);
    values
}

/// The known paths that begin so, up to the end of the name: each is looked up, so that what stands below costs nothing.
fn next_names(known: &Known, below: &str, root_path: &str) -> Vec<String> {
    let (mut names, mut from) = (Vec::new(), below.to_owned());
    while names.len() < SUGGESTED_MAX {
        let Some((path, stamp)) = known.range(from..).next().filter(|(path, _)| path.starts_with(below))
        else {
            break;
        };
        match path[below.len()..].find('/') {
            // Something below a folder: goes on behind all of it, for `0` comes after `/`.
            Some(end) => from = format!("{}0", &path[..below.len() + end]),
            None => {
                names.push(format!("{root_path}/{path}{}", if stamp.is_folder { "/" } else { "" }));
                from = format!("{path}\0");
            }
        }
    }
    names
}

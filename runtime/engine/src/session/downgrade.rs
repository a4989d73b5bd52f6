//! What an older revision has no word for, told in the nearest one that it has, or left out.

use impresario_protocol::content::ResourceBody;
use impresario_protocol::{Annotations, Content, Implementation, ResourceContents, ResourceLink, Revision};

/// A block of content.
pub(super) fn block(block: Content, revision: Revision) -> Content {
    // The newest revisions have every block and member; by far the most common case.
    if revision >= Revision::V2025_11_25 {
        return block;
    }
    match block {
        Content::Text { text, annotations: hints, meta } => Content::Text {
            text,
            annotations: annotations(hints, revision),
            meta: since_2025_06(meta, revision),
        },
        Content::Image { data, mime_type, annotations: hints, meta } => Content::Image {
            data,
            mime_type,
            annotations: annotations(hints, revision),
            meta: since_2025_06(meta, revision),
        },
        Content::Audio { data, mime_type, annotations: hints, meta } if revision >= Revision::V2025_03_26 => {
            Content::Audio {
                data,
                mime_type,
                annotations: annotations(hints, revision),
                meta: since_2025_06(meta, revision),
            }
        }
        Content::Audio { data, mime_type, annotations: hints, .. } => {
            let body = ResourceBody::Blob { blob: data };
            let resource =
                ResourceContents { uri: "data:audio".into(), mime_type: Some(mime_type), body, meta: None };
            Content::Resource { resource, annotations: annotations(hints, revision), meta: None }
        }
        Content::ResourceLink(link) => resource_link(link, revision),
        Content::Resource { resource, annotations: hints, meta } => Content::Resource {
            resource: contents(resource, revision),
            annotations: annotations(hints, revision),
            meta: since_2025_06(meta, revision),
        },
    }
}

/// The contents of a resource.
pub(super) fn contents(contents: ResourceContents, revision: Revision) -> ResourceContents {
    ResourceContents { meta: since_2025_06(contents.meta, revision), ..contents }
}

/// Hints about content: when it last changed can be told since 2025-06-18.
pub(super) fn annotations(annotations: Option<Annotations>, revision: Revision) -> Option<Annotations> {
    annotations
        .map(|hints| Annotations { last_modified: since_2025_06(hints.last_modified, revision), ..hints })
}

/// Name and version of a program: the rest came later.
pub(super) fn implementation(implementation: &Implementation, revision: Revision) -> Implementation {
    let mut known = implementation.clone();
    known.title = since_2025_06(known.title, revision);
    if revision < Revision::V2025_11_25 {
        (known.description, known.website_url) = (None, None);
        known.icons.clear();
    }
    known
}

fn resource_link(mut link: ResourceLink, revision: Revision) -> Content {
    link.icons.clear();
    if revision >= Revision::V2025_06_18 {
        return Content::ResourceLink(link);
    }
    let described = link.description.map(|text| format!(": {text}")).unwrap_or_default();
    let text = format!("{} <{}>{described}", link.title.unwrap_or(link.name), link.uri);
    Content::Text { text, annotations: annotations(link.annotations, revision), meta: None }
}

/// A member that came with 2025-06-18.
pub(super) fn since_2025_06<T>(member: Option<T>, revision: Revision) -> Option<T> {
    member.filter(|_| revision >= Revision::V2025_06_18)
}

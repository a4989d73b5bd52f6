//! Whom a client certificate stands for: a rule says which of its names is read, and what it looks like.

use std::sync::Arc;
use std::time::SystemTime;

use impresario_engine::{AuthMethod, PeerCertificate, Principal, ScopeTree, Scopes};

use crate::problem::Problem;
use crate::settings::{CertificateSettings, SanKind, SettingsError};

/// The rules, in the order in which they are tried.
#[derive(Debug, Default)]
pub(crate) struct Certificates(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    san: SanKind,
    pattern: Vec<Part>,
    tenant: Option<String>,
    scopes: Scopes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name,
    Tenant,
}

/// What a pattern found in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found<'a> {
    name: &'a str,
    tenant: Option<&'a str>,
}

impl Certificates {
    /// Reads the rules of the settings.
    pub(crate) fn open(settings: &[CertificateSettings], tree: &ScopeTree) -> Result<Self, SettingsError> {
        let open = |(at, written): (usize, &CertificateSettings)| {
            let pattern = read_pattern(&written.pattern, written.san)
                .map_err(|problem| SettingsError::new(format!("certificates[{at}].pattern"), problem))?;
            if written.tenant.is_some() && pattern.contains(&Part::Tenant) {
                let key = format!("certificates[{at}].tenant");
                return Err(SettingsError::new(key, "is said by the pattern already; leave one of them out"));
            }
            let scopes = Scopes::new(&written.scopes, tree);
            Ok(Rule { san: written.san, pattern, tenant: written.tenant.clone(), scopes })
        };
        settings.iter().enumerate().map(open).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whom it stands for. A certificate in which a rule finds two different names is ambiguous, and so is nobody's.
    pub(crate) fn verify(
        &self,
        certificate: &PeerCertificate,
        now: SystemTime,
    ) -> Result<Arc<Principal>, Problem> {
        if now >= certificate.not_after {
            return Err(Problem::Certificate);
        }
        for rule in &self.0 {
            let names = match rule.san {
                SanKind::Dns => &certificate.dns,
                SanKind::Uri => &certificate.uris,
                SanKind::Email => &certificate.emails,
            };
            let mut found = names.iter().filter_map(|name| rule.find(name));
            let Some(first) = found.next() else { continue };
            if found.any(|other| other != first) {
                return Err(Problem::Certificate);
            }
            let tenant = first.tenant.or(rule.tenant.as_deref());
            let mut principal = Principal::new(tenant, "certificate", first.name, AuthMethod::Certificate)
                .map_err(|_| Problem::Certificate)?;
            principal.scopes = rule.scopes.clone();
            principal.expires_at = Some(certificate.not_after);
            return Ok(Arc::new(principal));
        }
        Err(Problem::Certificate)
    }
}

impl Rule {
    fn find<'a>(&self, san: &'a str) -> Option<Found<'a>> {
        let (mut name, mut tenant, mut rest) = (None, None, san);
        for part in &self.pattern {
            match part {
                Part::Text(text) if self.san == SanKind::Dns => {
                    let (begin, end) = rest.split_at_checked(text.len())?;
                    rest = begin.eq_ignore_ascii_case(text).then_some(end)?;
                }
                Part::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Part::Name | Part::Tenant => {
                    let end = rest.find(separator(self.san)).unwrap_or(rest.len());
                    let (value, after) = rest.split_at(end);
                    // A wildcard is nobody, and what is percent-encoded could be a separator.
                    if value.is_empty() || value.contains(['*', '%', '?', '#']) {
                        return None;
                    }
                    *(if *part == Part::Name { &mut name } else { &mut tenant }) = Some(value);
                    rest = after;
                }
            }
        }
        rest.is_empty().then_some(Found { name: name?, tenant })
    }
}

fn separator(san: SanKind) -> char {
    match san {
        SanKind::Dns => '.',
        SanKind::Uri => '/',
        SanKind::Email => '@',
    }
}

fn read_pattern(written: &str, san: SanKind) -> Result<Vec<Part>, &'static str> {
    let mut parts = Vec::new();
    let mut rest = written;
    while !rest.is_empty() {
        let (part, after) = if let Some(after) = rest.strip_prefix("{name}") {
            (Part::Name, after)
        } else if let Some(after) = rest.strip_prefix("{tenant}") {
            (Part::Tenant, after)
        } else {
            let brace = rest.char_indices().skip(1).find(|(_, letter)| *letter == '{');
            let (text, after) = rest.split_at(brace.map_or(rest.len(), |(at, _)| at));
            if text.contains(['{', '}']) {
                return Err("holds something in braces that is neither `{name}` nor `{tenant}`");
            }
            (Part::Text(text.to_owned()), after)
        };
        parts.push(part);
        rest = after;
    }
    let count = |wanted: Part| parts.iter().filter(|part| **part == wanted).count();
    if count(Part::Name) != 1 || count(Part::Tenant) > 1 {
        return Err("holds `{name}` once, and `{tenant}` at most once");
    }
    let separator = separator(san);
    let is_parted = |pair: &[Part]| match pair {
        [Part::Text(before), _] => before.ends_with(separator),
        [_, Part::Text(after)] => after.starts_with(separator),
        _ => false,
    };
    if !parts.windows(2).all(is_parted) {
        return Err(
            "parts `{name}` and `{tenant}` from the rest by `/` in URIs, `.` in host names, `@` in addresses",
        );
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn rules(san: SanKind, pattern: &str) -> Result<Certificates, SettingsError> {
        let rule =
            CertificateSettings { san, pattern: pattern.into(), tenant: None, scopes: vec!["read".into()] };
        Certificates::open(&[rule], &ScopeTree::default())
    }

    fn certificate(san: SanKind, names: &[&str]) -> PeerCertificate {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let of = |kind| if san == kind { names.clone() } else { Vec::new() };
        PeerCertificate {
            dns: of(SanKind::Dns),
            uris: of(SanKind::Uri),
            emails: of(SanKind::Email),
            fingerprint: [7; 32],
            not_after: UNIX_EPOCH + Duration::from_secs(1_000),
        }
    }

    fn who(san: SanKind, pattern: &str, names: &[&str]) -> Option<(Option<String>, String)> {
        let found = rules(san, pattern).unwrap().verify(&certificate(san, names), UNIX_EPOCH).ok()?;
        Some((found.tenant().map(ToString::to_string), found.name().to_string()))
    }

    #[test]
    fn a_name_is_found_where_the_pattern_says_and_nowhere_else() {
        let spiffe = "spiffe://example.org/{tenant}/sa/{name}";
        let found = who(SanKind::Uri, spiffe, &["spiffe://example.org/acme/sa/builder"]);
        assert_eq!(found, Some((Some("acme".into()), "builder".into())));
        for other in [
            "spiffe://example.org.evil.com/acme/sa/builder",
            "spiffe://example.org/acme/sa/builder/more",
            "spiffe://example.org/acme/sa/",
            "spiffe://example.org//sa/builder",
            "spiffe://example.org/a/b/sa/builder",
            "spiffe://example.org/acme/sa/a%2fb",
            "SPIFFE://example.org/acme/sa/builder",
        ] {
            assert_eq!(who(SanKind::Uri, spiffe, &[other]), None, "{other}");
        }
        let dns = "{name}.clients.example.org";
        let name = |names: &[&str]| who(SanKind::Dns, dns, names).map(|(_, name)| name);
        assert_eq!(name(&["web.Clients.example.ORG"]).as_deref(), Some("web"));
        for other in ["a.b.clients.example.org", "*.clients.example.org", "clients.example.org", "wébé"] {
            assert_eq!(name(&[other]), None, "{other}");
        }
        let mail = who(SanKind::Email, "{name}@example.org", &["ada@example.org"]);
        assert_eq!(mail, Some((None, "ada".into())));
        assert_eq!(who(SanKind::Email, "{name}@example.org", &["ada@evil@example.org"]), None);
    }

    #[test]
    fn a_certificate_with_two_names_is_nobodys_and_one_that_has_ended_neither() {
        let dns = "{name}.example.org";
        assert_eq!(who(SanKind::Dns, dns, &["a.example.org", "b.example.org"]), None);
        assert!(who(SanKind::Dns, dns, &["a.example.org", "a.other.org"]).is_some());
        let rules = rules(SanKind::Dns, dns).unwrap();
        let certificate = certificate(SanKind::Dns, &["a.example.org"]);
        assert!(rules.verify(&certificate, certificate.not_after).is_err());
        assert!(rules.verify(&certificate, UNIX_EPOCH).unwrap().scopes.allows("read"));
    }

    #[test]
    fn a_pattern_that_could_be_read_in_two_ways_is_refused() {
        for (san, wrong) in [
            (SanKind::Uri, ""),
            (SanKind::Uri, "spiffe://example.org/"),
            (SanKind::Uri, "spiffe://example.org/{name}/{name}"),
            (SanKind::Uri, "spiffe://example.org/{name}{tenant}"),
            (SanKind::Uri, "spiffe://example.org/sa-{name}"),
            (SanKind::Uri, "spiffe://example.org/{name}-x"),
            (SanKind::Uri, "spiffe://example.org/{who}/{name}"),
            (SanKind::Dns, "{name}/example.org"),
            (SanKind::Email, "é{name}"),
            (SanKind::Uri, "{name"),
        ] {
            assert!(rules(san, wrong).is_err(), "{wrong}");
        }
    }
}

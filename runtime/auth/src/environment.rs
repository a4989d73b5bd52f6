//! Who is calling over stdio: whoever started the process says so, in its environment.

use std::sync::Arc;

use impresario_engine::{AuthMethod, NameError, Principal, ScopeTree, Scopes};

/// The principal that the values of `IMPRESARIO_PRINCIPAL`, `IMPRESARIO_TENANT` and `IMPRESARIO_SCOPES` mean. The
/// scopes are parted by spaces or commas.
///
/// # Errors
/// One of the names can't be one.
pub fn environment_principal(
    name: &str,
    tenant: Option<&str>,
    scopes: &str,
    tree: &ScopeTree,
) -> Result<Arc<Principal>, NameError> {
    let mut principal = Principal::new(tenant, "environment", name, AuthMethod::Environment)?;
    principal.scopes = Scopes::new(scopes.split([' ', ',']), tree);
    Ok(Arc::new(principal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_somebody_or_is_refused() {
        let tree = ScopeTree::new([("admin", vec!["read"])]);
        let somebody = environment_principal("ada", Some("acme"), "admin,write", &tree).unwrap();
        assert!(["admin", "read", "write"].iter().all(|scope| somebody.scopes.allows(scope)));
        assert_eq!(somebody.method, AuthMethod::Environment);
        assert_eq!(environment_principal("", None, "", &tree), Err(NameError));
        assert_eq!(environment_principal("a", Some("b\n"), "", &tree), Err(NameError));
    }
}

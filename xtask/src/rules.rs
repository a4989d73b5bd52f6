//! Every rule of the house, and the order in which they are asked.

mod eras;
mod files;
mod layers;
mod module_circles;
mod orphans;
mod words;

use crate::finding::Finding;
use crate::house::House;

/// Everything that is wrong, by place.
pub(crate) fn check(house: &House) -> Vec<Finding> {
    let mut findings = house.broken.clone();
    for rule in
        [layers::check, module_circles::check, eras::check, files::check, orphans::check, words::check]
    {
        findings.extend(rule(house));
    }
    findings.sort();
    findings.dedup();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "<!-- layers:begin -->\n| crate | may import |\n|---|---|\n| `one` | nothing |\n<!-- layers:end -->\n\
                          <!-- eras:begin -->\n| may name an era | why |\n|---|---|\n<!-- eras:end -->\n";

    #[test]
    fn a_tidy_house_has_no_findings() {
        let house = House::of(&[
            ("ARCHITECTURE.md", TABLES),
            ("Cargo.toml", "[package]\nname = \"one\"\n"),
            ("src/lib.rs", "//! One.\nmod a;\nmod b;\npub use a::A;\n"),
            ("src/a.rs", "//! A.\nuse crate::b::B;\npub struct A(B);\n"),
            ("src/b.rs", "//! B.\npub struct B;\n"),
        ]);
        assert_eq!(check(&house), []);
    }

    #[test]
    fn findings_come_in_the_order_of_the_tree() {
        let house = House::of(&[("ARCHITECTURE.md", TABLES), ("b.rs", ""), ("a.rs", "fn {")]);
        let found: Vec<_> =
            check(&house).iter().map(|finding| format!("{}:{}", finding.path, finding.rule)).collect();
        assert_eq!(found, ["ARCHITECTURE.md:layer", "a.rs:header", "a.rs:parse", "b.rs:header"]);
    }
}

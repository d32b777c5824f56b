//! PROTOCOL.md documents the contract: every method with its parameters, every field, every code; and
//! nothing that does not exist. The contract is read from the traits' source.

use cardume::wire::codes::Code;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const NAMESPACES: [&str; 6] = ["names", "election", "group", "index", "transfer", "control"];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a readable file")
}

/// The methods of all traits with the names of their parameters, as they go over the wire.
fn methods() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for namespace in NAMESPACES {
        let source = read(&format!("src/wire/{namespace}.rs"));
        assert!(source.contains(&format!("namespace = \"{namespace}\"")), "{namespace}");
        for part in source.split("#[method(name = \"").skip(1) {
            let (name, rest) = part.split_once('"').expect("a name");
            let (_, rest) = rest.split_once("async fn ").expect("a method");
            let (_, rest) = rest.split_once('(').expect("parameters");
            let (parameters, _) = rest.split_once("->").expect("a result");
            found.insert(format!("{namespace}_{name}"), parameter_names(parameters));
        }
    }
    found
}

fn parameter_names(parameters: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut renamed = None;
    for part in parameters.split([',', '(', ')']).map(str::trim) {
        if let Some((_, name)) = part.split_once("rename = \"") {
            renamed = name.split('"').next().map(str::to_owned);
        }
        // Behind an attribute, or alone.
        let declared = part.rsplit(']').next().unwrap_or(part).trim();
        if let Some((name, _)) = declared.split_once(':')
            && !name.contains(['<', '"', '='])
        {
            names.push(renamed.take().unwrap_or_else(|| name.trim().to_owned()));
        }
    }
    names
}

/// The document's sections of methods: `### \`names_register\`` and what follows it.
fn sections(document: &str) -> BTreeMap<String, String> {
    let parts = document.split("\n### `").skip(1);
    parts
        .map(|part| {
            let (name, rest) = part.split_once('`').expect("a method's heading");
            (name.to_owned(), rest.split("\n## ").next().unwrap_or(rest).to_owned())
        })
        .collect()
}

#[test]
fn every_method_and_parameter_is_documented_and_nothing_else() {
    let (methods, sections) = (methods(), sections(&read("PROTOCOL.md")));
    assert!(methods.len() >= 30, "the traits are read: {methods:?}");
    assert_eq!(
        methods.keys().collect::<BTreeSet<_>>(),
        sections.keys().collect::<BTreeSet<_>>(),
        "the methods of the traits and the sections of PROTOCOL.md"
    );
    let mut missing = Vec::new();
    for (method, parameters) in &methods {
        let section = &sections[method];
        missing.extend(
            parameters
                .iter()
                .filter(|name| !section.contains(&format!("`{name}`")))
                .map(|name| format!("{method}: {name}")),
        );
        if parameters.is_empty() {
            assert!(section.contains("No parameters"), "{method} says that it has none");
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "parameters that PROTOCOL.md does not name");
}

#[test]
fn every_field_of_every_shape_is_named() {
    let document = read("PROTOCOL.md");
    let mut missing = Vec::new();
    for namespace in NAMESPACES {
        for line in read(&format!("src/wire/{namespace}.rs")).lines() {
            let field = line.strip_prefix("    pub ").and_then(|rest| rest.split_once(':'));
            if let Some((field, _)) = field.filter(|(field, _)| !field.contains(' '))
                && !document.contains(&format!("`{field}`"))
            {
                missing.push(format!("{namespace}: {field}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "fields that PROTOCOL.md does not name");
}

#[test]
fn every_code_is_in_the_table_and_nothing_else() {
    let document = read("PROTOCOL.md");
    let table = document.split("## Error codes").nth(1).expect("the table");
    let rows: Vec<(i32, &str)> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let code = cells.next()?.parse().ok()?;
            Some((code, cells.next()?.trim_matches('`')))
        })
        .collect();
    let codes: Vec<(i32, &str)> = Code::ALL.iter().map(|(code, name)| (*code as i32, *name)).collect();
    assert_eq!(rows, codes);
}

#[test]
fn codes_that_methods_give_exist() {
    let names: BTreeSet<&str> = Code::ALL.iter().map(|(_, name)| *name).collect();
    for (method, section) in sections(&read("PROTOCOL.md")) {
        let Some(codes) = section.split("Codes:").nth(1) else { continue };
        let codes = codes.split("\n\n").next().unwrap_or(codes);
        for word in codes.split('`').skip(1).step_by(2) {
            let is_code = word.starts_with(|c: char| c.is_ascii_uppercase());
            assert!(!is_code || names.contains(word), "{method}: {word}");
        }
    }
}

#[test]
fn examples_are_requests_of_existing_methods_with_existing_parameters() {
    let methods = methods();
    let mut checked = 0;
    for line in read("PROTOCOL.md").lines().filter(|line| line.starts_with("{\"jsonrpc\"")) {
        let value: serde_json::Value = serde_json::from_str(line).expect(line);
        let Some(method) = value.get("method").and_then(|method| method.as_str()) else { continue };
        let parameters = methods.get(method).expect(method);
        for name in value["params"].as_object().expect("named parameters").keys() {
            assert!(parameters.contains(name), "{method}: {name}");
        }
        checked += 1;
    }
    assert!(checked >= 10);
}

#[test]
fn every_reason_of_an_error_is_named() {
    let document = read("PROTOCOL.md");
    let missing: Vec<&str> = (cardume::node::Why::ALL.iter().map(|why| why.word()))
        .filter(|word| !document.contains(&format!("`{word}`")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "reasons that PROTOCOL.md does not name");
}

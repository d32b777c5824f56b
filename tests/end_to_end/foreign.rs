//! Programs that are not Cardume's: `curl` with exported credentials, and the example of a foreign client.

use super::support::{Group, LONG, alone, wait_for};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn curl(credentials: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail-with-body", "--max-time", "20"]);
    for (option, file) in [("--cacert", "ca.pem"), ("--cert", "cert.pem"), ("--key", "key.pem")] {
        command.arg(option).arg(credentials.join(file));
    }
    command.args(arguments).output().expect("curl is installed")
}

fn call(credentials: &Path, uri: &str, method: &str, params: &str) -> Value {
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
    let url = uri.replace("wss://", "https://");
    let output = curl(credentials, &["-H", "content-type: application/json", "-d", &body, &url]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{method}: {text} {}", String::from_utf8_lossy(&output.stderr));
    let mut answer: Value = serde_json::from_str(&text).expect("JSON");
    assert!(answer["error"].is_null(), "{method}: {answer}");
    answer["result"].take()
}

#[test]
fn curl_with_exported_credentials_lists_searches_and_fetches_a_range() {
    let _alone = alone();
    let group = Group::of(3);
    let credentials = group.folder.join("credentials");
    let out = credentials.to_str().expect("a path in Unicode");
    let exported = group.cardume(&["--profile", "peer-1", "group", "credentials", "--out", out]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));

    let status = group.status("peer-1").expect("a running peer");
    let names = status["names"]["uri"].as_str().expect("a uri");
    let listed = call(&credentials, names, "names_list", "{}");
    assert_eq!(listed["peer-1"]["peer_id"], status["peer_id"]);
    let tracker = status["tracker"]["uri"].as_str().expect("a tracker").to_owned();

    let found = wait_for("a hashed file", LONG, || {
        let found = call(&credentials, &tracker, "index_search", r#"{"words":"notes peer-2"}"#);
        found["results"][0]["content"].is_string().then_some(found)
    });
    let file = &found["results"][0];
    let source = file["sources"][0]["uri"].as_str().expect("a source").replace("wss://", "https://");
    let url = format!("{source}content/{}", file["content"].as_str().expect("a hash"));
    let part = curl(&credentials, &["-H", "Range: bytes=3-9", &url]);
    let whole = std::fs::read(group.share_of("peer-2").join("notes of peer-2.txt")).expect("readable");
    assert_eq!(part.stdout, whole[3..=9]);
    assert_eq!(curl(&credentials, &[&url]).stdout, whole);

    // Without credentials nobody gets past the handshake.
    let address = names.replace("wss://", "https://");
    let stranger =
        Command::new("curl").args(["--silent", "--insecure", "--max-time", "20", &address]).output();
    assert!(!stranger.expect("curl is installed").status.success());
}

//! The documents for secret scanners: a rule for gitleaks, and a script that reports findings.

use patgate_harness::{Settings, System, repository_root};
use serde_json::{Value, json};

/// A file of the documentation for secret scanners.
fn document(name: &str) -> std::path::PathBuf {
    repository_root().join("docs/secret-scanning").join(name)
}

/// A well-formed token with a wrong checksum.
fn with_wrong_checksum(token: &str) -> String {
    let last = if token.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &token[..token.len() - 1])
}

#[test]
fn gitleaks_rule_finds_tokens_in_any_context_and_nothing_else() {
    let system = System::start();

    let token = system.sign_in("alice").create_token("scanned").secret;
    let rules: toml::Table = std::fs::read_to_string(document("gitleaks.toml")).unwrap().parse().unwrap();
    let rule = &rules["rules"][0];

    // gitleaks uses regular expressions of RE2, and so does this library.
    let regex = regex_lite::Regex::new(rule["regex"].as_str().unwrap()).unwrap();
    let found = |text: &str| regex.captures(text).map(|captures| captures[1].to_owned());
    for text in [
        format!("curl -H 'Authorization: Bearer {token}' https://api.example"),
        format!("TOKEN={token}"),
        format!("{{\"token\":\"{token}\"}}"),
        format!("https://user:{token}@example.org/"),
        format!("\"first line\\n{token}\\n\""),
        format!("Authorization=Bearer%20{token}&x"),
        format!("MY_{token}_"),
        token.clone(),
    ] {
        assert_eq!(found(&text).as_deref(), Some(token.as_str()), "{text}");
        assert!(text.contains(rule["keywords"][0].as_str().unwrap()));
    }

    for text in [format!("{token}x"), token[..41].to_owned(), token.to_uppercase()] {
        assert_eq!(found(&text), None, "{text}");
    }

    // The rule also requires entropy, so that it ignores the examples in documentation.
    let entropy = |text: &str| {
        let counts = text.chars().map(|wanted| text.chars().filter(|found| *found == wanted).count());
        counts.map(|count| -(count as f64 / text.len() as f64).log2()).sum::<f64>() / text.len() as f64
    };

    let required = rule["entropy"].as_float().unwrap();
    assert!(entropy(&token) > required, "{}", entropy(&token));
    assert!(entropy("fdp_00000000000000000000000000000000000000") < required);
}

#[test]
fn gitleaks_finds_a_token_and_ignores_the_documented_example() {
    if std::process::Command::new("gitleaks").arg("version").output().is_err() {
        eprintln!(
            "skipped: gitleaks is not installed; another test evaluates its rule as gitleaks documents it"
        );
        return;
    }

    let Some(system) = System::start_local(Settings::default()) else { return };

    let token = system.sign_in("alice").create_token("scanned").secret;
    let folder = std::env::temp_dir().join(format!("patgate-gitleaks-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&folder).unwrap();
    let example = "fdp_00000000000000000000000000000000000000";
    std::fs::write(folder.join("deploy.sh"), format!("TOKEN={token}\nEXAMPLE={example}\n")).unwrap();
    let output = std::process::Command::new("gitleaks")
        .args(["dir", "--report-format", "json", "--report-path", "-", "--config"])
        .arg(document("gitleaks.toml"))
        .arg(&folder)
        .output()
        .unwrap();

    std::fs::remove_dir_all(&folder).unwrap();
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let secrets: Vec<_> = findings.as_array().unwrap().iter().map(|finding| &finding["Secret"]).collect();
    assert_eq!(secrets, [&json!(token)]);
}

#[test]
fn documented_scanner_reports_valid_tokens_and_skips_wrong_checksums() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");

    let (leaked, kept) = (alice.create_token("leaked"), alice.create_token("kept"));
    proxy.take();
    let findings = format!(
        "[{{\"Secret\": \"x\\n{}\"}}, {{\"Secret\": \"{}\"}}, {{\"Match\": \"Bearer%20{}_\"}}]",
        leaked.secret,
        with_wrong_checksum(&kept.secret),
        leaked.secret
    );

    let mut scanner = std::process::Command::new("python3")
        .arg(document("report_leaked.py"))
        .arg(&system.api)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("Python 3 is installed");

    std::io::Write::write_all(&mut scanner.stdin.take().unwrap(), findings.as_bytes()).unwrap();
    let output = scanner.wait_with_output().unwrap();
    let summary = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert_eq!(summary, "1 reported, 1 skipped because of a wrong checksum\n");
    assert_eq!(system.status_of(&leaked.secret), 401);
    assert_eq!(alice.show_token(&leaked.id)["revocationReason"], "leaked");
    assert_eq!(system.status_of(&kept.secret), 200);
}

//! Paths and names that lead elsewhere: no file of the machine, nothing of another tenant, no fault.

use serde_json::json;

use super::send;
use crate::{api::program, harness::on_both_databases};

on_both_databases!(no_name_leads_to_a_file);

/// Ways up, as they are and encoded, once and twice, long, with other separators, and to a file by itself.
const WAYS: [&str; 14] = [
    "../../../../etc/passwd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%252e%252e%252f%252e%252e%252fetc%252fpasswd",
    "..%c0%af..%c0%afetc%c0%afpasswd",
    "..%e0%80%af..%e0%80%afetc/passwd",
    "..\\..\\..\\etc\\passwd",
    "..%5c..%5cetc%5cpasswd",
    "....//....//etc/passwd",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "..;/..;/etc/passwd",
    "etc/passwd%00.css",
];

async fn no_name_leads_to_a_file(installation: crate::harness::Installation) {
    let server = installation.serve().await;
    let authorization = installation.tenant("acme", "generic");
    let token = installation.run(&["token", "create", "--platform", "--name", "Vendor"]);
    let (mut asked, scim) = (Vec::new(), format!("Authorization: {authorization}\r\n"));
    for way in WAYS {
        for (path, header) in [
            (format!("/{way}"), ""),
            (format!("/console/static/{way}"), ""),
            (format!("/console/{way}"), ""),
            (format!("/setup/{way}"), ""),
            (format!("/t/{way}/scim/v2/Users"), &*scim),
            (format!("/t/acme/scim/v2/{way}"), &*scim),
            (format!("/t/acme/scim/v2/Users/{way}"), &*scim),
            (format!("/t/acme/scim/v2/Schemas/{way}"), &*scim),
        ] {
            asked
                .push(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n"));
        }
    }
    for request in &asked {
        let heard = send(&server, request.as_bytes());
        let statuses = heard.statuses();
        assert!(matches!(statuses[..], [303 | 400 | 401 | 404 | 410]), "{request}: {}", heard.text);
        assert!(!heard.text.contains("root:"), "{request}: {}", heard.text);
    }

    // Names of tenants, profiles, value sets: what is no name is told so.
    let vendor = program(&server, &token);
    crate::harness::eventually(crate::harness::PATIENCE, "a new platform token", || async {
        vendor.get("/tenants").await.0 == 200
    })
    .await;
    for name in [
        "../../etc/passwd",
        "..",
        ".",
        "a/b",
        "a\\b",
        "/etc/passwd",
        "generic.toml",
        "%2e%2e",
        "a\0b",
        "\u{202e}cirenec",
    ] {
        for new in [json!({"slug": name}), json!({"slug": "fine", "profile": name})] {
            let (status, answer) = vendor.send("POST", "/tenants", Some(new.clone())).await;
            assert_eq!(status, 422, "{new}: {answer}");
            assert!(answer["field"].is_string(), "{new}: {answer}");
        }
        if !name.contains('\0') {
            let refused = installation.refuse(&["tenant", "create", "fine", "--profile", name]);
            assert!(!refused.contains("root:") && refused.contains("generic"), "{name}: {refused}");
        }
    }
}

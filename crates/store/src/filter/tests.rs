//! The text of conditions; what they select is tested on real databases.

use scim_core::{ResourceType, filter::parse};

use super::*;
use crate::store::Backend;

fn compile(resource_type: &ResourceType, filter: &str, backend: Backend) -> String {
    compiled(resource_type, filter, Sql::new(backend, uuid::Uuid::nil()))
}

fn compiled(resource_type: &ResourceType, filter: &str, mut sql: Sql) -> String {
    let filter = parse(filter, resource_type, false).expect(filter);
    condition(&mut sql, resource_type.kind, &filter);
    sql.text().to_owned()
}

#[test]
fn columns_stay_bare_so_that_indexes_serve_them() {
    let user = ResourceType::user();
    let postgres = |filter: &str| compile(&user, filter, Backend::Postgres);
    assert_eq!(postgres(r#"userName eq "Ann""#), "r.user_name_key = $1");
    assert_eq!(postgres(r#"externalId eq "A""#), "r.external_id = $1");
    assert_eq!(
        postgres(r#"userName sw "Ann""#),
        r#"(r.user_name_key COLLATE "C" >= $1 AND r.user_name_key COLLATE "C" < $2)"#
    );
    assert_eq!(
        compile(&user, r#"userName sw "Ann""#, Backend::Sqlite),
        "(r.user_name_key >= ? AND r.user_name_key < ?)"
    );
    let id = "0190a0a0-0000-7000-8000-000000000001";
    assert_eq!(postgres(&format!(r#"id eq "{id}""#)), "r.id = $1");
    assert_eq!(postgres(r#"id eq "nobody""#), "FALSE");
    assert_eq!(postgres(r#"id ne "nobody""#), "TRUE");
    assert_eq!(
        postgres(&format!(r#"groups.value eq "{id}""#)),
        "EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = r.tenant_id AND m.member_id = r.id AND m.group_id IN \
         (WITH RECURSIVE below (id, level) AS (SELECT g.id, 0 FROM groups g WHERE g.tenant_id = $1 AND g.deleted_at IS NULL \
         AND (g.id = $2) UNION SELECT s.member_id, b.level + 1 FROM below b JOIN members s ON s.tenant_id = $3 \
         AND s.group_id = b.id AND s.subgroup_id IS NOT NULL WHERE b.level < $4) SELECT b.id FROM below b))"
    );
    let flat = Sql::new(Backend::Postgres, uuid::Uuid::nil()).with_nested_groups(false);
    assert_eq!(
        compiled(&user, &format!(r#"groups.value eq "{id}""#), flat),
        "EXISTS (SELECT 1 FROM members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id \
         WHERE m.tenant_id = r.tenant_id AND m.member_id = r.id AND (g.id = $1))"
    );
    let group = ResourceType::group();
    let eq = compile(&group, r#"displayName eq "Envi_A""#, Backend::Sqlite);
    assert_eq!(eq, "r.display_name_key = ?");
}

#[test]
fn no_value_becomes_text() {
    let user = ResourceType::user();
    let filters = [
        r#"title eq "x' OR 1=1 --""#,
        r#"emails[type eq "x' OR 1=1 --" and value co "x' OR 1=1 --"]"#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw "x' OR 1=1 --""#,
        r#"groups.display ew "x' OR 1=1 --""#,
        r#"meta.version eq "x' OR 1=1 --""#,
        r#"userName gt "x' OR 1=1 --" and not (nickName ne "x' OR 1=1 --")"#,
    ];
    for filter in filters {
        for backend in [Backend::Postgres, Backend::Sqlite] {
            let text = compile(&user, filter, backend);
            assert!(!text.contains("1=1"), "{text}");
        }
    }
}

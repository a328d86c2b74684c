//! Which milestones of a tenant's set-up a request reaches.

use serde_json::Value;
use store::activity::Milestone;

use crate::Exchange;

/// The milestones of a request; the bodies as far as they could be read.
pub(crate) fn reached(
    exchange: &Exchange,
    request: Option<&Value>,
    response: Option<&Value>,
) -> Vec<Milestone> {
    let mut reached = vec![Milestone::Call];
    if !exchange.is_success() {
        reached.push(Milestone::Failure);
        return reached;
    }
    reached.push(Milestone::Success);
    if exchange.route == "/Bulk" {
        of_bulk(request, response, &mut reached);
    } else {
        let filter = match exchange.route {
            "/Users/.search" => request.and_then(|body| field(body, "filter")).is_some(),
            _ => exchange.query.as_deref().is_some_and(has_filter),
        };
        of_one(&exchange.method, exchange.route, filter, request, &mut reached);
    }
    reached
}

/// Of one successful request.
fn of_one(method: &str, route: &str, filter: bool, body: Option<&Value>, reached: &mut Vec<Milestone>) {
    let members = || body.is_some_and(has_members);
    match (method, route) {
        ("GET", "/Users") | ("POST", "/Users/.search") if filter => reached.push(Milestone::Lookup),
        ("POST", "/Users") => reached.push(Milestone::UserCreated),
        ("PUT" | "PATCH", "/Users/{id}" | "/Me") => reached.push(Milestone::UserUpdated),
        ("DELETE", "/Users/{id}" | "/Me") => reached.push(Milestone::UserDeleted),
        ("POST", "/Groups") => {
            reached.push(Milestone::GroupPushed);
            if members() {
                reached.push(Milestone::Membership);
            }
        }
        ("PUT" | "PATCH", "/Groups/{id}") if members() => reached.push(Milestone::Membership),
        ("PUT" | "PATCH" | "DELETE", "/Groups/{id}") => reached.push(Milestone::GroupPushed),
        _ => {}
    }
}

/// Of the operations that succeeded, which their answers tell in the same order.
fn of_bulk(request: Option<&Value>, response: Option<&Value>, reached: &mut Vec<Milestone>) {
    let list = |body: Option<&Value>| body.and_then(|body| field(body, "Operations")?.as_array().cloned());
    let (Some(sent), Some(answered)) = (list(request), list(response)) else { return };
    for (operation, answer) in sent.iter().zip(&answered) {
        if !text(answer, "status").is_some_and(|status| status.starts_with('2')) {
            continue;
        }
        let (Some(method), Some(path)) = (text(operation, "method"), text(operation, "path")) else {
            continue;
        };
        let route = match path.trim_start_matches('/').split_once('/') {
            None => format!("/{}", path.trim_start_matches('/')),
            Some((endpoint, _)) => format!("/{endpoint}/{{id}}"),
        };
        of_one(&method.to_uppercase(), &route, false, field(operation, "data"), reached);
    }
    reached.sort_unstable();
    reached.dedup();
}

/// A field by name, compared without case.
fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    field(value, name)?.as_str()
}

/// Does a group or a PATCH of one name members?
fn has_members(body: &Value) -> bool {
    let not_empty = |members: &Value| {
        !matches!(members, Value::Null) && members.as_array().is_none_or(|list| !list.is_empty())
    };
    if field(body, "members").is_some_and(not_empty) {
        return true;
    }
    let operations = field(body, "Operations").and_then(Value::as_array).into_iter().flatten();
    operations.into_iter().any(|operation| {
        let path = text(operation, "path").unwrap_or_default().trim().to_ascii_lowercase();
        let path = path.rsplit_once("group:").map_or(path.as_str(), |(_, path)| path);
        path.starts_with("members")
            || path.is_empty()
                && field(operation, "value").is_some_and(|value| field(value, "members").is_some())
    })
}

fn has_filter(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name.eq_ignore_ascii_case("filter") && !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::entry::tests::exchange;

    fn of(
        method: &str,
        route: &'static str,
        query: &str,
        status: u16,
        request: Value,
        response: Value,
    ) -> String {
        let exchange = Exchange {
            method: method.into(),
            query: (!query.is_empty()).then(|| query.into()),
            status,
            ..exchange(route)
        };
        let reached = reached(&exchange, Some(&request), Some(&response));
        reached.into_iter().map(Milestone::word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_request_reaches_its_milestones() {
        let members = json!({"members": [{"value": "1"}]});
        let patch = |operation: Value| json!({"Operations": [operation]});
        let table = [
            ("GET", "/Users", "startIndex=1&count=2", 200, json!(null), "call success"),
            ("GET", "/Users", "filter=userName+eq+%22a%22", 200, json!(null), "call success lookup"),
            ("GET", "/Users", "filter=userName+eq+a", 400, json!(null), "call failure"),
            ("GET", "/Users", "filter=", 200, json!(null), "call success"),
            ("POST", "/Users/.search", "", 200, json!({"Filter": "a pr"}), "call success lookup"),
            ("GET", "/ServiceProviderConfig", "", 200, json!(null), "call success"),
            ("POST", "/Users", "", 201, json!({}), "call success user_created"),
            ("POST", "/Users", "", 409, json!({}), "call failure"),
            ("PUT", "/Users/{id}", "", 200, json!({}), "call success user_updated"),
            ("PATCH", "/Users/{id}", "", 204, json!({}), "call success user_updated"),
            ("DELETE", "/Users/{id}", "", 204, json!(null), "call success user_deleted"),
            ("POST", "/Groups", "", 201, json!({"members": []}), "call success group_created"),
            ("POST", "/Groups", "", 201, members.clone(), "call success group_created membership"),
            ("PUT", "/Groups/{id}", "", 200, members.clone(), "call success membership"),
            (
                "PATCH",
                "/Groups/{id}",
                "",
                204,
                patch(json!({"op": "add", "path": "members", "value": []})),
                "call success membership",
            ),
            (
                "PATCH",
                "/Groups/{id}",
                "",
                204,
                patch(json!({"op": "remove", "path": "Members[value eq \"1\"]"})),
                "call success membership",
            ),
            (
                "PATCH",
                "/Groups/{id}",
                "",
                204,
                patch(json!({"op": "add", "value": members})),
                "call success membership",
            ),
            (
                "PATCH",
                "/Groups/{id}",
                "",
                204,
                patch(json!({"op": "replace", "value": {"displayName": "x"}})),
                "call success group_created",
            ),
            ("PUT", "/Groups/{id}", "", 200, json!({"displayName": "x"}), "call success group_created"),
            ("DELETE", "/Groups/{id}", "", 204, json!(null), "call success group_created"),
            ("DELETE", "/Groups/{id}", "", 404, json!(null), "call failure"),
            ("GET", "/Users/{id}", "", 304, json!(null), "call success"),
            ("GET", "", "", 404, json!(null), "call failure"),
            ("DELETE", "/Users/{id}", "", 503, json!(null), "call failure"),
        ];
        for (method, route, query, status, body, wanted) in table {
            assert_eq!(
                of(method, route, query, status, body, json!(null)),
                wanted,
                "{method} {route}?{query}"
            );
        }
    }

    #[test]
    fn of_bulk_count_the_operations_that_succeeded() {
        let request = json!({"Operations": [
            {"method": "POST", "path": "/Users", "data": {"userName": "a"}},
            {"method": "PATCH", "path": "/Groups/1", "data": {"Operations": [{"op": "add", "path": "members"}]}},
            {"method": "DELETE", "path": "/Users/1"},
        ]});
        let response = json!({"Operations": [{"status": "201"}, {"status": "200"}, {"status": "404"}]});
        assert_eq!(
            of("POST", "/Bulk", "", 200, request.clone(), response),
            "call user_created membership success"
        );
        assert_eq!(of("POST", "/Bulk", "", 200, request, json!(null)), "call success");
    }
}

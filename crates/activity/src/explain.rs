//! What an answer that is an error means, and what to do: one table for the console, the API and the set-up checklist.

/// What happened, and what to do about it, for the people who look after a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What happened.
    pub what: &'static str,
    /// What to do next.
    pub remedy: &'static str,
}

/// Where a row of the table holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Anywhere,
    /// Below `/Users` (and at `/Me`).
    Users,
    /// Below `/Groups`.
    Groups,
    /// At no endpoint.
    Nowhere,
}

/// The first row that fits counts: status, `scimType` (empty: any), where.
const TABLE: &[(i32, &str, Where, &str, &str)] = &[
    (
        400,
        "invalidFilter",
        Where::Anywhere,
        "The filter could not be understood.",
        "The reason names the column. Attributes must be known here, and texts stand in double quotes: userName eq \"ann@example.com\".",
    ),
    (
        400,
        "invalidValue",
        Where::Users,
        "A value of the user is missing, or this tenant's rules do not allow it.",
        "The reason names each attribute. Correct it in the directory or in the attribute mapping, or change this tenant's rules; then let the identity provider try again.",
    ),
    (
        400,
        "invalidValue",
        Where::Anywhere,
        "A value is missing or not allowed.",
        "The reason names the attribute. Correct it at the identity provider and let it try again.",
    ),
    (
        400,
        "invalidSyntax",
        Where::Anywhere,
        "The body is not the JSON that this request needs.",
        "The reason names the place. Identity providers seldom do this by themselves: look at custom mappings and at proxies in between.",
    ),
    (
        400,
        "invalidPath",
        Where::Anywhere,
        "The change names an attribute that nobody knows.",
        "Compare the attribute mapping with the attributes of this tenant (Setup lists them) and correct the name.",
    ),
    (
        400,
        "noTarget",
        Where::Anywhere,
        "The change is about a value that is not there.",
        "It was probably removed before. Let the identity provider send the whole user or group again.",
    ),
    (
        400,
        "mutability",
        Where::Anywhere,
        "The change is about an attribute that clients may not change.",
        "Take this attribute out of the mapping.",
    ),
    (
        400,
        "tooMany",
        Where::Anywhere,
        "The answer would have been too large.",
        "Ask for less: a narrower filter, or pages.",
    ),
    (
        400,
        "expiredCursor",
        Where::Anywhere,
        "The list was continued too late.",
        "Nothing, if it happens seldom: the client begins the list anew.",
    ),
    (
        400,
        "invalidCursor",
        Where::Anywhere,
        "The list was continued from a place that was never given out.",
        "The client must send nextCursor as it came, with the same query.",
    ),
    (
        400,
        "",
        Where::Anywhere,
        "The request could not be understood.",
        "The reason says what was wrong with it.",
    ),
    (
        401,
        "",
        Where::Anywhere,
        "The credential was not accepted.",
        "Setup tells under What was refused which mistake it was.",
    ),
    (
        403,
        "",
        Where::Anywhere,
        "The credential is valid, and may not do this.",
        "The reason names the scope that is missing. Make a token that holds it, and give that to the identity provider.",
    ),
    (
        404,
        "",
        Where::Nowhere,
        "There is no endpoint at this address.",
        "Correct the Base URL at the identity provider: copy it from Setup, without anything behind it.",
    ),
    (
        404,
        "",
        Where::Users,
        "There is no such user here.",
        "It was deleted, or never arrived. Most identity providers make it anew by themselves; in Okta take the person out of the app and assign them again.",
    ),
    (
        404,
        "",
        Where::Groups,
        "There is no such group here, or the product has no groups.",
        "Push the group again (in Okta: unlink it under Push Groups, then push it). If the product has no groups, turn off group push.",
    ),
    (404, "", Where::Anywhere, "There is nothing at this address.", "The reason says what was looked for."),
    (
        405,
        "",
        Where::Anywhere,
        "This method is not offered at this address.",
        "The client asks for something that SCIM does not have here. Check the Base URL and the client's settings.",
    ),
    (
        409,
        "uniqueness",
        Where::Users,
        "Somebody else here has this user name already.",
        "Look for the name under Users. Is it the same person, who came another way, rename or delete the old one, or let this tenant's profile link duplicates; otherwise correct the user name in the directory.",
    ),
    (
        409,
        "uniqueness",
        Where::Groups,
        "There is a group of this name already.",
        "Link the pushed group to the one that is there, or rename one of them.",
    ),
    (
        409,
        "",
        Where::Anywhere,
        "The change does not fit what is there by now.",
        "The reason says what stands in its way.",
    ),
    (
        412,
        "",
        Where::Anywhere,
        "Somebody else changed it meanwhile.",
        "Nothing: the client reads it again and repeats the change. If it stays so, two systems write the same people.",
    ),
    (
        413,
        "",
        Where::Anywhere,
        "The request was too large.",
        "Let the client send less at once; the reason names the limit.",
    ),
    (
        415,
        "",
        Where::Anywhere,
        "The body was not sent as JSON.",
        "The client must say Content-Type: application/scim+json, and send it uncompressed.",
    ),
    (
        429,
        "",
        Where::Anywhere,
        "Too many requests came at once.",
        "Nothing: the identity provider comes again by itself. If it stays so, an operator can raise the limit.",
    ),
    (501, "", Where::Anywhere, "This is not offered here.", "The reason says what to use instead."),
    (
        503,
        "",
        Where::Anywhere,
        "The server was busy, or its database could not be reached.",
        "The identity provider comes again by itself. If it stays so, give the request id to whoever runs the server.",
    ),
    (
        504,
        "",
        Where::Anywhere,
        "The database was lost while the request was carried out, or it took too long: it was done as a whole, or not at all.",
        "The identity provider comes again by itself. If it stays so, give the request id to whoever runs the server.",
    ),
];

/// For what stands in no row.
const OTHER: Meaning =
    Meaning { what: "The request was refused.", remedy: "The reason says what was wrong with it." };
/// For what is no client's fault.
const FAULT: Meaning = Meaning {
    what: "Something went wrong in the server.",
    remedy: "Nothing is wrong with the request. Give the request id to whoever runs the server: the log tells more.",
};

/// What an answer means. `route`: the endpoint, such as `/Users/{id}`, empty where there is none. `None`: it is no error.
#[must_use]
pub fn explain(status: i32, scim_type: Option<&str>, route: &str) -> Option<Meaning> {
    if status < 400 {
        return None;
    }
    let below = |endpoint: &str| {
        route.strip_prefix(endpoint).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let row = TABLE.iter().find(|(of, keyword, place, ..)| {
        let here = match place {
            Where::Anywhere => true,
            Where::Users => below("/Users") || below("/Me"),
            Where::Groups => below("/Groups"),
            Where::Nowhere => route.is_empty(),
        };
        *of == status && here && (keyword.is_empty() || Some(*keyword) == scim_type)
    });
    Some(match row {
        Some((.., what, remedy)) => Meaning { what, remedy },
        None if status >= 500 => FAULT,
        None => OTHER,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(status: i32, scim_type: &str, route: &str) -> &'static str {
        explain(status, Some(scim_type).filter(|word| !word.is_empty()), route)
            .map_or("", |meaning| meaning.what)
    }

    #[test]
    fn each_failure_is_explained_for_its_endpoint() {
        assert_eq!(what(200, "", "/Users"), "");
        assert_eq!(what(304, "", "/Users/{id}"), "");
        assert!(what(409, "uniqueness", "/Users").contains("user name"));
        assert!(what(409, "uniqueness", "/Groups/{id}").contains("group"));
        assert!(what(404, "", "").contains("endpoint"));
        assert!(what(404, "", "/Me").contains("user"));
        assert!(what(404, "", "/Groups/{id}").contains("group"));
        assert!(what(400, "invalidFilter", "/Groups").contains("filter"));
        assert!(what(400, "", "/Bulk").contains("understood"));
        assert!(what(500, "", "/Users").contains("server"));
        assert_eq!(what(418, "", "/Users"), OTHER.what);
    }

    /// A row that stands behind one that takes all it would take is never found.
    #[test]
    fn every_row_is_found() {
        for (status, keyword, place, wanted, _) in TABLE {
            let route = match place {
                Where::Anywhere => "/Bulk",
                Where::Users => "/Users/{id}",
                Where::Groups => "/Groups",
                Where::Nowhere => "",
            };
            assert_eq!(what(*status, keyword, route), *wanted);
        }
    }
}

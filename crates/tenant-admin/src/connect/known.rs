//! The attributes that identity providers know of themselves: what each calls them, and where it takes them from.

/// Of the core schema or of the enterprise extension.
pub(crate) struct Known {
    /// Path in its schema.
    pub(crate) path: &'static str,
    /// Okta's variable name in the profile of an app.
    pub(crate) variable: &'static str,
    /// Okta's display name.
    pub(crate) title: &'static str,
    /// Okta's expression.
    pub(crate) okta: &'static str,
    /// Target in Entra; empty: it has none of its own.
    pub(crate) target: &'static str,
    /// Entra's source attribute or expression; empty: none by itself.
    pub(crate) entra: &'static str,
    /// In OneLogin's template; empty: not there by itself.
    pub(crate) onelogin: &'static str,
}

macro_rules! known {
    ($($path:literal $variable:literal $title:literal $okta:literal $target:literal $entra:literal $onelogin:literal;)+) => {
        &[$(Known {
            path: $path, variable: $variable, title: $title, okta: $okta, target: $target, entra: $entra, onelogin: $onelogin,
        }),+]
    };
}

/// Of the core schema, in the order of Okta's app profile.
pub(crate) const CORE: &[Known] = known! {
    "userName" "userName" "Username" "(set in the Sign On tab)" "userName" "[userPrincipalName]" "{$parameters.scimusername}";
    "name.givenName" "givenName" "Given name" "user.firstName" "name.givenName" "[givenName]" "{$user.firstname}";
    "name.familyName" "familyName" "Family name" "user.lastName" "name.familyName" "[surname]" "{$user.lastname}";
    "name.middleName" "middleName" "Middle name" "user.middleName" "name.middleName" "" "";
    "name.honorificPrefix" "honorificPrefix" "Honorific prefix" "user.honorificPrefix" "name.honorificPrefix" "" "";
    "name.honorificSuffix" "honorificSuffix" "Honorific suffix" "user.honorificSuffix" "name.honorificSuffix" "" "";
    "emails.value" "email" "Primary email" "user.email" "emails[type eq \"work\"].value" "[mail]" "{$user.email}";
    "emails.type" "emailType" "Primary email type" "(user.email != null && user.email != '') ? 'work' : ''" "" "" "work";
    "title" "title" "Title" "user.title" "title" "[jobTitle]" "{$parameters.title}";
    "displayName" "displayName" "Display name" "user.displayName" "displayName" "[displayName]" "{$user.display_name}";
    "nickName" "nickName" "Nickname" "user.nickName" "nickName" "" "";
    "profileUrl" "profileUrl" "Profile URL" "user.profileUrl" "profileUrl" "" "";
    "phoneNumbers.value" "primaryPhone" "Primary phone" "user.primaryPhone" "phoneNumbers[type eq \"work\"].value" "[telephoneNumber]" "{$user.phone}";
    "phoneNumbers.type" "primaryPhoneType" "Primary phone type" "(user.primaryPhone != null && user.primaryPhone != '') ? 'work' : ''" "" "" "work";
    "addresses.type" "addressType" "Address type" "(user.streetAddress != null && user.streetAddress != '') ? 'work' : ''" "" "" "";
    "addresses.streetAddress" "streetAddress" "Street address" "user.streetAddress" "addresses[type eq \"work\"].streetAddress" "[streetAddress]" "";
    "addresses.locality" "locality" "Locality" "user.city" "addresses[type eq \"work\"].locality" "[city]" "";
    "addresses.region" "region" "Region" "user.state" "addresses[type eq \"work\"].region" "[state]" "";
    "addresses.postalCode" "postalCode" "Postal code" "user.zipCode" "addresses[type eq \"work\"].postalCode" "[postalCode]" "";
    "addresses.country" "country" "Country" "user.countryCode" "addresses[type eq \"work\"].country" "[country]" "";
    "preferredLanguage" "preferredLanguage" "Preferred language" "user.preferredLanguage" "preferredLanguage" "[preferredLanguage]" "";
    "locale" "locale" "Locale" "user.locale" "locale" "" "";
    "timezone" "timezone" "Time zone" "user.timezone" "timezone" "" "";
    "userType" "userType" "User type" "user.userType" "userType" "" "";
};

/// Of the enterprise extension (RFC 7643 §4.3); targets are after its URN.
pub(crate) const ENTERPRISE: &[Known] = known! {
    "employeeNumber" "employeeNumber" "Employee number" "user.employeeNumber" "employeeNumber" "[employeeId]" "";
    "costCenter" "costCenter" "Cost center" "user.costCenter" "costCenter" "" "";
    "organization" "organization" "Organization" "user.organization" "organization" "[companyName]" "";
    "division" "division" "Division" "user.division" "division" "" "";
    "department" "department" "Department" "user.department" "department" "[department]" "{$parameters.department}";
    "manager.value" "managerValue" "Manager value" "user.managerId" "manager" "[manager]" "{$parameters.external_manager_id}";
    "manager.displayName" "managerDisplayName" "Manager display name" "user.manager" "" "" "";
};

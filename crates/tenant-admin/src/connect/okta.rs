//! Okta's three doors: an app of the App Integration Wizard, one of the catalog, and Basic Auth.

use scim_core::profile::{CredentialKind, IdentityProvider};

use super::{
    providers::{Provider, Table},
    steps::{
        Text,
        When::{Always, Groups, NoGroups, Own, Prefix, TokenAlone, WithBearer},
    },
};

/// What goes wrong with each of them.
const TRAPS: &[Text] = &[
    (
        Always,
        "Whoever was assigned before provisioning was switched on is not sent by itself: press **Provision User** in the **Assignments** tab.",
    ),
    (
        Groups,
        "Assigning a group to the app sends its people, not the group: groups come by **Push Groups** alone. Push another group than the one that is assigned.",
    ),
    (Groups, "A member of a pushed group must be assigned to the app too; whoever is not is left out."),
    (
        Own,
        "An attribute without an **External namespace** is never sent. Okta does not check what is typed there.",
    ),
    (
        Always,
        "What is refused here stands in Okta under **Dashboard > Tasks** with the reason; press **Retry Selected** after mending it.",
    ),
    (Always, "Okta never deletes people: whoever is unassigned is deactivated."),
];

/// Ticked and sent alike in all of them.
const TO_APP: Text = (
    Always,
    "Under **To App** press **Edit**, tick **Create Users**, **Update User Attributes** and **Deactivate Users**, leave **Sync Password** off, and press **Save**.",
);
const ATTRIBUTES: Text = (
    Own,
    "Open **Profile Editor**, choose the app, press **Add Attribute** for each line marked “add” in the table of attributes, then map it under **Mappings**.",
);
const ASSIGN: Text = (
    Always,
    "Under **Assignments** press **Assign**: people, or groups of people. They appear here within seconds.",
);
const PUSH: Text = (
    Groups,
    "Under **Push Groups** press **Push Groups**: **Find groups by name**, or **Find groups by rule**. Tick **Push group memberships immediately**.",
);
const ROLES: Text = (
    Prefix,
    "Groups whose name starts with `{prefix}` give a role: `{prefix}Manager` the role Manager. A rule **starts with** `{prefix}` pushes them all.",
);

/// An app that the customer makes with the App Integration Wizard.
pub(super) const HEADER: Provider = Provider {
    key: IdentityProvider::OktaHeader,
    word: "okta-header",
    name: "Okta: own app, HTTP Header",
    spoken: "Okta",
    signs_in: &[CredentialKind::Bearer],
    url_label: "SCIM connector base URL",
    url_suffix: "",
    secret_label: "Authorization: Bearer",
    word_for_word: false,
    test: "Test Connector Configuration",
    asks: &[
        (Always, "Unique identifier field for users", "`userName`"),
        (
            Groups,
            "Supported provisioning actions",
            "**Push New Users**, **Push Profile Updates**, **Push Groups**",
        ),
        (NoGroups, "Supported provisioning actions", "**Push New Users**, **Push Profile Updates**"),
        (Always, "Authentication Mode", "**HTTP Header**"),
        (Always, "Authorization", "the token alone: Okta writes Bearer in front itself"),
    ],
    steps: &[
        (
            Always,
            "Go to **Applications > Applications**, press **Create App Integration**, choose **SAML 2.0** or **SWA**, and finish the wizard. Apps with OpenID Connect cannot provision.",
        ),
        (
            Always,
            "In the app’s **General** tab, under **App Settings**, press **Edit**, set **Provisioning** to **SCIM**, and press **Save**.",
        ),
        (
            Always,
            "In the **Provisioning** tab, under **Integration**, press **Edit** and fill in what stands under Connection.",
        ),
        (Always, "Press **Test Connector Configuration**, then **Save**."),
        TO_APP,
        ATTRIBUTES,
        ASSIGN,
        PUSH,
        ROLES,
    ],
    traps: TRAPS,
    table: Table::Okta,
};

/// An app of the catalog.
pub(super) const OIN: Provider = Provider {
    key: IdentityProvider::OktaOin,
    word: "okta-oin",
    name: "Okta: app of the catalog",
    spoken: "Okta",
    signs_in: &[CredentialKind::Bearer],
    url_label: "Base URL",
    url_suffix: "",
    secret_label: "API Token",
    word_for_word: true,
    test: "Test API Credentials",
    asks: &[
        (WithBearer, "API Token", "`Bearer`, a blank, and the token: this app sends the field word for word"),
        (
            TokenAlone,
            "API Token",
            "the token alone; in **SCIM 2.0 Test App (Header Auth)** with `Bearer` and a blank in front",
        ),
        (Groups, "Import Groups", "off, unless groups shall also come from here to Okta"),
        (NoGroups, "Import Groups", "off"),
    ],
    steps: &[
        (Always, "Go to **Applications > Applications** and press **Browse App Catalog**."),
        (
            Always,
            "Search for the product’s app; where there is none, for **SCIM 2.0 Test App (Header Auth)** or **(OAuth Bearer Token)**. Press **Add Integration**.",
        ),
        (
            Always,
            "In the **Provisioning** tab press **Configure API Integration** and tick **Enable API integration**.",
        ),
        (Always, "Fill in **Base URL** and **API Token**."),
        (Always, "Press **Test API Credentials**, then **Save**."),
        TO_APP,
        ATTRIBUTES,
        ASSIGN,
        PUSH,
        ROLES,
    ],
    traps: TRAPS,
    table: Table::Okta,
};

/// A user name and a password.
pub(super) const BASIC: Provider = Provider {
    key: IdentityProvider::OktaBasic,
    word: "okta-basic",
    name: "Okta: Basic Auth",
    spoken: "Okta",
    signs_in: &[CredentialKind::Basic],
    url_label: "Base URL",
    url_suffix: "",
    secret_label: "Username and Password",
    word_for_word: false,
    test: "Test API Credentials",
    asks: &[
        (Always, "Username, Password", "those that are made here"),
        (Always, "Unique identifier field for users", "`userName`, where the app asks for it"),
        (Groups, "Import Groups", "off, unless groups shall also come from here to Okta"),
    ],
    steps: &[
        (
            Always,
            "Add the product’s app from the catalog, or **SCIM 2.0 Test App (Basic Auth)**; in an app of the App Integration Wizard choose **Basic Auth** as **Authentication Mode**.",
        ),
        (
            Always,
            "In the **Provisioning** tab press **Configure API Integration** and tick **Enable API integration**.",
        ),
        (Always, "Fill in **Base URL**, **Username** and **Password**."),
        (Always, "Press **Test API Credentials**, then **Save**."),
        TO_APP,
        ATTRIBUTES,
        ASSIGN,
        PUSH,
        ROLES,
    ],
    traps: TRAPS,
    table: Table::Okta,
};

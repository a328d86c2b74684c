//! Identity providers other than Okta.

use scim_core::profile::{CredentialKind, IdentityProvider};

use super::{
    providers::{Provider, Table},
    steps::When::{Always, Groups, NoGroups, Own, Prefix},
};

/// Microsoft Entra ID, an app that is not in its gallery.
pub(super) const ENTRA: Provider = Provider {
    key: IdentityProvider::Entra,
    word: "entra",
    name: "Microsoft Entra ID",
    spoken: "Microsoft Entra ID",
    signs_in: &[CredentialKind::Bearer, CredentialKind::Oauth],
    url_label: "Tenant URL",
    // Makes Entra keep to SCIM in its PATCHes. Both forms are taken.
    url_suffix: "?aadOptscim062020",
    secret_label: "Secret token",
    word_for_word: false,
    test: "Test connection",
    asks: &[
        (
            Always,
            "Authentication method",
            "**Bearer authentication**, or **OAuth2 client credentials grant** where this page can make a client",
        ),
        (Always, "Secret token", "the token alone"),
        (Always, "Matching attribute", "`userName`"),
    ],
    steps: &[
        (
            Always,
            "In the Entra admin center go to **Enterprise apps**, press **New application**, **Create your own application**, and choose **Integrate any other application you don’t find in the gallery (Non-gallery)**.",
        ),
        (
            Always,
            "Open **Provisioning** and press **New configuration** (or set **Provisioning Mode** to **Automatic**).",
        ),
        (
            Always,
            "Paste **Tenant URL** and **Secret token**, press **Test connection**, then **Create** or **Save**.",
        ),
        (
            Always,
            "Open **Attribute mapping**, **Provision Microsoft Entra ID Users**: keep the lines of the table of attributes, delete the others.",
        ),
        (
            Own,
            "For lines marked “add”: tick **Show advanced options**, press **Edit attribute list**, add the target attribute as it stands in the table, then **Add New Mapping**.",
        ),
        (
            Groups,
            "Leave **Provision Microsoft Entra ID Groups** on: `displayName` matches, `members` are sent.",
        ),
        (NoGroups, "Switch **Provision Microsoft Entra ID Groups** off: this product has no groups."),
        (Always, "Under **Users and groups** press **Add user/group** and assign people and groups."),
        (Always, "Press **Provision on demand** for one person first; then **Start provisioning**."),
        (Prefix, "Groups whose name starts with `{prefix}` give a role: `{prefix}Manager` the role Manager."),
    ],
    traps: &[
        (
            Always,
            "After **Start provisioning** Entra works in cycles of about 40 minutes. That nothing arrives for half an hour is its habit; **Provision on demand** does not wait.",
        ),
        (
            Groups,
            "Members of groups inside an assigned group are not sent: Entra does not look into nested groups.",
        ),
        (
            Always,
            "If many requests are refused, Entra puts the app in quarantine and tries ever less often: look at **Provisioning logs**, mend the reason, then press **Restart provisioning**.",
        ),
        (Always, "Whoever is unassigned or deleted is deactivated first; a deletion follows 30 days later."),
    ],
    table: Table::Entra,
};

/// OneLogin's connectors for SCIM.
pub(super) const ONELOGIN: Provider = Provider {
    key: IdentityProvider::Onelogin,
    word: "onelogin",
    name: "OneLogin",
    spoken: "OneLogin",
    signs_in: &[CredentialKind::Bearer],
    url_label: "SCIM Base URL",
    url_suffix: "",
    secret_label: "SCIM Bearer Token",
    word_for_word: false,
    test: "Enable",
    asks: &[
        (Always, "SCIM JSON Template", "the text below the table of attributes"),
        (Always, "SCIM Bearer Token", "the token alone"),
        (Always, "Custom Headers", "none"),
    ],
    steps: &[
        (
            Always,
            "Go to **Applications > Applications**, press **Add App** and search for `SCIM Provisioner`. Choose **SCIM Provisioner with SAML (SCIM v2 Enterprise)**, name it, and press **Save**.",
        ),
        (
            Always,
            "In the **Configuration** tab paste **SCIM Base URL**, **SCIM JSON Template** and **SCIM Bearer Token**.",
        ),
        (Always, "Under **API Connection** press **Enable**, then **Save**."),
        (
            Always,
            "In the **Parameters** tab set **scimusername** to what people sign in with, usually **Email**.",
        ),
        (
            Own,
            "In the **Parameters** tab add one for each `{$parameters.…}` of the template, and tick **Include in User Provisioning**.",
        ),
        (
            Groups,
            "In the **Parameters** tab open **Groups** and tick **Include in User Provisioning**; under **Rules** set **Set Groups in** the app from roles.",
        ),
        (Prefix, "Groups whose name starts with `{prefix}` give a role: `{prefix}Manager` the role Manager."),
        (
            Always,
            "In the **Provisioning** tab tick **Enable provisioning**; choose **Suspend** for **When users are deleted in OneLogin**, and press **Save**.",
        ),
        (
            Always,
            "Assign people under **Users**, or by a role under **Access**. Approve what stands as **Pending** unless approvals are off.",
        ),
    ],
    traps: &[
        (
            Always,
            "OneLogin sends what its template says, to the letter: a line whose parameter is empty is sent as an empty text, and dropped here.",
        ),
        (
            Groups,
            "**Refresh** in the **Provisioning** tab (entitlements) reads the groups from here; without it OneLogin does not know them.",
        ),
    ],
    table: Table::OneLogin,
};

/// JumpCloud's custom SCIM connector.
pub(super) const JUMPCLOUD: Provider = Provider {
    key: IdentityProvider::Jumpcloud,
    word: "jumpcloud",
    name: "JumpCloud",
    spoken: "JumpCloud",
    signs_in: &[CredentialKind::Bearer],
    url_label: "Base URL",
    url_suffix: "",
    secret_label: "Token Key",
    word_for_word: false,
    test: "Test Connection",
    asks: &[
        (Always, "API Type", "**SCIM API**"),
        (Always, "SCIM Version", "**SCIM 2.0**"),
        (Always, "Token Key", "the token alone"),
        (Always, "Test User Email", "an address of your own domain that nobody has"),
    ],
    steps: &[
        (
            Always,
            "Go to **SSO Applications**, press **Add New Application**, and open the app or a **Custom Application**.",
        ),
        (
            Always,
            "In the **Identity Management** tab choose **SCIM 2.0** and fill in **Base URL**, **Token Key** and **Test User Email**.",
        ),
        (Always, "Press **Test Connection**, then **Activate**, then **Save**."),
        (Groups, "Switch **Enable management of User Groups and Group Membership in this application** on."),
        (
            NoGroups,
            "Switch **Enable management of User Groups and Group Membership in this application** off: this product has no groups.",
        ),
        (Always, "In the **User Groups** tab tick the groups whose people are to come, and press **Save**."),
        (Prefix, "Groups whose name starts with `{prefix}` give a role: `{prefix}Manager` the role Manager."),
    ],
    traps: &[
        (
            Always,
            "**Activate** makes a test user and a test group and removes them again; they stand in the history here.",
        ),
        (
            Own,
            "JumpCloud’s custom connector sends no attributes of an extension. The lines marked “add” cannot come from it.",
        ),
    ],
    table: Table::Paths,
};

/// Anything that speaks SCIM 2.0.
pub(super) const GENERIC: Provider = Provider {
    key: IdentityProvider::Generic,
    word: "generic",
    name: "Another one, by SCIM 2.0",
    spoken: "the identity provider",
    signs_in: &[CredentialKind::Bearer, CredentialKind::Basic, CredentialKind::Oauth],
    url_label: "Base URL",
    url_suffix: "",
    secret_label: "Authorization",
    word_for_word: false,
    test: "its test of the connection",
    asks: &[
        (
            Always,
            "Authorization",
            "`Bearer`, a blank, and the token; or a user name and a password (Basic) where this page can make them",
        ),
        (Always, "Key for look-ups", "`userName`"),
        (Always, "Content type", "`application/scim+json`"),
    ],
    steps: &[
        (Always, "Choose SCIM 2.0 (not 1.1) and paste the Base URL without `/Users` at its end."),
        (
            Always,
            "Paste the token. If it is refused, try it with and without `Bearer` in front: both forms are taken here.",
        ),
        (Always, "Test the connection: any `GET` of `{base-url}/Users?count=1` is a test."),
        (Always, "Map the attributes of the table; what is sent besides is dropped, never refused."),
        (Groups, "Switch the pushing of groups on. A member must have been sent as a user before."),
        (Prefix, "Groups whose name starts with `{prefix}` give a role: `{prefix}Manager` the role Manager."),
        (Always, "Assign one person and look below at what has arrived."),
    ],
    traps: &[
        (
            Always,
            "What is supported is told by `GET {base-url}/ServiceProviderConfig` and `GET {base-url}/Schemas`, with the token.",
        ),
        (NoGroups, "This product has no groups: `/Groups` is answered 404."),
    ],
    table: Table::Paths,
};

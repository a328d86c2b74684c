//! What an LDAP destination is told: where the directory is, and how users are written there.

use std::collections::BTreeMap;

use egress::Client;
use scim_core::ResourceType;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::{connection, dn::Dn, mapping::Mapping};
use crate::Unfit;

/// Longest URL, in bytes.
const URL: usize = 512;
/// Most attributes that are written, and most templates with a name.
const ATTRIBUTES: usize = 100;
/// Largest list of certificates, in bytes.
const CERTIFICATES: usize = 32 * 1024;

/// What may be shown of an LDAP destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = LdapSettings)]
pub struct Settings {
    /// `ldaps://…`, or `ldap://…`, over which TLS is begun before anything else is said.
    pub url: String,
    /// The rest.
    pub ldap: Directory,
}

/// A directory, and how users are written there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = LdapDirectory)]
pub struct Directory {
    /// Who signs in there.
    #[schema(example = "cn=rollcall,dc=emp,dc=example")]
    pub bind_dn: String,
    /// Certificates (PEM) that are trusted instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Below it all entries of users lie.
    #[schema(example = "ou=emp,dc=emp,dc=example")]
    pub base_dn: String,
    /// Which entries below it are users'; if not given those of the last one of `objectClasses`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "(objectClass=inetOrgPerson)")]
    pub filter: Option<String>,
    /// Template of an entry's name.
    #[schema(example = "uid={userName},ou=emp,dc=emp,dc=example")]
    pub dn: String,
    /// With which an entry is made.
    #[schema(example = json!(["inetOrgPerson"]))]
    pub object_classes: Vec<String>,
    /// What says whose an entry is.
    pub link: Link,
    /// Templates by attribute; an attribute without a value is taken away.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"cn": "{@name}", "mail": "{emails.value}"}))]
    pub attributes: BTreeMap<String, Templates>,
    /// Templates that others name: `{@name}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: BTreeMap<String, String>,
    /// How it is written whether somebody is active.
    pub active: Active,
    /// What becomes of the entry of a user who is deleted.
    #[serde(default)]
    pub on_delete: OnDelete,
    /// For imports: attributes of the entry by attribute of the user, where templates cannot be read backwards.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({"name.familyName": "sn"}))]
    pub read: BTreeMap<String, String>,
}

/// The attribute by which the entry of a user is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = LdapLink)]
pub struct Link {
    /// Of the entry.
    #[schema(example = "uid")]
    pub attribute: String,
    /// What it holds.
    #[serde(default = "user_name")]
    #[schema(example = "{userName}")]
    pub template: String,
}

fn user_name() -> String {
    "{userName}".to_owned()
}

/// A template, or several whose values all are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Templates {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Templates {
    pub(crate) fn all(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }

    fn mapped(&self, then: impl Fn(&String) -> Result<String, Unfit>) -> Result<Self, Unfit> {
        Ok(match self {
            Self::One(text) => Self::One(then(text)?),
            Self::Several(texts) => Self::Several(texts.iter().map(then).collect::<Result<_, _>>()?),
        })
    }
}

/// An attribute that says whether somebody is active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = LdapActive)]
pub struct Active {
    /// Of the entry.
    #[schema(example = "employeeType")]
    pub attribute: String,
    /// Its value of somebody who is active; none: it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// Its value of somebody who is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "INACTIVE")]
    pub inactive: Option<String>,
}

/// What becomes of the entry of a user who is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = LdapOnDelete)]
pub enum OnDelete {
    /// It stays, and says that the user is not active.
    #[default]
    Deactivate,
    /// It is deleted.
    Delete,
}

/// What must not be shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secrets {
    /// Of the bind DN.
    pub password: String,
}

impl Settings {
    /// As they were typed, if users of this kind can be written so; with the names that the users have for attributes.
    pub fn checked(self, kind: &ResourceType, egress: &Client) -> Result<Self, Unfit> {
        check_url(&self.url, egress)?;
        let Directory { ca, bind_dn, base_dn, .. } = &self.ldap;
        if bind_dn.trim().is_empty() || Dn::parse(bind_dn).is_none() {
            return Err(Unfit::new("ldap.bindDn", "write a DN, such as cn=rollcall,dc=example"));
        }
        if Dn::parse(base_dn).is_none() {
            return Err(Unfit::new("ldap.baseDn", "write a DN, such as ou=people,dc=example"));
        }
        if let Some(ca) = ca {
            if ca.len() > CERTIFICATES {
                return Err(Unfit::new("ldap.ca", format!("it is longer than {CERTIFICATES} bytes")));
            }
            connection::roots(Some(ca)).map_err(|detail| Unfit::new("ldap.ca", detail))?;
        }
        let ldap = self.ldap.resolved(kind)?;
        Mapping::new(&ldap)?;
        Ok(Self { ldap, ..self })
    }
}

impl Directory {
    /// With the names that users of this kind have for attributes.
    fn resolved(mut self, kind: &ResourceType) -> Result<Self, Unfit> {
        if self.attributes.len() > ATTRIBUTES || self.templates.len() > ATTRIBUTES {
            return Err(Unfit::new("ldap.attributes", format!("write {ATTRIBUTES} at most")));
        }
        let subs = self.templates.clone();
        let in_place = |member: &str, text: &str, subs: &BTreeMap<String, String>| {
            let template = super::template::Template::parse(text, subs).and_then(|read| read.resolved(kind));
            template.map(|template| template.to_string()).map_err(|detail| Unfit::new(member, detail))
        };
        for (name, text) in &mut self.templates {
            *text = in_place(&format!("ldap.templates.{name}"), text, &BTreeMap::new())?;
        }
        self.dn = in_place("ldap.dn", &self.dn, &subs)?;
        self.link.template = in_place("ldap.link.template", &self.link.template, &subs)?;
        for (name, templates) in &mut self.attributes {
            let member = format!("ldap.attributes.{name}");
            *templates = templates.mapped(|text| in_place(&member, text, &subs))?;
        }
        let mut read = BTreeMap::new();
        for (path, attribute) in self.read {
            let member = format!("ldap.read.{path}");
            read.insert(in_place(&member, &format!("{{{path}}}"), &BTreeMap::new())?, attribute);
        }
        self.read = read
            .into_iter()
            .map(|(path, attribute)| (path.trim_matches(['{', '}']).to_owned(), attribute))
            .collect();
        Ok(self)
    }
}

impl Secrets {
    /// A password, if one can sign in with it: without one a directory takes everybody for nobody (RFC 4513 section 5.1.2).
    pub fn checked(password: String) -> Result<Self, Unfit> {
        if password.is_empty() || password.len() > 1_024 {
            return Err(Unfit::new("password", "write the password of the bind DN, 1 to 1,024 bytes"));
        }
        Ok(Self { password })
    }
}

/// The URL, if it is one of a directory that could be connected to.
fn check_url(text: &str, egress: &Client) -> Result<(), Unfit> {
    let unfit = |detail: &str| Unfit::new("url", detail);
    let form = "write ldaps://HOST, or ldap://HOST for StartTLS, with :PORT where it is another one";
    let url = Url::parse(text).map_err(|_| unfit(form))?;
    let is_plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if text.len() > URL || !matches!(url.scheme(), "ldap" | "ldaps") || !is_plain {
        return Err(unfit(form));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unfit(
            "the URL must not hold a user name or password; they are `ldap.bindDn` and `password`",
        ));
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| unfit(form))?;
    if host.starts_with('[') {
        return Err(unfit("write the name of the host: its certificate is held against it"));
    }
    egress.check_host(host).map_err(|error| unfit(&error.to_string()))
}

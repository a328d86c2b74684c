//! An opened installation: store, master key, services over them.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use delivery::Destinations;
use provisioning::{Provisioner, Tenant, TenantDirectory};
use secrecy::ExposeSecret as _;
use store::{Actor, ActorKind, ChangeContext, Store, StoreOptions};
use token_service::{MasterKey, Options, TokenService, oidc::Provider};
use url::Url;

use crate::settings::{Settings, ensure_dir};

/// Everything that a command or the server works with.
#[derive(Clone)]
pub(crate) struct Installation {
    /// Rows.
    pub(crate) store: Store,
    /// Tenants.
    pub(crate) tenants: TenantDirectory,
    /// Changes.
    pub(crate) provisioner: Provisioner,
    /// Tokens.
    pub(crate) tokens: TokenService,
    /// To whom events are sent.
    pub(crate) destinations: Destinations,
    /// Origin that people and identity providers see.
    pub(crate) public_url: Url,
    /// Where people of the console may sign in beside their password.
    pub(crate) oidc: Option<Provider>,
}

/// Should opening apply pending migrations, and make an embedded database that is not there?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Migrations {
    /// Yes.
    Apply,
    /// Only on the embedded database, which has no one else to do it.
    IfEmbedded,
    /// The same, but the database must be there: whoever asks in the wrong folder shall not get an empty one.
    IfThere,
    /// Never.
    Leave,
}

/// Options of the store.
pub(crate) fn store_options(settings: &Settings) -> StoreOptions {
    let mut options = StoreOptions::new(settings.database_url());
    options.migrate_url.clone_from(&settings.migrate_database_url);
    options.redis_url.clone_from(&settings.redis_url);
    options
}

/// The master key: as set; else, on SQLite, from the data folder. With the former one, if that is set.
pub(crate) fn master_key(settings: &Settings) -> anyhow::Result<MasterKey> {
    match present_master_key(settings)? {
        Some(key) => with_former(settings, key),
        None => Err(missing_key(settings)),
    }
}

/// What to do where the database was sealed under a key that is not there.
pub(crate) fn missing_key(settings: &Settings) -> anyhow::Error {
    anyhow::anyhow!(
        "{} is missing, and secrets in this database are sealed under it: put its copy there, or set ROLLCALL_MASTER_KEY. If \
         there is no copy anywhere, `rollcall key replace --lost-master-key` begins with a new one: every token that was \
         ever issued ends with that",
        settings.data_dir.join("master.key").display()
    )
}

fn with_former(settings: &Settings, key: MasterKey) -> anyhow::Result<MasterKey> {
    match &settings.former_master_key {
        Some(former) => {
            let former = MasterKey::from_base64(former.expose_secret());
            Ok(key.with_former(former.context("ROLLCALL_FORMER_MASTER_KEY")?))
        }
        None => Ok(key),
    }
}

/// `None`: it is to be in the data folder, and is not there.
pub(crate) fn present_master_key(settings: &Settings) -> anyhow::Result<Option<MasterKey>> {
    if let Some(key) = &settings.master_key {
        return MasterKey::from_base64(key.expose_secret()).context("ROLLCALL_MASTER_KEY").map(Some);
    }
    if !settings.is_sqlite() {
        bail!(
            "ROLLCALL_MASTER_KEY is not set. With PostgreSQL it must be given to each node: base64 of 32 random bytes, \
             for example from `openssl rand -base64 32`. Keep a copy: secrets in the database cannot be read without it."
        );
    }
    Ok(MasterKey::read_data_dir(&settings.data_dir)?)
}

/// Is anything in this database sealed already?
pub(crate) async fn is_sealed(store: &Store) -> anyhow::Result<bool> {
    // Keys that sign were sealed under the master key itself once.
    let platform = store.platform();
    Ok(!platform.data_keys().await?.is_empty() || !platform.signing_keys().await?.is_empty())
}

/// The master key of this database. One is made (with a warning) for a database in which nothing is sealed yet; where
/// something is, another key would open none of it.
async fn master_key_of(settings: &Settings, store: &Store) -> anyhow::Result<MasterKey> {
    if present_master_key(settings)?.is_none() && !is_sealed(store).await? {
        make_master_key(settings)?;
    }
    // Another process may have made both meanwhile.
    master_key(settings)
}

/// The master key, which is made in the data folder if it is to be there and is missing, whatever is sealed.
pub(crate) fn make_master_key(settings: &Settings) -> anyhow::Result<MasterKey> {
    if let Some(key) = present_master_key(settings)? {
        return with_former(settings, key);
    }
    ensure_dir(&settings.data_dir)?;
    let (key, made) = MasterKey::from_data_dir(&settings.data_dir)?;
    if made {
        tracing::warn!(
            file = %settings.data_dir.join("master.key").display(),
            "made a master key; keep a copy of it: secrets in the database cannot be read without it"
        );
    }
    with_former(settings, key)
}

/// Is the master key the file in the data folder, which the program itself may change?
pub(crate) fn has_key_file(settings: &Settings) -> bool {
    settings.master_key.is_none() && settings.is_sqlite()
}

/// Opens the store alone, migrated as asked.
pub(crate) async fn open_store(settings: &Settings, migrations: Migrations) -> anyhow::Result<Store> {
    let options = store_options(settings);
    let apply = match migrations {
        Migrations::Apply => true,
        Migrations::IfEmbedded => settings.is_sqlite(),
        Migrations::IfThere => settings.sqlite_file().is_some_and(|file| file.try_exists().unwrap_or(true)),
        Migrations::Leave => false,
    };
    if apply {
        let applied = Store::migrate(&options).await.context("migrations")?;
        if let (count @ 1.., Some(last)) = (applied.len(), applied.last()) {
            tracing::info!(count, last, "migrations applied");
        }
    }
    Ok(Store::open(&options).await?)
}

impl Installation {
    /// Opens the store and the services.
    pub(crate) async fn open(settings: &Settings, migrations: Migrations) -> anyhow::Result<Self> {
        // What was forgotten is told before anything is made.
        present_master_key(settings)?;
        let store = open_store(settings, migrations).await?;
        let key = master_key_of(settings, &store).await?;
        let egress = egress::Client::new(settings.egress_allow.clone().unwrap_or_default());
        let oidc = settings.oidc()?.map(|options| Provider::new(options, egress.clone()));
        let max_lifetime = settings.max_token_lifetime.and_then(|limit| limit.0);
        let options = Options { max_lifetime, egress: egress.clone() };
        let tokens = TokenService::open_with(store.clone(), key, options).await?;
        Ok(Self {
            tenants: TenantDirectory::new(store.clone())
                .with_names(
                    egress::Dns::new(settings.dns_servers.clone().unwrap_or_default()),
                    &settings.public_url(),
                    settings.tenant_domain.as_deref(),
                )
                .with_retention(settings.tenant_retention_days()),
            provisioner: Provisioner::new(store.clone()),
            destinations: Destinations::new(store.clone(), tokens.vault().clone(), egress),
            tokens,
            public_url: settings.public_url(),
            oidc,
            store,
        })
    }

    /// Opens what is there already: no folder, no file and no key is made, and no migration applied.
    pub(crate) async fn open_as_it_is(settings: &Settings) -> anyhow::Result<Self> {
        let is_there = settings.sqlite_file().is_none_or(|file| file.try_exists().unwrap_or(true));
        if is_there && present_master_key(settings)?.is_none() {
            bail!(
                "there is no master key at {}, and nothing is made to look only: put its copy there; in a new installation \
                 `rollcall serve`, or any command that changes something, makes it",
                settings.data_dir.join("master.key").display()
            );
        }
        Self::open(settings, Migrations::Leave).await
    }

    /// A tenant, or an error that says how to list them.
    pub(crate) async fn tenant(&self, slug: &str) -> anyhow::Result<Arc<Tenant>> {
        self.tenants
            .by_slug(slug)
            .await?
            .with_context(|| format!("there is no tenant {slug:?}; `rollcall tenant list` shows all"))
    }
}

/// Who makes the changes of this command.
pub(crate) fn cli_context() -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::Cli, id: String::new(), name: "command line".to_owned() },
        cause: "cli".to_owned(),
    }
}

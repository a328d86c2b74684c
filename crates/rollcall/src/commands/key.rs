//! `rollcall key …`.

use std::process::ExitCode;

use anyhow::bail;
use serde_json::json;
use store::keys::KeyState;
use token_service::{MasterKey, custody, custody::KeyInfo, lost};

use super::output;
use crate::{
    cli::{KEY_CONFIRMATION, Key},
    installation::{self, Installation, Migrations, cli_context},
    settings::Settings,
};

/// Runs one of the key commands.
pub(super) async fn run(settings: &Settings, command: Key) -> anyhow::Result<ExitCode> {
    let open = || Installation::open(settings, Migrations::IfThere);
    match command {
        Key::List { json } => list(&open().await?, settings, json).await?,
        Key::Rotate => rotate(&open().await?).await?,
        Key::Rewrap => rewrap(settings).await?,
        Key::Replace { confirm, .. } => replace(settings, confirm.as_deref()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(installation: &Installation, settings: &Settings, json: bool) -> anyhow::Result<()> {
    let keys = installation.tokens.signing_keys().await?;
    let issuer = installation.tokens.issuer();
    let jwks = settings.public_url().join(".well-known/jwks.json")?;
    if json {
        let keys: Vec<_> = keys.iter().map(key_json).collect();
        return output::json(
            &json!({"issuer": issuer, "audience": issuer, "jwks_uri": jwks.as_str(), "keys": keys}),
        );
    }
    let mut table =
        output::table(&["key", "state", "signs since", "until", "live tokens", "last of them ends by"]);
    for key in &keys {
        table.add_row([
            key.kid.clone(),
            word(key.state).to_owned(),
            output::time(key.active_at),
            output::time(key.retired_at),
            key.live_tokens.to_string(),
            output::time((key.covers_until > 0).then_some(key.covers_until)),
        ]);
    }
    table.show();
    output::line(format_args!("issuer and audience of all tokens: {issuer}"));
    output::line(format_args!("public keys: {jwks}"));
    Ok(())
}

fn key_json(key: &KeyInfo) -> serde_json::Value {
    let time = |millis: Option<i64>| millis.map(scim_core::timestamp::to_rfc3339);
    json!({
        "kid": key.kid,
        "state": word(key.state),
        "created": time(Some(key.created_at)),
        "signs_since": time(key.active_at),
        "signed_until": time(key.retired_at),
        "covers_until": time((key.covers_until > 0).then_some(key.covers_until)),
        "live_tokens": key.live_tokens,
    })
}

fn word(state: KeyState) -> &'static str {
    match state {
        KeyState::Next => "next",
        KeyState::Active => "active",
        KeyState::Retired => "retired",
    }
}

async fn rotate(installation: &Installation) -> anyhow::Result<()> {
    let done = installation.tokens.rotate_keys(None, &cli_context()).await?;
    output::line(format_args!(
        "{} signs now; {} verifies until its last token has ended; {} is next",
        done.active, done.retired, done.next
    ));
    if done.hasty {
        tracing::warn!(
            "{} was published less than {} s ago: who checks tokens with kept keys may refuse its tokens for so long",
            done.active,
            custody::PUBLISHED_FOR
        );
    }
    Ok(())
}

async fn rewrap(settings: &Settings) -> anyhow::Result<()> {
    // Whoever sets the former key means the present one to be the new one, in a file too.
    let changes_file = installation::has_key_file(settings) && settings.former_master_key.is_none();
    let key = match changes_file {
        true => MasterKey::begin_change(&settings.data_dir)?,
        false => installation::master_key(settings)?,
    };
    let store = installation::open_store(settings, Migrations::IfThere).await?;
    let done = custody::rewrap_keys(&store, &key, &cli_context()).await?;
    store.close().await;
    let keys = |count| output::counted(count, "data key");
    if changes_file {
        let kept = MasterKey::complete_change(&settings.data_dir)?;
        output::line(format_args!("{} wrapped by a new master.key", keys(done.all)));
        if let Some(kept) = kept {
            output::line(format_args!(
                "the former one is kept in {}: backups of the database from before need it",
                kept.display()
            ));
        }
    } else if done.changed > 0 {
        output::line(format_args!(
            "{} wrapped by the present master key; ROLLCALL_FORMER_MASTER_KEY is needed no more, but for backups of the \
             database from before",
            keys(done.changed)
        ));
    } else {
        output::line(format_args!("nothing to do: the present master key wraps {}", keys(done.all)));
    }
    Ok(())
}

async fn replace(settings: &Settings, confirm: Option<&str>) -> anyhow::Result<()> {
    if confirm != Some(KEY_CONFIRMATION) {
        bail!(
            "nothing was changed. This makes new keys in the place of those that the lost master key guarded. Every \
             token that was ever issued ends, of all tenants, and each identity provider needs a new one; secrets that \
             were sealed have to be entered anew. User names with passwords, users and groups stay. If there is a copy of \
             the master key anywhere, restore it instead. To go on, add --confirm {}",
            KEY_CONFIRMATION
        );
    }
    let store = installation::open_store(settings, Migrations::IfThere).await?;
    let key = installation::make_master_key(settings)?;
    let done = lost::replace_keys(&store, &key, &cli_context()).await?;
    store.close().await;
    let count = |number: u64, noun| output::counted(usize::try_from(number).unwrap_or(usize::MAX), noun);
    output::line(format_args!(
        "new keys were made; {} of {} ended. Make new ones with `rollcall token create`, and restart servers that run",
        count(done.tokens, "token"),
        count(done.tenants, "tenant")
    ));
    Ok(())
}

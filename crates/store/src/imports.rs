//! Files of users that are being imported: what each is to do, how far it is, and the file itself in parts. Whoever
//! carries one out says so again and again; from whom nothing is heard for [`SILENCE`] has ended.

use sea_orm::QueryResult;
use serde_json::Value;
use uuid::Uuid;

use crate::{ImportId, StoreError, TenantScope, error::unreadable, statement::Sql, tx::TenantTx};

/// After this time without a word, in milliseconds, an import is no longer carried out by anybody.
pub const SILENCE: i64 = 20_000;

/// How long a file is kept that nobody imports, in milliseconds.
pub const FILE_LIFETIME: i64 = 24 * 3_600_000;

/// Imports of a tenant that are kept, the newest.
pub const KEPT: u64 = 30;

/// Files of a tenant that are kept at a time, the newest.
pub const FILES: u64 = 5;

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The file is on its way.
    Arriving,
    /// The file is there.
    Ready,
    /// Each row is being checked.
    Trying,
    /// Each row was checked.
    Tried,
    /// The file is being imported.
    Running,
    /// The file was imported.
    Done,
    /// Somebody stopped it while it was being imported.
    Stopped,
}

impl Stage {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Arriving, "arriving"),
        (Self::Ready, "ready"),
        (Self::Trying, "trying"),
        (Self::Tried, "tried"),
        (Self::Running, "running"),
        (Self::Done, "done"),
        (Self::Stopped, "stopped"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(stage, _)| *stage == self).map_or("", |(_, word)| word)
    }

    fn of(word: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.iter().find(|(_, known)| *known == word);
        found.map(|(stage, _)| *stage).ok_or_else(|| unreadable("imports.stage", "no stage"))
    }
}

/// An import.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportRow {
    /// Id.
    pub id: ImportId,
    /// Name of the file where it came from.
    pub file_name: String,
    /// Its length.
    pub bytes: i64,
    /// Where it stands.
    pub stage: Stage,
    /// What it is to do; JSON of whoever carries it out.
    pub settings: Value,
    /// How far it is; likewise.
    pub progress: Value,
    /// What came of it; likewise.
    pub outcome: Option<Value>,
    /// When it was last heard of, in milliseconds.
    pub beat_at: i64,
    /// Who sent the file.
    pub created_by: String,
    /// Milliseconds.
    pub created_at: i64,
}

impl ImportRow {
    /// Is somebody at it?
    #[must_use]
    pub fn is_carried_out(&self, now: i64) -> bool {
        matches!(self.stage, Stage::Trying | Stage::Running) && now - self.beat_at < SILENCE
    }
}

/// Columns as [`row`] reads them.
const COLUMNS: &str = "SELECT i.id, i.file_name, i.bytes, i.stage, i.settings, i.progress, i.outcome, i.beat_at, \
     i.created_by, i.created_at FROM imports i WHERE i.tenant_id = ?";

impl TenantScope {
    /// Begins an import whose file is on its way. Older files and imports than are kept go.
    pub async fn begin_import(&self, file_name: &str, created_by: &str) -> Result<ImportId, StoreError> {
        let (tx, id) = (self.write().await?, ImportId::generate());
        let mut sql = tx.sql();
        sql.add(
            "INSERT INTO imports (tenant_id, id, file_name, bytes, stage, settings, progress, beat_at, created_by, \
             created_at) VALUES (?, ?, ?, 0, 'arriving', '{}', '{}', ?, ?, ?)",
            [
                tx.tenant_value(),
                id.0.into(),
                file_name.into(),
                tx.now.into(),
                created_by.into(),
                tx.now.into(),
            ],
        );
        tx.run(sql).await?;
        tx.drop_files(FILES).await?;
        let mut sql = tx.sql();
        sql.add("DELETE FROM imports WHERE tenant_id = ? AND id NOT IN ", [tx.tenant_value()]);
        newest(&tx, &mut sql, KEPT).push(" AND NOT EXISTS (SELECT 1 FROM import_parts p ");
        sql.push("WHERE p.tenant_id = imports.tenant_id AND p.import_id = imports.id LIMIT 1)");
        tx.run(sql).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Adds a part of the file, counted from 0.
    pub async fn add_import_part(&self, id: ImportId, number: i32, body: &[u8]) -> Result<(), StoreError> {
        let tx = self.write().await?;
        let mut sql = tx.sql();
        sql.add(
            "INSERT INTO import_parts (tenant_id, import_id, number, body) VALUES (?, ?, ?, ?)",
            [tx.tenant_value(), id.0.into(), number.into(), body.to_vec().into()],
        );
        tx.run(sql).await?;
        let mut sql = tx.sql();
        sql.add(
            "UPDATE imports SET bytes = bytes + ?, beat_at = ? WHERE tenant_id = ? AND id = ?",
            [
                i64::try_from(body.len()).unwrap_or(i64::MAX).into(),
                tx.now.into(),
                tx.tenant_value(),
                id.0.into(),
            ],
        );
        tx.run(sql).await?;
        tx.commit().await
    }

    /// A part of the file; `None` after the last.
    pub async fn import_part(&self, id: ImportId, number: i32) -> Result<Option<Vec<u8>>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(
            "SELECT p.body FROM import_parts p WHERE p.tenant_id = ? AND p.import_id = ? AND p.number = ?",
            [tx.tenant_value(), id.0.into(), number.into()],
        );
        let row = tx.one(sql).await?;
        tx.commit().await?;
        row.map(|row| Ok(row.try_get_by_index(0)?)).transpose()
    }

    /// An import.
    pub async fn import(&self, id: ImportId) -> Result<Option<ImportRow>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(COLUMNS, [tx.tenant_value()]).add(" AND i.id = ?", [id.0.into()]);
        let found = tx.one(sql).await?;
        tx.commit().await?;
        found.as_ref().map(row).transpose()
    }

    /// The imports, newest first.
    pub async fn imports(&self, limit: u64) -> Result<Vec<ImportRow>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(COLUMNS, [tx.tenant_value()]);
        sql.add(" ORDER BY i.id DESC LIMIT ?", [i64::try_from(limit).unwrap_or(i64::MAX).into()]);
        let found = tx.all(sql).await?;
        tx.commit().await?;
        found.iter().map(row).collect()
    }

    /// Moves an import that stands at one of these stages to another one; `false` when it does not stand there, or
    /// somebody is at it. With `worker` it is carried out by that one from now on. An import that was broken off
    /// while it was at a stage stands there still, and may be begun again.
    pub async fn move_import(
        &self,
        id: ImportId,
        from: &[Stage],
        to: Stage,
        settings: Option<&Value>,
        worker: Option<Uuid>,
    ) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let mut sql = tx.sql();
        sql.add(
            "UPDATE imports SET stage = ?, worker = ?, beat_at = ?",
            [to.word().into(), worker.into(), tx.now.into()],
        );
        if let Some(settings) = settings {
            sql.add(", settings = ?", [settings.to_string().into()]);
        }
        if worker.is_some() {
            sql.push(", progress = '{}', outcome = NULL");
        }
        sql.add(" WHERE tenant_id = ? AND id = ? AND stage IN ", [tx.tenant_value(), id.0.into()]);
        sql.texts(from.iter().map(|stage| stage.word()));
        sql.add(" AND (worker IS NULL OR beat_at <= ?)", [(tx.now - SILENCE).into()]);
        let moved = tx.run(sql).await? == 1;
        tx.commit().await?;
        Ok(moved)
    }

    /// Notes how far an import is; `false` when somebody has stopped it, or another one is at it.
    pub async fn beat_import(
        &self,
        id: ImportId,
        worker: Uuid,
        progress: &Value,
    ) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let mut sql = tx.sql();
        sql.add(
            "UPDATE imports SET progress = ?, beat_at = ? WHERE tenant_id = ? AND id = ? AND worker = ?",
            [progress.to_string().into(), tx.now.into(), tx.tenant_value(), id.0.into(), worker.into()],
        );
        let is_ours = tx.run(sql).await? == 1;
        tx.commit().await?;
        Ok(is_ours)
    }

    /// Notes what came of an import, and removes the file where it is no longer needed.
    pub async fn end_import(
        &self,
        id: ImportId,
        worker: Uuid,
        stage: Stage,
        progress: &Value,
        outcome: &Value,
    ) -> Result<(), StoreError> {
        let tx = self.write().await?;
        let mut sql = tx.sql();
        sql.add(
            "UPDATE imports SET stage = ?, progress = ?, outcome = ?, worker = NULL, beat_at = ? \
             WHERE tenant_id = ? AND id = ? AND worker = ?",
            [
                stage.word().into(),
                progress.to_string().into(),
                outcome.to_string().into(),
                tx.now.into(),
                tx.tenant_value(),
                id.0.into(),
                worker.into(),
            ],
        );
        if tx.run(sql).await? == 1 && stage == Stage::Done {
            tx.drop_file(id).await?;
        }
        tx.commit().await
    }

    /// Takes an import from whoever is at it.
    pub async fn stop_import(&self, id: ImportId, from: Stage, to: Stage) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let mut sql = tx.sql();
        sql.add("UPDATE imports SET stage = ?, worker = NULL, beat_at = ? WHERE tenant_id = ? AND id = ? AND stage = ?", [
            to.word().into(),
            tx.now.into(),
            tx.tenant_value(),
            id.0.into(),
            from.word().into(),
        ]);
        let stopped = tx.run(sql).await? == 1;
        tx.commit().await?;
        Ok(stopped)
    }

    /// Removes an import and its file; `false` when there is none, or somebody is at it.
    pub async fn discard_import(&self, id: ImportId) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let idle = |sql: &mut Sql| {
            sql.add(" AND (worker IS NULL OR beat_at <= ?)", [(tx.now - SILENCE).into()]);
        };
        let mut sql = tx.sql();
        sql.add("SELECT id FROM imports WHERE tenant_id = ? AND id = ?", [tx.tenant_value(), id.0.into()]);
        idle(&mut sql);
        let is_there = tx.one(sql).await?.is_some();
        if is_there {
            tx.drop_file(id).await?;
            let mut sql = tx.sql();
            sql.add("DELETE FROM imports WHERE tenant_id = ? AND id = ?", [tx.tenant_value(), id.0.into()]);
            tx.run(sql).await?;
        }
        tx.commit().await?;
        Ok(is_there)
    }

    /// Removes files that are older than [`FILE_LIFETIME`]; gives the number of parts.
    pub async fn forget_import_files(&self) -> Result<u64, StoreError> {
        let tx = self.write().await?;
        let gone = tx.drop_files(FILES).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

impl TenantTx {
    /// Removes the files that are too old or too many, but not of imports that somebody is at.
    async fn drop_files(&self, keep: u64) -> Result<u64, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "DELETE FROM import_parts WHERE tenant_id = ? AND import_id IN (SELECT i.id FROM imports i \
             WHERE i.tenant_id = ? AND (i.worker IS NULL OR i.beat_at <= ?) AND (i.created_at <= ? OR i.id NOT IN ",
            [
                self.tenant_value(),
                self.tenant_value(),
                (self.now - SILENCE).into(),
                (self.now - FILE_LIFETIME).into(),
            ],
        );
        newest(self, &mut sql, keep).push("))");
        self.run(sql).await
    }

    async fn drop_file(&self, id: ImportId) -> Result<(), StoreError> {
        let mut sql = self.sql();
        sql.add(
            "DELETE FROM import_parts WHERE tenant_id = ? AND import_id = ?",
            [self.tenant_value(), id.0.into()],
        );
        self.run(sql).await?;
        Ok(())
    }
}

/// Appends a subquery of the newest imports.
fn newest<'s>(tx: &TenantTx, sql: &'s mut Sql, count: u64) -> &'s mut Sql {
    sql.add(
        "(SELECT n.id FROM imports n WHERE n.tenant_id = ? ORDER BY n.id DESC LIMIT ?)",
        [tx.tenant_value(), i64::try_from(count).unwrap_or(i64::MAX).into()],
    )
}

fn row(row: &QueryResult) -> Result<ImportRow, StoreError> {
    let json = |column: &'static str, text: String| {
        serde_json::from_str(&text).map_err(|error| unreadable(column, error))
    };
    let stage: String = row.try_get_by_index(3)?;
    let outcome: Option<String> = row.try_get_by_index(6)?;
    Ok(ImportRow {
        id: ImportId(row.try_get_by_index(0)?),
        file_name: row.try_get_by_index(1)?,
        bytes: row.try_get_by_index(2)?,
        stage: Stage::of(&stage)?,
        settings: json("imports.settings", row.try_get_by_index(4)?)?,
        progress: json("imports.progress", row.try_get_by_index(5)?)?,
        outcome: outcome.map(|text| json("imports.outcome", text)).transpose()?,
        beat_at: row.try_get_by_index(7)?,
        created_by: row.try_get_by_index(8)?,
        created_at: row.try_get_by_index(9)?,
    })
}

//! Rows that could not be taken over: looked at again, or thrown away.

use super::SyncDesk;
use super::desk::DeskError;
use super::record::Origin;
use super::view::QuarantineView;
use crate::connectors::onepos::read_row;
use crate::store::{Filer, PbxSource, Quarantined, Released, Verdict};
use serde_json::{Value, json};

/// Rows looked at in one transaction.
const LOT: u64 = 200;

impl SyncDesk {
    /// One row in quarantine.
    ///
    /// # Errors
    /// [`DeskError::NotFound`], or when the store cannot answer.
    pub async fn quarantined(&self, id: i64) -> Result<QuarantineView, DeskError> {
        let row = self.office.ask(move |book| book.quarantined(id)).await?;
        row.map(|row| self.quarantine_view(row))
            .ok_or(DeskError::NotFound)
    }

    /// The highest id among the rows of a source; 0 when there is none.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn newest_quarantined(&self, source: &str) -> Result<i64, DeskError> {
        let source = source.to_owned();
        self.office
            .ask(move |book| book.newest_quarantined(&source))
            .await
    }

    /// Looks at one row again: a later version of the box may understand what this one was quarantined for.
    ///
    /// # Errors
    /// [`DeskError::NotFound`] for the row or its source, or when the store cannot answer.
    pub async fn retry(&self, id: i64, author: &str) -> Result<Released, DeskError> {
        let row = self.office.ask(move |book| book.quarantined(id)).await?;
        let row = row.ok_or(DeskError::NotFound)?;
        let (source, _) = self.office.source(&row.source).await?;
        let released = self.release(&source, vec![row]).await?;
        let change = json!({ "quarantine": { "tried_again": 1, "taken_over": released.taken_over } });
        self.note(&source.id, author, &change).await?;
        Ok(released)
    }

    /// Looks at every row of a source again.
    ///
    /// # Errors
    /// [`DeskError::NotFound`] for the source, or when the store cannot answer; what was taken over by then stays.
    pub async fn retry_all(&self, source: &str, author: &str) -> Result<Released, DeskError> {
        let (source, _) = self.office.source(source).await?;
        let mut all = Released::default();
        let mut after = i64::MIN;
        loop {
            let id = source.id.clone();
            let rows = self
                .office
                .ask(move |book| book.quarantined_after(&id, after, LOT))
                .await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            let released = self.release(&source, rows).await?;
            all.taken_over += released.taken_over;
            all.known += released.known;
            all.linked += released.linked;
            all.kept += released.kept;
        }
        let tried = all.taken_over + all.known + all.kept;
        let change = json!({ "quarantine": { "tried_again": tried, "taken_over": all.taken_over } });
        self.note(&source.id, author, &change).await?;
        Ok(all)
    }

    /// Throws one row away.
    ///
    /// # Errors
    /// [`DeskError::NotFound`], or when the store cannot answer.
    pub async fn discard(&self, id: i64, author: &str) -> Result<(), DeskError> {
        let row = self.office.ask(move |book| book.quarantined(id)).await?;
        let row = row.ok_or(DeskError::NotFound)?;
        self.office.ask(move |book| book.discard(id)).await?;
        let change = json!({ "quarantine": { "thrown_away": 1, "external_id": row.external_id } });
        self.note(&row.source, author, &change).await
    }

    /// Throws every row of a source away up to `up_to`, the newest that somebody has seen. Answers how many.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn discard_all(&self, source: &str, up_to: i64, author: &str) -> Result<usize, DeskError> {
        let id = source.to_owned();
        let gone = self.office.ask(move |book| book.discard_all(&id, up_to)).await?;
        let change = json!({ "quarantine": { "thrown_away": gone } });
        self.note(source, author, &change).await?;
        Ok(gone)
    }

    pub(super) fn quarantine_view(&self, row: Quarantined) -> QuarantineView {
        QuarantineView {
            id: row.id,
            source_id: row.source,
            log_id: row.log,
            external_id: row.external_id,
            reason: row.reason,
            raw: serde_json::from_str(&row.raw).unwrap_or_default(),
            times: row.times,
            first_at: self.office.stamp(row.first_ms),
            last_at: self.office.stamp(row.last_ms),
        }
    }

    async fn release(&self, source: &PbxSource, rows: Vec<Quarantined>) -> Result<Released, DeskError> {
        let origin = Origin {
            source: source.id.clone(),
            name: source.name.clone(),
            site: self.office.site.clone(),
            zone: self.office.zone.clone(),
        };
        let key = source.api_key.expose();
        let verdicts: Vec<(i64, Verdict)> = rows
            .into_iter()
            .map(|row| (row.id, second_look(&origin, &row.raw, key)))
            .collect();
        let filer = Filer {
            source: origin.source,
            source_name: origin.name,
            site: origin.site,
        };
        self.office.ask(move |book| book.release(filer, verdicts)).await
    }

    async fn note(&self, source: &str, author: &str, change: &Value) -> Result<(), DeskError> {
        let (source, author, change) = (source.to_owned(), author.to_owned(), change.to_string());
        self.office
            .ask(move |book| book.note(&source, &author, &change))
            .await
    }
}

/// Reads what was kept of a row as if it came from the PBX now.
fn second_look(origin: &Origin, raw: &str, key: &str) -> Verdict {
    let Ok(value) = serde_json::from_str::<Value>(raw) else {
        return Verdict::StillNone("what was kept of it cannot be read".to_owned());
    };
    if value.get("_cut").is_some() {
        // What is missing might be what makes it a different call.
        return Verdict::StillNone("only a part of it was kept; fetch its time again".to_owned());
    }
    match read_row(as_it_came(&value), key) {
        Ok(row) => Verdict::Call(Box::new(origin.fetched(row))),
        Err(bad) => Verdict::StillNone(bad.reason),
    }
}

/// What came as no object was kept as `{"value": …}`.
fn as_it_came(value: &Value) -> &Value {
    match value.as_object() {
        Some(fields) if fields.len() == 1 => fields.get("value").unwrap_or(value),
        Some(_) | None => value,
    }
}

use crate::store::accounts::{NewSession, NewToken, PersonChange, Session, Token, User};
use rusqlite::{Connection, OptionalExtension, Row, params};

const USERS: &str = "SELECT name, password_hash, role, created_ms, seen_ms FROM users ORDER BY name";
const USER: &str = "SELECT name, password_hash, role, created_ms, seen_ms FROM users WHERE name = ?1";

const SESSIONS: &str = "
    SELECT s.hash, s.user, u.role, s.created_ms, s.expires_ms, s.seen_ms, s.from_address, s.browser
    FROM sessions s JOIN users u ON u.name = s.user
    WHERE s.expires_ms > ?1 AND (?2 IS NULL OR s.user = ?2) ORDER BY s.created_ms DESC, s.hash";
const SESSION: &str = "
    SELECT s.hash, s.user, u.role, s.created_ms, s.expires_ms, s.seen_ms, s.from_address, s.browser
    FROM sessions s JOIN users u ON u.name = s.user
    WHERE s.hash = ?1 AND s.expires_ms > ?2";

const TOKENS: &str = "
    SELECT id, name, scopes, created_ms, expires_ms, revoked_ms, last_used_ms, made_by
    FROM tokens ORDER BY created_ms DESC, id";
const TOKEN: &str = "
    SELECT id, name, scopes, created_ms, expires_ms, revoked_ms, last_used_ms, made_by
    FROM tokens WHERE hash = ?1 AND revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > ?2)";

/// Everybody who may log in, by name.
pub(in crate::store) fn users(connection: &Connection) -> Result<Vec<User>, rusqlite::Error> {
    connection.prepare_cached(USERS)?.query_map([], user)?.collect()
}

/// One person.
pub(in crate::store) fn find(connection: &Connection, name: &str) -> Result<Option<User>, rusqlite::Error> {
    connection
        .prepare_cached(USER)?
        .query_row([name], user)
        .optional()
}

/// False when the name is taken.
pub(in crate::store) fn insert(connection: &Connection, user: &User) -> Result<bool, rusqlite::Error> {
    let added = connection.execute(
        "INSERT OR IGNORE INTO users (name, password_hash, role, created_ms) VALUES (?1, ?2, ?3, ?4)",
        params![user.name, user.password_hash, user.role, user.created_ms],
    )?;
    Ok(added == 1)
}

/// A new password ends the person's sessions, one excepted; false when there is no such person.
pub(in crate::store) fn set_password(
    connection: &Connection,
    name: &str,
    password_hash: &str,
    kept_session: Option<&str>,
) -> Result<bool, rusqlite::Error> {
    end_sessions(connection, name, kept_session)?;
    let sql = "UPDATE users SET password_hash = ?2 WHERE name = ?1";
    Ok(connection.execute(sql, params![name, password_hash])? == 1)
}

/// Gives somebody another role.
pub(in crate::store) fn set_role(
    connection: &Connection,
    name: &str,
    role: &str,
    needed: &str,
) -> Result<PersonChange, rusqlite::Error> {
    let Some(user) = find(connection, name)? else {
        return Ok(PersonChange::Unknown);
    };
    if user.role == needed && role != needed && is_last(connection, needed)? {
        return Ok(PersonChange::LastOfRole);
    }
    connection.execute("UPDATE users SET role = ?2 WHERE name = ?1", params![name, role])?;
    Ok(PersonChange::Done)
}

/// Removes an account with its sessions.
pub(in crate::store) fn remove(
    connection: &Connection,
    name: &str,
    needed: Option<&str>,
) -> Result<PersonChange, rusqlite::Error> {
    let Some(user) = find(connection, name)? else {
        return Ok(PersonChange::Unknown);
    };
    if let Some(needed) = needed.filter(|needed| user.role == *needed)
        && is_last(connection, needed)?
    {
        return Ok(PersonChange::LastOfRole);
    }
    end_sessions(connection, name, None)?;
    connection.execute("DELETE FROM users WHERE name = ?1", params![name])?;
    Ok(PersonChange::Done)
}

fn is_last(connection: &Connection, role: &str) -> Result<bool, rusqlite::Error> {
    let count: i64 = connection.query_row("SELECT count(*) FROM users WHERE role = ?1", [role], |row| {
        row.get(0)
    })?;
    Ok(count <= 1)
}

/// Somebody has logged in.
pub(in crate::store) fn note_log_in(
    connection: &Connection,
    name: &str,
    now: i64,
) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE users SET seen_ms = ?2 WHERE name = ?1";
    connection.execute(sql, params![name, now]).map(|_changed| ())
}

/// Begins a session; those that have ended go.
pub(in crate::store) fn open_session(
    connection: &Connection,
    session: &NewSession,
    now: i64,
) -> Result<(), rusqlite::Error> {
    connection.execute("DELETE FROM sessions WHERE expires_ms <= ?1", params![now])?;
    connection.execute(
        "INSERT OR REPLACE INTO sessions (hash, user, created_ms, expires_ms, seen_ms, from_address, browser)
         VALUES (?1, ?2, ?3, ?4, ?3, ?5, ?6)",
        params![
            session.cookie_hash,
            session.user,
            now,
            session.expires_ms,
            session.from,
            session.browser
        ],
    )?;
    Ok(())
}

/// Sessions that hold: all of them, or those of one person; the latest first.
pub(in crate::store) fn sessions(
    connection: &Connection,
    of: Option<&str>,
    now: i64,
) -> Result<Vec<Session>, rusqlite::Error> {
    let mut select = connection.prepare_cached(SESSIONS)?;
    select.query_map(params![now, of], session)?.collect()
}

/// The session of a cookie, while it holds and its person exists.
pub(in crate::store) fn session_of(
    connection: &Connection,
    cookie_hash: &str,
    now: i64,
) -> Result<Option<Session>, rusqlite::Error> {
    let mut select = connection.prepare_cached(SESSION)?;
    select.query_row(params![cookie_hash, now], session).optional()
}

/// A session was used: it holds longer.
pub(in crate::store) fn prolong(
    connection: &Connection,
    cookie_hash: &str,
    now: i64,
    expires_ms: i64,
) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE sessions SET seen_ms = ?2, expires_ms = ?3 WHERE hash = ?1";
    connection
        .execute(sql, params![cookie_hash, now, expires_ms])
        .map(|_changed| ())
}

/// Ends a session; false when there is none.
pub(in crate::store) fn end_session(
    connection: &Connection,
    cookie_hash: &str,
) -> Result<bool, rusqlite::Error> {
    let sql = "DELETE FROM sessions WHERE hash = ?1";
    Ok(connection.execute(sql, params![cookie_hash])? == 1)
}

fn end_sessions(connection: &Connection, user: &str, kept: Option<&str>) -> Result<(), rusqlite::Error> {
    let sql = "DELETE FROM sessions WHERE user = ?1 AND (?2 IS NULL OR hash <> ?2)";
    connection.execute(sql, params![user, kept]).map(|_gone| ())
}

/// False when its id or hash exists already.
pub(in crate::store) fn insert_token(
    connection: &Connection,
    token: &NewToken,
    now: i64,
) -> Result<bool, rusqlite::Error> {
    let added = connection.execute(
        "INSERT OR IGNORE INTO tokens (id, name, hash, scopes, created_ms, expires_ms, made_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            token.id,
            token.name,
            token.hash,
            token.scopes,
            now,
            token.expires_ms,
            token.made_by
        ],
    )?;
    Ok(added == 1)
}

/// Every token ever made, newest first.
pub(in crate::store) fn tokens(connection: &Connection) -> Result<Vec<Token>, rusqlite::Error> {
    connection.prepare(TOKENS)?.query_map([], token)?.collect()
}

/// The token with this hash, while it holds.
pub(in crate::store) fn token_of(
    connection: &Connection,
    hash: &str,
    now: i64,
) -> Result<Option<Token>, rusqlite::Error> {
    let mut select = connection.prepare_cached(TOKEN)?;
    select.query_row(params![hash, now], token).optional()
}

/// A token was used.
pub(in crate::store) fn note_use(connection: &Connection, id: &str, now: i64) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE tokens SET last_used_ms = ?2 WHERE id = ?1";
    connection.execute(sql, params![id, now]).map(|_changed| ())
}

/// Revokes a token; false when there is none of this id.
pub(in crate::store) fn revoke(connection: &Connection, id: &str, now: i64) -> Result<bool, rusqlite::Error> {
    let sql = "UPDATE tokens SET revoked_ms = ifnull(revoked_ms, ?2) WHERE id = ?1";
    Ok(connection.execute(sql, params![id, now])? == 1)
}

fn user(row: &Row<'_>) -> Result<User, rusqlite::Error> {
    Ok(User {
        name: row.get(0)?,
        password_hash: row.get(1)?,
        role: row.get(2)?,
        created_ms: row.get(3)?,
        seen_ms: row.get(4)?,
    })
}

fn session(row: &Row<'_>) -> Result<Session, rusqlite::Error> {
    Ok(Session {
        cookie_hash: row.get(0)?,
        user: row.get(1)?,
        role: row.get(2)?,
        created_ms: row.get(3)?,
        expires_ms: row.get(4)?,
        seen_ms: row.get(5)?,
        from: row.get(6)?,
        browser: row.get(7)?,
    })
}

fn token(row: &Row<'_>) -> Result<Token, rusqlite::Error> {
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        scopes: row.get(2)?,
        created_ms: row.get(3)?,
        expires_ms: row.get(4)?,
        revoked_ms: row.get(5)?,
        last_used_ms: row.get(6)?,
        made_by: row.get(7)?,
    })
}

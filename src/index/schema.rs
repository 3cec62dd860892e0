//! The tables of the catalogue.

use crate::index::database::Layout;

/// The catalogue's file. A change of the schema is a new version, and every machine's file is
/// then built again from the store.
///
/// `names` has every session there ever was, so that a deleted one can be found, with the commit that
/// brought it first, whose author is the session's; `sessions` what
/// lists filter and sort by, in narrow rows; `heads` the rest, with the tree that each session is in. An index for each order lets a page be
/// read without the rows before it; it has all that an unfiltered list asks of these. The first of
/// them knows workspaces and repositories too: the latest sessions of one are found without reading the rows of
/// the others. `texts` has a row a message and one a head, `searched` and `chunks` say how far it is
/// (`texts.rs`). `tallies` says what was said when, and with which model (`tallies.rs`).
pub(super) const LAYOUT: Layout = Layout {
    name: "index.db",
    version: 10,
    schema: "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE names (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    reversed TEXT NOT NULL,
    native TEXT COLLATE NOCASE,
    is_deleted INTEGER NOT NULL,
    begun INTEGER
);
CREATE INDEX names_by_end ON names (reversed);
CREATE INDEX names_by_native ON names (native);
CREATE TABLE sessions (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    agent TEXT NOT NULL,
    title TEXT,
    created INTEGER,
    modified INTEGER,
    messages INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    size INTEGER NOT NULL,
    workspace TEXT,
    repository TEXT,
    branch TEXT,
    parent TEXT
);
CREATE INDEX sessions_by_modified ON sessions (modified DESC, id, parent, workspace, repository);
CREATE INDEX sessions_by_created ON sessions (created DESC, id, parent);
CREATE INDEX sessions_by_messages ON sessions (messages DESC, id, parent);
CREATE INDEX sessions_by_tokens ON sessions (tokens DESC, id, parent);
CREATE INDEX sessions_by_size ON sessions (size DESC, id, parent);
CREATE INDEX sessions_by_title ON sessions (title, id, parent);
CREATE INDEX sessions_by_parent ON sessions (parent) WHERE parent IS NOT NULL;
CREATE TABLE heads (
    key INTEGER PRIMARY KEY, head TEXT NOT NULL, damaged TEXT, tree TEXT NOT NULL
);
CREATE TABLE models (key INTEGER, folded TEXT, PRIMARY KEY (key, folded)) WITHOUT ROWID;
CREATE TABLE tags (key INTEGER, tag TEXT, PRIMARY KEY (key, tag)) WITHOUT ROWID;
CREATE TABLE commits (
    number INTEGER PRIMARY KEY,
    revision TEXT NOT NULL,
    at INTEGER NOT NULL,
    operation TEXT NOT NULL,
    author INTEGER
);
CREATE INDEX commits_by_revision ON commits (revision);
CREATE TABLE authors (key INTEGER PRIMARY KEY, author TEXT NOT NULL UNIQUE, folded TEXT NOT NULL);
CREATE TABLE revisions (
    key INTEGER,
    number INTEGER,
    is_deleted INTEGER NOT NULL,
    counts TEXT,
    PRIMARY KEY (key, number)
) WITHOUT ROWID;
CREATE TABLE folds (id TEXT PRIMARY KEY, tree TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE texts USING fts5(
    about, talk, tools, content='', contentless_delete=1, tokenize='ascii'
);
CREATE TABLE tallies (
    key INTEGER,
    quarter INTEGER,
    model TEXT,
    messages INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    PRIMARY KEY (key, quarter, model)
) WITHOUT ROWID;
CREATE TABLE searched (
    key INTEGER PRIMARY KEY,
    tree TEXT NOT NULL,
    is_whole INTEGER NOT NULL,
    about INTEGER NOT NULL
);
CREATE TABLE chunks (
    key INTEGER,
    number INTEGER,
    blob TEXT NOT NULL,
    records INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    print INTEGER NOT NULL,
    PRIMARY KEY (key, number)
) WITHOUT ROWID;
",
};

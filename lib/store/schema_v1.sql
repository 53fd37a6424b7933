-- SPDX-FileCopyrightText: 2026 the libfeedback authors
-- SPDX-License-Identifier: Apache-2.0
--
-- Schema version 1. One section a module; only that module's SQL touches its tables.

-- store/ ---------------------------------------------------------------------
-- Settings of the store: currency, time zone, prices with tax or net, ….
CREATE TABLE fbk_meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One counter a kind of thing that can change (fbk__kind).
CREATE TABLE fbk_generation (
    kind INTEGER NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

-- Large values in chunks of at most 1 MiB, with the XXH3-64 of each.
CREATE TABLE fbk_blob (
    owner TEXT NOT NULL,
    id INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (owner, id, chunk)
) STRICT;

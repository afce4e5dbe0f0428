-- A recording is of one communication session (CS); those of one conversation find each other by keys:
-- the CS, its group, the SIP Session-IDs of its dialogs, call ids of a vendor's. Two conversations
-- that turn out to share a key become one.

ALTER TABLE recordings ADD COLUMN communication_session text NOT NULL DEFAULT '';

ALTER TABLE recording_index ADD COLUMN conversation_id uuid;
CREATE INDEX recording_index_conversation ON recording_index (conversation_id)
    WHERE conversation_id IS NOT NULL;

CREATE TABLE conversation_keys (
    key             text PRIMARY KEY,
    conversation_id uuid NOT NULL
);

CREATE INDEX conversation_keys_conversation ON conversation_keys (conversation_id);

-- By the server's clock, and within the recording: SRC clocks go wrong.
ALTER TABLE associations ADD COLUMN noted_from timestamptz;
ALTER TABLE associations ADD COLUMN noted_until timestamptz;

-- Who sent a track, from when to when.
CREATE TABLE track_owners (
    recording_id       uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position           integer NOT NULL,
    track_id           uuid NOT NULL,
    participant_src_id text NOT NULL,
    stream_src_id      text NOT NULL,
    started_at         timestamptz NOT NULL,
    ended_at           timestamptz,
    guess              boolean NOT NULL,
    PRIMARY KEY (recording_id, position)
);

-- Parts of captures in which no CS was on record: of no recording, and kept.
CREATE TABLE session_captures (
    recording_session_id uuid NOT NULL,
    part                 integer NOT NULL,
    ended_at             timestamptz NOT NULL,
    path                 text NOT NULL,
    bytes                bigint NOT NULL,
    sha256               text NOT NULL,
    PRIMARY KEY (recording_session_id, part)
);

-- The catalogue: an index of what the capture files hold. Times are timestamptz, in UTC; what an SRC
-- wrote beyond RFC 7865 is kept as JSONB beside the element that carried it.

CREATE TABLE recording_sessions (
    id             uuid PRIMARY KEY,
    call_id        text  NOT NULL,
    src_uri        text  NOT NULL,
    src_address    text  NOT NULL,
    src_user_agent text  NOT NULL,
    to_uri         text  NOT NULL,
    headers        jsonb NOT NULL
);

CREATE INDEX recording_sessions_call_id ON recording_sessions (call_id);

-- Partitioned tables have no unique key without the partition key: this small table makes ids
-- unique, says in which month a recording lies, and is what everything else hangs on.
CREATE TABLE recording_index (
    id         uuid PRIMARY KEY,
    started_at timestamptz NOT NULL
);

CREATE TABLE recordings (
    id                   uuid NOT NULL,
    started_at           timestamptz NOT NULL,
    ended_at             timestamptz,
    recording_session_id uuid NOT NULL REFERENCES recording_sessions (id),
    state                text NOT NULL,
    duration_s           double precision NOT NULL,
    direction            text NOT NULL,
    end_cause            text NOT NULL,
    end_reason           text NOT NULL,
    verdict              text NOT NULL,
    reasons              jsonb NOT NULL,
    extension            jsonb NOT NULL,
    PRIMARY KEY (id, started_at)
) PARTITION BY RANGE (started_at);

CREATE TABLE recordings_default PARTITION OF recordings DEFAULT;

CREATE INDEX recordings_newest ON recordings (started_at DESC, id DESC);
CREATE INDEX recordings_session ON recordings (recording_session_id);
CREATE INDEX recordings_unfinished ON recordings (state) WHERE state <> 'stored';

-- Makes the partition of the month (UTC) in which `moment` lies, unless it is there. Rows of that
-- month that went into the default partition move.
CREATE FUNCTION ensure_partition(moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    month timestamp := date_trunc('month', moment AT TIME ZONE 'UTC');
    partition_name text := 'recordings_' || to_char(month, 'YYYY_MM');
    low timestamptz := month AT TIME ZONE 'UTC';
    high timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(partition_name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('siprec'), hashtext('partitions'));
    IF to_regclass(partition_name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE recordings INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                   partition_name);
    EXECUTE format('WITH moved AS (DELETE FROM recordings_default'
                   ' WHERE started_at >= %L AND started_at < %L RETURNING *)'
                   ' INSERT INTO %I SELECT * FROM moved', low, high, partition_name);
    EXECUTE format('ALTER TABLE recordings ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   partition_name, low, high);
END
$$;

-- `position` keeps the order in which the archive wing listed things.

CREATE TABLE cs_groups (
    recording_id     uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position         integer NOT NULL,
    src_id           text NOT NULL,
    associated_at    timestamptz,
    disassociated_at timestamptz,
    extension        jsonb NOT NULL,
    PRIMARY KEY (recording_id, position)
);

CREATE TABLE communication_sessions (
    recording_id    uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position        integer NOT NULL,
    src_id          text NOT NULL,
    group_src_id    text NOT NULL,
    sip_session_ids jsonb NOT NULL,
    started_at      timestamptz,
    stopped_at      timestamptz,
    extension       jsonb NOT NULL,
    PRIMARY KEY (recording_id, position)
);

CREATE INDEX communication_sessions_src_id ON communication_sessions (src_id);

CREATE TABLE participants (
    recording_id uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position     integer NOT NULL,
    src_id       text NOT NULL,
    number       text NOT NULL,
    extension    jsonb NOT NULL,
    PRIMARY KEY (recording_id, position)
);

CREATE TABLE participant_names (
    recording_id         uuid NOT NULL,
    participant_position integer NOT NULL,
    position             integer NOT NULL,
    aor                  text NOT NULL,
    name                 text NOT NULL,
    PRIMARY KEY (recording_id, participant_position, position),
    FOREIGN KEY (recording_id, participant_position)
        REFERENCES participants (recording_id, position) ON DELETE CASCADE
);

-- Media streams on record.
CREATE TABLE tracks (
    recording_id    uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position        integer NOT NULL,
    id              uuid NOT NULL,
    media_index     integer NOT NULL,
    stream_src_id   text NOT NULL,
    label           text NOT NULL,
    media_type      text NOT NULL,
    codec           text NOT NULL,
    channel         integer,
    packets         bigint NOT NULL,
    bytes           bigint NOT NULL,
    lost            bigint NOT NULL,
    duplicates      bigint NOT NULL,
    ssrc_changes    bigint NOT NULL,
    first_packet_at timestamptz,
    last_packet_at  timestamptz,
    PRIMARY KEY (recording_id, position)
);

-- Who was in which communication session, or sent which stream, from when to when.
CREATE TABLE associations (
    recording_id       uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position           integer NOT NULL,
    participant_src_id text NOT NULL,
    session_src_id     text NOT NULL,
    stream_src_id      text NOT NULL,
    associated_at      timestamptz NOT NULL,
    disassociated_at   timestamptz,
    estimated          boolean NOT NULL,
    guess              boolean NOT NULL,
    PRIMARY KEY (recording_id, position)
);

CREATE TABLE segments (
    recording_id uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position     integer NOT NULL,
    track_id     uuid NOT NULL,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    PRIMARY KEY (recording_id, position)
);

CREATE TABLE artefacts (
    recording_id uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position     integer NOT NULL,
    kind         text NOT NULL,
    path         text NOT NULL,
    media_type   text NOT NULL,
    bytes        bigint NOT NULL,
    sha256       text NOT NULL,
    PRIMARY KEY (recording_id, position)
);

CREATE TABLE metadata_documents (
    recording_id uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position     integer NOT NULL,
    received_at  timestamptz NOT NULL,
    method       text NOT NULL,
    content_type text NOT NULL,
    document     bytea NOT NULL,
    usable       boolean NOT NULL,
    findings     jsonb NOT NULL,
    PRIMARY KEY (recording_id, position)
);

CREATE TABLE telephone_events (
    recording_id uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position     integer NOT NULL,
    track_id     uuid NOT NULL,
    digit        text NOT NULL,
    offset_s     double precision NOT NULL,
    duration_s   double precision NOT NULL,
    PRIMARY KEY (recording_id, position)
);

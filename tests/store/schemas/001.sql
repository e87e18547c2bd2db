-- A database of version 1 with one chat: never edited once version 1 is released.
PRAGMA journal_mode = WAL;
BEGIN TRANSACTION;
CREATE TABLE checkpoints (
        id INTEGER PRIMARY KEY,
        message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        ids BLOB NOT NULL
    ) STRICT
    ;
INSERT INTO "checkpoints" VALUES(1,13,'reasoning','','Let',X'04000000');
INSERT INTO "checkpoints" VALUES(2,13,'reasoning','',' me',X'05000000');
CREATE TABLE generations (
        message_id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
        model TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        sampling TEXT NOT NULL,
        seed ANY,
        thinking_budget INTEGER,
        prompt_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        restored_tokens INTEGER NOT NULL,
        restore_seconds REAL NOT NULL,
        fixed_chunk INTEGER NOT NULL,
        passes INTEGER NOT NULL,
        reasoning_tokens INTEGER NOT NULL,
        answer_tokens INTEGER NOT NULL,
        queue_seconds REAL NOT NULL,
        prefill_seconds REAL NOT NULL,
        reasoning_seconds REAL NOT NULL,
        answer_seconds REAL NOT NULL,
        "end" TEXT,
        thought_end TEXT,
        failure TEXT
    ) STRICT
    ;
INSERT INTO "generations" VALUES(12,'Magistral','sha256:00','{"temperature":0.7,"top_p":0.95,"min_p":0.0,"top_k":0,"repetition_penalty":1.0,"presence_penalty":0.0,"frequency_penalty":0.0,"stop":["Q:"],"seed":7}',7,NULL,20,5,4,0.125,0,5,3,2,0.0,0.0,0.5,0.0,'turn','itself',NULL);
CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        parent_id INTEGER REFERENCES messages (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        state TEXT NOT NULL,
        created REAL NOT NULL,
        owner_pid INTEGER,
        owner_started REAL,
        owner_role TEXT,
        CHECK ((state = 'running') = (owner_pid IS NOT NULL AND owner_started IS NOT NULL))
    ) STRICT
    ;
INSERT INTO "messages" VALUES(11,10,NULL,'user','done',1.5,NULL,NULL,NULL);
INSERT INTO "messages" VALUES(12,10,11,'assistant','done',1.5,NULL,NULL,NULL);
INSERT INTO "messages" VALUES(13,10,11,'assistant','running',2.5,4321,1.25,'desktop');
CREATE TABLE parts (
        message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        ids BLOB NOT NULL,
        PRIMARY KEY (message_id, position)
    ) STRICT
    ;
INSERT INTO "parts" VALUES(11,0,'document','page.txt','A page.',X'');
INSERT INTO "parts" VALUES(11,1,'text','','What is 7 times 8?',X'');
INSERT INTO "parts" VALUES(12,0,'reasoning','','Seven eights…',X'220000000100000002000000');
INSERT INTO "parts" VALUES(12,1,'text','','56',X'2300000003000000');
CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        title TEXT NOT NULL,
        created REAL NOT NULL,
        updated REAL NOT NULL,
        thinking_budget INTEGER,
        keep_thoughts INTEGER
    ) STRICT
    ;
INSERT INTO "sessions" VALUES(10,'Seven times eight',1.5,2.5,400,1);
CREATE INDEX messages_by_session ON messages (session_id);
CREATE INDEX messages_by_parent ON messages (parent_id);
CREATE INDEX messages_running ON messages (state) WHERE state = 'running';
CREATE INDEX checkpoints_by_message ON checkpoints (message_id);
COMMIT;
PRAGMA user_version = 1;

-- INS-1002: what somebody checked in with, and where, if the person said so.
ALTER TABLE checkins ADD COLUMN device {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE checkins ADD COLUMN position {{.JSON}};

-- What a proof of arrival is about: the notice, or the word that an opinion is
-- due (INS-933).
ALTER TABLE services ADD COLUMN about {{.ID}} NOT NULL DEFAULT 'notice';
-- An opinion counts once it is signed (INS-1008); a deferral has its ground
-- (INS-1010).
ALTER TABLE opinions ADD COLUMN ground {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE opinions ADD COLUMN signed_at {{.Time}};
UPDATE opinions SET signed_at = given_at;
-- The visit whose open items this one looks at again (INS-1109).
ALTER TABLE visits ADD COLUMN revisit_of {{.ID}} NOT NULL DEFAULT '';

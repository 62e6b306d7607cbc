-- INS-1012: that the applicant signed the record of a visit, or refused to and before
-- whom.
ALTER TABLE visits ADD COLUMN signed_record {{.JSON}};

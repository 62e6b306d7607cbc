-- DEL-204: a matter whose results may only be collected at the window. Each
-- result that is owed keeps the word of the matter it was taken in under, and so
-- does the row of its applicant, who may ask before anything is owed.
ALTER TABLE matters ADD COLUMN window_only {{.Bool}} NOT NULL DEFAULT false;
ALTER TABLE result_lines ADD COLUMN window_only {{.Bool}} NOT NULL DEFAULT false;
ALTER TABLE applicants ADD COLUMN window_only {{.Bool}} NOT NULL DEFAULT false;

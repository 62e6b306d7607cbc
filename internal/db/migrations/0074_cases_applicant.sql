-- Whether an applicant has handed a material in before is asked with every one
-- (DEL-934): by centre and name.
CREATE INDEX cases_by_applicant ON cases (centre_id, applicant_name);

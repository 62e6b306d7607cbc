-- INS-1014: when the window called the roll of a joint review; who is signed in
-- elsewhere and answers it is present.
ALTER TABLE visits ADD COLUMN roll_called_at {{.Time}};

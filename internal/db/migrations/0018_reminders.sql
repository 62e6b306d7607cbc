-- Departments that owe a result are reminded by themselves (DEL-305): remind_at
-- is when the sweep looks again, nudges how often it has.
ALTER TABLE result_lines ADD COLUMN remind_at {{.Time}};
ALTER TABLE result_lines ADD COLUMN nudges {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE result_lines ADD COLUMN raised_at {{.Time}};
UPDATE result_lines SET remind_at = expected_at WHERE state = 'expected';
CREATE INDEX result_lines_remind ON result_lines (remind_at) WHERE state = 'expected' AND remind_at IS NOT NULL;

-- Indexes for what a house reads all day long and the keys above do not find:
-- each of these questions read a whole table that grows by the year.

-- INS-409: the deadlines that the newest calendar has not counted yet.
CREATE INDEX deadlines_by_calendar ON deadlines (kind, calendar_version) WHERE state = 'pending';

CREATE INDEX holds_by_participant ON holds (participant_id);
CREATE INDEX tasks_by_visit ON tasks (visit_id) WHERE done_at IS NULL;
CREATE INDEX visits_by_case ON visits (case_id);
-- Departments that are waited for.
CREATE INDEX visits_running ON visits (centre_id) WHERE state IN ('offered', 'confirmed');

-- The list of visits, and the visits of a day.
CREATE INDEX visits_in_order ON visits ((start_at IS NULL), start_at, id);
CREATE INDEX visits_by_start ON visits (start_at);

-- The desk: cases without a visit. The queue: mail nobody has read.
CREATE INDEX cases_unbooked ON cases (organiser_centre, limit_date, id) WHERE state = 'accepted';
CREATE INDEX inbound_unread ON inbound (received_at, id) WHERE state = 'held';

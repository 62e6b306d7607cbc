-- Low ratings that wait for a call back, by their term (DEL-1206).
CREATE INDEX ratings_to_call ON ratings (call_by) WHERE called_at IS NULL AND call_by IS NOT NULL;

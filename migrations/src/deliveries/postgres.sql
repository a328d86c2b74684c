GRANT SELECT, INSERT, UPDATE, DELETE ON destinations, deliveries TO rollcall_app;
-- Its rows change some times within a minute: what ended leaves its index soon.
ALTER TABLE deliveries SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

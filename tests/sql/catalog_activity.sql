-- What runs: sessions, advisory locks, counters.
SELECT datname, application_name, usename = current_user AS me, state, backend_type, query, wait_event, backend_start <= now() AS began, xact_start IS NOT NULL AS x, client_addr, client_port > 0 AS port FROM pg_stat_activity WHERE pid = pg_backend_pid();
SET application_name = 'other';
SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid();
BEGIN;
SELECT xact_start <= query_start AS ordered, query FROM pg_stat_activity WHERE pid = pg_backend_pid();
COMMIT;
SELECT count(*) FROM pg_stat_activity WHERE pid = -1;
SELECT pg_cancel_backend(-1), pg_terminate_backend(-1);
SELECT pg_terminate_backend(-1, -5);
SELECT pg_advisory_lock(1), pg_advisory_lock(1), pg_advisory_lock(2, 3), pg_advisory_lock_shared(9223372036854775807), pg_try_advisory_lock(-1), pg_try_advisory_lock_shared(-2, -3);
SELECT locktype, classid, objid, objsubid, mode, granted, pid = pg_backend_pid() AS mine, fastpath, waitstart FROM pg_locks WHERE locktype = 'advisory' ORDER BY 2, 3, 4, 5;
SELECT pg_advisory_unlock(1), pg_advisory_unlock(1), pg_advisory_unlock(1);
SELECT pg_advisory_unlock_shared(2, 3), pg_advisory_unlock(2, 3);
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
SELECT pg_advisory_unlock_all();
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
-- of a transaction
SELECT pg_advisory_xact_lock(7);
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
BEGIN;
SELECT pg_advisory_xact_lock(7), pg_try_advisory_xact_lock(7, 8), pg_advisory_xact_lock_shared(8), pg_try_advisory_xact_lock_shared(8, 9);
SELECT pg_advisory_lock(9);
SELECT pg_advisory_unlock(7);
SAVEPOINT a;
SELECT pg_advisory_xact_lock(20);
SAVEPOINT b;
SELECT pg_advisory_xact_lock(21), pg_advisory_lock(22);
RELEASE b;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
ROLLBACK TO a;
SELECT objid, objsubid, mode FROM pg_locks WHERE locktype = 'advisory' ORDER BY 1, 2;
SELECT pg_advisory_unlock_all();
SELECT objid, objsubid, mode FROM pg_locks WHERE locktype = 'advisory' ORDER BY 1, 2;
SELECT 1 / 0;
ROLLBACK;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
-- over rows, NULL, wrong arguments
SELECT i, pg_try_advisory_lock(i) FROM generate_series(1, 3) i;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
SELECT pg_advisory_lock(NULL), pg_try_advisory_lock(NULL), pg_advisory_unlock(1, NULL);
SELECT pg_advisory_lock('a');
SELECT pg_advisory_lock(1, 2, 3);
SELECT pg_try_advisory_lock(1.5);
SELECT pg_advisory_unlock_all();
DISCARD ALL;
-- counters
CREATE TABLE t (id int PRIMARY KEY, name text UNIQUE);
CREATE SEQUENCE s;
SELECT schemaname, relname, seq_scan >= 0 AS a, n_tup_ins >= 0 AS b, last_vacuum, relid = 't'::regclass AS c FROM pg_stat_user_tables WHERE relname = 't';
SELECT count(*) FROM pg_stat_sys_tables WHERE relname = 't' UNION ALL SELECT count(*) FROM pg_stat_all_tables WHERE relname = 't';
SELECT relname, indexrelname, idx_scan >= 0 AS a FROM pg_stat_user_indexes WHERE schemaname = 'public' ORDER BY 1, 2;
SELECT relname, heap_blks_read >= 0 AS a FROM pg_statio_user_tables WHERE relname = 't';
SELECT relname, indexrelname, idx_blks_hit >= 0 AS a FROM pg_statio_all_indexes WHERE relname = 't' ORDER BY 2;
SELECT relname, blks_read >= 0 AS a FROM pg_statio_user_sequences;
SELECT datname, numbackends > 0 AS some, xact_commit >= 0 AS a, deadlocks FROM pg_stat_database WHERE datname = current_database();
SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid();
SELECT gss_authenticated, encrypted FROM pg_stat_gssapi WHERE pid = pg_backend_pid();
SHOW idle_session_timeout;
SET idle_session_timeout = '5min';
SHOW idle_session_timeout;
SET lock_timeout = '1s';
SHOW lock_timeout;
\d pg_locks
\d pg_stat_user_indexes
-- sizes
SELECT pg_size_pretty(x) FROM (VALUES (12.5), (10239.9), (10240), (10752.4), (-99999.5), (0), (12345678901234567890)) v(x);
SELECT pg_size_pretty(10239::bigint), pg_size_pretty(10240::bigint), pg_size_pretty(sum(x)) FROM (VALUES (5000000000::bigint), (7)) v(x);
SELECT pg_tablespace_size('pg_default') >= 0 AS a, pg_tablespace_size('pg_global') >= 0 AS b, pg_tablespace_size(1663) >= 0 AS c;
SELECT pg_tablespace_size('nothing');
\dP+

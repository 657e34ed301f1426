-- Roles, databases and extensions that the applications of this estate ask for. Run on the leader by
-- 03_pg_05_databases, as superuser; a second run changes nothing. Passwords are set beside it, as
-- SCRAM verifiers that are computed on the host: none stands in a statement.
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I LOGIN', 'picker')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'picker') \gexec

SELECT format('CREATE ROLE %I LOGIN', 'clerk')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clerk') \gexec

-- harvest: only its roles may enter. Its owner owns schema public as well.
SELECT format('CREATE DATABASE %I OWNER %I', 'harvest', 'picker')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'harvest') \gexec
SELECT format('ALTER DATABASE %I OWNER TO %I', 'harvest', 'picker')
 WHERE (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'harvest') <> 'picker' \gexec
REVOKE ALL ON DATABASE "harvest" FROM PUBLIC;

-- ledger: only its roles may enter. Its owner owns schema public as well.
SELECT format('CREATE DATABASE %I OWNER %I', 'ledger', 'clerk')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'ledger') \gexec
SELECT format('ALTER DATABASE %I OWNER TO %I', 'ledger', 'clerk')
 WHERE (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'ledger') <> 'clerk' \gexec
REVOKE ALL ON DATABASE "ledger" FROM PUBLIC;

GRANT CONNECT, TEMPORARY ON DATABASE "harvest" TO "picker";

GRANT CONNECT, TEMPORARY ON DATABASE "ledger" TO "clerk";

\connect "ledger"
CREATE EXTENSION IF NOT EXISTS "pgcrypto";

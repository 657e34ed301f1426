-- Roles, databases and extensions that the applications of this estate ask for. Run on the leader by
-- 03_pg_05_databases, as superuser; a second run changes nothing. Passwords are set beside it, as
-- SCRAM verifiers that are computed on the host: none stands in a statement.
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I LOGIN', 'kb_app')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kb_app') \gexec

SELECT format('CREATE ROLE %I LOGIN', 'n8n')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'n8n') \gexec

SELECT format('CREATE ROLE %I LOGIN', 'chatwoot')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chatwoot') \gexec

-- keybuzz: only its roles may enter. Its owner owns schema public as well.
SELECT format('CREATE DATABASE %I OWNER %I', 'keybuzz', 'kb_app')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'keybuzz') \gexec
SELECT format('ALTER DATABASE %I OWNER TO %I', 'keybuzz', 'kb_app')
 WHERE (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'keybuzz') <> 'kb_app' \gexec
REVOKE ALL ON DATABASE "keybuzz" FROM PUBLIC;

-- n8n: only its roles may enter. Its owner owns schema public as well.
SELECT format('CREATE DATABASE %I OWNER %I', 'n8n', 'n8n')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'n8n') \gexec
SELECT format('ALTER DATABASE %I OWNER TO %I', 'n8n', 'n8n')
 WHERE (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'n8n') <> 'n8n' \gexec
REVOKE ALL ON DATABASE "n8n" FROM PUBLIC;

-- chatwoot: only its roles may enter. Its owner owns schema public as well.
SELECT format('CREATE DATABASE %I OWNER %I', 'chatwoot', 'chatwoot')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'chatwoot') \gexec
SELECT format('ALTER DATABASE %I OWNER TO %I', 'chatwoot', 'chatwoot')
 WHERE (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'chatwoot') <> 'chatwoot' \gexec
REVOKE ALL ON DATABASE "chatwoot" FROM PUBLIC;

GRANT CONNECT, TEMPORARY ON DATABASE "keybuzz" TO "kb_app";

GRANT CONNECT, TEMPORARY ON DATABASE "n8n" TO "n8n";

GRANT CONNECT, TEMPORARY ON DATABASE "chatwoot" TO "chatwoot";

\connect "keybuzz"
CREATE EXTENSION IF NOT EXISTS "vector";

\connect "n8n"
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";

\connect "chatwoot"
CREATE EXTENSION IF NOT EXISTS "pg_stat_statements";
CREATE EXTENSION IF NOT EXISTS "pgcrypto";
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";
CREATE EXTENSION IF NOT EXISTS "vector";

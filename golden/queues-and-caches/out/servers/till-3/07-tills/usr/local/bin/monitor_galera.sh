#!/usr/bin/env bash
# One look at this member: component, size, state, queues, flow control. Writes /run/monitor-galera/status for people and
# scripts, and metrics for node_exporter's textfile collector. Prints one line, and fails when the member is not well, so
# that its unit shows it.
set -euo pipefail

status=/run/monitor-galera/status
metrics=/var/lib/prometheus/node-exporter/galera.prom
members=3

declare -A seen=()
look() {
  local answer key value
  answer=$(timeout 20 galera-member sql --connect-timeout=5 --batch --skip-column-names --execute "
    SHOW GLOBAL STATUS WHERE Variable_name LIKE 'wsrep%' OR Variable_name IN ('Queries', 'Threads_connected')" </dev/null) || return 1
  while IFS=$'\t' read -r key value; do seen[$key]=$value; done <<<"$answer"
}
up=1
if ! look 2>/dev/null; then up=0; fi

# value NAME [OTHERWISE]
value() { echo "${seen[$1]:-${2:-0}}"; }
is() { if [ "$(value "$1" -)" = "$2" ]; then echo 1; else echo 0; fi; }

complaints=()
if [ "$up" -eq 0 ]; then
  complaints+=('the server does not answer')
else
  if [ "$(is wsrep_cluster_status Primary)" -eq 0 ]; then complaints+=("the component is $(value wsrep_cluster_status none)"); fi
  if [ "$(value wsrep_cluster_size)" -ne "$members" ]; then complaints+=("$(value wsrep_cluster_size) of $members members"); fi
  if [ "$(is wsrep_local_state_comment Synced)" -eq 0 ]; then complaints+=("the state is $(value wsrep_local_state_comment none)"); fi
  if [ "$(is wsrep_ready ON)" -eq 0 ]; then complaints+=('it takes no queries'); fi
fi

# Whoever reads the file sees the old text or the new one, never half of it.
replace() {
  cat >"$1.new"
  chmod 0644 "$1.new"
  mv -f -- "$1.new" "$1"
}

say_status() {
  printf '%s %s\n' well "$((${#complaints[@]} == 0))" up "$up" component "$(value wsrep_cluster_status none)" \
    size "$(value wsrep_cluster_size)" members "$members" state "$(value wsrep_local_state_comment none)" \
    ready "$(value wsrep_ready OFF)" flow_control_paused "$(value wsrep_flow_control_paused)" \
    recv_queue_avg "$(value wsrep_local_recv_queue_avg)" last_committed "$(value wsrep_last_committed)" \
    queries "$(value Queries)" time "$(date +%s)"
}

# metric NAME TYPE VALUE HELP
metric() { printf '# HELP %s %s\n# TYPE %s %s\n%s %s\n' "$1" "$4" "$1" "$2" "$1" "$3"; }

say_metrics() {
  metric galera_up gauge "$up" 'The server answers.'
  metric galera_members gauge "$members" 'Members that are configured.'
  metric galera_last_look_seconds gauge "$(date +%s)" 'When this was written.'
  if [ "$up" -eq 0 ]; then return 0; fi
  metric galera_primary gauge "$(is wsrep_cluster_status Primary)" 'This member is in a Primary component.'
  metric galera_cluster_size gauge "$(value wsrep_cluster_size)" 'Members of its component.'
  metric galera_synced gauge "$(is wsrep_local_state_comment Synced)" 'It has everything that the others have.'
  metric galera_ready gauge "$(is wsrep_ready ON)" 'It takes queries.'
  metric galera_last_committed gauge "$(value wsrep_last_committed)" 'The last change that it has.'
  metric galera_recv_queue gauge "$(value wsrep_local_recv_queue)" 'Changes that wait to be applied.'
  metric galera_send_queue gauge "$(value wsrep_local_send_queue)" 'Changes that wait to be sent.'
  metric galera_flow_control_paused_nanoseconds_total counter "$(value wsrep_flow_control_paused_ns)" 'How long writes were held up.'
  metric galera_flow_control_sent_total counter "$(value wsrep_flow_control_sent)" 'How often this member held the others up.'
  metric galera_cert_failures_total counter "$(value wsrep_local_cert_failures)" 'Transactions that lost against one of another member.'
  metric galera_bf_aborts_total counter "$(value wsrep_local_bf_aborts)" 'Transactions that were rolled back for one of another member.'
  metric galera_connections gauge "$(value Threads_connected)" 'Connections that are open.'
  metric galera_queries_total counter "$(value Queries)" 'Statements that were executed.'
}

say_status | replace "$status"
say_metrics | replace "$metrics"

if [ "${#complaints[@]}" -gt 0 ]; then
  printf -v text '%s; ' "${complaints[@]}"
  echo "<3>not well: ${text%; }"
  exit 1
fi
echo "well: Synced, $(value wsrep_cluster_size) of $members members, $(value Threads_connected) connections"

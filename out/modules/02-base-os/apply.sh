#!/usr/bin/env bash
# Installs base-os on its servers, step by step. Runs on the install host, from the rendered
# tree. A second run changes nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=02-base-os
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

fleet_host haproxy-01 root@10.0.0.11
fleet_host haproxy-02 root@10.0.0.12
fleet_host k3s-master-01 root@10.0.0.100
fleet_host k3s-master-02 root@10.0.0.101
fleet_host k3s-master-03 root@10.0.0.102
fleet_host k3s-worker-01 root@10.0.0.110
fleet_host k3s-worker-02 root@10.0.0.111
fleet_host k3s-worker-03 root@10.0.0.112
fleet_host k3s-worker-04 root@10.0.0.113
fleet_host k3s-worker-05 root@10.0.0.114
fleet_host db-master-01 root@10.0.0.120
fleet_host db-slave-01 root@10.0.0.121
fleet_host db-slave-02 root@10.0.0.122
fleet_host redis-01 root@10.0.0.123
fleet_host redis-02 root@10.0.0.124
fleet_host redis-03 root@10.0.0.125
fleet_host queue-01 root@10.0.0.126
fleet_host queue-02 root@10.0.0.127
fleet_host queue-03 root@10.0.0.128
fleet_host temporal-db-01 root@10.0.0.129
fleet_host analytics-db-01 root@10.0.0.130
fleet_host minio-02 root@10.0.0.131
fleet_host minio-03 root@10.0.0.132
fleet_host crm-01 root@10.0.0.133
fleet_host minio-01 root@10.0.0.134
fleet_host api-gateway-01 root@10.0.0.135
fleet_host vector-db-01 root@10.0.0.136
fleet_host litellm-01 root@10.0.0.137
fleet_host temporal-01 root@10.0.0.138
fleet_host analytics-01 root@10.0.0.139
fleet_host etl-01 root@10.0.0.140
fleet_host nocodb-01 root@10.0.0.142
fleet_host ml-platform-01 root@10.0.0.143
fleet_host baserow-01 root@10.0.0.144
fleet_host vault-01 root@10.0.0.150
fleet_host siem-01 root@10.0.0.151
fleet_host monitor-01 root@10.0.0.152
fleet_host backup-01 root@10.0.0.153
fleet_host mail-core-01 root@10.0.0.160
fleet_host mail-mx-01 root@10.0.0.161
fleet_host mail-mx-02 root@10.0.0.162
fleet_host maria-01 root@10.0.0.170
fleet_host maria-02 root@10.0.0.171
fleet_host maria-03 root@10.0.0.172
fleet_host proxysql-01 root@10.0.0.173
fleet_host proxysql-02 root@10.0.0.174
fleet_host builder-01 root@10.0.0.200
fleet_host install-01 root@10.0.0.250

fleet_arguments "$@"
fleet_reach
fleet_ship
fleet_step 02_os_01_packages parallel
fleet_step 02_os_02_time parallel
fleet_step 02_os_03_swap parallel
fleet_step 02_os_04_sysctl parallel
fleet_step 02_os_05_docker parallel
fleet_step 02_os_06_ssh parallel
fleet_step 02_os_06_ssh_confirm parallel
fleet_step 02_os_07_dns parallel
fleet_step 02_os_08_journald parallel
fleet_step 02_os_09_audit parallel
fleet_step 02_os_10_volume parallel
fleet_step 02_os_11_firewall parallel
fleet_step 02_os_12_firewall_confirm parallel
fleet_step 02_os_13_peer_names parallel
fleet_done

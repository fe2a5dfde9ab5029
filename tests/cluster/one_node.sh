#!/usr/bin/env bash
# A Slurm of one node, on loopback, for tests/cluster/slurm.py: one_node.sh start|stop FOLDER
# Needs root, and Debian's slurm-wlm and munge. Configuration, state and logs lie in FOLDER, but for a
# link in the place where jobs look for the configuration: a machine that has one is left alone.
set -euo pipefail
folder=$2
conf=/etc/slurm/slurm.conf

wait_for() { # up to 30 s for a command that succeeds
  for _ in $(seq 60); do "$@" && return; sleep 0.5; done
  echo "$* did not succeed: see $folder" >&2
  exit 1
}
answers() { sinfo --noheader >/dev/null 2>&1; }
idle() { sinfo --noheader --format %T 2>/dev/null | grep -qx idle; }

case $1 in
start)
  [ ! -e $conf ] || { echo "$conf is there: this machine has a Slurm of its own" >&2; exit 1; }
  mkdir -p "$folder/state" "$folder/spool"
  ln -sfn "$folder/slurm.conf" $conf
  cat >"$folder/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
NodeName=$(hostname) NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(awk '/MemTotal/ {print int($2 / 1100)}' /proc/meminfo) State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  munge --no-input >/dev/null 2>&1 || { install -d -o munge /run/munge; su -s /bin/sh munge -c /usr/sbin/munged; }
  slurmctld
  wait_for answers
  slurmd
  wait_for idle # munge goes on: others may use it
  ;;
stop)
  for daemon in slurmd slurmctld; do
    [ ! -f "$folder/$daemon.pid" ] || kill "$(cat "$folder/$daemon.pid")" || true
  done
  [ "$(readlink $conf)" != "$folder/slurm.conf" ] || rm $conf
  ;;
*)
  echo "usage: $0 start|stop FOLDER" >&2
  exit 2
  ;;
esac

#!/bin/bash
# A Slurm cluster on this machine alone, for the tests: loopback.sh FOLDER start|stop. Needs root and Debian's slurm-wlm and munge.
# Two nodes, n1 and n2, of two processors each, without accounts; afterwards SLURM_CONF=FOLDER/slurm.conf reaches it.
set -eu
folder=$1
host=$(hostname -s)

start() {
  local first=${SLURM_LOOPBACK_PORT:-26817}
  mkdir -p "$folder"/{state,log,run,spool/n1,spool/n2}
  chmod 755 "$folder" "$folder/run"
  {
    echo "ClusterName=beeartests"
    echo "SlurmctldHost=$host(127.0.0.1)"
    echo "SlurmctldPort=$first"
    echo "SlurmUser=root"
    echo "SlurmdUser=root"
    echo "AuthType=auth/munge"
    echo "AuthInfo=socket=$folder/run/munge.sock,cred_expire=5"   # a requeued task waits as long
    echo "SchedulerParameters=sched_interval=1,bf_interval=2"
    echo "KillWait=2"
    echo "StateSaveLocation=$folder/state"
    echo "SlurmdSpoolDir=$folder/spool/%n"
    echo "SlurmctldPidFile=$folder/run/slurmctld.pid"
    echo "SlurmdPidFile=$folder/run/%n.pid"
    echo "SlurmctldLogFile=$folder/log/slurmctld.log"
    echo "SlurmdLogFile=$folder/log/%n.log"
    echo "ProctrackType=proctrack/linuxproc"
    echo "TaskPlugin=task/none"
    echo "SelectType=select/cons_tres"
    echo "SelectTypeParameters=CR_Core"
    echo "MpiDefault=none"
    echo "ReturnToService=2"
    echo "JobAcctGatherType=jobacct_gather/none"
    echo "AccountingStorageType=accounting_storage/none"
    for i in 1 2; do echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$((first + i)) CPUs=2 RealMemory=4000 State=UNKNOWN"; done
    echo "PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP"
  } > "$folder/slurm.conf"
  (umask 077; head -c 1024 /dev/urandom > "$folder/munge.key")
  munged --force --key-file="$folder/munge.key" --socket="$folder/run/munge.sock" --pid-file="$folder/run/munged.pid" \
    --log-file="$folder/log/munged.log" --seed-file="$folder/run/munge.seed"
  export SLURM_CONF="$folder/slurm.conf"
  slurmctld -c
  slurmd -N n1
  slurmd -N n2
  for _ in $(seq 100); do
    if [[ $(sinfo --noheader --states=idle --format=%D 2> /dev/null) == 2 ]]; then exit 0; fi
    sleep 0.2
  done
  echo "the nodes are not up: $(tail -n 3 "$folder"/log/*.log)" >&2
  exit 1
}

stop() {
  for name in n1 n2 slurmctld munged; do
    [[ -f $folder/run/$name.pid ]] && kill "$(cat "$folder/run/$name.pid")" 2> /dev/null || true
  done
  sleep 1
}

"$2"

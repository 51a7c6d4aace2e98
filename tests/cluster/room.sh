# shellcheck shell=bash disable=SC2034 # variables are for those who source this
# A Slurm of several hosts inside this process's own namespaces. Each host has a network, a name, mounts, processes and a /tmp
# of its own; /mnt is the file system that all of them see. All ends with the process that made the namespaces,
# however it ends: a daemon, a mount or an interface that outlived it cannot be.

hosts=(n1 n2 n3)
net=10.77.0
shared=/mnt
user=65432

# To be called once in new namespaces for mounts, processes, network and names. What is shared is in memory: a disk that others
# keep busy would look like ranks that hang.
raise_cluster() {
    mount -t tmpfs -o mode=755 tmpfs $shared
    mkdir -p $shared/etc $shared/log $shared/state $shared/spool $shared/home
    chown $user:$user $shared/home
    export SLURM_CONF=$shared/etc/slurm.conf
    hostname ctl
    wire_switch
    write_tables
    start_munge
    slurmctld -D >$shared/log/ctl 2>&1 &
    local host
    for host in "${hosts[@]}"; do start_host "$host"; done
    wait_until 60 "all hosts are idle" all_idle
}

wire_switch() {
    ip link set lo up
    ip link add switch type bridge
    ip addr add $net.1/24 dev switch
    ip link set switch up
}

# What Slurm, names and users are here. Nobody else reads these.
write_tables() {
    local host i=0 sockets=2
    [ "$(nproc)" -ge 2 ] || sockets=1
    {
        echo "127.0.0.1 localhost"
        echo "$net.1 ctl"
        for host in "${hosts[@]}"; do echo "$net.$((10 + i++)) $host"; done
    } >$shared/etc/hosts
    {
        cat /etc/passwd
        echo "somebody:x:$user:$user::$shared/home:/bin/bash"
    } >$shared/etc/passwd
    {
        cat /etc/group
        echo "somebody:x:$user:"
    } >$shared/etc/group
    # On most machines users may open it.
    if [ -e /dev/fuse ]; then
        mknod -m 666 $shared/etc/fuse c 10 229
        mount --bind $shared/etc/fuse /dev/fuse
    fi
    for host in hosts passwd group; do mount --bind $shared/etc/$host /etc/$host; done
    cat >"$SLURM_CONF" <<END
ClusterName=room
SlurmctldHost=ctl($net.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
StateSaveLocation=$shared/state
SlurmdSpoolDir=$shared/spool/%n
SlurmctldPidFile=$shared/state/ctl.pid
SlurmdPidFile=$shared/spool/%n.pid
SlurmctldTimeout=30
SlurmdTimeout=8
KillWait=5
MessageTimeout=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MailProg=/bin/true
END
    i=0
    for host in "${hosts[@]}"; do
        echo "NodeName=$host NodeAddr=$net.$((10 + i++)) Sockets=$sockets CoresPerSocket=1 ThreadsPerCore=1 RealMemory=500"
    done >>"$SLURM_CONF"
    echo "PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP" >>"$SLURM_CONF"
}

start_munge() {
    mkdir -p /run/munge
    mount -t tmpfs -o mode=755 tmpfs /run/munge
    (umask 077 && dd if=/dev/urandom of=/run/munge/key bs=1024 count=1 status=none)
    munged --foreground --force --key-file=/run/munge/key --socket=/run/munge/munge.socket.2 --log-file=/run/munge/log \
        --pid-file=/run/munge/pid --seed-file=/run/munge/seed 2>$shared/log/munge &
    wait_until 10 "munge answers" munge --no-input --output /dev/null
}

# A host is one process with its namespaces; it is switched off by killing that.
declare -A power
start_host() {
    local host=$1 k address numbers=()
    for k in "${!hosts[@]}"; do
        numbers+=($((10 + k)))
        [ "${hosts[k]}" != "$host" ] || address=$net.$((10 + k))
    done
    mkdir -p $shared/spool/"$host"
    # shellcheck disable=SC2016 # the inner shell expands it
    unshare --net --uts --ipc --mount --pid --fork --kill-child --mount-proc --propagation private bash -c '
        hostname "$1"
        mount -t tmpfs -o mode=1777 tmpfs /tmp
        mount -t tmpfs -o mode=1777 tmpfs /dev/shm
        ip link set lo up
        until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
        ip addr add "$2/24" dev eth0
        ip link set eth0 up
        # Open MPI 4.1.4 may crash in MPI_Init when a first packet waits for the address of its host.
        for number in "${@:3}"; do
            ip neigh replace "${2%.*}.$number" lladdr "02:00:00:00:00:$number" dev eth0 nud permanent
        done
        slurmd -N "$1" -D &
        # The first process of a host has to reap.
        while :; do sleep 600 & wait $!; done' - "$host" "$address" "${numbers[@]}" >$shared/log/"$host" 2>&1 &
    power[$host]=$!
    until [ "$(readlink /proc/"${power[$host]}"/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
    ip link add "port-$host" type veth peer name eth0 address "02:00:00:00:00:${address##*.}" netns "${power[$host]}"
    ip link set "port-$host" master switch up
}

# Without a cable; processes go on.
cut_host() {
    ip link set "port-$1" down
}

mend_host() {
    ip link set "port-$1" up
}

# Without power.
kill_host() {
    kill -9 "${power[$1]}"
    wait "${power[$1]}" 2>/dev/null || :
    unset "power[$1]"
}

all_idle() {
    [ "$(sinfo --noheader --format=%T | sort -u)" = idle ]
}

# wait_until SECONDS WHAT COMMAND...
wait_until() {
    local patience=$1 what=$2 began=$SECONDS
    shift 2
    until "$@" >/dev/null 2>&1; do
        if [ $((SECONDS - began)) -ge "$patience" ]; then
            echo "after $patience s not yet: $what" >&2
            return 1
        fi
        sleep 0.1
    done
}

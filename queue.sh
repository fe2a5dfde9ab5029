#!/bin/bash
# queue.sh WORKERS: the runs of queue.txt on WORKERS processes of one thread, in this tree
cd "$(dirname "$0")"; mkdir -p results/queue
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
one() { s=$(date +%s); .venv/bin/python -m replications --data ../../data --log results/queue/$1.$2.$3.log run --tier paper --runs $3 --threads 1 --device cpu --done results/queue/$1.$2.$3.done $1 $2 >/dev/null 2>&1; echo "$(date +%T) $1 $2 $3 rc=$? $(( $(date +%s) - s ))s" >> results/queue/log; }
export -f one
xargs -P "${1:-1}" -L 1 bash -c 'one $0 $1 $2' < queue.txt

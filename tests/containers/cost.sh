# shellcheck shell=bash
# What a container costs at the start of a rank. Measured, not judged: the README has the numbers.

cost() {
    local what=$1 i began times=()
    shift
    for i in 1 2 3 4 5; do
        began=$(date +%s%N)
        "$@" >/dev/null 2>&1 || return 1
        times+=($((($(date +%s%N) - began) / 1000000)))
    done
    printf '        %-44s %5d ms, median of %d\n' "$what" "$(printf '%s\n' "${times[@]}" | sort -n | sed -n 3p)" $i
}

claim "a start is measured" cost "the host's program, 1 process" "$native" models
for what in native bind hybrid; do
    for ranks in 1 4; do
        case $what in
            native) start=(mpirun -n "$ranks" "$native") ;;
            bind)
                # shellcheck disable=SC2046,SC2207 # flags
                start=(mpirun -n "$ranks" "${singularity[@]}" $("$mpi_bind" --flags "$images/$here.sif") "$images/$here.sif" qsd)
                ;;
            hybrid) start=(mpirun -n "$ranks" "${singularity[@]}" "$images/hybrid.sif" qsd) ;;
        esac
        cost "$what, $ranks ranks" "${start[@]}" run kerr_qubit --ntraj 8 --duration 0.4 --quiet
    done
done

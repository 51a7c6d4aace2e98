# shellcheck shell=bash
# Images of an older and of a newer system: their C library and their Open MPI are not the host's.

if [[ " ${suites[*]} " == *" bullseye "*" trixie "* ]]; then
    gives_the_bits "an older image under the host's C library" "$run_sh" -n 4 --image "$images/bullseye.sif" --
    gives_the_bits "a newer image under its own C library" "$run_sh" -n 4 --image "$images/trixie.sif" --
    claim "the C library is laid over an older image only" sh -c "
        '$mpi_bind' '$images/bullseye.sif' | grep 'of the host over 2.31' >/dev/null && '$mpi_bind' --flags '$images/bullseye.sif' | grep /glibc/ >/dev/null &&
        ! '$mpi_bind' --flags '$images/trixie.sif' | grep /glibc/"
else
    skip "older and newer systems" "make test-containers-all makes their images"
fi

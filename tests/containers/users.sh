# shellcheck shell=bash
# Who starts it: an ordinary user, and root with a user namespace for each rank.

# As a user who is nobody here, with a home and a /dev/fuse that users may open, as on most machines.
as_user() {
    # shellcheck disable=SC2016 # the inner shell expands it
    unshare --mount bash -c '
        set -e
        mknod -m 666 "$1/fuse" c 10 229 2>/dev/null || :
        mount --bind "$1/fuse" /dev/fuse
        { cat /etc/passwd; echo "somebody:x:65432:65432::$1:/bin/sh"; } >"$1/passwd"
        mount --bind "$1/passwd" /etc/passwd
        exec setpriv --reuid 65432 --regid 65432 --clear-groups env HOME="$1" QSD_CACHE="$1/cache" "${@:2}"' - "$work/user" "$@"
}

mkdir -p "$work/user"
chown 65432:65432 "$work/user"
# A user does not see root's home, where the images are.
ln "$images/$here.sif" "$images/hybrid.sif" "$work/" 2>/dev/null || cp "$images/$here.sif" "$images/hybrid.sif" "$work/"

user_gives_the_bits() {
    rm -f "$work/user/out.h5"
    cp "$native" "$work/native"
    (cd "$work/user" && as_user "$@" "${ensemble[@]}" -o "$work/user/out.h5") && same "$work/native.h5" "$work/user/out.h5"
}

copy=$work/scripts
mkdir -p "$copy" && cp -r mpi-slurm "$copy/" && chmod -R go=rX "$copy"
claim "an ordinary user, the image alone" user_gives_the_bits "$work/$here.sif"
claim "an ordinary user, the host's MPI in the image" user_gives_the_bits "$copy/mpi-slurm/run.sh" -n 4 --image "$work/$here.sif" --
claim "an ordinary user, the image's own MPI" user_gives_the_bits "$copy/mpi-slurm/run.sh" -n 4 --image "$work/hybrid.sif" --
claim "root with a user namespace for each rank" ran_alike "$run_sh" -n 4 --image "$images/$here.sif" --userns --

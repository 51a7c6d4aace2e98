# shellcheck shell=bash
# The Dockerfile. Buildah builds it as docker and podman do. It starts containers in a chroot, because an engine's
# own runtime wants rights that a root in a virtual machine or container may not have; so `docker run` is made of `buildah run` here,
# with the image's entrypoint, user and directory.

export BUILDAH_ISOLATION=chroot
buildah=(buildah --root "$cache/engine" --runroot "$work/engine" --storage-driver overlay)

# A Debian of scripts/base.sh as an image of the engine.
engine_base() {
    local name=$1 directory=$2 container
    ! "${buildah[@]}" inspect --type image "localhost/$name" >/dev/null 2>&1 || return 0
    container=$("${buildah[@]}" from scratch) &&
        cp -a "$directory/." "$("${buildah[@]}" mount "$container")/" &&
        "${buildah[@]}" commit -q --rm "$container" "localhost/$name"
}

build_docker() {
    local directories small tools context=$work/context
    directories=$(scripts/base.sh "$here") && read -r small tools <<<"$directories"
    engine_base "$here" "$small" && engine_base "$here-build" "$tools" || return 1
    mkdir -p "$context"
    cp -r Dockerfile Cargo.toml Cargo.lock LICENSE-* build.rs src bench examples containers "$(programs)" "$context/"
    make docker ENGINE="${buildah[*]}" CONTEXT="$context" ARGS="BUILD_FROM=localhost/$here-build BASE=localhost/$here GIVEN=given"
}

# docker run [-v FROM:TO] [--user UID:GID] [--entrypoint PROGRAM] IMAGE ARGUMENT ...
docker_run() {
    local flags=() entrypoint='' container code
    while [[ $1 == -* ]]; do
        case $1 in
            --entrypoint) entrypoint=$2 ;;
            *) flags+=("$1" "$2") ;;
        esac
        shift 2
    done
    container=$("${buildah[@]}" from "localhost/$1")
    shift
    [ -n "$entrypoint" ] || entrypoint=$("${buildah[@]}" inspect --format '{{index .OCIv1.Config.Entrypoint 0}}' "$container")
    # A volume of the image would hide the one of the command, which docker and podman put in its place.
    "${buildah[@]}" config --volume /data- "$container"
    "${buildah[@]}" run "${flags[@]}" "$container" -- "$entrypoint" "$@"
    code=$?
    "${buildah[@]}" rm "$container" >/dev/null
    return $code
}

# Whether a run of docker_run writes what the host's program wrote.
docker_ran_alike() {
    rm -f "$work/data/"*
    docker_run -v "$work/data:/data" "$@" "${ensemble[@]}" -o /data/out.h5 && same "$work/native.h5" "$work/data/out.h5"
}

configured() {
    "${buildah[@]}" inspect --type image --format \
        '{{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.User}} {{.OCIv1.Config.Volumes}} {{index .OCIv1.Config.Labels "org.opencontainers.image.revision"}}' \
        localhost/qsd | tee /dev/stderr | grep -xE '\[/opt/qsd/bin/qsd\] qsd map\[/data:\{\}\] [0-9a-f]{40}(\+dirty)?'
}

saved() {
    rm -f "$work/docker.tar"
    "${buildah[@]}" push -q localhost/qsd "docker-archive:$work/docker.tar:localhost/qsd:latest" &&
        "${buildah[@]}" rmi -f localhost/qsd && "${buildah[@]}" pull -q "docker-archive:$work/docker.tar"
}

if command -v buildah >/dev/null && "${buildah[@]}" images >/dev/null 2>&1; then
    claim "the Docker image is built" build_docker
    claim "it starts qsd, as no root, with a volume, and names its revision" configured
    mkdir -p "$work/data" && chown 1000:1000 "$work/data"
    claim "an image of Docker is saved and loaded" saved
    claim "Docker gives the bits of the host" docker_ran_alike qsd
    claim "Docker with four ranks, by the plain command of the documents" docker_ran_alike --entrypoint mpirun qsd -n 4 qsd
    chown 4321:4322 "$work/data"
    refused "a volume of somebody else names the user to add" "--user 4321:4322" docker_run -v "$work/data:/data" qsd "${ensemble[@]}" --output-dir /data
    claim "who then can write" docker_ran_alike --user 4321:4322 qsd
    claim "a saved Docker image becomes one for Apptainer" "${as_root[@]}" singularity --quiet build --force "$images/docker.sif" "docker-archive:$work/docker.tar"
    gives_the_bits "and gives the same bits" "$images/docker.sif"
else
    skip "the Dockerfile" "buildah cannot work here"
fi

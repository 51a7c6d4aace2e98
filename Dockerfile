# An image of qsd for Docker and Podman, with MPI inside. From a checkout, anywhere with a network: `make docker`, or
#
#   docker build -t qsd .
#   docker run -v $PWD:/data qsd run --output-dir /data                             # one process with threads
#   docker run -v $PWD:/data --entrypoint mpirun qsd -n 4 qsd run --output-dir /data    # four ranks
#
# The steps are those of Singularity.def: containers/compile.sh, then containers/install.sh.

# Where it is compiled: a Debian with Rust 1.89 or later; and what it is in the end: the same Debian, small.
ARG BUILD_FROM=rust:1-slim-bookworm
ARG BASE=debian:bookworm-slim

FROM ${BUILD_FROM} AS build
# openmpi or mpich
ARG MPI=openmpi
# The source's revision, for labels and for the provenance of results.
ARG REVISION=unknown
# The profile of cargo.
ARG PROFILE=release
# A directory with qsd-mpi and qsd-serial that were compiled on the same Debian; this file stands for none.
ARG GIVEN=Dockerfile
COPY Cargo.toml Cargo.lock LICENSE-MIT LICENSE-APACHE build.rs /src/
COPY src /src/src
COPY bench /src/bench
COPY examples /src/examples
COPY containers /src/containers
COPY ${GIVEN} /given
RUN sh /src/containers/compile.sh ${MPI} ${REVISION} ${PROFILE}

FROM ${BASE}
ARG MPI=openmpi
ARG REVISION=unknown
COPY --from=build /opt/qsd /opt/qsd
COPY containers/install.sh /opt/install.sh
# Results belong to somebody, and not to root: on most laptops user 1000 is the one who sits there.
RUN sh /opt/install.sh hybrid && rm /opt/install.sh \
    && echo "qsd:x:1000:1000::/data:/bin/bash" >>/etc/passwd && echo "qsd:x:1000:" >>/etc/group && chown 1000:1000 /data
LABEL org.opencontainers.image.title=qsd \
      org.opencontainers.image.revision=${REVISION} \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      qsd.mpi.model=hybrid \
      qsd.mpi.family=${MPI}
# Ranks may not read each other's memory where a container forbids it. Open MPI 4 tries to, and hangs on large messages; the
# first name is Open MPI 4's, the second Open MPI 5's. On a laptop four ranks are to start on two cores. /host/lib is for those who make a file for Apptainer of this image.
ENV PATH=/opt/qsd/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LD_LIBRARY_PATH=/host/lib \
    OMPI_MCA_btl_vader_single_copy_mechanism=none \
    OMPI_MCA_smsc=^cma \
    OMPI_MCA_rmaps_base_oversubscribe=1 \
    PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
USER qsd
VOLUME /data
WORKDIR /data
ENTRYPOINT ["/opt/qsd/bin/qsd"]
CMD ["--help"]

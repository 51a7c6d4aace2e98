# Everyday tasks; `make help` lists them. Each installs what it needs first, and only what is missing.

MPIRUN ?= mpirun
TARGET := $(or $(CARGO_TARGET_DIR),target)
QSD := $(TARGET)/release/qsd
SOLO := $(TARGET)/solo/release/qsd

# The environment in which ranks start here; real runs do without.
MPI_ENV := env $(shell grep -v '^\#' scripts/mpi.env)

# A build without MPI needs the HDF5 without MPI: pkg-config knows Debian's, elsewhere set it by hand.
SERIAL_HDF5 ?= $(patsubst -L%,%,$(firstword $(shell pkg-config --libs-only-L hdf5-serial 2>/dev/null)))
SOLO_CARGO = $(if $(SERIAL_HDF5),HDF5_DIR=$(SERIAL_HDF5) )cargo
SOLO_TESTED := $(TARGET)/solo/debug/qsd
LINKS_MPI = echo "an MPI library is linked: set SERIAL_HDF5 to an HDF5 built without MPI" >&2; exit 1
SOLO_FLAGS := --release --locked --no-default-features --target-dir $(TARGET)/solo

# A python that has the packages of the readers' check (a virtual environment may hide the system's).
PYTHON ?= $(shell for p in python3 /usr/bin/python3; do $$p -c 'import xarray, h5netcdf' 2>/dev/null && echo $$p && break; done)

# Of the images: Apptainer's file, docker or podman, and the results that `publish` puts into an image.
IMAGE ?= qsd.sif
ENGINE ?= $(shell command -v docker || command -v podman || echo docker)
RUNS ?= out
# What the engine may read.
CONTEXT ?= .

.PHONY: help setup setup-test setup-browser build solo static demo test test-mpi test-solo test-readers test-browser other-cpu check clean
.PHONY: bench bench-peers bench-accuracy bench-scaling bench-truncation
.PHONY: image image-hybrid docker demo-docker publish publish-docker checksums test-containers test-containers-all test-cluster test-prefix

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 30

setup: ## install what a build needs
	@scripts/setup.sh build

setup-test: ## install what the tests need besides
	@scripts/setup.sh build test

setup-browser: ## install the browser of test-browser besides
	@scripts/setup.sh build browser

build: setup ## build target/release/qsd
	cargo build --release --locked

solo: setup-test ## build without MPI, for one process with threads
	$(SOLO_CARGO) build $(SOLO_FLAGS)
	@! ldd $(SOLO) | grep libmpi || { $(LINKS_MPI); }

static: ## build without MPI and with HDF5 inside: one binary to copy (needs cmake 3.26)
	cargo build $(subst /solo,/static,$(SOLO_FLAGS)) --features static
	@! ldd $(subst /solo,/static,$(SOLO)) | grep -E 'libmpi|libhdf5' || { echo "the binary needs libraries that should be inside" >&2; exit 1; }

demo: build ## a small ensemble on two ranks, and a look at its file
	$(MPI_ENV) $(MPIRUN) -n 2 $(QSD) run --ntraj 64 --duration 10 -o demo.h5 --force
	$(QSD) info demo.h5

test: test-mpi test-solo test-readers ## everything

test-mpi: setup-test ## tests of the build with MPI, also on several ranks, and of the documentation
	cargo test --locked --no-fail-fast

test-solo: setup-test ## tests of the build without MPI
	$(SOLO_CARGO) test $(filter-out --release,$(SOLO_FLAGS)) --no-fail-fast
	@! ldd $(SOLO_TESTED) | grep libmpi || { $(LINKS_MPI); }

test-readers: SWEPT := --ntraj 10 --duration 0.05 --store-states final --store-record
test-readers: build setup-test ## do the file and its exports open in h5py, xarray, NumPy, scipy, Octave, ncdump, and the notebook?
	@test -n "$(strip $(PYTHON))" || { echo "no python3 with xarray and h5netcdf: make setup-test" >&2; exit 1; }
	rm -rf $(TARGET)/readers && mkdir -p $(TARGET)/readers
	$(MPI_ENV) $(MPIRUN) -n 2 $(QSD) run --ntraj 16 --duration 2 -o $(TARGET)/readers/r.h5 --quiet
	$(PYTHON) tests/readers/check.py $(TARGET)/readers/r.h5
	$(MPI_ENV) $(MPIRUN) -n 2 $(QSD) run absorptive_bistable --Nfock_a 8 --ntraj 20 --duration 2 --store-states average --allow-unsafe --save2mat --save2pkl -o $(TARGET)/readers/d.h5 --quiet
	$(PYTHON) tests/readers/check.py $(TARGET)/readers/d.h5
	$(QSD) export $(TARGET)/readers/d.h5 --csv
	$(PYTHON) tests/readers/exports.py $(TARGET)/readers/d.h5
	$(MPI_ENV) $(MPIRUN) -n 2 $(QSD) run --ntraj 20 --duration 2 --initial coherent:1 --store-states all --store-record --save2mat --save2pkl -o $(TARGET)/readers/e.h5 --quiet
	$(MPI_ENV) $(MPIRUN) -n 2 $(QSD) run kerr_bistable $(SWEPT) --sweep alpha0=15,20 --sweep chi=-10,-7.5,-5 -o $(TARGET)/readers/s.h5 --quiet
	$(MPI_ENV) $(MPIRUN) -n 2 $(QSD) run kerr_bistable $(SWEPT) --sweep alpha0=15,20 --sweep chi=-10,-5 --sweep-zip -o $(TARGET)/readers/z.h5 --quiet
	$(QSD) run kerr_bistable $(SWEPT) --set alpha0=20 --set chi=-5 -o $(TARGET)/readers/p.h5 --quiet
	$(PYTHON) tests/readers/check_sweep.py $(TARGET)/readers/s.h5 $(TARGET)/readers/p.h5
	$(PYTHON) tests/readers/check_sweep.py $(TARGET)/readers/z.h5 $(TARGET)/readers/p.h5
	$(QSD) export $(TARGET)/readers/e.h5 --csv
	$(PYTHON) tests/readers/exports.py $(TARGET)/readers/e.h5
	cd $(TARGET)/readers && QSD=$(abspath $(QSD)) QSD_FILE=kerr.h5 $(PYTHON) -m nbconvert --to notebook --execute --output-dir . --output analysed $(CURDIR)/examples/analysis.ipynb

# What the pages are tested with is large; so it is no part of `test`.
BROWSER := $(TARGET)/browser

test-browser: build setup-browser ## are the report and the folder drawn, and do they work, in a real browser without a network?
	rm -rf $(BROWSER) && mkdir -p $(BROWSER)/results
	$(MPI_ENV) $(MPIRUN) -n 2 $(QSD) run kerr_bistable --ntraj 320 --duration 8 --save-dt 0.01 --store-states final -o $(BROWSER)/results/demo.h5 --quiet
	python3 tests/browser/check.py $(QSD) $(BROWSER)/results/demo.h5 $(BROWSER)/screenshots

# Benches, none of them part of `test`; BENCH=--quick is ten times shorter. See bench/README.md.
bench: setup ## nanoseconds of a step
	cargo bench --locked --bench step

bench-peers: build ## beside QuTiP, dynamiqs and XMDS2
	bench/peers/run.sh $(BENCH)

bench-accuracy: build ## time to a given accuracy, every method
	"$$(bench/environment.sh)" bench/accuracy.py $(BENCH)

bench-scaling: build ## over ranks, and a model of large machines
	bench/scaling.py $(BENCH)

bench-truncation: build ## what a Fock space of changing size could save
	"$$(bench/environment.sh)" bench/truncation.py $(BENCH)

image: ## build qsd.sif, an Apptainer image that uses the host's MPI (ARGS: see Singularity.def)
	scripts/image.sh $(IMAGE) $(ARGS)

image-hybrid: ## the same with MPI inside, for laptops and clouds
	scripts/image.sh $(IMAGE) MODEL=hybrid $(ARGS)

docker: ## build the Docker image qsd
	$(ENGINE) build -t qsd --build-arg REVISION=$$(scripts/revision.sh) $(addprefix --build-arg ,$(ARGS)) $(CONTEXT)

demo-docker: docker ## the same as `demo` in that image
	$(ENGINE) run --rm --entrypoint mpirun qsd -n 2 qsd run --ntraj 64 --duration 10 -o demo.h5

publish: ## make published.sif of qsd.sif and the results in RUNS=out/, for readers of a paper
	scripts/image.sh published.sif containers/publish.def IMAGE=$(IMAGE) RUNS=$(RUNS)

publish-docker: ## the same as an image of Docker
	$(ENGINE) build -t published -f containers/publish.Dockerfile $(RUNS)

checksums: ## are the images the ones that were built?
	sha256sum -c *.sif.sha256

test-containers: build ## do images work, and give the same bits? (needs root; makes a Debian of its own)
	scripts/setup.sh build test containers
	tests/containers/run.sh

test-containers-all: build ## the same with images of older and newer systems
	scripts/setup.sh build test containers
	SUITES="bullseye bookworm trixie" tests/containers/run.sh

test-cluster: build ## do the job scripts work, under a Slurm of three hosts made for it? (needs root)
	scripts/setup.sh build test cluster
	tests/cluster/run.sh

test-prefix: build ## does it build and run with MPI, HDF5 and libclang below prefixes, as with modules? (needs root)
	scripts/setup.sh build test prefix
	tests/prefix/run.sh

other-cpu: ## kernel and noise on aarch64, emulated, against those here (Debian; rustup)
	scripts/setup.sh cross
	rustup target add aarch64-unknown-linux-gnu
	scripts/other-cpu.sh

check: setup ## formatting and lints
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

clean: ## remove everything built, and the demo's file
	cargo clean
	rm -f demo.h5 demo.h5.lock

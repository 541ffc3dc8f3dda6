# The front door. Each target installs what it lacks (tools/install_deps.sh).
#   make         the release build: build/headrace
#   make demo    train on images in a local S3, end to end
#   make test    every test
#   make lint    format, include directions, house rules: seconds
#   make tidy    the same and clang-tidy: half an hour from nothing, then only what changed;
#                make tidy SINCE=COMMIT: only files changed since then, a minute for a small change
#   make bench   the figures of docs/performance.md, on this machine
.PHONY: all demo test unit lint tidy format bench clean deps-build deps-test

all: deps-build
	@test -f build/build.ninja || cmake --preset release >/dev/null
	@cmake --build --preset release --target headrace

deps-build:
	@tools/install_deps.sh build

deps-test:
	@tools/install_deps.sh build tests

# The tests link the very objects of the program: one build serves both.
unit: deps-test
	@test -f build/build.ninja || cmake --preset release >/dev/null
	@cmake --build --preset release
	@ctest --preset release -L unit

test: unit
	@tests/run

lint:
	@tools/install_deps.sh build tests lint
	@tools/lint

tidy:
	@tools/install_deps.sh build tests lint
	@tools/lint $(if $(SINCE),--tidy-since $(SINCE),--tidy)

format:
	@tools/install_deps.sh lint
	@git ls-files -co --exclude-standard '*.h' '*.cc' | xargs clang-format-19 -i

demo: all
	@tools/install_deps.sh demo
	@examples/demo

bench: all
	@tools/install_deps.sh build bench
	@bench/run

clean:
	rm -rf build .demo

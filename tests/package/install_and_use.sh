#!/usr/bin/env bash
# install_and_use.sh CMAKE BUILD_TREE CONSUMER: installs into a folder of its own, then builds and runs the
# consumer against that, by CMake's package and by pkg-config.
set -euo pipefail
cmake=$1 build=$2 consumer=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$cmake" --install "$build" --prefix "$work/prefix" >/dev/null
"$cmake" -S "$consumer" -B "$work/consumer" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
"$cmake" --build "$work/consumer" >/dev/null
"$work/consumer/consumer"

pc=$(find "$work/prefix" -name siprec.pc -printf %h)
# The file names the prefix of the configuration; ours lies elsewhere.
flags=$(PKG_CONFIG_PATH=$pc pkg-config --define-variable=prefix="$work/prefix" --cflags --libs siprec)
# shellcheck disable=SC2086
g++ -std=c++20 "$consumer/main.cpp" -o "$work/by-pkg-config" $flags
"$work/by-pkg-config"

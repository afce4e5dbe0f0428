# What Debian 12 has to have, by purpose. Sourced by the scripts.

packages_build=(
  g++ make cmake ninja-build pkg-config
  libsofia-sip-ua-dev libsrtp2-dev libxerces-c-dev libopus-dev libsndfile1-dev libfmt-dev
  libpqxx-dev libspdlog-dev libtomlplusplus-dev libcli11-dev nlohmann-json3-dev
  libre2-dev libboost1.81-dev prometheus-cpp-dev libcurl4-openssl-dev libssl-dev zlib1g-dev
  libspandsp-dev libbcg729-dev libopencore-amrnb-dev libopencore-amrwb-dev libspeex-dev
  libavcodec-dev libavformat-dev libavutil-dev
)
packages_run=(postgresql ca-certificates)
packages_demo=(espeak-ng sox python3)
packages_test=(ffmpeg sox libvo-amrwbenc-dev catch2 openssl sip-tester tshark libxml2-utils python3 procps)
packages_lint=(clang-16 clang-tidy-16 clang-format-16 libclang-rt-16-dev)

# install_packages NAME...: installs what is missing; asks nothing, and is quick when nothing is.
install_packages() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "missing packages: ${missing[*]}; run as root, or install sudo" >&2; return 1; }
    as_root=(sudo)
  fi
  echo "installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

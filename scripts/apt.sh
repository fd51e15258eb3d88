# shellcheck shell=bash
# Packages from this machine's own mirrors, without touching the machine: what vm-kernel
# and other-world have in common. To be sourced.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirrors of this machine's own sources. apt reads those: their formats are its own.
mirrors() {
    apt-get update --print-uris |
        sed -n "s|^'\(.*\)/dists/\([^/]*\)/InRelease'.*|\1 \2|p" |
        awk '$2 !~ /security/ && !seen[$1]++ { print $1 }'
}

# apt_state DIR MIRROR SUITE ARCHITECTURE: a configuration for apt that keeps everything
# in DIR.
apt_state() {
    mkdir -p "$1/lists/partial" "$1/archives/partial" "$1/parts"
    : >"$1/status"
    printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$4" "$keyring" "$2" "$3" \
        >"$1/sources"
    cat >"$1/apt.conf" <<END
APT::Architecture "$4";
APT::Architectures "$4";
Dir::State "$1";
Dir::State::lists "$1/lists";
Dir::State::status "$1/status";
Dir::Cache "$1";
Dir::Cache::archives "$1/archives";
Dir::Etc::SourceList "$1/sources";
Dir::Etc::SourceParts "$1/parts";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$1/parts";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
APT::Sandbox::User "root";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
}

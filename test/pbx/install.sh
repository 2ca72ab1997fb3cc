#!/bin/bash
# install.sh [VERSION...]     (default: the versions in RINGSIDE_PBX_VERSIONS, else "22 16")
#
# Puts everything that the PBX tests need into one cached folder and says what is there:
#   asterisk-22   Asterisk 22 of Debian forky
#   asterisk-16   Asterisk 16 of Debian bullseye
#   sipp          only if the host has no sipp and none can be installed with apt
# Each is unpacked with its whole library closure and is run through its own loader
# (DIR/asterisk-run, DIR/sipp-run): no chroot, no maintainer scripts, no root, and nothing of
# the host's package state changes. A folder that is complete is left alone, so that a second
# run takes no time and no network.
#
# RINGSIDE_PBX_CACHE    the folder (default ${XDG_CACHE_HOME:-~/.cache}/ringside-pbx)
# RINGSIDE_PBX_MIRROR   Debian mirror (default: the host's own on Debian, else deb.debian.org)
# RINGSIDE_PBX_KEYRING  Debian's archive keyring (default: the host's, else fetched with apt)
# RINGSIDE_PBX_FORCE=1  unpack again what is there
set -euo pipefail

CACHE=${RINGSIDE_PBX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringside-pbx}
VERSIONS=${*:-${RINGSIDE_PBX_VERSIONS:-22 16}}
say() { echo "install.sh: $*"; }
die() { echo "install.sh: $*" >&2; exit 1; }

for tool in apt-get dpkg dpkg-deb tar awk xargs; do
  command -v "$tool" >/dev/null || die "$tool is not on this machine: the PBX tests need Debian or a system made from it"
done
case $(dpkg --print-architecture) in
  amd64) ARCH=amd64 MA=x86_64-linux-gnu LDSO=ld-linux-x86-64.so.2 LDDIR=lib64;;
  arm64) ARCH=arm64 MA=aarch64-linux-gnu LDSO=ld-linux-aarch64.so.1 LDDIR=lib;;
  *) die "there is no rule for the architecture $(dpkg --print-architecture) (amd64 and arm64 only)";;
esac
mkdir -p "$CACHE"

# mirror: the one that the host's apt uses if the host is Debian.
mirror() {
  [ -z "${RINGSIDE_PBX_MIRROR:-}" ] || { echo "$RINGSIDE_PBX_MIRROR"; return; }
  local id code
  id=$(. /etc/os-release; echo "${ID:-}") code=$(. /etc/os-release; echo "${VERSION_CODENAME:-}")
  if [ "$id" = debian ]; then
    env -u APT_CONFIG apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 2>/dev/null |
      awk -v r="$code" '$2==r && !f {f=1; print $1}'
  fi | grep . || echo http://deb.debian.org/debian
}

keyring() {
  local k=${RINGSIDE_PBX_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
  if [ ! -e "$k" ]; then
    k=$CACHE/keyring/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e "$k" ] || (mkdir -p "$CACHE/keyring" && cd "$CACHE/keyring" && apt-get -qq download debian-archive-keyring >&2 &&
      dpkg-deb -x debian-archive-keyring_*.deb .) || return 1
  fi
  echo "$k"
}

# unpack SUITE DIR PACKAGE...: the packages and all that they depend on, libc included, in DIR.
unpack() {
  local suite=$1 dir=$2 apt=$CACHE/apt/$1 key site tmp p debs
  shift 2
  key=$(keyring) || die "Debian's archive keyring is missing: install debian-archive-keyring or set RINGSIDE_PBX_KEYRING"
  site=$(mirror)
  mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,etc/preferences.d,etc/trusted.gpg.d,etc/apt.conf.d}
  # Packages that only maintainer scripts want are declared as installed, so that apt leaves them out.
  for p in adduser debconf gnupg tzdata lsb-base init-system-helpers dpkg; do
    printf 'Package: %s\nStatus: install ok installed\nArchitecture: all\nMulti-Arch: foreign\nMaintainer: tests <tests@localhost>\nVersion: 999\nDescription: stub\n\n' "$p"
  done > "$apt/state/status"
  echo "deb [signed-by=$key] ${site%/} $suite main" > "$apt/etc/sources.list"
  # Check-Valid-Until: a mirror may serve an older snapshot of a testing suite, or a suite that
  # gets no more updates. The signature is still checked.
  cat > "$apt/apt.conf" <<X
Dir::State "$apt/state";
Dir::State::status "$apt/state/status";
Dir::Cache "$apt/cache";
Dir::Etc "$apt/etc";
APT::Architecture "$ARCH";
APT::Architectures { "$ARCH"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Debug::NoLocking "true";
X
  export APT_CONFIG=$apt/apt.conf
  apt-get -qq update || die "the index of $suite can't be read from $site (set RINGSIDE_PBX_MIRROR)"
  apt-get -qq -y -d install "$@" >/dev/null || die "$* can't be fetched for $suite from $site"
  debs=$(apt-get -s install "$@" | awk '/^Inst /{v=$3; sub(/^\(/,"",v); gsub(/:/,"%3a",v);
    match($0,/\[[a-z0-9]+\]\)/); print $2 "_" v "_" substr($0,RSTART+1,RLENGTH-3) ".deb"}')
  unset APT_CONFIG

  tmp=$dir.new; rm -rf "$tmp"
  # A merged /usr first: an old suite that ships /lib/... is then unpacked into /usr/lib/...
  mkdir -p "$tmp"/usr/{bin,sbin,lib,lib64}
  for p in bin sbin lib lib64; do ln -s "usr/$p" "$tmp/$p"; done
  for p in $debs; do printf '%s\n' "$apt/cache/archives/$p"; done |
    xargs -n 4 -P 2 sh -c 'for d; do dpkg-deb --fsys-tarfile "$d" | tar -x -C "$0" --keep-directory-symlink --no-same-owner || exit 255; done' "$tmp"
  # Absolute links (the loader's in an old libc6) must not lead into the host.
  find "$tmp"/usr/lib "$tmp"/usr/lib64 "$tmp"/usr/share -type l -lname '/*' -printf '%p\t%l\n' |
    while IFS=$'\t' read -r l to; do
      if [ -e "$tmp$to" ]; then ln -sfn "$(realpath --relative-to="$(dirname "$l")" -s "$tmp$to")" "$l"; fi
    done
  rm -rf "$tmp"/usr/share/{man,locale,doc,doc-base,lintian,bug}
  printf '%s\n' $debs | sort > "$tmp/MANIFEST"
}

# launcher FILE PROGRAM [LIBDIR]: the folder's loader and libraries, everything else is the host's.
# --library-path is not inherited, so that children run with the host's libraries.
launcher() {
  cat > "$1" <<X
#!/bin/sh
R=\$(cd "\$(dirname "\$0")" && pwd)
export GCONV_PATH="\$R/usr/lib/$MA/gconv" OPENSSL_MODULES="\$R/usr/lib/$MA/ossl-modules"
exec "\$R/usr/$LDDIR/$LDSO" --library-path "\$R/usr/lib/$MA:\$R/usr/lib/$MA/asterisk:\$R/usr/lib" "\$R/$2" "\$@"
X
  chmod 755 "$1"
}

complete() { [ -e "$1/VERSION" ] && [ -z "${RINGSIDE_PBX_FORCE:-}" ]; }

asterisk() {
  local version=$1 dir=$CACHE/asterisk-$1 suite more= tmp m s l n missing
  case $version in 22) suite=forky;; 16) suite=bullseye more=asterisk-voicemail;; # newer ones have it in their modules package
   
    *) die "no Debian suite is known for Asterisk $version (known: 22, 16)";; esac
  if complete "$dir"; then say "$(cat "$dir/VERSION") in $dir"; return; fi
  unpack "$suite" "$dir" asterisk asterisk-core-sounds-en-gsm $more
  tmp=$dir.new
  # Old packages keep the modules in /usr/lib/asterisk: one place for both.
  [ -e "$tmp/usr/lib/$MA/asterisk" ] || ln -s ../asterisk "$tmp/usr/lib/$MA/asterisk"
  # The package's postinst would give the sounds their language's short name.
  s=$tmp/usr/share/asterisk/sounds
  for l in "$s"/*_*_*; do [ -d "$l" ] || continue; n=$(basename "$l"); ln -sfn "$n" "$s/${n%%_*}"; done
  [ -e "$s/en/demo-congrats.gsm" ] || die "the English sounds are not where they were expected ($s/en)"
  launcher "$tmp/asterisk-run" usr/sbin/asterisk
  echo "$MA" > "$tmp/MULTIARCH"
  missing=$(for m in "$tmp/usr/lib/$MA"/asterisk/modules/*.so; do
    "$tmp/usr/$LDDIR/$LDSO" --library-path "$tmp/usr/lib/$MA:$tmp/usr/lib/$MA/asterisk:$tmp/usr/lib" --list "$m" 2>&1 |
      grep -H --label="${m##*/}" 'not found' || true; done)
  for m in app_voicemail app_dial res_agi app_stack func_channel res_musiconhold chan_pjsip; do
    [ -e "$tmp/usr/lib/$MA/asterisk/modules/$m.so" ] || die "Asterisk $version has no module $m"
  done
  [ -z "$missing" ] || die "libraries are missing: $missing"
  "$tmp/asterisk-run" -V > "$tmp/VERSION" || die "the unpacked Asterisk does not run"
  case $(cat "$tmp/VERSION") in "Asterisk $version."*) ;; *) die "$suite has $(cat "$tmp/VERSION"), not Asterisk $version";; esac
  rm -rf "$dir"; mv "$tmp" "$dir"
  say "$(cat "$dir/VERSION") in $dir ($(wc -l < "$dir/MANIFEST") packages, $(du -sm "$dir" | cut -f1) MB)"
}

sipp() {
  local dir=$CACHE/sipp at
  at=$(type -P sipp) && { say "sipp of the host in $at"; return; }
  if complete "$dir"; then say "sipp in $dir"; return; fi
  if [ "$(id -u)" = 0 ] && apt-get -qq -y install sip-tester >/dev/null 2>&1; then say "sipp installed with apt"; return; fi
  say "there is no sipp on this machine and none could be installed with apt: unpacking Debian's"
  unpack bookworm "$dir" sip-tester
  launcher "$dir.new/sipp-run" usr/bin/sipp
  # sipp -v ends with a failure code of its own.
  { "$dir.new/sipp-run" -v 2>&1 || true; } | grep SIPp > "$dir.new/VERSION" || die "the unpacked sipp does not run"
  rm -rf "$dir"; mv "$dir.new" "$dir"
  say "sipp in $dir"
}

for v in $VERSIONS; do asterisk "$v"; done
sipp

#!/usr/bin/env bash
# Builds the silo's image as an OCI archive, from Debian packages and this source: no Docker daemon, no base image, no root.
#
#   deploy/image/build.sh [FILE]         default: actorstreams.tar
#
# Needs mmdebstrap, tar, gzip, git and the .NET SDK. The same commit and the same Debian packages give the same digest, wherever it is built.
# DEBIAN_MIRROR and DEBIAN_SECURITY choose mirrors: a dated one of snapshot.debian.org gives the same packages on every day.
set -euo pipefail
umask 022

repo=$(cd "$(dirname "$0")/../.." && pwd)
output=$(realpath -m "${1:-actorstreams.tar}")
readonly suite=bookworm user=10001
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
security=${DEBIAN_SECURITY:-http://deb.debian.org/debian-security}
revision=$(git -C "$repo" rev-parse HEAD)
version=$(sed -nE 's:.*<Version>(.*)</Version>.*:\1:p' "$repo/Directory.Build.props")
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$repo" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{root,app/app,layout/blobs/sha256,own/data}

say() { echo "image: $*" >&2; }

# --- The root: what the runtime links to, certificates and time zones. No package manager, no shell, no program at all.
say "Debian root ($suite)"
printf 'deb %s %s main\ndeb %s %s-updates main\ndeb %s %s-security main\n' "$mirror" "$suite" "$mirror" "$suite" "$security" "$suite" |
    mmdebstrap --quiet --variant=extract --include=base-files,libc6,libgcc-s1,libstdc++6,zlib1g,libssl3,ca-certificates,tzdata,netbase \
        --extract-hook='mkdir -p "$1/var/lib/dpkg/status.d"; for deb in "$1"/var/cache/apt/archives/*.deb; do status="$1/var/lib/dpkg/status.d/$(dpkg-deb -f "$deb" Package)"; dpkg-deb -f "$deb" > "$status"; dpkg-deb --fsys-tarfile "$deb" | tar -t > "$status.files"; done' \
        "$suite" - - |
    tar -x -C "$work/root" --no-same-owner --no-same-permissions --exclude='./dev/*' --exclude='./usr/*bin/*' --exclude='./usr/share/man/*' --exclude='./usr/share/perl5' \
        --exclude='./usr/share/bash-completion' --exclude='./usr/share/lintian' --exclude='./usr/share/doc/*/changelog*' \
        --exclude='./usr/share/doc/*/NEWS*' --exclude='./usr/share/zoneinfo/right' --exclude='./usr/share/zoneinfo/posix' --exclude='./usr/lib/*/gconv' \
        --exclude='./lib/*/libmvec.so*' --exclude='./lib/*/libnsl.so*' \
        --exclude='./lib/*/libthread_db.so*' --exclude='./lib/*/libc_malloc_debug.so*' --exclude='./usr/lib/*/engines-3' --exclude='./usr/lib/*/ossl-modules' --exclude='./usr/lib/ssl/misc' --exclude='./usr/share/pixmaps' --exclude='./usr/share/debconf' --exclude='./etc/debconf.conf' --exclude='./usr/share/gdb' --exclude='./usr/share/gcc' --exclude='./etc/apt' --exclude='./var/cache/*' \
        --exclude='./var/lib/apt' --exclude='./var/log/*' --exclude='./var/lib/dpkg/lock*' --exclude='./var/lib/dpkg/status'
# Scanners are told of the packages of which more than papers and settings is left.
for files in "$work"/root/var/lib/dpkg/status.d/*.files; do
    left=no
    while read -r file; do { [ -f "$work/root/$file" ] && [ ! -L "$work/root/$file" ]; } && { left=yes; break; }; done < <(grep -vE '^\./(usr/share/(doc|lintian)|etc/ssl)/' "$files")
    rm "$files"
    [ $left = yes ] || rm "${files%.files}"
done
# Nothing ran that would make these.
mkdir -p "$work/root/etc/ssl/certs" "$work/root/tmp"
find "$work/root/usr/share/ca-certificates" -name '*.crt' -print0 | sort -z | xargs -0 cat > "$work/root/etc/ssl/certs/ca-certificates.crt"
rm -r "$work/root/usr/share/ca-certificates"
printf 'root:x:0:0:root:/:/nonexistent\nactorstreams:x:%s:%s::/data:/nonexistent\n' "$user" "$user" > "$work/root/etc/passwd"
printf 'root:x:0:\nactorstreams:x:%s:\n' "$user" > "$work/root/etc/group"

# --- The programs: the silo and the command line, with the runtime they share.
app="$work/app/app"
publish() {
    say "publish $1"
    dotnet publish "$repo/$1" -c Release -r linux-x64 --self-contained --artifacts-path "$work/artifacts" -o "$app" -nologo -v quiet \
        -p:ContinuousIntegrationBuild=true -p:SourceRevisionId="$revision" "-p:PathMap=$work/artifacts=/artifacts%2c$repo=/source" \
        -p:DebugType=none -p:CopyDocumentationFilesFromPackages=false -p:GenerateDocumentationFile=false -p:UseSharedCompilation=false -nodeReuse:false >&2
}
publish Silo
publish Cli
# librdkafka for other systems (one wants Red Hat's libsasl2, one musl); debuggers; and the compiler's libraries, which come with Orleans' source generator and are not used when it runs.
rm -f "$app"/{librdkafka.so,alpine-librdkafka.so,createdump,libmscordaccore.so,libmscordbi.so,libcoreclrtraceptprovider.so,libclrgc.so,libclrgcexp.so} \
    "$app"/{Microsoft.CodeAnalysis*,System.Composition*,Humanizer}.dll "$app"/*.pdb "$app"/*.xml
say "unreferenced libraries"
dotnet run "$repo/deploy/image/unreferenced.cs" -- "$app" > "$work/unreferenced"
(cd "$app" && xargs -r rm < "$work/unreferenced")
find "$app" -type f -exec chmod 644 {} +
chmod 755 "$app/ActorStreams.Silo" "$app/actorstreams"

# --- Two layers: Debian's part changes seldom.
pack() { tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --clamp-mtime --owner="$2" --group="$2" --numeric-owner --format=ustar "${@:3}" -f "$1"; }
pack "$work/root.tar" 0 -c -C "$work/root" .
chmod 700 "$work/own/data"
touch -d "@$SOURCE_DATE_EPOCH" "$work/own/data"
pack "$work/root.tar" "$user" -r -C "$work/own" ./data
find "$work/app" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
pack "$work/app.tar" 0 -c -C "$work/app" .

blob() { local sum; sum=$(sha256sum "$1" | cut -d' ' -f1); mv "$1" "$work/layout/blobs/sha256/$sum"; echo "$sum"; }
size() { stat -c %s "$work/layout/blobs/sha256/$1"; }
layer() { diff=$(sha256sum "$work/$1.tar" | cut -d' ' -f1); bytes=$((bytes + $(stat -c %s "$work/$1.tar"))); gzip -n -9 "$work/$1.tar"; sum=$(blob "$work/$1.tar.gz"); }
bytes=0
say "layers"
layer root; root_diff=$diff root_sum=$sum
layer app; app_diff=$diff app_sum=$sum

labels=$(cat <<JSON
{"org.opencontainers.image.title":"ActorStreams","org.opencontainers.image.description":"A silo of ActorStreams: stream actors on Orleans, folding a change log into entities and views","org.opencontainers.image.version":"$version","org.opencontainers.image.revision":"$revision","org.opencontainers.image.created":"$created","org.opencontainers.image.licenses":"Apache-2.0","org.opencontainers.image.base.name":"debian:$suite (packages; listed in /var/lib/dpkg/status.d)"}
JSON
)
# Off: the debugger's and profiler's way in, which needs to write. Where certificates are is said, since the program openssl that knows it is not here.
cat > "$work/config" <<JSON
{"created":"$created","architecture":"amd64","os":"linux","config":{"User":"$user:$user","WorkingDir":"/app","Entrypoint":["/app/ActorStreams.Silo"],"ExposedPorts":{"8080/tcp":{},"8081/tcp":{}},"Env":["PATH=/app","DOTNET_EnableDiagnostics=0","DOTNET_RUNNING_IN_CONTAINER=true","SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt","SSL_CERT_DIR=/etc/ssl/certs","Silo__DataDirectory=/data","ASPNETCORE_URLS=http://+:8080"],"StopSignal":"SIGTERM","Labels":$labels},"rootfs":{"type":"layers","diff_ids":["sha256:$root_diff","sha256:$app_diff"]},"history":[{"created":"$created","created_by":"Debian $suite"},{"created":"$created","created_by":"dotnet publish"}]}
JSON
config_sum=$(blob "$work/config")
cat > "$work/manifest" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config_sum","size":$(size "$config_sum")},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:$root_sum","size":$(size "$root_sum")},{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:$app_sum","size":$(size "$app_sum")}],"annotations":$labels}
JSON
manifest_sum=$(blob "$work/manifest")
cat > "$work/layout/index.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$manifest_sum","size":$(size "$manifest_sum"),"platform":{"architecture":"amd64","os":"linux"},"annotations":{"org.opencontainers.image.ref.name":"localhost/actorstreams:$version"}}]}
JSON
printf '{"imageLayoutVersion":"1.0.0"}' > "$work/layout/oci-layout"
find "$work/layout" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
pack "$output" 0 -c -C "$work/layout" oci-layout index.json blobs
say "$output: $((bytes / 1000000)) MB unpacked, $(($(stat -c %s "$output") / 1000000)) MB packed"
echo "sha256:$manifest_sum"

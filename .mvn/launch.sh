# Sourced by the launchers, which set root: finds the JDK, builds, trains the CDS archive, starts.
# shellcheck shell=bash disable=SC2154

# Sets java_home to a JDK 25 or later. Reads each candidate's "release" file: starting a java to ask it would cost 40 ms.
find_jdk() {
    local candidate on_path
    on_path=$(type -P java || true)
    for candidate in "${JAVA_HOME-}" "${JDK_HOME-}" "${JAVA25_HOME-}" "${JAVA_HOME_25_X64-}" "${JAVA_HOME_25_ARM64-}" \
        /usr/lib/jvm/* "${HOME-}"/.sdkman/candidates/java/* "${HOME-}"/.jdks/* /opt/*jdk* /opt/java/* \
        "${on_path:+PATH}"; do
        if [[ $candidate == PATH ]]; then
            candidate=$(readlink -f -- "$on_path")
            candidate=${candidate%/bin/java}
        fi
        [[ -n $candidate && -x $candidate/bin/javac && -r $candidate/release ]] || continue
        [[ $(<"$candidate/release") =~ JAVA_VERSION=\"([0-9]+) ]] || continue
        if ((BASH_REMATCH[1] >= 25)); then
            java_home=$candidate
            return
        fi
    done
    echo "${0##*/}: needs a JDK 25 and found none; install one (Debian: apt-get install openjdk-25-jdk-headless, or Temurin's temurin-25-jdk) or set JAVA_HOME" >&2
    exit 1
}

# prepare PROGRAM MODULE [TRAINER]: brings target/ironcache/PROGRAM up to date with MODULE and all that it uses. The
# stamp beside it is as old as the moment before the build, and names the JDK that the CDS archive belongs to.
prepare() {
    local program=$1 module=$2 trainer=${3-} out=$root/target/ironcache
    find_jdk
    [[ -d $root/$module/src ]] || return 0 # a distribution without sources
    ! up_to_date || return 0
    mkdir -p "$out"
    # One builder at a time; who waited may find the work done.
    exec {lock}>"$out/.lock"
    if type -P flock >/dev/null; then flock "$lock"; fi
    if ! up_to_date; then
        if ! type -P mvn >/dev/null; then
            echo "${0##*/}: needs Maven to build; install it (Debian: apt-get install maven)" >&2
            exit 1
        fi
        echo "${0##*/}: building $program (once; later starts skip this)" >&2
        rm -rf "${out:?}/$program" "$out/$program.jsa" "$out/$program.stamp"
        echo "$java_home" >"$out/$program.stamp.new"
        if ! (cd "$root" && JAVA_HOME=$java_home MAVEN_OPTS="${MAVEN_OPTS-} --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED" \
            mvn -B -q -ntp -Dstyle.color=never -DskipTests -Dquick -pl "$module" -am package) >&2 </dev/null {lock}>&-; then
            echo "${0##*/}: the build failed; the lines above say why" >&2
            exit 1
        fi
        if [[ -n $trainer ]]; then "$trainer" {lock}>&- || true; fi
        mv "$out/$program.stamp.new" "$out/$program.stamp"
    fi
    exec {lock}>&-
}

# Whether the last build is younger than all sources, by the same JDK, and nobody has changed its jars since the training.
up_to_date() {
    [[ -e $out/$program.stamp && $(<"$out/$program.stamp") == "$java_home" ]] &&
        [[ -z $(find "$root"/ironcache "$root"/.mvn "$root"/pom.xml "$root"/*/pom.xml "$root"/*/src/main -newer "$out/$program.stamp" -print -quit) ]] &&
        [[ ! -e $out/$program.jsa || -z $(find "$out/$program" -newer "$out/$program.jsa" -print -quit) ]]
}

# Runs the server once, with a client that says a few words, so that the JVM can lay down the classes it loaded, lambdas
# among them, in a dynamic CDS archive (docs/adr/0011). Without one the server starts all the same, later: so whatever
# fails here is not an error.
train_server() {
    local dir port pid archive=$root/target/ironcache/server.jsa
    dir=$(mktemp -d)
    port=$((20000 + RANDOM % 12000))
    "$java_home/bin/java" -XX:ArchiveClassesAtExit="$archive" -Xlog:disable "${server_options[@]}" \
        -p "$root/target/ironcache/server" -m ironcache.resp/ironcache.resp.Server \
        --port "$port" --bind 127.0.0.1 --dir "$dir" --maxmemory 256mb >"$dir/log" 2>&1 </dev/null &
    pid=$!
    for ((attempt = 0; attempt < 100; attempt++)); do
        kill -0 "$pid" 2>/dev/null || break
        if { exec {socket}<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; then
            printf 'HELLO 3\r\nPING\r\nSET key value EX 100\r\nGET key\r\nINCR n\r\nDEL key n\r\nINFO\r\nCOMMAND\r\nCONFIG GET *\r\nSHUTDOWN NOSAVE\r\n' >&"$socket" || true
            timeout 5 cat <&"$socket" >/dev/null || true
            exec {socket}>&-
            break
        fi
        sleep 0.1
    done
    for ((attempt = 0; attempt < 200; attempt++)); do
        kill -0 "$pid" 2>/dev/null || break
        ((attempt == 50)) && kill "$pid" 2>/dev/null
        sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    rm -rf "$dir"
}

# launch PROGRAM MODULE/CLASS JVM-OPTION... -- ARGUMENT...: becomes the Java process.
launch() {
    local program=$1 main=$2 options=()
    shift 2
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    # An archive that does not fit (another JDK, other options) is left unused; the JVM need not complain about it.
    [[ -e $root/target/ironcache/$program.jsa ]] &&
        options+=(-XX:SharedArchiveFile="$root/target/ironcache/$program.jsa" '-Xlog:aot*=off,cds*=off')
    # shellcheck disable=SC2206 # several options in one variable
    options+=(${IRONCACHE_JVM_OPTIONS-})
    # The JVM has no switch for the one line that it writes about the Vector API being an incubator, so it is taken out
    # of stderr. Ctrl-C reaches this filter too: it must outlive the server's last words.
    exec "$java_home/bin/java" "${options[@]}" -p "$root/target/ironcache/$program" -m "$main" "$@" \
        2> >(trap '' INT TERM HUP && exec grep --line-buffered -vxF 'WARNING: Using incubator modules: jdk.incubator.vector' >&2)
}

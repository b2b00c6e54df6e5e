# Sourced by bench/load, bench/side-by-side and bench/jmh: finds a JDK 25 or newer, builds what is missing and sets
#   ROOT         the repository
#   JAVA         the java command
#   CLASS_PATH   the jars of this module and of all that it uses
# Rebuild after a change with: bench/load --rebuild (or mvn package).

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Prints the major version of the java command $1, 0 where there is none.
java_version() {
    local major
    major=$("$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)
    echo "${major:-0}"
}

JAVA=
for home in "${JAVA_HOME:-}" /usr/lib/jvm/*25* /usr/lib/jvm/* /opt/jdk* "$HOME"/.sdkman/candidates/java/*; do
    if [ -x "$home/bin/java" ] && [ -x "$home/bin/javac" ] && [ "$(java_version "$home/bin/java")" -ge 25 ]; then
        JAVA=$home/bin/java
        break
    fi
done
if [ -z "$JAVA" ]; then
    echo "bench: needs a JDK 25 or newer; none under JAVA_HOME, /usr/lib/jvm, /opt: install for example temurin-25-jdk" >&2
    exit 1
fi

DISTRIBUTION=$ROOT/target/ironcache/bench
if [ "${1:-}" = --rebuild ] || ! ls "$DISTRIBUTION"/ironcache-bench-*.jar > /dev/null 2>&1; then
    echo "bench: building" >&2
    (cd "$ROOT" && mvn -q -Dquick -DskipTests -pl bench -am package) || exit 1
fi
if [ "${1:-}" = --rebuild ]; then
    shift
fi
CLASS_PATH=$DISTRIBUTION/*

# shellcheck shell=bash
# For the launchers of what judges builds from outside; they source it. Sets checkout and JAVA_HOME: what a tool builds, is built by the
# JDK that it runs on itself.

checkout=$(readlink -f -- "$(dirname -- "${BASH_SOURCE[0]}")/..")
JAVA_HOME=$("$checkout/bascule" jdk)
export JAVA_HOME

# Compiles the packages bascule.$2, bascule.$3 … into folder $1, if there is anything new: by javac alone, so that it works on any build, and
# before there is one. package-info wants an annotation library, and so do the annotations: a stand-in is enough.
compile() {
    local classes=$1 sources
    shift
    sources=("${@/#/$checkout/lb-bench/src/main/java/bascule/}")
    [[ -e $classes/stamp && -z $(find "${sources[@]}" -newer "$classes/stamp" -print -quit) ]] && return
    rm -rf -- "$classes"
    mkdir -p -- "$classes/stand-in/org/jspecify/annotations"
    cat >"$classes/stand-in/org/jspecify/annotations/Nullable.java" <<'END'
package org.jspecify.annotations;

@java.lang.annotation.Target(java.lang.annotation.ElementType.TYPE_USE)
public @interface Nullable {}
END
    find "${sources[@]}" "$classes/stand-in" -name '*.java' ! -name package-info.java -print0 |
        xargs -0 "$JAVA_HOME/bin/javac" -Xlint:all -Werror -d "$classes"
    touch -- "$classes/stamp"
}

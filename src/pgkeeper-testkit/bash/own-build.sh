# Sourced by bench/run and proof/run.

# own_build NAME ROOT OUTPUT [OPTION…]
# Builds the module NAME of ROOT, and what it needs, into OUTPUT unless nothing has changed since the last time, so that a build that
# runs beside it is not disturbed. OPTIONs are Maven's. Then class_path leads to all of it.
own_build() {
  local name=$1 root=$2 output=$3
  shift 3
  if [[ ! -e $output/classpath ]] || [[ -n $(find "$root/pom.xml" "$root/src" "$root/db" "$root/$name" \
      -newer "$output/classpath" -print -quit 2>/dev/null || true) ]]; then
    echo "$name: building" >&2
    rm -f "$output/classpath"
    mvn --quiet --batch-mode --file "$root/pom.xml" --projects "$name" --also-make "-Doutput.directory=$output" "$@" \
      test-compile org.apache.maven.plugins:maven-dependency-plugin:build-classpath \
      -Dmdep.includeScope=test "-Dmdep.outputFile=$output/classpath.tmp" >&2
    mv "$output/classpath.tmp" "$output/classpath"
  fi
  # shellcheck disable=SC2034 # for whoever sources this
  class_path=$output/pgkeeper-$name/test-classes:$(<"$output/classpath")
}

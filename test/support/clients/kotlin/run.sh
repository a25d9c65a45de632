#!/bin/sh
# run.sh <baseUrl> <appId> <count>      Realm Kotlin as a sync client: one Extended JSON line an object on standard output.
# Environment: REALM_KOTLIN 2.3.0 (default) or 1.10.2; CLIENT_BATCH objects a transaction (10), CLIENT_PAUSE_MS between
# transactions (0), CLIENT_SEED (1), CLIENT_TIMEOUT seconds to wait for the upload (30), CLIENT_DIR to keep the Realm file in (else a
# temporary one), CLIENT_LOG trace, debug … for the engine's log on standard error.
# CLIENT_BUILD: folder to build in (target/ here if not set). Needs Java 17 and Maven; the first run of a version compiles.
# CLIENT_API_KEY: log in with it, else anonymously. CLIENT_PRINT=commit: print each transaction's objects as soon as it is committed.
# Else prints once the wait is over. Exit status 0: all uploaded; 1: not, and the lines say what was written all the same.
set -e
here=$(cd "$(dirname "$0")" && pwd); b=${CLIENT_BUILD:-$here/target}; v=${REALM_KOTLIN:-2.3.0}; t="$b/$v"
case $v in 1.*) kotlin=1.8.21 sdk=sdk-1;; *) kotlin=2.0.20 sdk=sdk-2;; esac
if [ ! -e "$t/built" ] || [ -n "$(find "$here/pom.xml" "$here/src" -newer "$t/built" -type f)" ]; then
  rm -rf "$t"; mkdir -p "$t"; (cd "$here" && mvn -q -B -Drealm.version="$v" -Dkotlin.version="$kotlin" -Dclient.build="$t" validate) >&2
  jar() { tr : '\n' <"$t/all.classpath" | grep "/$1-$v\.jar\$"; }
  # friend paths: Main.kt stands in for the SDK's sync library and needs what the SDK calls internal
  java -cp "$(cat "$t/all.classpath")" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -no-stdlib -no-reflect -nowarn -jvm-target 17 \
    -cp "$(cat "$t/run.classpath")" -Xplugin="$(jar plugin-compiler)" -Xfriend-paths="$(jar library-base-jvm)" \
    -d "$t/classes" "$here/src/main/kotlin" "$here/src/$sdk/kotlin" >&2
  touch "$t/built"
fi
# user.home: the native library is unpacked into .cache below it
exec java -Duser.home="$b" -Dclient.sdk.version="$v" -cp "$t/classes:$(cat "$t/run.classpath")" client.MainKt "$@"

#!/usr/bin/env bash
# grade.sh grades the workspace with the program that build.sh built. Its inputs are environment variables, which are
# values to bash and never text of a script.
set -euo pipefail

fail() {
  echo "::error title=dxctl grade::$1" >&2
  exit 1
}

# local_path prints a path so that the program cannot take it for an option or for the name of a service.
local_path() {
  case $1 in
    *$'\n'*) fail "a path contains a line break" ;;
    /*) printf '%s' "$1" ;;
    *) printf './%s' "$1" ;;
  esac
}

cd "$GITHUB_WORKSPACE"
dxctl=$RUNNER_TEMP/dxctl
arguments=(grade "$(local_path "${INPUT_PATH:-.}")")
if [[ -n ${INPUT_CONFIG:-} ]]; then
  arguments+=(--config "$(local_path "$INPUT_CONFIG")")
fi

for format in sarif junit; do
  name=INPUT_${format^^}
  if [[ -z ${!name:-} ]]; then
    continue
  fi
  file=$(local_path "${!name}")
  mkdir -p "$(dirname "$file")"
  "$dxctl" "${arguments[@]}" --output "$format" >"$file"
  echo "$format=${file#./}" >>"$GITHUB_OUTPUT"
done

status=0
text=$("$dxctl" "${arguments[@]}" --fail-below="${INPUT_FAIL_BELOW:-}" 2>"$RUNNER_TEMP/dxctl.err") || status=$?
printf '%s\n' "$text"
cat "$RUNNER_TEMP/dxctl.err" >&2
{
  echo "## dxctl grade"
  echo "<pre>"
  # What the repository chose, such as a name, must not be markup of the summary. GitHub takes at most 1 MB.
  { printf '%s\n' "$text"; cat "$RUNNER_TEMP/dxctl.err"; } | head -c 500000 |
    sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'
  echo "</pre>"
} >>"$GITHUB_STEP_SUMMARY"

case $status in
  0)
    if [[ -n ${INPUT_FAIL_BELOW:-} ]]; then echo "standing=reached" >>"$GITHUB_OUTPUT"; fi
    ;;
  6)
    echo "standing=below" >>"$GITHUB_OUTPUT"
    fail "a service is below the required level; the summary has what fails"
    ;;
  9)
    echo "standing=unknown" >>"$GITHUB_OUTPUT"
    if [[ ${INPUT_FAIL_ON_UNKNOWN:-false} == true ]]; then
      fail "missing data decides whether the required level is reached; the summary has what is not known"
    fi
    echo "::notice title=dxctl grade::Missing data decides whether the required level is reached"
    ;;
  *) fail "dxctl grade failed with exit code $status" ;;
esac

#!/usr/bin/env bash
# plan.sh checks the scorecards of the workspace, and lets a server plan them if there is a token, with the program that
# build.sh of the other action built. Its inputs are environment variables, which are values to bash and never text of a
# script. It writes the result as Markdown, which begins with the marker of the comment.
set -euo pipefail

marker='<!-- dxctl rules plan -->'
markdown=$RUNNER_TEMP/dxctl-plan.md
dxctl=$RUNNER_TEMP/dxctl

fail() {
  echo "::error title=dxctl rules plan::$1" >&2
  exit 1
}

case $INPUT_PATH in
  *$'\n'*) fail "the path contains a line break" ;;
  /*) path=$INPUT_PATH ;;
  *) path=./$INPUT_PATH ;; # the program cannot take it for an option
esac

# escaped prints a file as HTML text: what a pull request chose must not be markup of a comment. GitHub looks for
# mentions in text, too: a zero-width space ends them. A comment has at most 65,536 characters.
escaped() {
  head -c 12000 "$1" | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/@/@\xE2\x80\x8B/g'
}

# text writes the Markdown around what a command printed.
text() {
  {
    printf '%s\n### %s\n\n<pre>\n' "$marker" "$1"
    escaped "$2"
    printf '\n</pre>\n'
  } >"$markdown"
}

finish() {
  printf 'result=%s\nmarkdown=%s\n' "$1" "$markdown" >>"$GITHUB_OUTPUT"
  cat "$markdown" >>"$GITHUB_STEP_SUMMARY"
  exit 0
}

cd "$GITHUB_WORKSPACE"
status=0
env -u DXCTL_TOKEN "$dxctl" rules test -- "$path" >"$RUNNER_TEMP/dxctl.out" 2>&1 || status=$?
cat "$RUNNER_TEMP/dxctl.out"
if [[ $status -ne 0 ]]; then
  text "Scorecards: there are mistakes, so nothing is planned" "$RUNNER_TEMP/dxctl.out"
  finish mistakes
fi
if [[ -z ${DXCTL_TOKEN:-} || -z ${INPUT_SERVER:-} ]]; then
  # The last line that begins so is the total, such as "3 cases, 0 failed".
  cases=$(sed -n 's/^\([0-9][0-9]* cases\{0,1\}\), 0 failed.*/\1/p' "$RUNNER_TEMP/dxctl.out" | tail -n 1)
  case ${cases:-0 cases} in
    "0 cases") checked="types are good; there are no cases" ;;
    "1 case") checked="types are good; 1 case passes" ;;
    *) checked="types are good; $cases pass" ;;
  esac
  echo "::notice title=dxctl rules plan::No token or no server: $checked; nothing is planned"
  text "Scorecards: $checked; without a token for the server, nothing is planned" "$RUNNER_TEMP/dxctl.out"
  finish checked
fi

arguments=(rules plan --server="$INPUT_SERVER" --output=markdown)
if [[ -n ${INPUT_BASE:-} ]]; then arguments+=(--base="$INPUT_BASE"); fi
if [[ -n ${INPUT_SINCE:-} ]]; then arguments+=(--since="$INPUT_SINCE"); fi
if [[ -n ${INPUT_TIMEOUT:-} ]]; then arguments+=(--timeout="$INPUT_TIMEOUT"); fi
"$dxctl" "${arguments[@]}" -- "$path" >"$markdown" 2>"$RUNNER_TEMP/dxctl.err" || status=$?
cat "$RUNNER_TEMP/dxctl.err" >&2
case $status in
  0) finish nothing-falls ;;
  2) finish falls ;;
  *)
    text "Scorecards: the plan failed" "$RUNNER_TEMP/dxctl.err"
    finish mistakes
    ;;
esac

#!/usr/bin/env bash
# comment.sh writes the Markdown of plan.sh as a comment on the pull request, in place of the one that an earlier run
# wrote. Where it may not, as in a pull request from a fork, the summary of the job has to do.
set -euo pipefail

marker='<!-- dxctl rules plan -->'
markdown=$RUNNER_TEMP/dxctl-plan.md

skip() {
  echo "::notice title=dxctl rules plan::$1; the plan is in the summary of the job"
  exit 0
}

if [[ ${INPUT_COMMENT:-true} != true ]]; then exit 0; fi
if [[ -z ${INPUT_GITHUB_TOKEN:-} ]]; then skip "No comment is written without a token"; fi
number=$(jq -r '.pull_request.number // empty' "$GITHUB_EVENT_PATH")
if [[ ! $number =~ ^[0-9]+$ ]]; then skip "This run is not of a pull request"; fi

# The token goes through a file that only this user can read, because arguments are in the list of processes.
umask 077
headers=$RUNNER_TEMP/dxctl-headers
trap 'rm -f "$headers"' EXIT
printf 'Authorization: Bearer %s\nAccept: application/vnd.github+json\nX-GitHub-Api-Version: 2022-11-28\n' \
  "$INPUT_GITHUB_TOKEN" >"$headers"

# api METHOD PATH [FILE] prints the status; the answer is in dxctl-answer.json.
api() {
  local arguments=(--silent --show-error --max-time 60 --request "$1" --header "@$headers"
    --output "$RUNNER_TEMP/dxctl-answer.json" --write-out '%{http_code}')
  if [[ -n ${3:-} ]]; then arguments+=(--header 'Content-Type: application/json' --data-binary "@$3"); fi
  curl "${arguments[@]}" "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues/$2"
}

found=
for page in 1 2 3 4 5 6 7 8 9 10; do
  status=$(api GET "$number/comments?per_page=100&page=$page")
  if [[ $status != 200 ]]; then skip "The comments of the pull request cannot be read (status $status)"; fi
  found=$(jq -r --arg marker "$marker" --arg author "$INPUT_COMMENT_AUTHOR" \
    '[.[] | select((.body // "" | startswith($marker)) and .user.login == $author)][0].id // empty' \
    "$RUNNER_TEMP/dxctl-answer.json")
  if [[ -n $found || $(jq length "$RUNNER_TEMP/dxctl-answer.json") -lt 100 ]]; then break; fi
done

jq -n --rawfile body "$markdown" '{body: $body}' >"$RUNNER_TEMP/dxctl-comment.json"
if [[ $found =~ ^[0-9]+$ ]]; then
  status=$(api PATCH "comments/$found" "$RUNNER_TEMP/dxctl-comment.json")
else
  status=$(api POST "$number/comments" "$RUNNER_TEMP/dxctl-comment.json")
fi
case $status in
  200 | 201) ;;
  401 | 403 | 404) skip "This run may not write a comment (status $status)" ;;
  *)
    echo "::error title=dxctl rules plan::The comment could not be written: status $status" >&2
    exit 1
    ;;
esac

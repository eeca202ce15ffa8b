#!/usr/bin/env bash
# decide.sh ends the job by the result of plan.sh, after the comment is written.
set -euo pipefail

case $RESULT in
  nothing-falls | checked) ;;
  falls)
    if [[ ${INPUT_FAIL_ON_FALLS:-false} == true ]]; then
      echo "::error title=dxctl rules plan::Something falls; the plan has what, and why" >&2
      exit 1
    fi
    ;;
  *)
    echo "::error title=dxctl rules plan::The scorecards have mistakes, or the plan failed; the summary has the cause" >&2
    exit 1
    ;;
esac

#!/usr/bin/env bash
# Writes prometheusrule.yaml from rules.yaml. A test holds them equal.
set -euo pipefail
cd "$(dirname "$0")"
{
    cat <<'END'
# Made of rules.yaml by make-prometheusrule.sh: change that.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: actorstreams
spec:
END
    sed -n '/^groups:/,$p' rules.yaml | sed 's/^\(.\)/  \1/'
} > prometheusrule.yaml

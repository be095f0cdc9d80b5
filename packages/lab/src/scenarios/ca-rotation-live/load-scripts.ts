import { WEB_DEPLOYMENT } from '../../cluster/deployment.ts';
import { REQUEST_TIMEOUT_S } from './failed-request.ts';

/** A bash loop that prints a line for each failed request, and at the end the number of requests. */
function loop(request: string): string {
  return `n=0; while [ ! -e "$1" ]; do t=$(date +%s%3N); why=$(${request} 2>&1) || echo "$t $(date +%s%3N) $(echo $why | head -c 300)"; n=$((n+1)); sleep 0.1; done; echo "count $n"`;
}

const CURL = 'curl --silent --show-error --fail --output /dev/null';

/** Requests the API with the current kubeconfig. */
export const ADMINISTRATOR = loop(
  `{ kubectl get --raw /api/v1/namespaces/default --request-timeout=${REQUEST_TIMEOUT_S}s >/dev/null; }`,
);

/** Requests the API with a fixed certificate (`$2`) and key (`$3`); `$4` is the URL of the API server. */
export const UNCHANGED = loop(
  `${CURL} --max-time ${REQUEST_TIMEOUT_S} --cacert /etc/kubernetes/pki/ca.crt --cert "$2" --key "$3" "$4/api/v1/namespaces/default"`,
);

/** Longer than connecting to a pod on the same node takes, and short enough to notice a deleted pod soon. */
const CONNECT_S = 1;
const READY_PODS = `kubectl get pods --selector app=${WEB_DEPLOYMENT} --request-timeout=${REQUEST_TIMEOUT_S}s --output 'jsonpath={range .items[*]}{.status.podIP} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'`;

/**
 * Requests every pod of the workload that the file `$2` lists (`ADDRESS True`). A Ready pod that does not answer is a
 * failure; after a timeout (curl's 28) it is tried once more, because the machine may be busy. When a pod is not Ready any
 * more, the list is replaced by the pods that are Ready now: all pods may have been replaced during one request.
 */
export const WORKLOAD = loop(`{
  ask() { ${CURL} "$@" "http://$ip:8080/"; }
  list() { now=$(${READY_PODS}) && now=$(grep True <<<"$now"); }
  for round in 1 2; do
    served=; stale=
    while read -r ip _; do
      ask --connect-timeout ${CONNECT_S} --max-time ${REQUEST_TIMEOUT_S}; how=$?
      if [ $how = 0 ]; then served=yes
      elif list && ! grep -q "^$ip " <<<"$now"; then stale=yes
      elif [ $how = 28 ] && ask --max-time ${REQUEST_TIMEOUT_S}; then served=yes
      else exit 1
      fi
    done <"$2"
    [ -z "$stale" ] || printf '%s\\n' "$now" >"$2"
    [ -z "$served" ] || exit 0
  done
  echo 'no pod answers'
  exit 1
}`);

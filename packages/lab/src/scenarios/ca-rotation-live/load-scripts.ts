import { WEB_DEPLOYMENT } from '../../cluster/deployment.ts';
import { PATIENCE_S } from './failed-request.ts';

/** A bash loop that prints a line for each request that failed, and at last how many there were. */
function loop(request: string): string {
  return `n=0; while [ ! -e "$1" ]; do t=$(date +%s%3N); why=$(${request} 2>&1) || echo "$t $(date +%s%3N) $(echo $why | head -c 300)"; n=$((n+1)); sleep 0.1; done; echo "count $n"`;
}

const CURL = 'curl --silent --show-error --fail --output /dev/null';

/** Asks with what is in the kubeconfig at each moment. */
export const ADMINISTRATOR = loop(
  `{ kubectl get --raw /api/v1/namespaces/default --request-timeout=${PATIENCE_S}s >/dev/null; }`,
);

/** Asks with a certificate (`$2`) and a key (`$3`) that stay as they are; `$4` is the API server's URL. */
export const UNCHANGED = loop(
  `${CURL} --max-time ${PATIENCE_S} --cacert /etc/kubernetes/pki/ca.crt --cert "$2" --key "$3" "$4/api/v1/namespaces/default"`,
);

/** Longer than a connection on one node takes, and short enough for a pod that is no more to be found out soon. */
const CONNECT_S = 1;
const READY_PODS = `kubectl get pods --selector app=${WEB_DEPLOYMENT} --request-timeout=${PATIENCE_S}s --output 'jsonpath={range .items[*]}{.status.podIP} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'`;

/**
 * Asks every pod of the workload, as listed in the file `$2` (`ADDRESS True`). One that is listed as Ready and does not answer is
 * a failure; only one that has said nothing at all yet is waited for (curl's 28: out of time), because the machine may be busy.
 * One that is Ready no more is struck off, and whoever is Ready by then is asked: the pods may all have been replaced while one
 * waited for the first of them.
 */
export const WORKLOAD = loop(`{
  ask() { ${CURL} "$@" "http://$ip:8080/"; }
  list() { now=$(${READY_PODS}) && now=$(grep True <<<"$now"); }
  for round in 1 2; do
    served=; stale=
    while read -r ip _; do
      ask --connect-timeout ${CONNECT_S} --max-time ${PATIENCE_S}; how=$?
      if [ $how = 0 ]; then served=yes
      elif list && ! grep -q "^$ip " <<<"$now"; then stale=yes
      elif [ $how = 28 ] && ask --max-time ${PATIENCE_S}; then served=yes
      else exit 1
      fi
    done <"$2"
    [ -z "$stale" ] || printf '%s\\n' "$now" >"$2"
    [ -z "$served" ] || exit 0
  done
  echo 'no pod answers'
  exit 1
}`);
